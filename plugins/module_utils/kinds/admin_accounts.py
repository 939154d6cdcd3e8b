# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of administrators: apart from the one of the same person's daily work."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import accounts
from ..engine.errors import Seen
from ..engine.host import Host
from ..engine.privileges import privileged
from ..engine.rules import AT_MOST, Rule
from .base import Kind, fields

_GROUP = {"type": "string", "pattern": r"^[a-z_][a-z0-9_\-]{0,31}$"}
_DAILY = (
    ".mozilla .config/mozilla .config/google-chrome .config/chromium .config/microsoft-edge .thunderbird "
    ".config/evolution .local/share/evolution Maildir mbox .config/libreoffice .cache/mozilla .local/share/gnome-shell"
)
"""What a browser, a mail program, an office or a desktop leaves in the folder of who works with it."""


class AdminAccounts(Kind):
    """``admin_accounts: {groups: [sudo], suffix: -adm}``: nothing is repaired, as people have to be given accounts."""

    schema = fields(
        ("groups", "suffix"),
        groups={"type": "array", "items": _GROUP, "maxItems": 20},
        suffix={"type": "string", "pattern": "^[-_.]?[a-z]{2,8}$"},
    )
    check_only = True

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"unmarked": 0, "daily": 0}

    def rule(self, name: str) -> Rule:
        return AT_MOST

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = {account.name for account in privileged(host, bodies[0]["groups"])}
        people = [each for each in accounts.humans(host) if each.name in names and not each.closed]
        unmarked = [account for account in people if not account.name.endswith(bodies[0]["suffix"])]
        daily = [account for account in people if _works_daily(host, account)]
        return {
            "unmarked": Seen(len(unmarked), f"no account for administration only: {accounts.uids(unmarked)}")
            if unmarked
            else 0,
            "daily": Seen(len(daily), f"used for mail, web or a desktop: {accounts.uids(daily)}") if daily else 0,
        }


def _works_daily(host: Host, account: accounts.Account) -> bool:
    for folder in ("/var/mail", "/var/spool/mail"):
        try:
            if os.stat(os.path.join(host.path(folder), account.name)).st_size:
                return True
        except OSError:
            continue
    home = host.path(account.home)
    return home != "/" and any(os.path.lexists(os.path.join(home, trace)) for trace in _DAILY.split())
