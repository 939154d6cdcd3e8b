# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locking of an account after failed tries (pam_faillock)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam, text
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST, LIMIT, Rule
from .base import Kind, fields, integer

MODULE = "pam_faillock.so"
PATH = "/etc/security/faillock.conf"
DEFAULTS = {"deny": 3, "unlock_time": 600, "fail_interval": 900}
"""What pam_faillock does when neither the file nor the PAM line says otherwise (faillock.conf(5))."""
_MOST = {"deny": 65535, "unlock_time": 604800, "fail_interval": 604800}
"""Beyond, pam_faillock drops the number or part of it (faillock.conf(5), faillock_config.c)."""
NEVER = "never"
"""An unlock_time of zero, or this word: only an administrator unlocks, stricter than any number of seconds."""
_UNLOCK = Rule(
    AT_LEAST.label, lambda expected, seen: seen == NEVER or (expected != 0 and AT_LEAST.test(expected, seen))
)


class Faillock(Kind):
    """``faillock: {deny: 5, unlock_time: 900, fail_interval: 900}`` (tries and seconds)."""

    schema = fields(deny=integer(1, 20), unlock_time=integer(0, 86400 * 7), fail_interval=integer(1, 86400 * 7))
    rules = {"deny": LIMIT, "unlock_time": _UNLOCK, "fail_interval": AT_LEAST}
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        unreadable = pam.readable(host)
        if unreadable:
            return dict.fromkeys(names, unreadable)
        return pam.everywhere(host, "auth", {name: _seen(in_force(host, name)) for name in names})

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        pam.refuse_own_stacks(host, "auth")
        content = host.text(PATH) or text.HEADER
        for name, value in wanted.items():
            content = text.put(content, name, str(value), text.PAM)
            for line in pam.lines(host, MODULE, "auth"):
                if pam.option(line, name) is not None:
                    pam.set_option(host, line, name, None)
        host.write(PATH, content)

    def explain(self, host: Host, name: str) -> str:
        return pam.refusal(host)


def in_stack(host: Host) -> bool:
    """Say whether the stack refuses locked accounts and counts a refused password; authsucc counts nothing."""
    before = pam.in_force(host, MODULE, "auth")
    after = pam.in_force(host, MODULE, "auth", accepted=False)
    return any("preauth" in line.options for line in before) and any("authfail" in line.options for line in after)


def in_force(host: Host, name: str) -> int | str | Unknown | None:
    """Return the value of a key for the weakest line of the stack, or None when pam_faillock is not in the stack.

    An account that only an administrator unlocks has the unlock_time NEVER.
    """
    if not in_stack(host):
        return None
    stack = pam.lines(host, MODULE, "auth")
    elsewhere = pam.other_file(stack, PATH)
    if elsewhere:
        return elsewhere
    of_file = text.get(host.text(PATH) or "", name, text.PAM)
    given = [pam.option(line, name) for line in stack]
    values = [_number(name, of_file if value is None else value) for value in given]
    if None in values:
        return Unknown(f"{name} has no value that pam_faillock accepts: write a number in {PATH} or on its PAM lines")
    return _weakest(name, [value for value in values if value is not None])


def _weakest(name: str, values: Sequence[int]) -> int | str:
    if name == "deny":
        return 0 if 0 in values else max(values)
    timed = [value for value in values if name != "unlock_time" or value]
    return min(timed) if timed else NEVER


def _number(name: str, value: str | None) -> int | None:
    """Return a number as the module reads it; None for one that it does not accept."""
    if value is None:
        return DEFAULTS[name]
    if name == "unlock_time" and value == NEVER:
        return 0
    number = int(value) if value.isascii() and value.isdigit() else None
    return number if number is not None and number <= _MOST[name] else None


def _seen(value: int | str | Unknown | None) -> Any:
    return Seen(NEVER, "only an administrator unlocks an account") if value == NEVER else value
