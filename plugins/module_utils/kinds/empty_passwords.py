# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that have an empty password."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import accounts
from ..engine.errors import Seen, SettingError, Unknown
from ..engine.host import Host
from .base import Kind, fields


class EmptyPasswords(Kind):
    """``empty_passwords: {allowed: false}``: such accounts get a locked password; a key still opens them."""

    schema = fields(allowed={"const": False})

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        try:
            empty = _empty(host)
        except PermissionError:
            return {"allowed": Unknown("reading /etc/shadow needs root")}
        return {"allowed": Seen(True, f"empty password: {accounts.uids(empty)}") if empty else False}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        spared = [account for account in _empty(host) if account.name in host.spared]
        if spared:
            raise SettingError(f"a spared account ({accounts.uids(spared)}) has an empty password: give it one by hand")
        empty = _empty(host)
        by_hand = [account for account in empty if not account.shadowed] + accounts.sharing(host, empty)
        if by_hand:
            raise SettingError(
                f"the empty password of {accounts.uids(by_hand)} cannot be locked safely: lock it by hand"
            )
        for account in empty:
            host.operate({"op": "lock", "uid": account.uid, "who": account.mark, "locked": True})


def _empty(host: Host) -> list[accounts.Account]:
    return [account for account in accounts.read(host) if account.hash == ""]
