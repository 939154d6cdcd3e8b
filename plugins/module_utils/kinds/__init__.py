# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of kinds.

The imports are written out because Ansible bundles only what is imported statically; a unit test compares this table
with the files of the folder.
"""

from __future__ import annotations

from . import (
    account_ageing,
    admin_accounts,
    dconf,
    empty_passwords,
    faillock,
    file_rights,
    file_walk,
    firewall,
    firewall_administration,
    generic_accounts,
    home_rights,
    inactive_accounts,
    kde_lock,
    key_value,
    login_defs,
    login_message,
    logind,
    package,
    pam_stack,
    pam_unix,
    password_entropy,
    privileged_accounts,
    pwhistory,
    pwquality,
    service,
    shares,
    shell_timeout,
    sshd,
    stored_hashes,
)
from .base import Kind

KINDS: dict[str, Kind] = {
    "account_ageing": account_ageing.AccountAgeing(),
    "admin_accounts": admin_accounts.AdminAccounts(),
    "dconf": dconf.Dconf(),
    "empty_passwords": empty_passwords.EmptyPasswords(),
    "faillock": faillock.Faillock(),
    "firewall": firewall.Firewall(),
    "firewall_administration": firewall_administration.FirewallAdministration(),
    "file_rights": file_rights.FileRights(),
    "file_walk": file_walk.FileWalk(),
    "generic_accounts": generic_accounts.GenericAccounts(),
    "home_rights": home_rights.HomeRights(),
    "inactive_accounts": inactive_accounts.InactiveAccounts(),
    "kde_lock": kde_lock.KdeLock(),
    "key_value": key_value.KeyValue(),
    "login_defs": login_defs.LoginDefs(),
    "login_message": login_message.LoginMessage(),
    "logind": logind.Logind(),
    "package": package.Package(),
    "pam": pam_stack.PamStack(),
    "pam_unix": pam_unix.PamUnix(),
    "password_entropy": password_entropy.PasswordEntropy(),
    "privileged_accounts": privileged_accounts.PrivilegedAccounts(),
    "pwhistory": pwhistory.Pwhistory(),
    "pwquality": pwquality.Pwquality(),
    "service": service.Service(),
    "shares": shares.Shares(),
    "shell_timeout": shell_timeout.ShellTimeout(),
    "sshd": sshd.Sshd(),
    "stored_hashes": stored_hashes.StoredHashes(),
}
"""Every kind by the name that control files use."""
