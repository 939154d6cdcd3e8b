# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the rules of sudo allow that they should not; only a person knows what a rule was meant for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine import shown, sudoers
from ..engine.accounts import first_of_people, read
from ..engine.errors import NotApplicable, Seen
from ..engine.host import Host
from .base import Kind, fields
from .sudoers import SUDO, WHO


class SudoRules(Kind):
    """``sudo_rules: {nopasswd_allow: ["%backup"], explicit: false}``.

    Rows: commands refused by a "!", which any copy of the program gets around; rules without a password for people,
    but for the accounts and groups of ``nopasswd_allow``; with ``explicit`` also commands whose arguments are free.
    Accounts to be spared, root and the accounts of services need no password.
    """

    schema = fields(("nopasswd_allow",), nopasswd_allow={"type": "array", "items": WHO}, explicit={"type": "boolean"})
    check_only = True

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        names = [
            "refused commands",
            "rules without a password",
            *["commands with free arguments"][: body.get("explicit")],
        ]
        return dict.fromkeys(names, 0)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if not os.path.exists(host.path(SUDO)):
            return dict.fromkeys(names, NotApplicable("sudo is not installed"))
        policy = sudoers.read(host)
        allowed = {who for body in bodies for who in body["nopasswd_allow"]}
        found = {
            "refused commands": _refused(policy),
            "rules without a password": _without_password(host, policy, allowed),
            "commands with free arguments": _free(host, policy),
        }
        return {name: _counted(host, found[name]) for name in names}


def _counted(host: Host, places: Iterator[str]) -> Any:
    found = list(dict.fromkeys(places))
    return Seen(len(found), f"see {shown.paths(host, found)}") if found else 0


def _refused(policy: sudoers.Policy) -> Iterator[str]:
    for rule in policy.rules:
        if any(command.negated for command in rule.commands):
            yield rule.place
    for (kind, name), words in policy.aliases.items():
        if kind == "Cmnd" and any(word.startswith("!") for word in words):
            yield policy.alias_places[kind, name]


def _without_password(host: Host, policy: sudoers.Policy, allowed: set[str]) -> Iterator[str]:
    trusted = _need_no_password(host) | allowed
    for rule in policy.rules:
        open_to = set(policy.names("User", rule.users)) - trusted
        if open_to and any("NOPASSWD" in command.tags and not command.negated for command in rule.commands):
            yield rule.place
    for each in policy.defaults:
        for_people = each.scope != ":" or set(policy.names("User", each.who)) - trusted
        exempt = each.name == "exempt_group" and each.value and f"%{each.value}" not in allowed
        if (exempt or (each.name == "authenticate" and each.value is False)) and for_people:
            yield each.place


def _need_no_password(host: Host) -> set[str]:
    """Return root, the accounts of services and those to be spared, by name and by uid."""
    accounts = [account for account in read(host) if account.uid < first_of_people(host) or account.name in host.spared]
    return {account.name for account in accounts} | {f"#{account.uid}" for account in accounts}


def _free(host: Host, policy: sudoers.Policy) -> Iterator[str]:
    """Yield the rules, other than root's and those of spared accounts, that fix no argument or no command."""
    trusted = {"root", "#0", *host.spared}
    for rule in policy.rules:
        if not set(policy.names("User", rule.users)) - trusted:
            continue
        texts = [text for command in rule.commands for text in policy.names("Cmnd", (command.text,))]
        if any(" " not in text or "*" in text for text in texts if not text.startswith("sudoedit")):
            yield rule.place
