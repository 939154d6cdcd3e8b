# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts nobody uses any more, and those of people who have left."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, timezone
from typing import Any

from ..engine import accounts, logins
from ..engine.errors import NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST, Rule
from .base import Kind, fields, integer

_DATE = {"type": "string", "pattern": "^20[0-9]{2}-[01][0-9]-[0-3][0-9]$"}
_LEAVER = {
    "type": "object",
    "required": ["date"],
    "properties": {
        "account": {"type": "string", "pattern": r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}$"},
        "mark": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
        "date": _DATE,
    },
    "additionalProperties": False,
}
_REPORT = "signaler"
_EXPIRED = "1"
"""Day of an account's end that has passed, whatever the clock says."""


class InactiveAccounts(Kind):
    """``inactive_accounts: {days: 90, action: signaler, leavers: [{account: x, date: "2026-11-01"}], leaver_days: 7}``.

    With ``action: desactiver`` such accounts are given an end that has passed: neither a password nor a key opens them
    then, and nothing of theirs is lost. Accounts of the system, of this connection, of emergencies are never touched.
    """

    schema = fields(
        ("days", "action", "leaver_days"),
        days=integer(1, 3650),
        action={"enum": [_REPORT, "desactiver"]},
        leavers={"type": "array", "items": _LEAVER, "maxItems": 500},
        leaver_days=integer(0, 365),
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"inactive": 0, "leavers": 0}

    def rule(self, name: str) -> Rule:
        return AT_MOST

    def undecided(self, body: Mapping[str, Any]) -> bool:
        return bool(body["action"] == _REPORT)

    def journalled(self, body: Mapping[str, Any]) -> dict[str, Any]:
        leavers = [
            {"mark": _mark(each["account"]), "date": each["date"]} if "account" in each else dict(each)
            for each in body.get("leavers", ())
        ]
        return {**body, "leavers": leavers}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        body = bodies[0]
        gone = _gone(host, body)
        note = f"left more than {body['leaver_days']} days ago: {accounts.uids(gone)}"
        leavers: Any = Seen(len(gone), note) if gone else 0
        if not body.get("leavers"):
            leavers = NotApplicable("no leaver is declared")
        return {"inactive": _inactive(host, body["days"]), "leavers": leavers}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        gone = _gone(host, body) if "leavers" in wanted else []
        idle = _idle(host, body["days"]) if "inactive" in wanted else []
        found = [*gone, *(account for account in idle if account not in gone)]
        by_hand = [account for account in found if not account.shadowed] + accounts.sharing(host, found)
        if by_hand:
            raise SettingError(f"{accounts.uids(by_hand)} cannot be closed safely: close it by hand")
        for account in found:
            before, after = {"expire": account.expire}, {"expire": _EXPIRED}
            host.operate({"op": "ageing", "uid": account.uid, "who": account.mark, "before": before, "after": after})
        if found:
            host.notes.append(f"accounts closed: {accounts.uids(found)}")


def _inactive(host: Host, days: int) -> Any:
    idle = _idle(host, days)
    if not idle:
        return 0
    if logins.read(host, accounts.humans(host)).newest < _since(days):
        return Unknown(
            f"nothing on this host recorded a login in the last {days} days, so who is inactive is not known"
        )
    return Seen(len(idle), f"not used for {days} days: {accounts.uids(idle)}")


def _idle(host: Host, days: int) -> list[accounts.Account]:
    """Return the open accounts of people without login, process or change of password for so long."""
    people = [account for account in accounts.humans(host) if not account.closed]
    seen, busy = logins.read(host, people), logins.at_work(people)
    return [
        account
        for account in people
        if account.uid not in busy and max(seen.last.get(account.name, 0), _changed(account)) < _since(days)
    ]


def _since(days: int) -> float:
    return time.time() - days * 86400


def _changed(account: accounts.Account) -> float:
    """Return when the password was last changed, which is also when an account was made."""
    return int(account.changed) * 86400.0 if account.changed.isdigit() else 0


def _gone(host: Host, body: Mapping[str, Any]) -> list[accounts.Account]:
    """Return the open accounts of people whose time after leaving is over."""
    today = datetime.now(timezone.utc).date()
    limit = timedelta(days=body["leaver_days"])
    over = {
        each.get("mark") or _mark(each["account"])
        for each in body.get("leavers", ())
        if date.fromisoformat(each["date"]) + limit < today
    }
    return [account for account in accounts.humans(host) if not account.closed and _mark(account.name) in over]


def _mark(name: str) -> str:
    """Return what stands for a login name in a journal, which must not hold it."""
    return hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:16]
