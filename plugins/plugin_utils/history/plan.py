# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plan: every open gap with who closes it and until when, decided in action_plan.yml or else proposed.

A proposal rests only on the day a gap was first found and on what asks for the control, so it stays the same from run
to run for as long as the gap stands.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Action, Gap
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue

#: By origin of the requirement; what no catalogue knows any more is as urgent as the least of them.
_PRIORITIES = {"instruction": 1, "pgssi-s": 2, "state-of-the-art": 3}
_LEAST = 3

#: Days from the first finding to the proposed due date, by priority.
DELAYS = {1: 30, 2: 90, 3: 180}


def priority(origin: str, verdict: str) -> int:
    """Return how urgent a gap is, 1 (first) to 3: by what asks for the control; one less when nobody could look."""
    return min(_LEAST, _PRIORITIES.get(origin, _LEAST) + (verdict == verdicts.NOT_VERIFIED))


def actions(
    gaps: Iterable[Gap],
    decisions: Sequence[Mapping[str, Any]],
    *,
    catalogue: Catalogue,
    contact: str,
    today: dt.date,
) -> list[Action]:
    """Return the action plan, the most urgent first, then by due date, so that what is overdue leads.

    :param decisions: the entries of action_plan.yml: control, hosts (optional), owner, due (ISO date), priority, note
        (both optional). One that names hosts takes them out of the line of its control; of several for the same host
        the first that names it counts, and one for every host comes last.
    :param contact: who answers for a gap that nobody was given, a role.

    A line names the hosts on which its control was seen to fail; only where it was on none, those nobody could look at.
    """
    lines: dict[tuple[str, int | None], list[Gap]] = {}
    for gap in gaps:
        lines.setdefault((gap.control, _decision_for(gap, decisions)), []).append(gap)
    plan = [
        _action(found, decisions[index] if index is not None else None, catalogue, contact, today)
        for (_control, index), found in lines.items()
    ]
    return sorted(plan, key=lambda line: (line.priority, line.due, line.control, line.hosts))


def urgent(gaps: Iterable[Gap], decisions: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> int:
    """Return how many gaps are open at priority 1, decided or proposed; ``decisions`` as for ``actions``."""
    found = ((gap, _decision_for(gap, decisions)) for gap in gaps)
    return sum(
        _urgency(gap.control, gap.verdict, decisions[index] if index is not None else None, catalogue) == 1
        for gap, index in found
    )


def closed(decisions: Iterable[Mapping[str, Any]], results: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the decisions that are done: the control passes wherever it applies, on at least one host of theirs.

    :param results: those of the current document. A waiver or a host nobody could look at leaves a decision open.
    """
    done = []
    for decision in decisions:
        hosts = decision.get("hosts")
        found = {
            item["verdict"]
            for item in results
            if item["control"] == decision["control"] and (not hosts or item["host"] in hosts)
        }
        if verdicts.COMPLIANT in found and found <= {verdicts.COMPLIANT, verdicts.NOT_APPLICABLE}:
            done.append(decision)
    return done


def _decision_for(gap: Gap, decisions: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the index of the decision that a gap falls under."""
    own = [index for index, decision in enumerate(decisions) if decision["control"] == gap.control]
    named = [index for index in own if gap.host in (decisions[index].get("hosts") or ())]
    general = [index for index in own if not decisions[index].get("hosts")]
    return next(iter([*named, *general]), None)


def _urgency(control: str, verdict: str, decision: Mapping[str, Any] | None, catalogue: Catalogue) -> int:
    known = catalogue.controls.get(control)
    return int((decision or {}).get("priority") or priority(known.origin if known else "", verdict))


def _action(
    gaps: Sequence[Gap], decision: Mapping[str, Any] | None, catalogue: Catalogue, contact: str, today: dt.date
) -> Action:
    decided = decision or {}
    control = gaps[0].control
    failing = any(gap.verdict == verdicts.NON_COMPLIANT for gap in gaps)
    verdict = verdicts.NON_COMPLIANT if failing else verdicts.NOT_VERIFIED
    # where one was seen to fail, the line is about that: a host nobody could look at is not said to fail, too
    meant = [gap for gap in gaps if gap.verdict == verdict]
    since = dt.date.fromisoformat(min(gap.since for gap in meant)[:10])
    urgency = _urgency(control, verdict, decision, catalogue)
    due = str(decided.get("due") or since + dt.timedelta(days=DELAYS[urgency]))
    return Action(
        control=control,
        hosts=tuple(sorted(gap.host for gap in meant)),
        verdict=verdict,
        since=since.isoformat(),
        owner=str(decided.get("owner") or contact),
        due=due,
        priority=urgency,
        note=str(decided.get("note") or ""),
        decided=decision is not None,
        overdue=dt.date.fromisoformat(due) < today,
    )
