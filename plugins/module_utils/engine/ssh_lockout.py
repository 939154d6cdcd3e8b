# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuses what would shut the account in use out of SSH, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import login
from .accounts import members
from .errors import SettingError
from .host import Host

PASSWORDS = ("PasswordAuthentication", "KbdInteractiveAuthentication")
"""The two ways in which sshd can ask for a password."""


def refuse_to_lock_out(host: Host, wanted: Mapping[str, Any], in_force: Mapping[str, str]) -> None:
    """Refuse what would shut out the account this very run came in with.

    :raises SettingError: with what to do first.
    """
    here = login.current(host) if {"PermitRootLogin", "AllowGroups", *PASSWORDS} & set(wanted) else None
    users = {here.user} if here else host.spared
    root_stays = wanted.get("PermitRootLogin") == "prohibit-password" and not (here and here.by_password)
    if "PermitRootLogin" in wanted and "root" in users and not root_stays:
        raise SettingError(
            "root is the account in use: connect as another one that may use sudo, "
            "or with a key and essms_ssh_root_login: prohibit-password"
        )
    if "AllowGroups" in wanted:
        outside = [name for name in users if name not in members(host, wanted["AllowGroups"])]
        if outside or not users:
            raise SettingError(
                "the account in use is in none of the groups that may connect: add it to one of them first"
            )
    if "no" in [wanted.get(name) for name in PASSWORDS]:
        if here and here.by_password:
            raise SettingError(
                "the connection in use came in by password: connect with a key first, "
                "or keep passwords with essms_ssh_password_auth: true"
            )
        if not (here and here.method) and not any(login.can_use_a_key(name, in_force, host) for name in users):
            raise SettingError(
                "no key is known that lets the account in use connect: add one to its authorized_keys and connect "
                "with it first, or keep passwords with essms_ssh_password_auth: true"
            )
