# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a history answers: the latest of everything, what changed, what is open since when, who was seen."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import reports, results
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Change, Gap, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from tests.unit.history_samples import FOLDER, GONE, NOW, everything, instant, name, record, result, run, verdicts_now
from tests.unit.result_samples import WAIVER

A, B = "M08-01", "M08-02"
OK, BAD, UNKNOWN, APART = "compliant", "non_compliant", "not_verified", "not_applicable"


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path, NOW)


def gaps(history: History) -> dict[tuple[str, str], tuple[str, str]]:
    return {(gap.control, gap.host): (gap.verdict, gap.since) for gap in history.gaps()}


def test_nothing_is_known_before_the_first_run(history: History, tmp_path: Path) -> None:
    assert everything(history) == {
        "current": None,
        "trend": [],
        "monthly": [],
        "drift": [],
        "gaps": [],
        "sightings": [],
        "waivers": [],
    }
    assert list(tmp_path.iterdir()) == []


def test_the_latest_of_every_pair_is_put_together_from_partial_runs(history: History) -> None:
    record(
        history,
        run(1, {"pc1": {A: BAD, B: OK}, "pc2": {A: OK, B: BAD}}),
        run(2, {"pc1": {A: OK}}, hosts="some", controls="some", mode="apply"),
    )
    current = history.current()
    assert current is not None
    results.validate(json.loads(json.dumps(current)))
    assert (current["mode"], current["scope"]) == ("apply", {"hosts": "all", "controls": "all"})
    assert (current["started"], current["finished"]) == (instant(2), instant(2))
    assert [(item["control"], item["host"], item["verdict"], item["seen"]) for item in current["results"]] == [
        (A, "pc1", OK, instant(2)),
        (A, "pc2", OK, instant(1)),
        (B, "pc1", OK, instant(1)),
        (B, "pc2", BAD, instant(1)),
    ]
    assert current["results"][3]["settings"][0]["observed"] == 0
    point = history.trend()[-1]
    assert (point.run, point.score.compliant, point.score.non_compliant) == (name(2), 3, 1)
    assert point.measures["M08"] == point.score


def test_a_known_run_changes_nothing(history: History) -> None:
    record(history, run(1, {"pc1": {A: BAD}}), run(2, {"pc1": {A: OK}}))
    before = everything(history)
    record(history, run(1, {"pc1": {A: BAD}}), run(2, {"pc1": {A: BAD}}))
    assert everything(history) == before


def test_what_a_run_only_said_it_would_change_counts_for_nothing(history: History) -> None:
    record(history, run(1, {"pc1": {A: BAD}}))
    before = everything(history)
    record(history, run(2, {"pc1": {A: OK}}, mode="apply", check=True))
    assert everything(history) == before


def test_a_whole_run_retires_hosts_and_controls_that_are_gone(history: History) -> None:
    record(history, run(1, {"pc1": {A: BAD, B: BAD}, "pc2": {A: BAD}}), run(2, {"pc1": {A: BAD}}))
    assert set(verdicts_now(history)) == {(A, "pc1")}
    assert history.sightings() == [Sighting("pc1", instant(2))]
    assert history.drift() == [Change(A, "pc2", BAD, None), Change(B, "pc1", BAD, None)]


@pytest.mark.parametrize(("hosts", "controls"), [("some", "all"), ("all", "some"), ("some", "some")])
def test_a_partial_run_retires_only_what_it_covers(history: History, hosts: str, controls: str) -> None:
    record(
        history,
        run(1, {"pc1": {A: BAD, B: BAD}, "pc2": {A: BAD}}),
        run(2, {"pc1": {A: BAD}}, hosts=hosts, controls=controls),
    )
    kept = set(verdicts_now(history))
    assert ((A, "pc2") in kept) is (hosts == "some")
    assert ((B, "pc1") in kept) is (controls == "some")


def test_a_control_meant_for_other_hosts_is_no_look_at_a_host_that_is_off(history: History) -> None:
    record(history, run(1, {"pc1": {A: UNKNOWN, B: APART}}, lost=("pc1",)))
    assert history.sightings() == [Sighting("pc1", None)]
    record(history, run(2, {"pc1": {A: APART, B: APART}}))
    assert history.sightings() == [Sighting("pc1", instant(2))]


def test_a_host_that_is_off_is_not_verified_and_keeps_when_it_was_seen(history: History) -> None:
    record(
        history,
        run(1, {"pc1": {A: OK, B: BAD}}),
        run(2, {"pc1": {A: UNKNOWN, B: UNKNOWN}}, lost=("pc1",)),
    )
    assert verdicts_now(history) == {(A, "pc1"): UNKNOWN, (B, "pc1"): UNKNOWN}
    assert history.sightings() == [Sighting("pc1", instant(1))]
    assert gaps(history) == {(A, "pc1"): (UNKNOWN, instant(2)), (B, "pc1"): (UNKNOWN, instant(1))}
    assert history.trend()[-1].score.proven_percent == 0


def test_a_host_that_fails_before_its_controls_are_known_keeps_none_of_its_verdicts(history: History) -> None:
    record(history, run(1, {"pc1": {A: OK, B: BAD}, "pc2": {A: OK}}), run(2, {"pc2": {A: OK}}, lost=("pc1",)))
    current = history.current()
    assert current is not None
    results.validate(json.loads(json.dumps(current)))
    lost = [item for item in current["results"] if item["host"] == "pc1"]
    assert [(item["verdict"], item["reason"], item["settings"], item["seen"]) for item in lost] == [
        (UNKNOWN, GONE, [], instant(1)),
        (UNKNOWN, GONE, [], instant(1)),
    ]
    assert history.drift() == [Change(A, "pc1", OK, UNKNOWN), Change(B, "pc1", BAD, UNKNOWN)]
    assert gaps(history) == {(A, "pc1"): (UNKNOWN, instant(2)), (B, "pc1"): (UNKNOWN, instant(1))}
    record(history, run(3, {"pc1": {A: OK}}, controls="some", hosts="some"))
    current = history.current()
    assert current is not None
    results.validate(json.loads(json.dumps(current)))
    assert verdicts_now(history) == {(A, "pc1"): OK, (B, "pc1"): UNKNOWN, (A, "pc2"): OK}


@pytest.mark.parametrize(
    ("seen", "since"),
    [
        ([BAD, BAD], 0),
        ([OK, BAD], 1),
        ([BAD, OK, BAD], 2),
        ([BAD, UNKNOWN, BAD], 0),
        ([OK, UNKNOWN, BAD], 1),
        ([BAD, "waived", BAD], 1),
        (["waived", BAD], 0),
        ([BAD, "not_applicable", BAD], 2),
        ([BAD, OK, "waived", BAD], 2),
    ],
)
def test_a_gap_is_open_since_it_was_found_without_a_passing_look_since(
    history: History, seen: list[str], since: int
) -> None:
    record(history, *(run(day, {"pc1": {A: verdict}}) for day, verdict in enumerate(seen)))
    assert history.gaps() == [Gap(A, "pc1", BAD, instant(since))]


def test_drift_is_what_the_last_run_changed(history: History) -> None:
    record(history, run(1, {"pc1": {A: OK, B: BAD}}))
    assert history.drift() == []
    record(history, run(2, {"pc1": {A: BAD, B: BAD}, "pc2": {A: OK}}))
    assert history.drift() == [Change(A, "pc1", OK, BAD), Change(A, "pc2", None, OK)]
    record(history, run(3, {"pc1": {B: BAD}}, hosts="some", controls="some"))
    assert history.drift() == []


def test_waivers_are_those_of_the_last_run_over_everything(history: History) -> None:
    record(
        history,
        run(1, {"pc1": {A: OK}}, waivers=[WAIVER]),
        run(2, {"pc1": {A: OK}}, waivers=[], hosts="some"),
    )
    assert history.waivers() == [WAIVER]
    record(history, run(3, {"pc1": {A: OK}}, waivers=[]))
    assert history.waivers() == []


def test_runs_older_than_three_years_go_and_what_they_found_stays(history: History) -> None:
    first, edge = run(0, {"pc1": {A: BAD}, "pc2": {A: OK}}), run(1, {"pc1": {A: BAD}}, hosts="some")
    first[1].update(finished="2023-10-31T03:00:00Z", started="2023-10-31T02:00:00Z")
    edge[1].update(finished="2023-11-27T03:00:00.5Z", started="2023-11-27T02:00:00Z")
    last = run(2, {"pc1": {A: BAD}}, hosts="some")
    last[1].update(finished="2026-11-27T03:00:00.25Z", started="2026-11-27T03:00:00Z")
    record(history, first, edge, last)
    assert [point.when for point in history.trend(600)] == [edge[1]["finished"], last[1]["finished"]]
    assert history.gaps() == [Gap(A, "pc1", BAD, "2023-10-31T03:00:00Z")]
    assert history.sightings()[1] == Sighting("pc2", "2023-10-31T03:00:00Z")
    current = history.current()
    assert current is not None
    assert [item["seen"] for item in current["results"]] == [last[1]["finished"], "2023-10-31T03:00:00Z"]
    # what is older than all that is still known is too late to be put in its place
    oldest = run(4, {"pc1": {A: "compliant"}, "pc2": {A: BAD}}, hosts="some")
    oldest[1].update(finished="2023-10-30T03:00:00Z")
    before = everything(history)
    record(history, oldest)
    assert everything(history) == before
    # the base that the late run is folded on is the purged one
    late = run(3, {"pc2": {A: BAD}}, hosts="some")
    late[1].update(finished="2025-01-01T00:00:00Z")
    record(history, first, late)
    assert gaps(history)[A, "pc2"] == (BAD, "2025-01-01T00:00:00Z")
    assert gaps(history)[A, "pc1"] == (BAD, "2023-10-31T03:00:00Z")
    assert len(history.trend()) == 3


def test_a_late_run_beside_one_that_lets_go_of_an_old_one_is_put_in_its_place(tmp_path: Path) -> None:
    moments = {
        "old": "2023-01-01",
        "late": "2025-01-01",
        "later": "2025-03-01",
        "known": "2025-06-01",
        "new": "2026-11-01",
    }
    made = {}
    for host, day in moments.items():
        made[host] = run(0, {host: {A: BAD}}, hosts="some")[1]
        made[host].update(finished=f"{day}T00:00:00Z")
    in_order, mixed = History(tmp_path / "a", NOW), History(tmp_path / "b", NOW)
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    for item in made.items():
        in_order.record(*item)
    mixed.record_all([("old", made["old"]), ("known", made["known"])])
    mixed.record_all([("new", made["new"]), ("late", made["late"])])
    mixed.record("later", made["later"])
    assert everything(mixed) == everything(in_order)
    assert [point.score.total for point in mixed.trend()] == [2, 3, 4, 5]


def test_months_are_those_of_the_calendar(history: History) -> None:
    days = [run(day, {"pc1": {A: OK}}) for day in (0, 30, 31, 58.5, 89)]
    record(history, *days)
    assert [point.when[:10] for point in history.trend(monthly=True)] == ["2026-01-31", "2026-02-28", "2026-03-31"]
    # one month before the 31st of March is the last day of February
    assert [point.when[:10] for point in history.trend(1)] == ["2026-02-28", "2026-03-31"]


def test_instants_of_one_second_sort_by_their_fraction(history: History) -> None:
    made = []
    for fraction, verdict in (("", BAD), (".1", BAD), (".12", BAD), (".5", OK)):
        document = run(1, {"pc1": {A: verdict}})[1]
        document["finished"] = f"2026-01-02T00:00:00{fraction}Z"
        made.append((f"run{fraction}", document))
    history.record_all(reversed(made))
    assert [point.run for point in history.trend()] == ["run", "run.1", "run.12", "run.5"]
    assert verdicts_now(history) == {(A, "pc1"): OK}


def test_the_file_is_for_its_owner_only(history: History, tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        record(history, run(1, {"pc1": {A: OK}}))
    finally:
        os.umask(old)
    assert [(path.name, stat.S_IMODE(path.stat().st_mode)) for path in tmp_path.iterdir()] == [
        ("history.sqlite3", 0o600)
    ]


def test_hostile_names_and_values_come_back_as_they_were(history: History) -> None:
    hosts = ["<script>alert(1)</script>", "a\x00b", "\u202epc", "\ud800", 'q"\\', "é" * 1000, "DROP TABLE run;--"]
    document = run(1, {host: {A: BAD} for host in hosts})[1]
    document["results"][0]["settings"][0]["observed"] = "x\udfff\x1b" * 300_000
    document["results"][0]["settings"][0]["expected"] = {"deep": [[[[[]]]]]}
    record(history, ("20260102T000000Z-\udce9", document), run(2, {"pc2": {A: OK}}, hosts="some"))
    current = history.current()
    assert current is not None
    assert {item["host"] for item in current["results"]} == {*hosts, "pc2"}
    assert current["results"][0]["settings"] == document["results"][0]["settings"]
    assert history.trend()[0].run == "20260102T000000Z-\udce9"
    assert {gap.host for gap in history.gaps()} == set(hosts)


def write(folder: Path, day: float, document: Document) -> None:
    (folder / name(day)).mkdir(parents=True)
    (folder / name(day) / "results.json").write_text(json.dumps(document), encoding="utf-8")


def test_catching_up_records_what_lies_there_and_says_what_it_cannot_use(tmp_path: Path) -> None:
    runs = [run(day, {"pc1": {A: OK if day % 2 else BAD}}) for day in range(6)]
    for day, (_name, document) in enumerate(runs):
        write(tmp_path, day, document)
    broken = {name(10): "{", name(11): json.dumps({**runs[0][1], "schema": "essms-results/2"}), name(12): "[" * 200_000}
    for folder, text in broken.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "results.json").write_text(text)
    (tmp_path / "latest").symlink_to(name(5))
    (tmp_path / ".unfinished-x").mkdir()
    (tmp_path / ".unfinished-x" / "results.json").write_text("{")
    (tmp_path / "memory").mkdir()
    history = History(tmp_path, NOW)
    problems = history.catch_up({name(5): runs[5][1]})
    assert len(problems) == 3
    for problem, folder in zip(problems, broken, strict=True):
        assert f"{tmp_path / folder}" in problem
        assert "\n" not in problem
    assert [point.run for point in history.trend()] == [folder for folder, _document in runs]
    # left as they are, and tried again
    (tmp_path / name(10) / "results.json").write_text(json.dumps(run(10, {"pc1": {A: OK}})[1]))
    assert len(history.catch_up()) == 2
    assert history.trend()[-1].run == name(10)
    assert (tmp_path / name(11) / "results.json").read_text() == broken[name(11)]


def test_the_run_that_was_just_made_is_not_read_again(tmp_path: Path) -> None:
    write(tmp_path, 1, {})  # type: ignore[typeddict-item]
    history = History(tmp_path, NOW)
    assert history.catch_up(dict([run(1, {"pc1": {A: OK}})])) == []
    assert verdicts_now(history) == {(A, "pc1"): OK}


def test_runs_written_by_the_reports_are_found(tmp_path: Path) -> None:
    reports.write(run(1, {"pc1": {A: OK}})[1], tmp_path)
    history = History(tmp_path / FOLDER, NOW)
    assert history.catch_up() == []
    assert verdicts_now(history) == {(A, "pc1"): OK}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"establishment": "autre"}, 'is of another establishment (establishment "autre", in this history "ehpad-les'),
        ({"identity": {"name": "", "finess": "990000025", "category": ""}}, '(finess "990000025", in this history "99'),
        ({"finished": "2027-01-01T00:00:00Z"}, "is in the future; it is set aside until then: check the clock"),
        ({"finished": "2026-02-30T00:00:00Z"}, "is no date of the calendar"),
        ({"hosts": []}, "has results of a host that it does not list"),
        ({"results": [result(A, "pc1", OK), result(A, "pc1", BAD)]}, "has two results for the same control and host"),
    ],
)
def test_a_run_that_does_not_belong_here_is_refused_and_changes_nothing(
    history: History, changes: dict[str, object], sentence: str
) -> None:
    record(history, run(1, {"pc1": {A: OK}}))
    before = everything(history)
    folder, document = run(2, {"pc1": {A: BAD}})
    document.update(changes)  # type: ignore[typeddict-item]
    with pytest.raises(HistoryError) as caught:
        history.record(folder, document)
    assert sentence in str(caught.value)
    assert everything(history) == before
    # beside others it is told, and the others are recorded
    assert len(history.record_all([(folder, document), run(3, {"pc1": {A: BAD}})])) == 1
    assert verdicts_now(history) == {(A, "pc1"): BAD}


def test_an_establishment_without_a_number_takes_it_when_it_has_one(history: History) -> None:
    record(history, run(1, {"pc1": {A: OK}}, identity={"name": "", "finess": "", "category": ""}))
    record(
        history, run(2, {"pc1": {A: OK}}), run(3, {"pc1": {A: OK}}, identity={"name": "", "finess": "", "category": ""})
    )
    with pytest.raises(HistoryError, match="990000025"):
        record(history, run(4, {"pc1": {A: OK}}, identity={"name": "", "finess": "990000025", "category": ""}))
