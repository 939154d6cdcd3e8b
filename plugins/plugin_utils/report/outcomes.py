# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a control found, hosts with the same findings together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import NEVER_LOOKED
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say, frozen
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Fleet
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Result
from markupsafe import Markup

ORDER = (
    verdicts.NON_COMPLIANT,
    verdicts.NOT_VERIFIED,
    verdicts.WAIVED,
    verdicts.COMPLIANT,
    verdicts.NOT_APPLICABLE,
)
"""Verdicts from the one that asks for most attention to the one that asks for none."""

_FIELDS = ("kind", "name", "rule", "expected", "observed", "state", "reason")
_STATES = ("ok", "fail", "unknown", "not_applicable")
_REASONS = 3
"""Most reasons given why a control does not apply."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting as people read it. ``note`` is why, or empty."""

    kind: str
    state: str
    name: Markup
    expected: Markup
    observed: Markup
    note: Markup


@dataclass(slots=True)
class Outcome:
    """What was found on some hosts, the same on each of them.

    :ivar hosts: their numbers in the fleet, which the filters of the page use.
    :ivar seen: ISO instant of the oldest look among them; empty when it is that of the run itself.
    """

    verdict: str
    evidence: str
    reason: Markup
    problem: str
    rows: tuple[Row, ...]
    waiver: Markup
    changed: bool
    seen: str = ""
    names: list[str] = field(default_factory=list)
    hosts: list[int] = field(default_factory=list)

    @property
    def looked(self) -> bool:
        """Whether any run has looked at this."""
        return self.problem != NEVER_LOOKED


class Findings:
    """Turns results into outcomes; rows that hosts have in common are put into words once."""

    def __init__(self, fleet: Fleet, say: Say) -> None:
        self._fleet = fleet
        self._say = say
        self._rows: dict[Hashable, Row] = {}

    def outcomes(self, results: Iterable[Result]) -> list[Outcome]:
        """Return the outcomes of one control, the worst first, then those of most hosts."""
        groups: dict[Hashable, Outcome] = {}
        for result in results:
            rows = tuple(self._row(row) for row in result["settings"])
            reason = str(result["reason"])[:1000]
            waiver = repr(sorted(result["waiver"].items())) if result["waiver"] else ""
            changed = result["changed"] and result.get("seen", self._fleet.finished) == self._fleet.finished
            key = (result["verdict"], result["evidence"], reason, changed, waiver, tuple(map(id, rows)))
            outcome = groups.get(key)
            if outcome is None:
                outcome = groups[key] = self._outcome(result, reason, rows, changed=changed)
            outcome.names.append(result["host"])
            outcome.hosts.append(self._fleet.number(result["host"]))
            seen = result.get("seen", "")
            if seen and seen[:10] != self._fleet.finished[:10]:
                outcome.seen = min(outcome.seen or seen, seen)
        return sorted(groups.values(), key=lambda each: (ORDER.index(each.verdict), -len(each.hosts), each.names[0]))

    def _outcome(self, result: Result, reason: str, rows: tuple[Row, ...], *, changed: bool) -> Outcome:
        unreached = result["verdict"] == verdicts.NOT_VERIFIED and not rows
        note = self._problem(reason) if unreached else self._say.note(reason)
        rows, shared = self._brief(result["verdict"], rows)
        if shared or any(note == row.note for row in rows):
            note = shared
        return Outcome(
            verdict=result["verdict"] if result["verdict"] in ORDER else verdicts.NOT_VERIFIED,
            evidence=str(result["evidence"]),
            reason=note,
            problem=reason if unreached else "",
            rows=rows,
            waiver=self._waiver(result),
            changed=changed,
        )

    def _brief(self, verdict: str, rows: tuple[Row, ...]) -> tuple[tuple[Row, ...], Markup]:
        """Return the rows without what all of them say, and that; where nothing applies there is no row to show."""
        told = list(dict.fromkeys(row.note for row in rows if row.note))
        if verdict == verdicts.NOT_APPLICABLE and told:
            return (), self._say.joined(told[:_REASONS])
        if len(rows) > 1 and len(told) == 1 and all(row.note for row in rows):
            return tuple(replace(row, note=Markup("")) for row in rows), told[0]
        return rows, Markup("")

    def _problem(self, reason: str) -> Markup:
        """Return why a host was not looked at: in plain words, or as it was said where there are none."""
        problem = self._say.words.advice(reason).problem
        return self._say.note(reason) if problem == self._say.words("other") else self._say.own(problem)

    def _waiver(self, result: Result) -> Markup:
        waiver = result["waiver"]
        if not waiver:
            return Markup("")
        say = self._say
        return say("waived_until", say.day(waiver["end"]), waiver["reason"], waiver["owner"], waiver["approved_by"])

    def _row(self, row: Mapping[str, Any]) -> Row:
        key = tuple((field, frozen(row.get(field))) for field in _FIELDS)
        known = self._rows.get(key)
        if known is None:
            known = self._rows[key] = self._told(row)
        return known

    def _told(self, row: Mapping[str, Any]) -> Row:
        say, words = self._say, self._say.words
        wanted = say.value(row["expected"])
        return Row(
            kind=str(row.get("kind")),
            state=row["state"] if row["state"] in _STATES else "unknown",
            name=say.own(words.name(row)),
            expected=say.own(words(str(row["rule"]), "{}")).format(wanted),
            observed=say.value(row["observed"]),
            note=say.note(str(row.get("reason") or "")),
        )


def worst(outcomes: Sequence[Outcome]) -> str:
    """Return the verdict that asks for most attention; not_verified when nobody looked."""
    return outcomes[0].verdict if outcomes else verdicts.NOT_VERIFIED
