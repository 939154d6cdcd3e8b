# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results document: built, filled, scored, checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import collector as collecting
from ansible_collections.essms.hardening.plugins.plugin_utils import results
from ansible_collections.essms.hardening.plugins.plugin_utils.collector import Collector, Expected, Identity

from tests.unit.result_samples import (
    CONTROLS,
    VERSIONS,
    WAIVER,
    circumstances,
    collector,
    control,
    document,
    record,
    row,
    silent,
)


def verdicts_of(made: results.Document, host: str) -> dict[str, str]:
    return {item["control"]: item["verdict"] for item in made["results"] if item["host"] == host}


def test_a_run_gives_one_valid_document() -> None:
    made = document(
        record("deb12", {"M08-01": "fail", "M07-05": "waived"}), silent("deb13", "Host unreachable: no route.")
    )
    assert results.validate(json.loads(json.dumps(made)))
    assert [host["state"] for host in made["hosts"]] == ["verified", "not_verified"]
    assert set(verdicts_of(made, "deb13").values()) == {"not_verified"}
    assert len(made["results"]) == 2 * len(CONTROLS)


def test_a_host_never_reached_is_in_the_matrix_with_the_reason() -> None:
    run = collector()
    run.expect("task", ["deb12", "deb13", "deb14"], "audit", check=False)
    run.record("task", "deb12", record("deb12"))
    run.lose("deb13", "Host unreachable: timed out")
    run.lose("deb13", "a later, less telling reason")
    (made,) = run.documents(VERSIONS, circumstances)
    results.validate(made)
    assert verdicts_of(made, "deb13") == dict.fromkeys(CONTROLS, "not_verified")
    assert [host["problem"] for host in made["hosts"]] == ["", "Host unreachable: timed out", collecting.NEVER_REACHED]
    # nobody knows what release a silent host has
    shown = {item["host"]: item["evidence"] for item in made["results"]}
    assert shown == {"deb12": "proven", "deb13": "not-exercised", "deb14": "not-exercised"}


def test_a_run_in_which_nobody_answered_lists_the_selected_controls() -> None:
    run = Collector(lambda host: Identity(f"site-of-{host}", "renforce"), lambda: [Expected("M08-01", "pgssi-s")])
    run.expect("task", ["a", "b"], "apply", check=True)
    made = run.documents(VERSIONS, circumstances)
    assert [(one["establishment"], one["mode"], one["check"]) for one in made] == [
        ("site-of-a", "apply", True),
        ("site-of-b", "apply", True),
    ]
    assert all(verdicts_of(one, one["hosts"][0]["name"]) == {"M08-01": "not_verified"} for one in made)


def test_without_any_control_the_hosts_are_still_named() -> None:
    run = Collector(lambda _host: Identity("site", ""), list)
    run.expect("task", ["a"], "audit", check=False)
    (made,) = run.documents(VERSIONS, circumstances, absent=collecting.INTERRUPTED)
    results.validate(made)
    assert made["hosts"][0]["problem"] == collecting.INTERRUPTED
    assert made["results"] == []


def test_a_skipped_task_is_not_verified_but_never_hides_what_was_seen() -> None:
    run = collector()
    run.expect("one", ["deb12", "deb13"], "audit", check=False)
    run.expect("two", ["deb12", "deb13"], "audit", check=False)
    run.record("one", "deb12", record("deb12"))
    run.record("two", "deb12", record("deb12"))
    run.record("one", "deb13", record("deb13", controls=[control("M08-01", [row("M08-01")])]))
    run.skip("two", "deb13")
    (made,) = run.documents(VERSIONS, circumstances)
    seen = verdicts_of(made, "deb13")
    assert seen.pop("M08-01") == "compliant"
    assert set(seen.values()) == {"not_verified"}
    assert made["hosts"][1]["problem"] == collecting.SKIPPED


def test_several_roles_on_one_host_are_one_host() -> None:
    run = collector()
    run.record("a", "deb12", record("deb12", controls=[control("M07-02", [row("M07-02")])], seconds={"module": 0.2}))
    late = control("M08-01", [row("M08-01")], changed=True, before_verdict="non_compliant")
    run.record("b", "deb12", record("deb12", controls=[late], transaction="t1", seconds={"module": 0.3}))
    (made,) = run.documents(VERSIONS, circumstances)
    (host,) = made["hosts"]
    assert host["transaction"] == "t1"
    assert host["seconds"] == {"module": 0.5}
    assert [(item["control"], item["changed"], item["before_verdict"]) for item in made["results"]] == [
        ("M07-02", False, None),
        ("M08-01", True, "non_compliant"),
    ]


def test_one_role_that_fails_marks_the_host_and_keeps_the_other_role() -> None:
    run = collector()
    run.record("a", "deb12", record("deb12", controls=[control("M07-02", [row("M07-02")])]))
    lost = control("M08-01", [])
    run.record("b", "deb12", record("deb12", controls=[lost], problem="Host unreachable: reset by peer"))
    (made,) = run.documents(VERSIONS, circumstances)
    results.validate(made)
    assert made["hosts"][0]["state"] == "not_verified"
    assert verdicts_of(made, "deb12") == {"M07-02": "compliant", "M08-01": "not_verified"}


def test_looking_again_later_clears_the_problem() -> None:
    run = collector()
    run.record("a", "deb12", silent("deb12", "Host unreachable: rebooting"))
    run.record("b", "deb12", record("deb12"))
    (made,) = run.documents(VERSIONS, circumstances)
    assert made["hosts"][0]["state"] == "verified"


def test_establishments_and_modes_never_mix() -> None:
    run = collector()
    run.record("a", "deb12", record("deb12"))
    run.record("a", "deb13", record("deb13", establishment="foyer"))
    run.record("b", "deb12", record("deb12", mode="apply (check)"))
    made = run.documents(VERSIONS, circumstances)
    assert [(one["establishment"], one["mode"], one["check"]) for one in made] == [
        ("ehpad-les-tilleuls", "audit", False),
        ("foyer", "audit", False),
        ("ehpad-les-tilleuls", "apply", True),
    ]


def test_a_compliant_that_no_row_shows_is_not_believed() -> None:
    claims = [
        control("M08-01", [], verdict="compliant"),
        control("M08-02", [row("M08-02", "fail")], verdict="compliant"),
    ]
    made = document(record("deb12", controls=claims))
    assert set(verdicts_of(made, "deb12").values()) == {"not_verified"}
    assert {item["reason"] for item in made["results"]} == {collecting.UNPROVEN}


@pytest.mark.parametrize(
    ("counts", "percent", "verified"),
    [
        ({}, None, None),
        ({"compliant": 3}, 100, 100),
        ({"compliant": 199, "non_compliant": 1}, 99, 100),
        ({"compliant": 1, "non_compliant": 2, "waived": 5, "not_applicable": 5}, 33, 100),
        ({"not_verified": 4}, None, 0),
        ({"compliant": 1, "not_verified": 1}, 100, 50),
        ({"waived": 2, "not_applicable": 1}, None, 100),
        ({"compliant": 999, "not_verified": 1}, 100, 99),
    ],
)
def test_score(counts: dict[str, int], percent: int | None, verified: int | None) -> None:
    score = results.score([{"verdict": word} for word, number in counts.items() for _ in range(number)])
    assert (score.percent, score.verified_percent) == (percent, verified)
    assert score.total == sum(counts.values())
    assert score.compliant < score.due or not score.not_verified


def test_a_word_that_is_no_verdict_counts_as_not_verified() -> None:
    assert results.score([{"verdict": "fine"}]).not_verified == 1


SPOILS: dict[str, Callable[[Any], object]] = {
    "compliant without a row": lambda made: made["results"][0].update(verdict="compliant", settings=[]),
    "waived without a waiver": lambda made: made["results"][0].update(verdict="waived", waiver=None),
    "unverified without a reason": lambda made: made["results"][0].update(verdict="not_verified", settings=[]),
    "silent host without a problem": lambda made: made["hosts"][0].update(state="not_verified", problem=""),
    "unknown verdict": lambda made: made["results"][0].update(verdict="ok"),
    "unknown key": lambda made: made["results"][0].update(note="x"),
    "other schema": lambda made: made.update(schema="essms-results/2"),
}


@pytest.mark.parametrize("change", SPOILS)
def test_the_schema_refuses(change: str) -> None:
    made = json.loads(json.dumps(document(record("deb12"))))
    results.validate(made)
    SPOILS[change](made)
    with pytest.raises(results.ResultsError) as raised:
        results.validate(made)
    assert "\n" not in str(raised.value)


def test_waivers_reach_the_document() -> None:
    made = document(record("deb12", {"M07-05": "waived"}))
    (item,) = [item for item in made["results"] if item["verdict"] == "waived"]
    assert item["waiver"] == WAIVER
