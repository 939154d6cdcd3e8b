# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locking of an account after failed tries (pam_faillock)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam, text
from ..engine.host import Host
from ..engine.rules import AT_LEAST, LIMIT
from .base import Kind, fields, integer

PATH = "/etc/security/faillock.conf"
DEFAULTS = {"deny": 3, "unlock_time": 600, "fail_interval": 900}
"""What pam_faillock does when neither the file nor the PAM line says otherwise (faillock.conf(5))."""


class Faillock(Kind):
    """``faillock: {deny: 5, unlock_time: 900, fail_interval: 900}`` (tries and seconds)."""

    schema = fields(deny=integer(1, 20), unlock_time=integer(0, 86400 * 7), fail_interval=integer(1, 86400 * 7))
    rules = {"deny": LIMIT, "unlock_time": AT_LEAST, "fail_interval": AT_LEAST}
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        unreadable = pam.readable(host)
        if unreadable:
            return dict.fromkeys(names, unreadable)
        return {name: in_force(host, name) for name in names}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(PATH) or text.HEADER
        for name, value in wanted.items():
            content = text.put(content, name, str(value), text.EQUALS_SIGN)
            for line in pam.lines(host, "pam_faillock.so", "auth"):
                if pam.option(line, name) is not None:
                    pam.set_option(host, line, name, None)
        host.write(PATH, content)

    def explain(self, host: Host, name: str) -> str:
        return pam.refusal(host)


def in_stack(host: Host) -> bool:
    """Say whether the stack counts failures before and after the password is checked."""
    options = [word for line in pam.lines(host, "pam_faillock.so", "auth") for word in line.options]
    return "preauth" in options and ("authfail" in options or "authsucc" in options)


def in_force(host: Host, name: str) -> int | None:
    """Return the value of a key for the weakest line of the stack, or None when pam_faillock is not in the stack."""
    if not in_stack(host):
        return None
    of_file = text.get(host.text(PATH) or "", name, text.EQUALS_SIGN)
    values = []
    for line in pam.lines(host, "pam_faillock.so", "auth"):
        value = pam.option(line, name) or of_file or ""
        values.append(int(value) if value.isdigit() else DEFAULTS[name])
    if name == "deny":
        return 0 if 0 in values else max(values)
    return min(values)
