# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of kinds.

The imports are written out because Ansible bundles only what is imported statically; a unit test compares this table
with the files of the folder.
"""

from __future__ import annotations

from . import (
    account_ageing,
    apt_conf,
    automatic_updates,
    console_notice,
    dconf,
    empty_passwords,
    faillock,
    file_rights,
    file_walk,
    firewall,
    firewall_administration,
    kde_lock,
    key_value,
    login_defs,
    login_message,
    logind,
    package,
    pam_stack,
    pam_unix,
    password_entropy,
    pending_restart,
    pending_updates,
    pwhistory,
    pwquality,
    repositories,
    service,
    shell_timeout,
    software_minimum,
    sshd,
    stored_hashes,
    su_group,
    sudo_rules,
    sudoers,
    support_end,
    timer,
)
from .base import Kind

KINDS: dict[str, Kind] = {
    "account_ageing": account_ageing.AccountAgeing(),
    "console_notice": console_notice.ConsoleNotice(),
    "apt_conf": apt_conf.AptConf(),
    "automatic_updates": automatic_updates.AutomaticUpdates(),
    "dconf": dconf.Dconf(),
    "empty_passwords": empty_passwords.EmptyPasswords(),
    "faillock": faillock.Faillock(),
    "firewall": firewall.Firewall(),
    "firewall_administration": firewall_administration.FirewallAdministration(),
    "file_rights": file_rights.FileRights(),
    "file_walk": file_walk.FileWalk(),
    "kde_lock": kde_lock.KdeLock(),
    "key_value": key_value.KeyValue(),
    "login_defs": login_defs.LoginDefs(),
    "login_message": login_message.LoginMessage(),
    "logind": logind.Logind(),
    "package": package.Package(),
    "pam": pam_stack.PamStack(),
    "pam_unix": pam_unix.PamUnix(),
    "password_entropy": password_entropy.PasswordEntropy(),
    "pending_restart": pending_restart.PendingRestart(),
    "pending_updates": pending_updates.PendingUpdates(),
    "pwhistory": pwhistory.Pwhistory(),
    "pwquality": pwquality.Pwquality(),
    "repositories": repositories.Repositories(),
    "service": service.Service(),
    "shell_timeout": shell_timeout.ShellTimeout(),
    "software_minimum": software_minimum.SoftwareMinimum(),
    "sshd": sshd.Sshd(),
    "stored_hashes": stored_hashes.StoredHashes(),
    "su_group": su_group.SuGroup(),
    "sudo_rules": sudo_rules.SudoRules(),
    "sudoers": sudoers.Sudoers(),
    "support_end": support_end.SupportEnd(),
    "timer": timer.Timer(),
}
"""Every kind by the name that control files use."""
