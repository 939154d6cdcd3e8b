# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Presence of packages.

They are installed by Ansible's own module, all in one task before the settings are applied; this kind says which ones
are missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..engine.errors import SettingError, Unknown
from ..engine.host import Host
from .base import Kind, fields

DRIVEN_OUT = "-"
"""Ends the name of a package that another one drives out, as apt itself writes it."""
_NAMES = {"type": "array", "items": {"type": "string", "pattern": r"^[a-z0-9][a-z0-9+.\-]{0,99}$"}}
_BY_FAMILY = {"type": "object", "properties": {"debian": _NAMES, "redhat": _NAMES}, "additionalProperties": False}


class Package(Kind):
    """``package: {present: [names]}`` or ``{present: {debian: [names], redhat: [names]}}``."""

    schema = fields(("present",), present={"anyOf": [_NAMES, _BY_FAMILY]})
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        names = body["present"]
        return dict.fromkeys(names.get(family, ()) if isinstance(names, dict) else names, True)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        return {name: host_has(host, names).get(name, Unknown("no package database was found")) for name in names}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        raise SettingError(f"the package {', '.join(wanted)} is not installed: install it, then run apply again")


def host_has(host: Host, names: Sequence[str]) -> dict[str, bool]:
    """Return for each package name whether it is installed; empty when the host has no known package database."""
    if host.family == "debian":
        done = host.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names)
        installed = {line.split()[0] for line in done.out.splitlines() if line.endswith(" installed")}
        return {name: name in installed for name in names} if done.rc in (0, 1) else {}
    if host.family == "redhat":
        done = host.run("rpm", "-q", "--qf", "%{NAME}\n", *names)
        return {name: name in done.out.split("\n") for name in names} if done.rc < 126 else {}
    return {}


def installed(host: Host) -> set[str]:
    """Return the names of all installed packages."""
    if host.family == "debian":
        done = host.run("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n")
        return {line.split()[0] for line in done.out.splitlines() if line.endswith(" installed")}
    return set(host.run("rpm", "-qa", "--qf", "%{NAME}\n").out.split())


def planned(host: Host, names: Sequence[str]) -> list[str]:
    """Return the packages that installing these would add to the host, dependencies included, and those it drives out.

    Only they are ours to remove or to bring back: something else may install packages at the same time.
    """
    if host.family != "debian":
        return list(names)
    done = host.run("apt-get", "-s", "-qq", "-o", "APT::Install-Recommends=0", "install", *names, timeout=120)
    there = installed(host)
    if done.rc != 0:
        return sorted(set(names) - there)
    said = [line.split()[:2] for line in done.out.splitlines() if line.startswith(("Inst ", "Remv "))]
    added = {name for word, name in said if word == "Inst"} - there
    return sorted(added | {f"{name}{DRIVEN_OUT}" for word, name in said if word == "Remv" and name in there})


def happened(host: Host, plan: Iterable[str]) -> list[str]:
    """Return what has come true of a plan: packages that are there, and those driven out that are not."""
    there = installed(host)
    return sorted(name for name in set(plan) if (name.removesuffix(DRIVEN_OUT) in there) != name.endswith(DRIVEN_OUT))
