# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every combination that decides a verdict, against a table that people have read: ``golden/verdicts.json``.

A combination goes the whole way a real one goes: rows and waivers into the record of a host, that into the results of a
run, these through the schema. The table is never written by the code; a change of it is a decision to be reviewed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import collector, results
from ansible_collections.essms.hardening.plugins.plugin_utils.collector import Circumstances, Collector, Expected
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver
from ansible_collections.essms.hardening.plugins.plugin_utils.host_record import Facet, HostRecord
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Result

from tests.unit.result_samples import VERSIONS, circumstances

GOLDEN = json.loads((Path(__file__).parent / "golden" / "verdicts.json").read_text(encoding="utf-8"))

CONTROL, HOST, TASK = "M08-01", "poste-01", "task"
TODAY = dt.date(2026, 6, 30)
DEBIAN = {"id": "debian", "version": "12", "family": "debian"}
OTHER = {"id": "rocky", "version": "9", "family": "redhat"}

STATES = ("ok", "fail", "unknown", "not_applicable", "a word of no engine")
WAIVERS = ("none", "active", "expiring", "expired", "future")

EXCLUDED = "only for hosts of the groups of essms_example_groups: kiosques"
PUT_BACK = "the file could not be written"
PROBLEM = "The disk of this host is full: free some room, then run again."
UNREACHABLE = "The host does not answer over SSH: check that it is on, its address, and the network between."


def row_sets() -> dict[str, tuple[str, ...]]:
    """Return every set of states that the rows of a control may have, by name."""
    sets = [chosen for size in range(len(STATES) + 1) for chosen in combinations(STATES, size)]
    return {" + ".join(chosen) or "no row": chosen for chosen in sets}


def rows_of(states: Iterable[str]) -> list[dict[str, Any]]:
    return [
        {
            "control": CONTROL,
            "kind": "pwquality",
            "name": "minlen",
            "expected": 12,
            "rule": "at_least",
            "observed": None,
            "state": state,
            "reason": f"row {state}",
        }
        for state in states
    ]


def waiver(state: str) -> list[Waiver]:
    """Return the waivers of a host, of which one for the control is in this state today: on its first or last day."""
    start, end = {
        "none": (0, 0),
        "active": (0, 31),
        "expiring": (-300, 0),
        "expired": (-300, -1),
        "future": (1, 300),
    }[state]
    made = Waiver(
        control="M08-02" if state == "none" else CONTROL,
        scope="host",
        name=HOST,
        reason="a reason of some length",
        owner="Responsable informatique",
        approved_by="Directrice",
        start=TODAY + dt.timedelta(days=start),
        end=TODAY + dt.timedelta(days=end),
    )
    assert state == "none" or made.state(TODAY) == state
    return [made]


def record(states: Iterable[str], waived: str, **changes: Any) -> HostRecord:
    response = {"rows": rows_of(states), "platform": DEBIAN} | changes.pop("response", {})
    facets = [Facet(CONTROL, "M08", "instruction", "proven")]
    made = HostRecord(HOST, "ehpad-les-tilleuls", "combine", "audit", facets, response=response)
    made.waivers = waiver(waived)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def fresh() -> Collector:
    return Collector(
        lambda _host: collector.Identity("ehpad-les-tilleuls", "combine"), lambda: [Expected(CONTROL, "instruction")]
    )


def only(run: Collector, absent: str = collector.NEVER_REACHED) -> Result:
    """Return the one result of a run, once the document around it has passed the schema's checks."""
    (made,) = run.documents(VERSIONS, _without_waivers, absent)
    # a state that no engine knows is no state of the schema either
    shown = [row for result in made["results"] for row in result["settings"] if row["state"] not in STATES[:4]]
    if not shown:
        results.validate(made)
    (result,) = made["results"]
    return result


def _without_waivers(establishment: str) -> Circumstances:
    return circumstances(establishment)._replace(waivers=[])


def collected(made: dict[str, Any]) -> Result:
    run = fresh()
    run.record(TASK, HOST, made)
    return only(run)


REASONS = {
    "": "",
    EXCLUDED: "other group",
    PROBLEM: "problem",
    UNREACHABLE: "problem",
    f"apply put it back: {PUT_BACK}": "put back",
    "the waiver of Responsable informatique ended on 2026-06-29; renew it or apply the control": "waiver over",
    collector.NEVER_REACHED: "never reached",
    collector.SKIPPED: "skipped",
    collector.INTERRUPTED: "interrupted",
    collector.UNPROVEN: "unproven",
    collector.UNSEEN: "nothing sent",
    "row unknown": "row unknown",
    "row not_applicable": "row not_applicable",
}


def told(result: Result) -> str:
    """Return a result as the table says it: verdict, and what kind of reason."""
    reason = REASONS[result["reason"]]
    return f"{result['verdict']}, {reason}" if reason else result["verdict"]


#: What may have happened on a host that answered, as changes of its record.
ANSWERED: dict[str, dict[str, Any]] = {
    "nothing special": {},
    "apply put it back": {"response": {"failed": {CONTROL: PUT_BACK}}},
    "the host had a problem": {"problem": PROBLEM},
    "meant for another group": {"excluded": {CONTROL: EXCLUDED}},
    "meant for another group, and the host had a problem": {"excluded": {CONTROL: EXCLUDED}, "problem": PROBLEM},
}


def line(case: dict[str, Any], states: Iterable[str]) -> dict[str, str]:
    """Return what each state of the waiver makes of a combination; whatever it is, a waiver in force is named."""
    found = {waived: collected(record(states, waived, **case).as_dict(TODAY)) for waived in WAIVERS}
    assert [waived for waived in WAIVERS if found[waived]["waiver"]] == ["active", "expiring"]
    return {waived: told(result) for waived, result in found.items()}


def spread(golden: str | dict[str, str]) -> dict[str, str]:
    """Return a line of the table for every state of the waiver; ``otherwise`` stands for those that are not named."""
    if isinstance(golden, str):
        return dict.fromkeys(WAIVERS, golden)
    return {waived: golden.get(waived, golden["otherwise"]) for waived in WAIVERS}


@pytest.mark.parametrize("case", ANSWERED)
@pytest.mark.parametrize("rows", row_sets())
def test_a_host_that_answered(case: str, rows: str) -> None:
    states = row_sets()[rows]
    golden = spread(GOLDEN["answered"][case][rows])
    assert line(ANSWERED[case], states) == golden
    # the order in which rows come back decides nothing
    assert line(ANSWERED[case], states[::-1]) == golden


@pytest.mark.parametrize("rows", row_sets())
def test_another_release_changes_the_evidence_and_never_the_verdict(rows: str) -> None:
    for waived in WAIVERS:
        here, there = (
            collected(record(row_sets()[rows], waived, response={"platform": platform}).as_dict(TODAY))
            for platform in (DEBIAN, OTHER)
        )
        assert told(here) == told(there)
        assert (here["evidence"], there["evidence"]) == ("proven", "not-exercised")


def silent(how: str, waived: str) -> Result:
    """Return the result of a host that sent no row."""
    run = fresh()
    if how == "unreachable, as the task says":
        run.record(TASK, HOST, record((), waived, response={"platform": {}}, problem=UNREACHABLE).as_dict(TODAY))
        return only(run)
    if how == "unreachable, then excluded from the run":
        run.lose(HOST, UNREACHABLE)
    run.expect(TASK, [HOST], "audit", check=False)
    if how == "skipped":
        run.skip(TASK, HOST)
    return only(run, collector.INTERRUPTED if how == "interrupted" else collector.NEVER_REACHED)


@pytest.mark.parametrize("how", GOLDEN["silent"])
def test_a_host_that_said_nothing(how: str) -> None:
    assert {waived: told(silent(how, waived)) for waived in WAIVERS} == spread(GOLDEN["silent"][how])


@pytest.mark.parametrize("rows", row_sets())
def test_a_record_that_claims_to_be_compliant(rows: str) -> None:
    claim = record(row_sets()[rows], "none").as_dict(TODAY)
    claim["controls"][0] |= {"verdict": "compliant", "reason": ""}
    assert told(collected(claim)) == GOLDEN["claimed compliant"][rows]


def test_the_table_has_every_combination_and_no_other() -> None:
    assert list(GOLDEN["answered"]) == list(ANSWERED)
    for lines in (*GOLDEN["answered"].values(), GOLDEN["claimed compliant"]):
        assert list(lines) == list(row_sets())
    assert list(GOLDEN["silent"]) == [
        "unreachable, as the task says",
        "unreachable, then excluded from the run",
        "skipped",
        "interrupted",
        "never reached",
    ]


def test_what_the_table_itself_must_never_say() -> None:
    for case, lines in GOLDEN["answered"].items():
        for rows, golden in lines.items():
            said = spread(golden)
            states = row_sets()[rows]
            passing = [text for text in said.values() if text.startswith("compliant")]
            assert not passing or ("ok" in states and set(states) <= {"ok", "not_applicable"}), (case, rows)
            assert not any(said[waived].startswith("waived") for waived in ("none", "expired", "future")), (case, rows)
    assert all(
        text.startswith("not_verified") for golden in GOLDEN["silent"].values() for text in spread(golden).values()
    )
