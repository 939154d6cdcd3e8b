# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of new files: what a session begins with (PAM), and what an interactive bash of an ordinary user has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam, text
from ..engine.errors import NotApplicable, Unknown
from ..engine.host import Host
from ..engine.rules import Rule
from .base import Kind, fields

LOGIN_DEFS = "/etc/login.defs"
SCRIPT = "/etc/profile.d/zz-essms-umask.sh"
_BASHRC = {"debian": "/etc/bash.bashrc", "redhat": "/etc/bashrc"}
_OURS = "# essms.hardening: shells started by hand too\n"
_PROFILE = """Name: essms.hardening: rights of new files
Default: yes
Priority: 0
Session-Type: Additional
Session:
\toptional\t\t\tpam_umask.so nousergroups
"""
_SHELLS = {"login shell": "-lc", "subshell": "-ic"}
_ANSWER = re.compile(r"essms:([0-7]{3,4})\b")


def _strict(expected: Any, observed: Any) -> bool:
    """Say whether a mask takes at least the rights that another takes."""
    return isinstance(observed, str) and int(observed, 8) & int(expected, 8) == int(expected, 8)


class Umask(Kind):
    """``umask: {mask: "027"}``."""

    schema = fields(("mask",), mask={"type": "string", "pattern": "^0[0-7]{2}$"})
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        # authselect has no feature for it: on the RHEL family the shells alone are looked at
        session = {"session": body["mask"]} if family == "debian" else {}
        return {**session, **dict.fromkeys(_SHELLS, body["mask"])}

    def rule(self, name: str) -> Rule:
        return Rule("at_least", _strict)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"session": _session(host), **{shell: _ask(host, option) for shell, option in _SHELLS.items()}}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if "session" in wanted:
            content = host.text(LOGIN_DEFS) or ""
            host.write(LOGIN_DEFS, text.put(content, "UMASK", _stricter(content, body["mask"]), text.BLANKS))
            lines = pam.lines(host, "pam_umask.so", "session")
            for line in lines:
                # it would give the group what the owner has, where a user's group bears the user's name
                pam.set_option(host, line, "nousergroups", "", drop=("usergroups", "umask"))
            if not lines:
                pam.enable(host, "", {"essms-umask": _PROFILE})
        if set(wanted) & set(_SHELLS):
            host.write(SCRIPT, f"{text.HEADER}umask {body['mask']}\n")
            bashrc = _BASHRC[host.family]
            host.write(bashrc, _with_mask(host.text(bashrc) or "", body["mask"]))

    def explain(self, host: Host, name: str) -> str:
        if name == "session":
            return pam.refusal(host)
        return "another start-up file sets it later: `grep -rn umask /etc/profile* /etc/bash*` shows it"


def _with_mask(content: str, mask: str) -> str:
    """Return a start-up file that ends with our mask: on a line of its own, as those who audit the file expect it."""
    lines = text.split_lines(content)
    if _OURS in lines:
        place = lines.index(_OURS)
        del lines[place : place + 2]
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    return "".join([*lines, _OURS, f"umask {mask}\n"])


def _stricter(content: str, mask: str) -> str:
    """Return a mask that also takes what login.defs takes already."""
    own = text.get(content, "UMASK", text.BLANKS) or ""
    return format(int(mask, 8) | int(own, 8), "03o") if re.fullmatch("0?[0-7]{3}", own) else mask


def _session(host: Host) -> Any:
    """Return the mask that pam_umask gives a session, None where it is not in the stack."""
    unreadable = pam.readable(host)
    if unreadable:
        return unreadable
    lines = pam.lines(host, "pam_umask.so", "session")
    if not lines:
        return None
    masks = [_of_line(host, line) for line in lines]
    # several lines, for terminals and for the rest: the weakest counts
    return min(masks, key=lambda mask: bin(int(mask, 8)).count("1"))


def _of_line(host: Host, line: pam.PamLine) -> str:
    content = host.text(LOGIN_DEFS) or ""
    mask = int(pam.option(line, "umask") or text.first(content, "UMASK", text.PAM) or "022", 8)
    by_default = (text.first(content, "USERGROUPS_ENAB", text.PAM) or "").lower() == "yes"
    if "usergroups" in line.options or (by_default and "nousergroups" not in line.options):
        mask = (mask & 0o707) | (mask >> 3 & 0o070)
    return format(mask, "03o")


def _ask(host: Host, option: str) -> Any:
    done = host.run("bash", option, 'printf "essms:%s\\n" "$(umask)"', ordinary_user=True, timeout=10)
    if done.rc == 127:
        return NotApplicable("bash is not installed")
    answer = _ANSWER.search(done.out)
    return _normal(answer[1]) if answer else Unknown(f"bash did not answer: {done.err.strip()[-120:]}")


def _normal(mask: str) -> str:
    return format(int(mask, 8), "03o") if re.fullmatch("[0-7]{1,4}", mask) else mask
