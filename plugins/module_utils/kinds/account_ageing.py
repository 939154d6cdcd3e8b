# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ageing of the passwords that people already have; login.defs only reaches accounts created later."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import accounts
from ..engine.errors import NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST, AT_MOST, Rule
from .base import Kind, fields, integer
from .login_defs import NEVER

_GROUP = {"type": "string", "pattern": r"^[a-z_][a-z0-9_\-]{0,31}$"}
_FIELDS = {"max_days": "max", "warn_days": "warn"}


class AccountAgeing(Kind):
    """``account_ageing: {scope: users, max_days: 365, warn_days: 7, privileged_groups: [sudo]}``.

    Zero days mean no limit. Accounts without a usable password are left alone: they could not renew it, and an expired
    one would shut out the SSH key of its owner. The scope root is the one account with uid 0.
    """

    schema = fields(
        ("scope",),
        scope={"enum": ["users", "privileged", "root"]},
        max_days=integer(0, NEVER),
        warn_days=integer(0, 365),
        privileged_groups={"type": "array", "items": _GROUP, "maxItems": 20},
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        wanted = {name: body[name] for name in _FIELDS if name in body}
        if wanted.get("max_days") == 0:
            wanted["max_days"] = NEVER
        return {f"{body['scope']} {name}": value for name, value in wanted.items()}

    def rule(self, name: str) -> Rule:
        return AT_MOST if name.endswith("max_days") else AT_LEAST

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for body in bodies:
            for name, expected in self.expand(body).items():
                found[name] = self._observe(host, body, name, expected)
        return found

    def _observe(self, host: Host, body: Mapping[str, Any], name: str, expected: int) -> Any:
        try:
            people = _people(host, body)
        except PermissionError:
            return Unknown("reading /etc/shadow needs root")
        if not people:
            return NotApplicable("no such account with a password on this host")
        field = _FIELDS[name.split()[1]]
        days = [_days(field, getattr(account, field)) for account in people]
        worst = (max if field == "max" else min)(days)
        shared = accounts.sharing(host, people)
        if shared:
            return Seen(worst, f"several accounts share {accounts.uids(shared)}", satisfied=False)
        wrong = [account for account, value in zip(people, days) if not self.rule(name).test(expected, value)]
        note = f"{len(wrong)} of {len(people)} accounts ({accounts.uids(wrong)})"
        return Seen(worst, note) if wrong else worst

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        people = _people(host, body)
        shared = accounts.sharing(host, people)
        if shared:
            raise SettingError(f"several accounts share {accounts.uids(shared)}: give each its own uid first")
        self._refuse_lockout(people, wanted)
        expiring = []
        for account in people:
            before: dict[str, str] = {}
            after: dict[str, str] = {}
            for name, expected in wanted.items():
                field = _FIELDS[name.split()[1]]
                value = getattr(account, field)
                if not self.rule(name).test(expected, _days(field, value)):
                    before[field], after[field] = value, str(expected)
            if after and not account.shadowed:
                raise SettingError(
                    f"the password of {accounts.uids([account])} is not in /etc/shadow: run pwconv first"
                )
            if after:
                host.operate(
                    {"op": "ageing", "uid": account.uid, "who": account.mark, "before": before, "after": after}
                )
                if "max" in after and _age(account) > int(after["max"]):
                    expiring.append(account)
        if expiring:
            note = f"passwords older than allowed have to be changed at the next login: {accounts.uids(expiring)}"
            if note not in host.notes:
                host.notes.append(note)

    def _refuse_lockout(self, people: Sequence[accounts.Account], wanted: Mapping[str, Any]) -> None:
        """Stop before an account whose password is too old for the new limit is shut out instead of asked for another.

        :raises SettingError: naming the accounts.
        """
        limits = [limit for name, limit in wanted.items() if name.endswith("max_days")]
        shut_out = [
            account
            for account in people
            for limit in limits
            if _locked_out(account, limit) and not _locked_out(account, _days("max", account.max))
        ]
        if shut_out:
            raise SettingError(
                f"{accounts.uids(shut_out)} would be locked out at once: change the password or clear the inactivity "
                "limit (chage -I -1) first"
            )


def _people(host: Host, body: Mapping[str, Any]) -> list[accounts.Account]:
    if body["scope"] == "root":
        return [
            account
            for account in accounts.read(host)
            if account.uid == 0 and account.has_password and account.name not in host.spared
        ]
    privileged = accounts.members(host, body.get("privileged_groups", ("sudo", "wheel", "admin")))
    return [
        account
        for account in accounts.humans(host)
        if account.has_password and (account.name in privileged) == (body["scope"] == "privileged")
    ]


def _days(field: str, value: str) -> int:
    """Return a shadow field as days: an empty maximum means no limit, an empty warning no warning."""
    return int(value) if value.isdigit() else NEVER if field == "max" else 0


def _age(account: accounts.Account) -> float:
    """Return the age of a password in days; one whose change is not dated counts as new."""
    return time.time() // 86400 - int(account.changed) if account.changed.isdigit() else 0


def _locked_out(account: accounts.Account, limit: int) -> bool:
    """Say whether, with this maximum, the days of grace after expiry are over: the password can then not be renewed.

    A change dated 0 asks for a new password at the next login and is never past its grace.
    """
    if not account.inactive.isdigit() or not account.changed.isdigit() or int(account.changed) == 0:
        return False
    return _age(account) > limit + int(account.inactive)
