# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the history answers with: plain frozen records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Result, Score

NEVER_LOOKED = "No run has looked at this yet: audit the whole establishment."
"""The reason of a control × host pair that no run has named so far, and the problem of a host that none has met."""


@dataclass(frozen=True, slots=True)
class Point:
    """Where an establishment stood after one run: every control × host known then, those of earlier runs included.

    :ivar run: name of the report folder of the run.
    :ivar when: ISO 8601 UTC, when the run ended.
    :ivar mode: audit, apply or rollback.
    :ivar score: over everything.
    :ivar measures: by id of the measure.
    :ivar effect: of an apply or a rollback, before and after it, over exactly the pairs that this run looked at; None
        for an audit, and when the run looked at nothing. What nobody had looked at before counts as not verified.
    """

    run: str
    when: str
    mode: str
    score: Score
    measures: Mapping[str, Score]
    effect: tuple[Score, Score] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that the last run changed. ``None``: the control or the host was not known then."""

    control: str
    host: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A control that is not compliant on a host, or that nobody could verify there.

    :ivar verdict: non_compliant or not_verified.
    :ivar since: ISO 8601 UTC of the run that first found it so, without a compliant look since; after a waiver the day
        after its end, or the last look under it when it was withdrawn before.
    """

    control: str
    host: str
    verdict: str
    since: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """A host of the inventory and when a run last verified anything on it (ISO 8601 UTC); None: never."""

    host: str
    seen: str | None


@dataclass(frozen=True, slots=True)
class Action:
    """One line of the action plan: a gap, who closes it, and until when.

    :ivar hosts: where it stands open, in order.
    :ivar since: ISO date since when it has had this verdict's gap on the first of them.
    :ivar owner: a role, from action_plan.yml, else the IT contact of the establishment.
    :ivar due: ISO date, from action_plan.yml, else from the day it was found and its priority.
    :ivar priority: 1 (first) to 3.
    :ivar decided: whether somebody wrote this line in action_plan.yml, or it is only proposed.
    :ivar overdue: whether the due date is over.
    """

    control: str
    hosts: tuple[str, ...]
    verdict: str
    since: str
    owner: str
    due: str
    priority: int
    note: str
    decided: bool
    overdue: bool


def never_looked(result: Result) -> bool:
    """Return whether a result only stands for a pair that no run has looked at: nothing to plan, but to audit."""
    return (
        result["verdict"] == verdicts.NOT_VERIFIED and result["reason"] == NEVER_LOOKED and not result["settings"]
    ) and "seen" not in result
