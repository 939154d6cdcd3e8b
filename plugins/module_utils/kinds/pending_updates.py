# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security updates that wait, and for how long.

No list of packages says since when it offers one. Two things are known: it is at least as old as the list that offers
it and as the first audit that saw it wait; and not older than the last audit that did not, or than the package it would
replace. The verdict is given when both sides agree.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..engine import apt
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST
from ..engine.versions import key
from .base import Kind, fields, integer

_OLDEST, _LISTS = "oldest (days)", "lists (days)"
_STATUS = "/var/lib/dpkg/status"
_INSTALLED = re.compile(
    r"^Package: (\S+)$(?:\n(?!Status: ).+$)*\nStatus: \S+ ok installed$(?:\n(?!Version: ).+$)*\nVersion: (\S+)$",
    re.MULTILINE,
)
_ADVISORY = re.compile(r"^\S+ +\S+ +(\S+)-(?:\d+:)?[^-\s]+-[^-\s]+\.[^.\s]+$", re.MULTILINE)
_STAMP = "/var/lib/apt/periodic/update-success-stamp"
_REMEMBERED = 500


class Waiting(NamedTuple):
    """An update that waits: the version it would replace, and the days it waits at least and at most."""

    installed: str
    least: int
    most: int


class PendingUpdates(Kind):
    """``pending_updates: {days: 30, lists_days: 7}``: ages of the oldest waiting security update and of the lists."""

    schema = fields(("days", "lists_days"), days=integer(0, 365), lists_days=integer(1, 90))
    rules = {_OLDEST: AT_MOST, _LISTS: AT_MOST}
    check_only = True
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {_OLDEST: body["days"], _LISTS: body["lists_days"]}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        age, offered = _dnf(host) if host.family == "redhat" else _apt(host)
        if age is None:
            missing = Seen(None, "no list of security updates was ever fetched")
            return {_OLDEST: Unknown("no list of security updates to compare with"), _LISTS: missing}
        waiting = _remember(host, offered)
        return {_OLDEST: _verdict(waiting, min(body["days"] for body in bodies)), _LISTS: int(age)}


def _verdict(waiting: Mapping[str, Waiting], limit: int) -> Any:
    if not waiting:
        return 0
    names = ", ".join(sorted(waiting, key=lambda name: -waiting[name].least)[:8])
    note = f"{len(waiting)} security updates wait: {names}"
    least, most = max(one.least for one in waiting.values()), max(one.most for one in waiting.values())
    if least > limit:
        return Seen(least, note)
    if most <= limit:
        return Seen(most, note)
    return Unknown(f"{note}; for at least {least} and at most {most} days: later audits will tell")


def _apt(host: Host) -> tuple[float | None, dict[str, Waiting]]:
    """Return the days since the oldest list of security updates was made, and what waits by these lists."""
    ages: list[float] = []
    waiting: dict[str, Waiting] = {}
    installed: dict[str, str] | None = None
    for source in apt.sources(host):
        release = apt.release(host, source)
        if release is None or not _is_security(source, release):
            continue
        age = release.age_days() or 0.0
        ages.append(min(age, _age(host, _STAMP)))
        if installed is None:
            installed = dict(_INSTALLED.findall(host.text(_STATUS) or ""))
        for name, version in apt.available(host, source, installed):
            present = installed[name]
            if present != version and key(version, "debian") > key(present, "debian"):
                waiting[name] = Waiting(present, max(0, int(age)), int(_installed_since(host, name)))
    return max(ages) if ages else None, waiting


def _is_security(source: apt.Source, release: apt.Release) -> bool:
    return source.suite.endswith("-security") or release.fields.get("label") == "Debian-Security"


def _installed_since(host: Host, name: str) -> float:
    folder = "/var/lib/dpkg/info"
    paths = [f"{folder}/{name}.list", *(f"{folder}/{name}:{arch}.list" for arch in ("amd64", "arm64", "i386", "armhf"))]
    return min(_age(host, path) for path in paths)


def _age(host: Host, path: str) -> float:
    """Return the days since a file was written; many when it does not exist."""
    try:
        return max(0.0, (time.time() - os.stat(host.path(path)).st_mtime) / 86400)
    except OSError:
        return 9999.0


def _dnf(host: Host) -> tuple[float | None, dict[str, Waiting]]:
    """Return the same for dnf, by what it has in its cache."""
    done = host.run("dnf", "--quiet", "--cacheonly", "updateinfo", "list", "--security", timeout=20)
    cache = host.path("/var/cache/dnf")
    ages = [
        _age(host, os.path.join("/var/cache/dnf", name, "repodata/repomd.xml"))
        for name in (os.listdir(cache) if os.path.isdir(cache) else [])
    ]
    fetched = [age for age in ages if age < 9999]
    if done.rc != 0 or not fetched:
        return None, {}
    names = set(_ADVISORY.findall(done.out))
    done = host.run("rpm", "-q", "--qf", "%{NAME} %{EVR} %{INSTALLTIME}\n", *sorted(names)) if names else done
    words = [line.split() for line in done.out.splitlines()]
    present = {line[0]: line[1:] for line in words if len(line) == 3 and line[2].isdigit()}
    return max(fetched), {
        name: Waiting(version, 0, int((time.time() - int(since)) // 86400))
        for name, (version, since) in present.items()
    }


def _remember(host: Host, offered: Mapping[str, Waiting]) -> dict[str, Waiting]:
    """Return what waits with what earlier audits say about it, and keep it for the next one."""
    today = dt.datetime.now(dt.timezone.utc).date()
    memory = host.memory.get("pending_updates", {})
    known = memory.get("waiting", {})
    unseen = (today - _date(memory.get("seen"), dt.date(1970, 1, 1))).days
    found: dict[str, Waiting] = {}
    for name, one in offered.items():
        version, first, last = known.get(name, ("", "", ""))
        if version == one.installed:
            least, most = (today - _date(first, today)).days, (today - _date(last, today)).days
            found[name] = Waiting(version, max(one.least, least), max(one.least, min(one.most, most)))
        else:
            found[name] = Waiting(one.installed, one.least, max(one.least, min(one.most, unseen)))
    host.remembered["pending_updates"] = {
        "seen": today.isoformat(),
        "waiting": {
            name: [one.installed, *((today - dt.timedelta(days=days)).isoformat() for days in one[1:])]
            for name, one in sorted(found.items())[:_REMEMBERED]
        },
    }
    return found


def _date(said: object, otherwise: dt.date) -> dt.date:
    try:
        return dt.date.fromisoformat(str(said))
    except ValueError:
        return otherwise
