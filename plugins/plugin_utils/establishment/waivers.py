# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: what an establishment sets aside, for which hosts, why, who answers for it, and until when.

They stand in ``waivers.yml`` beside the inventory. A waiver holds from its first through its last day, a year at most;
when it is over, the control fails again. One that applies to nothing is not an error, as a host may leave the inventory
before its waiver ends: it is reported as an orphan.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import reading
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
        if today < self.start:
            return "future"
        if today > self.end:
            return "expired"
        return "expiring" if self.end - today <= SOON else "active"

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


def load(folder: Path) -> list[Waiver]:
    """Return the waivers of the establishment of a folder, those that are over included; none without a file.

    Raises CatalogueError for the first thing that is wrong: file, line, key, rule.
    """
    path = folder / FILE
    if not path.exists():
        return []
    name = f"{folder.name}/{FILE}"
    document = reading.read_document(path, name, _schema())
    found = []
    for index, item in enumerate(document.data):
        ((scope, target),) = item["scope"].items()
        days = {key: _day(document, (index, key), item[key]) for key in ("start", "end")}
        waiver = Waiver(
            item["control"],
            scope,
            "" if scope == ESTABLISHMENT else target,
            item["reason"],
            item["owner"],
            item["approved_by"],
            **days,
        )
        if waiver.end < waiver.start:
            raise document.error(
                (index, "end"), f"{waiver.end} is before its start {waiver.start}; correct one of them"
            )
        if waiver.end - waiver.start > LONGEST:
            latest = waiver.start + LONGEST
            raise document.error(
                (index, "end"), f"lasts longer than {LONGEST.days} days; end it on {latest} or earlier"
            )
        found.append(waiver)
    return found


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
    over = [waiver for waiver in waivers if waiver.control == control and waiver.end < today]
    if not over:
        return ""
    last = max(over, key=lambda waiver: waiver.end)
    return f"the waiver of {last.owner} ended on {last.end.isoformat()}; renew it or apply the control"


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
