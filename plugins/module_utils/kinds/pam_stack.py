# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which modules the shared PAM stack contains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam
from ..engine.errors import NotApplicable
from ..engine.host import Host
from . import faillock
from .base import Kind, fields

_ON = {"const": True}
_PREAUTH = """Name: essms.hardening: refuse accounts that are locked after failed tries
Default: yes
Priority: 1024
Auth-Type: Primary
Auth:
\trequired\t\t\tpam_faillock.so preauth
Account-Type: Primary
Account:
\trequired\t\t\tpam_faillock.so
"""
_AUTHFAIL = """Name: essms.hardening: count failed tries
Default: yes
Priority: 0
Auth-Type: Primary
Auth:
\t[default=die]\t\t\tpam_faillock.so authfail
\tsufficient\t\t\tpam_faillock.so authsucc
"""
# "required" and the last line are for auditors. Refusing early or late comes to the same; an accepted password jumps
# over that line and a refused one dies before it. Without them OpenSCAP sees no lockout where there is one.
_FEATURES: dict[str, tuple[str, dict[str, str]]] = {
    "pwquality": ("with-pwquality", {"pwquality": ""}),
    "tmpdir": ("", {"tmpdir": ""}),
    "faillock": ("with-faillock", {"essms-faillock-preauth": _PREAUTH, "essms-faillock": _AUTHFAIL}),
}

_CHECKS = {"faillock": "auth", "pwquality": "password"}
"""Features that have to reach every service that checks a password."""


class PamStack(Kind):
    """``pam: {pwquality: true, faillock: true, tmpdir: true}``."""

    schema = fields(pwquality=_ON, faillock=_ON, tmpdir=_ON)
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        unreadable = pam.readable(host)
        if unreadable:
            return dict.fromkeys(names, unreadable)
        there: dict[str, Any] = {
            **pam.everywhere(host, "password", {"pwquality": bool(pam.in_force(host, "pam_pwquality.so", "password"))}),
            **pam.everywhere(host, "auth", {"faillock": faillock.in_stack(host)}),
            "tmpdir": bool(pam.lines(host, "pam_tmpdir.so", "session"))
            if host.family == "debian"
            else NotApplicable("this distribution has no pam_tmpdir"),
        }
        return {name: there[name] for name in names}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for name in wanted:
            if name in _CHECKS:
                pam.refuse_own_stacks(host, _CHECKS[name])
            pam.enable(host, *_FEATURES[name])

    def explain(self, host: Host, name: str) -> str:
        return pam.refusal(host)
