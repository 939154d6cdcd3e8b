# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of kinds.

The imports are written out because Ansible bundles only what is imported statically; a unit test compares this table
with the files of the folder.
"""

from __future__ import annotations

from . import (
    account_ageing,
    audit_rules,
    auditd,
    clock,
    dconf,
    empty_passwords,
    faillock,
    file_rights,
    file_walk,
    firewall,
    firewall_administration,
    journald,
    kde_lock,
    key_value,
    log_forward,
    login_defs,
    login_message,
    logind,
    logrotate,
    package,
    pam_stack,
    pam_unix,
    password_entropy,
    pwhistory,
    pwquality,
    service,
    shell_timeout,
    sshd,
    stored_hashes,
    time_sync,
)
from .base import Kind

KINDS: dict[str, Kind] = {
    "account_ageing": account_ageing.AccountAgeing(),
    "audit_rules": audit_rules.AuditRules(),
    "auditd": auditd.Auditd(),
    "clock": clock.Clock(),
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
    "journald": journald.Journald(),
    "log_forward": log_forward.LogForward(),
    "logind": logind.Logind(),
    "logrotate": logrotate.Logrotate(),
    "package": package.Package(),
    "pam": pam_stack.PamStack(),
    "pam_unix": pam_unix.PamUnix(),
    "password_entropy": password_entropy.PasswordEntropy(),
    "pwhistory": pwhistory.Pwhistory(),
    "pwquality": pwquality.Pwquality(),
    "service": service.Service(),
    "shell_timeout": shell_timeout.ShellTimeout(),
    "sshd": sshd.Sshd(),
    "stored_hashes": stored_hashes.StoredHashes(),
    "time_sync": time_sync.TimeSync(),
}
"""Every kind by the name that control files use."""
