# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates that are installed and do not work yet: a host or a service still runs what they replaced."""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST
from ..engine.versions import key
from .base import Kind, fields, integer

_ROW = "days"
_FLAG = "/run/reboot-required"
_KERNEL = "vmlinuz-"
_UNIT = re.compile(r"/system\.slice/.*?([^/\n]+\.service)(?:/|\n|$)")
_REPLACED = re.compile(r"^\S+ ..x. \S+ \S+ \d+ +(/(?:usr|lib|lib64|bin|sbin|opt)/.*) \(deleted\)$", re.MULTILINE)
_SECONDS = 0.3
"""Processor time for the look at the processes; on a busy host the clock would run out before the work began."""


class PendingRestart(Kind):
    """``pending_restart: {days: 7}``: for how long a restart of the host or of a service has been due."""

    schema = fields(("days",), days=integer(0, 365))
    rules = {_ROW: AT_MOST}
    check_only = True

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        since: list[float] = []
        notes: list[str] = []
        if os.path.exists(host.path(_FLAG)):
            since.append(os.stat(host.path(_FLAG)).st_mtime)
            notes.append("an update asks for a restart of the host")
        newer = None if host.in_container else _newer_kernel(host, os.uname().release)
        if newer:
            since.append(newer[1])
            notes.append(f"the kernel {newer[0]} is installed and does not run")
        services, complete = _services(host)
        if services:
            since.append(min(services.values()))
            notes.append(f"services that run replaced files: {', '.join(sorted(services)[:8])}")
        days = max(0, int((time.time() - min(since)) // 86400)) if since else 0
        if not complete and days <= min(body["days"] for body in bodies):
            return {_ROW: Unknown("not every process could be looked at in time: run again when the host is less busy")}
        return {_ROW: Seen(days, "; ".join(notes)) if notes else days}


def _newer_kernel(host: Host, running: str) -> tuple[str, float] | None:
    """Return the newest kernel that waits for a restart, and the time since when one does."""
    folder = host.path("/boot")
    names = (
        [name[len(_KERNEL) :] for name in os.listdir(folder) if name.startswith(_KERNEL)]
        if os.path.isdir(folder)
        else []
    )
    if host.family == "debian":
        # a flavour (cloud, rt) is not replaced by another one
        names = [name for name in names if _flavour(name) == _flavour(running)]
    newer = sorted(
        (name for name in names if key(name, host.family) > key(running, host.family)),
        key=lambda n: key(n, host.family),
    )
    if not newer:
        return None
    return newer[-1], min(os.stat(os.path.join(folder, _KERNEL + name)).st_ctime for name in newer)


def _flavour(name: str) -> str:
    return re.sub(r"^[0-9.+~-]+(?:bpo[0-9.+~-]+|deb\d+[0-9.+~-]*)*", "", name)


def _services(host: Host) -> tuple[dict[str, float], bool]:
    """Return the services that run files which are no longer there, with the time since when; and if all were seen.

    The time is when the new file came. Where none came under the same name, it is that of the first look that saw it,
    which the controller remembers.
    """
    known = host.memory.get("pending_restart", {})
    now = time.time()
    found: dict[str, float] = {}
    complete = True
    for unit, paths in _processes(host, time.thread_time() + _SECONDS):
        if not unit:
            complete = False
            break
        times = [changed for changed in map(_changed, paths) if changed]
        first = _timestamp(known.get(unit)) or now
        found[unit] = min(found.get(unit, now), *(times or [first]))
    host.remembered["pending_restart"] = {
        unit: dt.datetime.fromtimestamp(since, dt.timezone.utc).date().isoformat() for unit, since in found.items()
    }
    return found, complete


def _processes(host: Host, deadline: float) -> Iterator[tuple[str, list[str]]]:
    """Yield service and replaced files of each process that has some; an empty name when the time is over."""
    own_root = os.stat(host.path("/"))
    for pid in filter(str.isdigit, os.listdir(host.path("/proc"))):
        if time.thread_time() > deadline:
            yield "", []
            return
        folder = os.path.join(host.path("/proc"), pid)
        try:
            unit = _UNIT.search(_read(f"{folder}/cgroup"))
            # the files of a container are not ours to judge
            if unit and os.path.samestat(os.stat(f"{folder}/root"), own_root):
                paths = _REPLACED.findall(_read(f"{folder}/maps"))
                if paths:
                    yield unit[1], paths
        except OSError:
            # the process has ended, or is not ours to read
            continue


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def _changed(path: str) -> float | None:
    try:
        return os.stat(path).st_ctime
    except OSError:
        return None


def _timestamp(date: object) -> float | None:
    try:
        return dt.datetime.fromisoformat(f"{date}T00:00:00+00:00").timestamp()
    except ValueError:
        return None
