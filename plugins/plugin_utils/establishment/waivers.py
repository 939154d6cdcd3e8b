# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: what an establishment sets aside, for which hosts, why, who answers for it, and until when.

They stand in ``waivers.yml`` beside the inventory. A waiver holds from its first through its last day, a year at most;
when it is over, the control fails again. One that applies to nothing is not an error, as a host may leave the inventory
before its waiver ends: it is reported as an orphan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import reading, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import COLLECTION
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Waived

FILE = "waivers.yml"
LONGEST = dt.timedelta(days=365)
SOON = dt.timedelta(days=30)
ESTABLISHMENT, GROUP, HOST = "establishment", "group", "host"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One control set aside for an establishment, a group or a host, from ``start`` up to and including ``end``.

    :ivar name: of the group or host; empty for the establishment.
    """

    control: str
    scope: str
    name: str
    reason: str
    owner: str
    approved_by: str
    start: dt.date
    end: dt.date

    def covers(self, host: str, groups: Collection[str]) -> bool:
        """Return whether a host with these groups is meant."""
        named = {HOST: (host,), GROUP: groups}.get(self.scope, ())
        return self.scope == ESTABLISHMENT or self.name in named

    def state(self, today: dt.date) -> str:
        """Return active, expiring (it ends within 30 days), expired or future."""
        return state_on(today, self.start.isoformat(), self.end.isoformat())

    def orphan(self, controls: Collection[str], groups: Collection[str], hosts: Collection[str]) -> str:
        """Return why the waiver applies to nothing, or an empty text; what is known of each kind is given."""
        if self.control not in controls:
            return f"unknown control {self.control}; {nearest(self.control, controls)}"
        known = {GROUP: groups, HOST: hosts}.get(self.scope, ())
        if self.scope != ESTABLISHMENT and self.name not in known:
            return f"unknown {self.scope} {shown(self.name)}; {nearest(self.name[:60], known)}"
        return ""

    def as_result(self, today: dt.date, orphan: str = "") -> Waived:
        """Return the waiver as results hold it."""
        return {
            "control": self.control,
            "scope": self.scope,
            "name": self.name,
            "reason": self.reason,
            "owner": self.owner,
            "approved_by": self.approved_by,
            "start": self.start.isoformat(),
            "end": self.end.isoformat(),
            "state": self.state(today),
            "orphan": orphan,
        }


def state_on(day: dt.date, start: str, end: str) -> str:
    """Return the state on a day of a waiver from one ISO date through another: active, expiring, expired or future."""
    today = day.isoformat()
    if today < start:
        return "future"
    if today > end:
        return "expired"
    return "expiring" if end <= (day + SOON).isoformat() else "active"


def load(folder: Path) -> list[Waiver]:
    """Return the waivers of the establishment of a folder, those that are over included; none without a file.

    Raises CatalogueError for the first thing that is wrong: ``name:line: key: rule; what to do``.
    """
    file = _file(folder)
    if file is None:
        return []
    if schemas.problem(_schema(), file.data):
        raise CatalogueError(file.problems(_schema())[0])
    for broken in _wrong_dates(file):
        raise CatalogueError(broken)
    return [_waiver(item) for item in file.data]


def problems(folder: Path) -> list[str]:
    """Return everything that is wrong with the waivers of a folder, one line each."""
    try:
        file = _file(folder)
    except CatalogueError as error:
        return [str(error)]
    return [] if file is None else file.problems(_schema()) or list(_wrong_dates(file))


def _file(folder: Path) -> reading.File | None:
    """Return the file; None when there is none, or when it holds nothing but comments."""
    path = folder / FILE
    file = reading.load(path, f"{folder.name}/{FILE}") if path.exists() else None
    return None if file is None or file.data is None else file


def _waiver(item: Mapping[str, Any]) -> Waiver:
    ((scope, target),) = item["scope"].items()
    start, end = dt.date.fromisoformat(item["start"]), dt.date.fromisoformat(item["end"])
    name = "" if scope == ESTABLISHMENT else target
    return Waiver(item["control"], scope, name, item["reason"], item["owner"], item["approved_by"], start, end)


def _wrong_dates(file: reading.File) -> Iterator[str]:
    """Yield what a schema cannot say: an end before the start, more than a year."""
    for index, waiver in enumerate(map(_waiver, file.data)):
        if waiver.end < waiver.start:
            yield _said(file, index, "end", f"{waiver.end} is before the start, {waiver.start}; correct one of them")
        elif waiver.end - waiver.start > LONGEST:
            latest = waiver.start + LONGEST
            rule = f"{waiver.end} is more than {LONGEST.days} days after the start; end it on {latest} or before"
            yield _said(file, index, "end", rule)


def _said(file: reading.File, index: int, key: str, rule: str) -> str:
    return f"{file.name}:{file.line((index, key))}: {schemas.dotted((index, key))}: {rule}"


def in_force(control: str, waivers: Iterable[Waiver], today: dt.date) -> Waiver | None:
    """Return the waiver of a control that is valid today, the longest when there are several, or None.

    ``waivers`` are those that cover the host.
    """
    return max(
        (waiver for waiver in waivers if waiver.control == control and waiver.start <= today <= waiver.end),
        key=lambda waiver: waiver.end,
        default=None,
    )


def expired_note(control: str, waivers: Iterable[Waiver], today: dt.date) -> str:
    """Return the sentence to show when a control had a waiver that is over, or an empty text."""
    ended = [waiver for waiver in waivers if waiver.control == control and waiver.end < today]
    if not ended:
        return ""
    last = max(ended, key=lambda waiver: waiver.end)
    return over(last.owner, last.end.isoformat())


def over(owner: str, end: str) -> str:
    """Return the sentence to show when a waiver is over."""
    return f"the waiver of {owner} ended on {end}; renew it or apply the control"


def withdrawn(owner: str, end: str) -> str:
    """Return the sentence to show when a waiver that a run found in force no longer covers the host, before its end."""
    return f"the waiver of {owner} until {end} no longer stands in {FILE} for this host; add it or apply the control"


def told_state(waiver: Waived) -> str:
    """Return what to say of a waiver: its state, or ``orphan`` when it applies to nothing and is not over."""
    return "orphan" if waiver["orphan"] and waiver["state"] != "expired" else waiver["state"]


def results_of(
    waivers: Iterable[Waiver],
    today: dt.date,
    controls: Collection[str],
    groups: Collection[str],
    hosts: Collection[str],
) -> list[Waived]:
    """Return all waivers of an establishment as results hold them, orphans marked."""
    return [waiver.as_result(today, waiver.orphan(controls, groups, hosts)) for waiver in waivers]


@lru_cache(maxsize=1)
def _schema() -> str:
    name = "schema/waivers.schema.json"
    return reading.read_schema(COLLECTION / name, name)
