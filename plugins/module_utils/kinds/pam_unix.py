# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How pam_unix stores new passwords and whether it accepts empty ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam
from ..engine.errors import SettingError
from ..engine.host import Host
from ..engine.rules import EQUALS, Rule, ranked
from .base import Kind, fields
from .login_defs import HASHES, read

_NAMES = ("md5", "bigcrypt", "sha256", "sha512", "blowfish", "gost_yescrypt", "yescrypt")
_STRENGTH = ranked(HASHES)


class PamUnix(Kind):
    """``pam_unix: {nullok: false, hash: yescrypt}``."""

    schema = fields(nullok={"const": False}, hash={"enum": ["yescrypt", "sha512"]})
    needs_root = False

    def rule(self, name: str) -> Rule:
        return _STRENGTH if name == "hash" else EQUALS

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

    def _edit_redhat(self, host: Host, wanted: Mapping[str, Any]) -> None:
        if "nullok" in wanted:
            pam.enable(host, "without-nullok", {})
        if "hash" in wanted:
            raise SettingError("authselect owns the PAM lines: choose a profile whose pam_unix line names the hash")

    def explain(self, host: Host, name: str) -> str:
        return pam.refusal(host)


def _weakest(host: Host) -> str | None:
    """Return the weakest hash that the stack gives new passwords; without an option login.defs decides."""
    found = []
    for line in pam.lines(host, "pam_unix.so", "password"):
        named = [word for word in line.options if word in _NAMES]
        found.append(named[-1] if named else str(read(host, "ENCRYPT_METHOD") or "des").lower())
    if not found:
        return None
    return min(found, key=lambda name: HASHES.index(name) if name in HASHES else -1)
