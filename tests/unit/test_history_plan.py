# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plan: one line per control, decided or proposed, the same from run to run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, load
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Action, Gap
from ansible_collections.essms.hardening.plugins.plugin_utils.history.plan import actions, closed, priority
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History

from tests.unit.history_samples import NOW, result, run

TODAY = dt.date(2026, 6, 1)
SINCE = "2026-05-20T03:00:00Z"
BAD, UNKNOWN = "non_compliant", "not_verified"
CONTACT = "Responsable informatique"


def catalogue() -> Catalogue:
    """Return the catalogue with the origins these tests rest on."""
    known = load()
    origins = {"M08-01": "instruction", "M08-02": "pgssi-s", "M08-03": "state-of-the-art"}
    changed = {name: replace(known.controls[name], origin=origin) for name, origin in origins.items()}
    return replace(known, controls={**known.controls, **changed})


def plan(gaps: Sequence[Gap], decisions: Sequence[Mapping[str, Any]] = (), today: dt.date = TODAY) -> list[Action]:
    return actions(gaps, decisions, catalogue=catalogue(), contact=CONTACT, today=today)


def gap(control: str, host: str = "pc1", verdict: str = BAD, since: str = SINCE) -> Gap:
    return Gap(control, host, verdict, since)


@pytest.mark.parametrize(
    ("origin", "failing", "unknown"),
    [("instruction", 1, 2), ("pgssi-s", 2, 3), ("state-of-the-art", 3, 3), ("", 3, 3)],
)
def test_what_the_instruction_asks_comes_first(origin: str, failing: int, unknown: int) -> None:
    assert (priority(origin, BAD), priority(origin, UNKNOWN)) == (failing, unknown)


def test_a_line_is_one_control_with_its_hosts() -> None:
    gaps = [gap("M08-01", "pc2", UNKNOWN, "2026-03-01T00:00:00Z"), gap("M08-01", "pc1"), gap("M08-01", "pc3")]
    gaps[1] = replace(gaps[1], since="2026-04-01T00:00:00.5Z")
    (line,) = plan(gaps)
    # that nobody could look for longer makes nothing older that was seen to fail, nor makes it fail there
    assert line == Action(
        control="M08-01",
        hosts=("pc1", "pc3"),
        verdict=BAD,
        since="2026-04-01",
        owner=CONTACT,
        due="2026-05-01",
        priority=1,
        note="",
        decided=False,
        overdue=True,
    )


def test_the_proposed_date_follows_the_priority() -> None:
    lines = plan([gap("M08-03"), gap("M08-02"), gap("M08-01"), gap("M99-99")])
    assert [(line.control, line.priority, line.due) for line in lines] == [
        ("M08-01", 1, "2026-06-19"),
        ("M08-02", 2, "2026-08-18"),
        ("M08-03", 3, "2026-11-16"),
        ("M99-99", 3, "2026-11-16"),
    ]


def test_a_decision_counts_and_takes_its_hosts_out_of_the_line() -> None:
    decisions = [
        {"control": "M08-01", "owner": "Directrice", "due": "2026-12-31"},
        {
            "control": "M08-01",
            "hosts": ["pc3"],
            "owner": "Prestataire",
            "due": "2026-05-31",
            "priority": 2,
            "note": "à remplacer",
        },
        {"control": "M08-01", "hosts": ["pc3", "pc9"], "owner": "Personne", "due": "2026-01-01"},
    ]
    lines = plan([gap("M08-01", host) for host in ("pc1", "pc2", "pc3")], decisions)
    assert [
        (line.hosts, line.owner, line.due, line.priority, line.note, line.decided, line.overdue) for line in lines
    ] == [
        (("pc1", "pc2"), "Directrice", "2026-12-31", 1, "", True, False),
        (("pc3",), "Prestataire", "2026-05-31", 2, "à remplacer", True, True),
    ]


def test_the_urgent_come_first_then_the_overdue_then_the_next_due() -> None:
    decisions = [
        {"control": "M08-02", "owner": "x", "due": "2026-07-01", "priority": 2},
        {"control": "M08-03", "owner": "x", "due": "2026-05-31", "priority": 2},
        {"control": "M07-04", "owner": "x", "due": "2026-06-30", "priority": 2},
        {"control": "M08-01", "owner": "x", "due": "2027-01-01"},
    ]
    lines = plan([gap(name) for name in ("M07-04", "M08-01", "M08-02", "M08-03")], decisions)
    assert [line.control for line in lines] == ["M08-01", "M08-03", "M07-04", "M08-02"]


def test_the_due_day_itself_is_not_late() -> None:
    decision = {"control": "M08-01", "owner": "x", "due": "2026-06-01"}
    assert not plan([gap("M08-01")], [decision])[0].overdue
    assert plan([gap("M08-01")], [decision], TODAY + dt.timedelta(days=1))[0].overdue


def test_the_plan_stays_the_same_when_runs_repeat(tmp_path: Path) -> None:
    history = History(tmp_path, NOW)
    plans = []
    for day in (10, 20, 30):
        history.record(*run(day, {"pc1": {"M08-01": BAD, "M08-02": UNKNOWN}, "pc2": {"M08-01": "compliant"}}))
        plans.append(plan(history.gaps(), today=dt.date(2026, 2, 1)))
    assert plans[0] == plans[1] == plans[2]
    assert [(line.since, line.due) for line in plans[0]] == [("2026-01-11", "2026-02-10"), ("2026-01-11", "2026-07-10")]


def test_a_decision_is_done_only_when_the_control_was_seen_to_pass() -> None:
    decisions = [
        {"control": "M08-01"},
        {"control": "M08-02", "hosts": ["pc1"]},
        {"control": "M08-02"},
        {"control": "M08-03"},
        {"control": "M08-04"},
        {"control": "M08-05", "hosts": ["gone"]},
    ]
    found = [
        result("M08-01", "pc1", "compliant"),
        result("M08-01", "pc2", "not_applicable"),
        result("M08-02", "pc1", "compliant"),
        result("M08-02", "pc2", UNKNOWN),
        result("M08-03", "pc1", "waived"),
        result("M08-04", "pc1", "not_applicable"),
        result("M08-05", "pc1", "compliant"),
    ]
    assert closed(decisions, found) == decisions[:2]
