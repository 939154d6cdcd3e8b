# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Old passwords that may not come back (pam_pwhistory)."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam, text
from ..engine.errors import Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST
from .base import Kind, fields, integer

MODULE = "pam_pwhistory.so"
_MODULES = ("/usr/lib/*/security", "/usr/lib64/security", "/lib/*/security", "/lib64/security")
PROFILE = "essms-pwhistory"
CONF = "/etc/security/pwhistory.conf"
DEFAULT_REMEMBER = 10
"""What pam_pwhistory remembers when nothing says otherwise (pam_pwhistory(8))."""


class Pwhistory(Kind):
    """``pwhistory: {remember: 5, enforce_for_root: true}``.

    The options stand on the PAM line, which every version reads; pwhistory.conf exists only in newer ones.
    """

    schema = fields(("remember",), remember=integer(1, 400), enforce_for_root={"const": True})
    rules = {"remember": AT_LEAST}
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        unreadable = pam.readable(host)
        if unreadable:
            return dict.fromkeys(names, unreadable)
        stack = pam.in_force(host, MODULE, "password")
        if not stack:
            return pam.everywhere(host, "password", dict.fromkeys(names, None))
        elsewhere = pam.other_file(stack, CONF)
        if elsewhere:
            return dict.fromkeys(names, elsewhere)
        seen: dict[str, Any] = {
            "remember": _least(host, stack),
            "enforce_for_root": all(
                pam.option(line, "enforce_for_root") is not None or _conf(host, "enforce_for_root") is not None
                for line in stack
            ),
        }
        return pam.everywhere(host, "password", {name: seen[name] for name in names})

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        pam.refuse_own_stacks(host, "password")
        stack = pam.lines(host, MODULE, "password")
        known = [number for line in stack for number in [_remember(host, line)] if number is not None]
        remember = wanted.get("remember") or max(known or [body["remember"]])
        if host.family == "redhat":
            self._edit_conf(host, remember)
        for line in stack if host.family == "debian" else ():
            pam.set_option(host, line, "remember", str(remember))
        for line in pam.lines(host, MODULE, "password") if host.family == "debian" else ():
            pam.set_option(host, line, "enforce_for_root", "")
        if not pam.in_force(host, MODULE, "password") or (
            host.family == "debian" and host.exists(f"{pam.PROFILES}/{PROFILE}")
        ):
            pam.enable(host, "with-pwhistory", {PROFILE: _profile(remember)})

    def _edit_conf(self, host: Host, remember: int) -> None:
        content = text.put(host.text(CONF) or text.HEADER, "remember", str(remember), text.PAM)
        host.write(CONF, text.put(content, "enforce_for_root", "", text.PAM))

    def explain(self, host: Host, name: str) -> str:
        return pam.refusal(host)


def _conf(host: Host, key: str) -> str | None:
    return text.first(host.text(CONF) or "", key, text.PAM) if _reads_conf(host) else None


def _reads_conf(host: Host) -> bool:
    """Say whether the installed module knows pwhistory.conf at all: the one of Linux-PAM 1.5.2 ignores it."""
    root = glob.escape(os.path.realpath(host.root))
    found = [path for folder in _MODULES for path in glob.glob(f"{root}{folder}/{MODULE}")]
    return bool(found) and all(_holds(path, b"pwhistory.conf") for path in found)


def _holds(path: str, word: bytes) -> bool:
    with open(path, "rb") as stream:
        return word in stream.read()


def _least(host: Host, stack: Sequence[pam.PamLine]) -> int | Unknown:
    numbers = [_remember(host, line) for line in stack]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return Unknown(f"remember is no number: write one in {CONF} or on the PAM line of pam_pwhistory")
    return min(known)


def _remember(host: Host, line: pam.PamLine) -> int | None:
    """Return how many passwords a line remembers; None for a value that is no number."""
    on_line = pam.option(line, "remember")
    value = _conf(host, "remember") if on_line is None else on_line
    if value is None:
        return DEFAULT_REMEMBER
    return int(value) if value.isascii() and value.isdigit() else None


def _profile(remember: int) -> str:
    line = f"requisite\t\t\tpam_pwhistory.so remember={remember} enforce_for_root"
    return (
        "Name: essms.hardening: refuse old passwords\nDefault: yes\nPriority: 512\nPassword-Type: Primary\n"
        f"Password:\n\t{line} use_authtok\nPassword-Initial:\n\t{line}\n"
    )
