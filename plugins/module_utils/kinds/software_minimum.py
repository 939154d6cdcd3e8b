# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs whose versions below a given one are known to be unsafe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import NotApplicable, Seen, Unknown
from ..engine.host import Host
from ..engine.versions import key
from .base import Kind, fields

_PROGRAM = {
    "type": "object",
    "required": ["name", "version"],
    "properties": {
        "name": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9+._\-]{0,99}$"},
        "version": {"type": "string", "pattern": r"^[A-Za-z0-9.+~:^\-]{1,100}$"},
    },
    "additionalProperties": False,
}
_ROW = "too old"


class SoftwareMinimum(Kind):
    """``software_minimum: {programs: [{name: firefox-esr, version: "128.5"}]}``: the number that is older."""

    schema = fields(("programs",), programs={"type": "array", "items": _PROGRAM})
    check_only = True
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {_ROW: 0}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        wanted = {program["name"]: program["version"] for body in bodies for program in body["programs"]}
        if not wanted:
            return {_ROW: NotApplicable("essms_software_min names no program")}
        there = _versions(host, sorted(wanted))
        if there is None:
            return {_ROW: Unknown("the package database does not answer")}
        if not there:
            return {_ROW: NotApplicable("none of the programs of essms_software_min is installed")}
        old = [
            f"{name} {version} (below {wanted[name]})"
            for name, version in sorted(there.items())
            if key(version, host.family) < key(wanted[name], host.family)
        ]
        return {_ROW: Seen(len(old), f"to be updated: {', '.join(old)}") if old else 0}


def _versions(host: Host, names: Sequence[str]) -> dict[str, str] | None:
    """Return the version of each program that is installed; None when nobody knows."""
    if host.family == "debian":
        done = host.run("dpkg-query", "-W", "-f", "${Package} ${Version} ${db:Status-Status}\n", *names)
    else:
        done = host.run("rpm", "-q", "--qf", "%{NAME} %{EVR} installed\n", *names)
    if done.rc > (1 if host.family == "debian" else 125):
        return None
    words = [line.split() for line in done.out.splitlines()]
    return {line[0]: line[1] for line in words if len(line) == 3 and line[2] == "installed"}
