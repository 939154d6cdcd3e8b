# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the waivers of today make of what runs found: one rule for the report, the trend and the overview.

A run judges the waivers of its own day. One that has ended since, or was withdrawn, covers nothing any more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Fleet, Result, Waived


@dataclass(frozen=True, slots=True)
class Today:
    """A day, and the waivers that stand in waivers.yml on it.

    :ivar declared: None when the folder of the establishment is not known; then only the end of a waiver counts.
    """

    day: date
    declared: Sequence[Waiver] | None = None

    def in_force(self, control: str, host: str, groups: Collection[str]) -> Waiver | None:
        """Return the waiver of the file that covers a control on a host today, or None."""
        return waivers.in_force(control, (each for each in self.declared or () if each.covers(host, groups)), self.day)

    def covers(self, control: str, host: str, groups: Collection[str], until: str | None) -> bool:
        """Return whether what a run found waived, until an ISO date, still is."""
        if self.declared is None:
            return until is None or until >= self.day.isoformat()
        return self.in_force(control, host, groups) is not None

    def judged(self, document: Document) -> Document:
        """Return a document as of today."""
        groups = known_fleet(document)["hosts"]
        return {
            **document,
            "results": [
                self._result(item, groups.get(item["host"], ())) if item["verdict"] == verdicts.WAIVED else item
                for item in document["results"]
            ],
        }

    def waivers(self, found: Sequence[Waived], fleet: Fleet, controls: Collection[str]) -> list[Waived]:
        """Return the waivers as they stand today: those of the file, else those that a run found."""
        if self.declared is None:
            return restated(found, self.day)
        return waivers.results_of(self.declared, self.day, controls, fleet["groups"], fleet["hosts"])

    def _result(self, result: Result, groups: Collection[str]) -> Result:
        control, host, waiver = result["control"], result["host"], result["waiver"]
        if self.covers(control, host, groups, waiver and waiver["end"]):
            renewed = self.in_force(control, host, groups)
            return {**result, "waiver": renewed.as_result(self.day)} if renewed else result
        owner, end = (waiver["owner"], waiver["end"]) if waiver else ("", self.day.isoformat())
        ended = end < self.day.isoformat()
        reason = waivers.over(owner, end) if ended else waivers.withdrawn(owner, end)
        return {**result, "verdict": verdicts.NON_COMPLIANT, "reason": reason}


def restated(found: Iterable[Waived], day: date) -> list[Waived]:
    """Return waivers with the state that they have on a day."""
    return [{**waiver, "state": waivers.state_on(day, waiver["start"], waiver["end"])} for waiver in found]


def known_fleet(document: Document) -> Fleet:
    """Return all hosts, groups and controls that a document knows: those of its fleet, and those it has results of."""
    fleet = document["fleet"]
    hosts = {**{host["name"]: host["groups"] for host in document["hosts"]}, **fleet["hosts"]}
    groups = {*fleet["groups"], *(group for own in hosts.values() for group in own)}
    controls = {*fleet["controls"], *(result["control"] for result in document["results"])}
    return {"hosts": hosts, "groups": sorted(groups), "controls": sorted(controls)}
