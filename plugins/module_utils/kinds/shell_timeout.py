# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Idle shells that close themselves: TMOUT, read-only, as an interactive bash of an ordinary user really has it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import NotApplicable, Unknown
from ..engine.host import Host
from ..engine.rules import LIMIT
from .base import Kind, fields, integer

SCRIPT = "/etc/profile.d/00-essms-timeout.sh"
_BASHRC = {"debian": "/etc/bash.bashrc", "redhat": "/etc/bashrc"}
_HOOK = f"[ ! -r {SCRIPT} ] || . {SCRIPT}  # essms.hardening: shells started by hand close too\n"
_PROBE = 'printf "essms:%s:%s:\\n" "${TMOUT-}" "${TMOUT@a}"'
_ANSWER = re.compile(r"essms:(?P<seconds>\d*):(?P<flags>\w*):")
_SHELLS = {"login shell": "-lic", "subshell": "-ic"}


class ShellTimeout(Kind):
    """``shell_timeout: {seconds: 600}``."""

    schema = fields(("seconds",), seconds=integer(1, 86400))
    rules = {f"{shell} TMOUT": LIMIT for shell in _SHELLS}
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        wanted: dict[str, Any] = {}
        for shell in _SHELLS:
            wanted[f"{shell} TMOUT"] = body["seconds"]
            wanted[f"{shell} TMOUT is read-only"] = True
        return wanted

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for shell, option in _SHELLS.items():
            done = host.run("bash", option, _PROBE, ordinary_user=True, timeout=10)
            answer = _ANSWER.search(done.out)
            seconds: Any = int(answer.group("seconds")) if answer and answer.group("seconds") else None
            locked: Any = answer is not None and "r" in answer.group("flags")
            if done.rc == 127:
                seconds = locked = NotApplicable("bash is not installed")
            elif answer is None:
                seconds = locked = Unknown(f"bash did not answer: {done.err.strip()[-120:]}")
            found[f"{shell} TMOUT"] = seconds
            found[f"{shell} TMOUT is read-only"] = locked
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        stricter = self.observe(host, [body])["login shell TMOUT"] if "login shell TMOUT" not in wanted else None
        host.write(SCRIPT, _script(stricter if isinstance(stricter, int) else body["seconds"]))
        bashrc = _BASHRC[host.family]
        before = host.text(bashrc) or ""
        if _HOOK not in before:
            host.write(bashrc, before + ("" if before.endswith("\n") or not before else "\n") + _HOOK)

    def explain(self, host: Host, name: str) -> str:
        return "another start-up file makes TMOUT read-only first: `grep -rn TMOUT /etc/profile* /etc/bash*` shows it"


def _script(seconds: int) -> str:
    """Return the script; a shell that scripts or the automation use is not interactive and is left alone."""
    return f"""{text.HEADER}case "$-" in
  *i*)
    if (unset TMOUT) 2>/dev/null; then
      TMOUT={seconds}
      readonly TMOUT
    fi
    ;;
esac
"""
