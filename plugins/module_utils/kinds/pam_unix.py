# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pam_unix stores new passwords, whether it accepts empty ones, and whom an expired one stops."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam, text
from ..engine.errors import SettingError
from ..engine.host import Host
from ..engine.rules import AT_LEAST, EQUALS, Rule, ranked
from .base import Kind, fields, integer
from .login_defs import HASHES
from .login_defs import PATH as LOGIN_DEFS

_NAMES = ("md5", "bigcrypt", "sha256", "sha512", "blowfish", "gost_yescrypt", "yescrypt")
_STRENGTH = ranked(HASHES)
_USUAL_COST = 5
"""What pam_unix gives yescrypt when its line names no cost."""
_SHARE = 8
"""One check of a password may take this part of the host's memory: several people log in at once."""


class PamUnix(Kind):
    """``pam_unix: {nullok: false, hash: yescrypt, cost: 8, no_pass_expiry: true}``.

    The cost is yescrypt's: each step doubles the time and the memory of one check, 16 MB at 5 and 1 GB at 11.
    """

    schema = fields(
        nullok={"const": False},
        hash={"enum": ["yescrypt", "sha512"]},
        cost=integer(_USUAL_COST, 11),
        no_pass_expiry={"const": True},
    )
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {name: value for name, value in body.items() if name != "cost" or body.get("hash") != "sha512"}

    def rule(self, name: str) -> Rule:
        return _STRENGTH if name == "hash" else AT_LEAST if name == "cost" else EQUALS

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        unreadable = pam.readable(host)
        if unreadable:
            return dict.fromkeys(names, unreadable)
        auth = pam.lines(host, "pam_unix.so", "auth")
        accepted = any(word in ("nullok", "nullok_secure") for line in auth for word in line.options)
        seen: dict[str, Any] = {
            **pam.everywhere(host, "auth", {"nullok": accepted}),
            "hash": _weakest(host),
            "cost": _least_cost(host),
            "no_pass_expiry": _key_logins_pass(host),
        }
        return {name: seen[name] for name in names}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if host.family == "redhat":
            self._edit_redhat(host, wanted)
            return
        if "nullok" in wanted:
            pam.refuse_own_stacks(host, "auth")
            for line in pam.lines(host, "pam_unix.so", "auth"):
                pam.set_option(host, line, "nullok", None, drop=("nullok_secure",))
        if "hash" in wanted:
            for line in pam.lines(host, "pam_unix.so", "password"):
                pam.set_option(host, line, wanted["hash"], "", drop=(*_NAMES, "rounds"))
        if "cost" in wanted:
            self._edit_cost(host, wanted["cost"])
        if "no_pass_expiry" in wanted:
            for line in pam.lines(host, "pam_unix.so", "account"):
                pam.set_option(host, line, "no_pass_expiry", "")

    def _edit_cost(self, host: Host, cost: int) -> None:
        needed, there = 1 << (cost - 1), _memory_mb(host)
        if needed * _SHARE > there:
            raise SettingError(
                f"each check of a password would take {needed} MB of this host's {there}, and several people log in at "
                "once: ask for a lower cost"
            )
        for line in pam.lines(host, "pam_unix.so", "password"):
            pam.set_option(host, line, "rounds", str(cost))

    def _edit_redhat(self, host: Host, wanted: Mapping[str, Any]) -> None:
        if "nullok" in wanted:
            pam.enable(host, "without-nullok", {})
        named = [name for name in ("hash", "cost", "no_pass_expiry") if name in wanted]
        if named:
            raise SettingError(
                f"authselect owns the PAM lines: choose a profile whose pam_unix lines set {', '.join(named)}"
            )

    def explain(self, host: Host, name: str) -> str:
        return pam.refusal(host)


def _weakest(host: Host) -> str | None:
    """Return the weakest hash that the stack gives new passwords; without an option login.defs decides."""
    found = []
    for line in pam.lines(host, "pam_unix.so", "password"):
        named = [word for word in line.options if word in _NAMES]
        found.append(named[-1] if named else _of_login_defs(host))
    if not found:
        return None
    return min(found, key=lambda name: HASHES.index(name) if name in HASHES else -1)


def _of_login_defs(host: Host) -> str:
    return (text.first(host.text(LOGIN_DEFS) or "", "ENCRYPT_METHOD", text.PAM) or "des").lower()


def _least_cost(host: Host) -> int | None:
    """Return the least cost the stack gives new yescrypt hashes, None where it stores any other: none has that cost."""
    stack = pam.lines(host, "pam_unix.so", "password")
    if _weakest(host) != "yescrypt":
        return None
    named = [pam.option(line, "rounds") or "" for line in stack]
    return min(int(rounds) if rounds.isdigit() else _USUAL_COST for rounds in named)


def _key_logins_pass(host: Host) -> bool:
    """Say whether a password that has expired stops only those who log in with it."""
    stack = pam.lines(host, "pam_unix.so", "account")
    return bool(stack) and all("no_pass_expiry" in line.options for line in stack)


def _memory_mb(host: Host) -> int:
    """Return the host's memory in MB; 0 when the kernel does not tell."""
    found = re.search(r"^MemTotal:\s+(\d+) kB$", host.text("/proc/meminfo") or "", re.MULTILINE)
    return int(found.group(1)) // 1024 if found else 0
