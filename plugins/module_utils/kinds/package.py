# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Presence of packages.

They are installed by Ansible's own module, all in one task before the settings are applied; this kind says which ones
are missing.
"""

from __future__ import annotations

import os
import re
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


def removable(host: Host, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split those of these packages that are installed into those that can go and those that something else needs.

    What is installed later may stand on a library of ours: that library stays then, and the rest goes all the same.
    """
    present = set(names) & installed(host)
    if not present or host.family != "debian":
        return [], sorted(present)
    alone = sorted(present - _needed(host, present))
    if not alone:
        return [], sorted(present)
    done = host.run("apt-get", "-s", "-qq", "-o", "APT::Get::AutomaticRemove=0", "purge", *alone, timeout=120)
    gone = {line.split()[1] for line in done.out.splitlines() if line.startswith(("Purg ", "Remv "))}
    if done.rc != 0 or not gone <= set(alone):
        return [], sorted(present)
    return alone, sorted(present - set(alone))


def units(host: Host, names: Iterable[str], *states: str) -> list[str]:
    """Return the units that came with these packages and are in one of these states, or, without any, not at rest."""
    files = host.run("dpkg", "--listfiles", *names).out.splitlines()
    shipped = {os.path.basename(path) for path in files if _UNIT.search(path)} - _EVERYBODYS
    if not shipped:
        return []
    chosen = [f"--state={state}" for state in states]
    found = host.run("systemctl", "list-units", "--plain", "--no-legend", *chosen, *sorted(shipped)).out
    return [line.split()[0] for line in found.splitlines()]


_EVERYBODYS = {"nftables.service"}
"""Stopping this one empties the tables of containers and virtual machines too."""
_UNIT = re.compile(r"/systemd/system/[^/@]+\.(service|socket|timer|path)$")
_DEPENDENCIES = "${Package}\t${db:Status-Status}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
_NAME = re.compile(r"[a-z0-9][a-z0-9+.\-]*")


def _needed(host: Host, mine: set[str]) -> set[str]:
    """Return the packages of these that the others on the host depend on, directly or through one another."""
    depends: dict[str, list[list[str]]] = {}
    stands_for: dict[str, set[str]] = {}
    for line in host.run("dpkg-query", "-W", "-f", _DEPENDENCIES).out.splitlines():
        package, status, wanted, provided = line.split("\t")
        if status == "installed":
            depends.setdefault(package, []).extend(_alternatives(wanted))
            for names in [[package], *_alternatives(provided)]:
                for name in names:
                    stands_for.setdefault(name, set()).add(package)
    needed: set[str] = set()
    looked = [package for package in depends if package not in mine]
    for package in looked:
        for alternatives in depends[package]:
            found = {each for name in alternatives for each in stands_for.get(name, ())}
            if found and found <= mine:
                looked += sorted(found - needed)
                needed |= found
    return needed


def _alternatives(field: str) -> list[list[str]]:
    """Return the names in each part of a field of dpkg, without versions and architectures."""
    parts = (part.split("|") for part in field.split(","))
    return [[name[0] for each in part if (name := _NAME.match(each.strip()))] for part in parts]
