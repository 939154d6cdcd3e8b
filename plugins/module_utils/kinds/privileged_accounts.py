# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory of the accounts with root's rights, what has been added to it, and what has gone from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import accounts
from ..engine.errors import Seen
from ..engine.host import Host
from ..engine.privileges import privileged
from ..engine.rules import AT_MOST, Rule
from .base import Kind, fields

_GROUP = {"type": "string", "pattern": r"^[a-z_][a-z0-9_\-]{0,31}$"}
_NUMBER = {"type": "string", "pattern": "^[0-9]{1,10}$"}
_MEMORY = "privileged_accounts"


class PrivilegedAccounts(Kind):
    """``privileged_accounts: {groups: [sudo], expected: ["0", "1000"]}``.

    Without numbers that are expected, the first inventory is the reference, which the controller keeps. It never grows
    by itself: an account that appears fails every audit until it is gone or somebody writes its number into
    ``expected``, which then counts alone. An account that goes leaves the reference, so that its return is seen; the
    next audit tells its number, once.
    """

    schema = fields(
        ("groups",),
        groups={"type": "array", "items": _GROUP, "maxItems": 20},
        expected={"type": "array", "items": _NUMBER, "maxItems": 200},
    )
    check_only = True

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"other roots": 0, "added": 0}

    def rule(self, name: str) -> Rule:
        return AT_MOST

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        there = privileged(host, bodies[0]["groups"])
        roots = [account for account in there if account.uid == 0 and account.name != "root"]
        return {
            "other roots": Seen(len(roots), f"{len(roots)} more account(s) with uid 0") if roots else 0,
            "added": _added(host, there, bodies[0].get("expected", ())),
        }


def _added(host: Host, there: Sequence[accounts.Account], expected: Sequence[str]) -> Any:
    marks = {account.mark for account in there}
    known = _reference(host)
    told = f"{len(there)} privileged: {accounts.uids(there)}{_gone(host, there)}"
    last = {"uids": sorted({account.uid for account in there})}
    if expected:
        host.remembered[_MEMORY] = last if known is None else {"marks": sorted(known), **last}
        new = [account for account in there if str(account.uid) not in expected]
        return Seen(len(new), f"not expected: {accounts.uids(new)}{_gone(host, there)}" if new else told)
    host.remembered[_MEMORY] = {"marks": sorted(marks if known is None else marks & known), **last}
    if known is None:
        return Seen(0, f"first inventory, to be read by a person; {told}")
    new = [account for account in there if account.mark not in known]
    return Seen(len(new), f"not in the first inventory: {accounts.uids(new)}{_gone(host, there)}" if new else told)


def _gone(host: Host, there: Sequence[accounts.Account]) -> str:
    """Return the end of a note: the numbers that were privileged at the last audit and no longer are."""
    memory = host.memory.get(_MEMORY)
    last = memory.get("uids") if isinstance(memory, dict) else None
    now = {account.uid for account in there}
    gone = [uid for uid in last if isinstance(uid, int) and uid not in now] if isinstance(last, list) else []
    return f"; gone since the last audit: {accounts.numbers(gone)}" if gone else ""


def _reference(host: Host) -> set[str] | None:
    """Return what the inventories so far have in common; None when there is none yet."""
    memory = host.remembered.get(_MEMORY) or host.memory.get(_MEMORY)
    marks = memory.get("marks") if isinstance(memory, dict) else None
    return set(map(str, marks)) if isinstance(marks, list) else None
