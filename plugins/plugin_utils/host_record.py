# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an engine's response to the record of a host that the results are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import evidence, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver


@dataclass(frozen=True, slots=True)
class Facet:
    """What the record says of a control beside its rows."""

    id: str
    measure: str
    origin: str
    evidence: str


@dataclass(slots=True)
class HostRecord:
    """Everything one settings task learned of one host; ``waivers`` are those that cover it.

    ``refused`` says that the host was not touched, because of what the inventory or the command line says.
    """

    host: str
    establishment: str
    profile: str
    mode: str
    facets: Sequence[Facet]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    waivers: Sequence[Waiver] = ()
    groups: Sequence[str] = ()
    response: dict[str, Any] = field(default_factory=dict)
    before: Sequence[Mapping[str, Any]] = ()
    excluded: Mapping[str, str] = field(default_factory=dict)
    guard: str | None = None
    problem: str = ""
    refused: bool = False
    seconds: Mapping[str, float] = field(default_factory=dict)

    def as_dict(self, today: date) -> dict[str, Any]:
        """Return the record in the form that results are built from."""
        release = self.response.get("platform") or {}
        return {
            "schema": "essms-host/1",
            "host": self.host,
            "groups": list(self.groups),
            "establishment": self.establishment,
            "profile": self.profile,
            "mode": self.mode,
            "platform": release,
            "controls": [self._control(facet, release, today) for facet in self.facets],
            "transaction": self.response.get("transaction"),
            "guard": self.guard,
            "problem": self.problem,
            "refused": self.refused,
            "seconds": {part: round(seconds, 3) for part, seconds in self.seconds.items()},
        }

    def _control(self, facet: Facet, release: Mapping[str, str], today: date) -> dict[str, Any]:
        # nothing was asked about a control for other groups of hosts, so nothing that is said of it counts
        told = () if facet.id in self.excluded else self.response.get("rows", ())
        rows = [row for row in told if row["control"] == facet.id]
        before = [row for row in self.before if row["control"] == facet.id]
        waiver = waivers.in_force(facet.id, self.waivers, today)
        judged = verdicts.NOT_APPLICABLE if facet.id in self.excluded else verdicts.verdict(rows)
        verdict = verdicts.with_waiver(judged, waiver)
        shown = [{key: value for key, value in row.items() if key != "control"} for row in rows]
        return {
            "control": facet.id,
            "measure": facet.measure,
            "verdict": verdict,
            "before_verdict": verdicts.verdict(before) if before else None,
            "evidence": evidence.of_rows(facet.evidence, rows, release),
            "origin": facet.origin,
            "reason": self._reason(facet.id, verdict, rows, today),
            "settings": shown,
            "changed": facet.id in self.response.get("changed", ()),
            "parameters": dict(self.parameters.get(facet.id, {})),
            "waiver": waiver.as_result(today) if waiver else None,
        }

    def _reason(self, control: str, verdict: str, rows: Sequence[Mapping[str, Any]], today: date) -> str:
        """Return the sentence that explains the verdict, the most important one when there are several."""
        failed = self.response.get("failed", {}).get(control)
        if failed:
            return f"apply put it back: {failed}"
        if verdict == verdicts.NON_COMPLIANT:
            return waivers.expired_note(control, self.waivers, today)
        if control in self.excluded:
            return self.excluded[control]
        state = {verdicts.NOT_VERIFIED: "unknown", verdicts.NOT_APPLICABLE: "not_applicable"}.get(verdict)
        return self.problem or next((row["reason"] for row in rows if row["state"] == state), "")
