# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run over a part, one cut short and one with a wrong clock never read as more, or as later, than they are."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import collector, results
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import FILE
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import (
    NEVER_LOOKED,
    Change,
    Sighting,
    never_looked,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Score

from tests.unit.history_samples import NOW, everything, fleet, instant, name, record, run, verdicts_now

A, B, C = "M08-01", "M08-02", "M07-04"
OK, BAD, UNKNOWN, WAIVED = "compliant", "non_compliant", "not_verified", "waived"
FLEET = fleet(("pc1", "pc2"), (A, B, C))


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path, NOW)


def partial(day: float, found: dict[str, dict[str, str]], **changes: Any) -> tuple[str, Document]:
    return run(day, found, **{"hosts": "some", "controls": "some", "fleet": FLEET, **changes})


def current(history: History) -> Document:
    document = history.current()
    assert document is not None
    return results.validate(json.loads(json.dumps(document)))


def test_what_no_run_has_looked_at_is_not_verified(history: History) -> None:
    record(history, partial(1, {"pc1": {A: OK, B: OK}}))
    point = history.trend()[-1]
    assert (point.score, point.measures["M08"]) == (Score(compliant=2, not_verified=4), Score(2, not_verified=2))
    assert point.measures["M07"].not_verified == 2
    now = current(history)
    assert results.score(now["results"]) == point.score
    assert (now["scope"], now["fleet"]) == ({"hosts": "some", "controls": "some"}, FLEET)
    unlooked = [item for item in now["results"] if never_looked(item)]
    assert [(item["control"], item["host"], item["reason"]) for item in unlooked] == [
        (C, "pc1", NEVER_LOOKED),
        (C, "pc2", NEVER_LOOKED),
        (A, "pc2", NEVER_LOOKED),
        (B, "pc2", NEVER_LOOKED),
    ]
    assert [(host["name"], host["state"], host["problem"]) for host in now["hosts"]] == [
        ("pc1", "verified", ""),
        ("pc2", "not_verified", NEVER_LOOKED),
    ]
    assert history.sightings() == [Sighting("pc1", instant(1)), Sighting("pc2", None)]
    # nothing to plan there, but to audit
    assert history.gaps() == []


def test_a_document_says_all_once_everything_was_looked_at(history: History) -> None:
    record(history, partial(1, {"pc1": {A: OK, B: OK, C: OK}}))
    assert current(history)["scope"] == {"hosts": "some", "controls": "all"}
    record(history, partial(2, {"pc2": {A: OK, B: OK}}))
    assert current(history)["scope"] == {"hosts": "all", "controls": "some"}
    record(history, partial(3, {"pc2": {C: "not_applicable"}}))
    assert current(history)["scope"] == {"hosts": "all", "controls": "all"}
    assert history.trend()[-1].score == Score(compliant=5, not_applicable=1)


def test_what_left_the_inventory_or_the_catalogue_leaves_after_a_partial_run_too(history: History) -> None:
    whole = {host: {A: BAD, B: OK, C: OK} for host in ("pc1", "pc2")}
    record(history, run(1, whole, fleet=FLEET), partial(2, {"pc1": {A: BAD}}, fleet=fleet(("pc1", "pc3"), (A, B))))
    assert verdicts_now(history) == {
        (A, "pc1"): BAD,
        (B, "pc1"): OK,
        (A, "pc3"): UNKNOWN,
        (B, "pc3"): UNKNOWN,
    }
    assert [item.host for item in history.sightings()] == ["pc1", "pc3"]
    assert Change(A, "pc2", BAD, None) in history.drift()
    assert Change(C, "pc1", OK, None) in history.drift()


def interrupted(day: float, reached: dict[str, dict[str, str]], cut_off: tuple[str, ...], **changes: Any) -> Any:
    """Return a run over everything that somebody stopped: hosts it did not reach are there, with that reason."""
    found = {**reached, **{host: dict.fromkeys((A, B, C), UNKNOWN) for host in cut_off}}
    folder, document = run(day, found, fleet=FLEET, lost=cut_off, **changes)
    for item in (*document["hosts"], *document["results"]):
        if item.get("host", item.get("name")) in cut_off:
            item.update({"problem" if "name" in item else "reason": collector.INTERRUPTED})
    return folder, document


def test_an_interrupted_run_changes_only_what_it_reached(history: History) -> None:
    record(history, run(1, {host: {A: BAD, B: OK, C: OK} for host in ("pc1", "pc2")}, fleet=FLEET))
    record(history, interrupted(2, {"pc1": {A: OK, B: OK}}, ("pc2",)))
    assert verdicts_now(history) == {
        (A, "pc1"): OK,
        (B, "pc1"): OK,
        (C, "pc1"): OK,
        (A, "pc2"): BAD,
        (B, "pc2"): OK,
        (C, "pc2"): OK,
    }
    assert history.sightings()[1] == Sighting("pc2", instant(1))
    assert history.drift() == [Change(A, "pc1", BAD, OK)]


def test_a_run_interrupted_before_anything_says_nothing_was_looked_at(history: History) -> None:
    record(history, interrupted(1, {}, ("pc1", "pc2")))
    assert history.trend()[-1].score == Score(not_verified=6)
    assert {item["reason"] for item in current(history)["results"]} == {NEVER_LOOKED}


def test_an_apply_tells_before_and_after_over_what_it_looked_at(history: History) -> None:
    apply = partial(2, {"pc1": {A: OK, B: OK, C: UNKNOWN}}, mode="apply")
    next(item for item in apply[1]["results"] if item["control"] == A)["before_verdict"] = BAD
    record(history, run(1, {"pc1": {A: OK, B: BAD}, "pc2": {A: BAD, B: BAD, C: BAD}}), apply)
    audit, point = history.trend()
    assert audit.effect is None
    # A as the run found it first, B as it was known; C on pc1 it could not look at
    assert point.effect == (Score(non_compliant=2), Score(compliant=2))


def test_a_first_run_that_is_an_apply_tells_what_it_changed(history: History) -> None:
    found = {"pc1": {A: OK, B: WAIVED, C: OK}, "pc2": {A: UNKNOWN}}
    folder, document = partial(1, found, mode="apply")
    for item in document["results"]:
        if item["control"] in (A, B):
            item["before_verdict"] = BAD
    record(history, (folder, document))
    # what is waived after was waived before; C nobody had looked at; that A can no longer be verified on pc2 is told
    assert history.trend()[0].effect == (
        Score(non_compliant=2, waived=1, not_verified=1),
        Score(compliant=2, waived=1, not_verified=1),
    )


def write(folder: Path, made: tuple[str, Document]) -> None:
    (folder / made[0]).mkdir()
    (folder / made[0] / "results.json").write_text(json.dumps(made[1]), encoding="utf-8")


def ahead(days: int, verdict: str = OK) -> tuple[str, Document]:
    """Return a run of a machine whose clock is so many days ahead of ``NOW``."""
    finished = (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"ahead-{days}", run(0, {"pc1": {A: verdict}}, started=finished, finished=finished)[1]


@pytest.mark.parametrize("days", [1, 400, 3000])
def test_a_run_of_a_wrong_clock_hides_none_once_the_clock_is_right(tmp_path: Path, days: int) -> None:
    """Also when it was recorded while the clock was wrong, and pushed older runs out of the months that are kept."""
    for made in (run(1, {"pc1": {A: BAD}}), run(2, {"pc1": {A: BAD}}), ahead(days)):
        write(tmp_path, made)
    assert History(tmp_path, NOW + timedelta(days=days, hours=1)).catch_up() == []
    assert verdicts_now(History(tmp_path, NOW + timedelta(days=days, hours=1))) == {(A, "pc1"): OK}
    history = History(tmp_path, NOW)
    write(tmp_path, run(3, {"pc1": {A: BAD, B: BAD}}))
    kept = (tmp_path / FILE).read_bytes()
    anew, problem = history.catch_up()
    # nothing of what it held is lost, be it that a run folder is no longer there
    assert f"what it held is in {FILE}.1" in anew
    assert (tmp_path / f"{FILE}.1").read_bytes() == kept
    assert stat.S_IMODE((tmp_path / f"{FILE}.1").stat().st_mode) == 0o600
    assert f"ahead-{days}: ended at" in problem
    assert "in the future" in problem
    assert verdicts_now(history) == {(A, "pc1"): BAD, (B, "pc1"): BAD}
    assert [point.run for point in history.trend()] == [name(1), name(2), name(3)]
    assert history.catch_up() == [problem]
    other = tmp_path / "in order"
    other.mkdir()
    in_order = History(other, NOW)
    record(in_order, *(run(day, {"pc1": {A: BAD}}) for day in (1, 2)), run(3, {"pc1": {A: BAD, B: BAD}}))
    assert everything(history) == everything(in_order)


def test_a_run_that_was_set_aside_is_taken_in_when_its_time_has_come(tmp_path: Path) -> None:
    write(tmp_path, ahead(1))
    assert len(History(tmp_path, NOW).catch_up()) == 1
    later = History(tmp_path, NOW + timedelta(days=1, minutes=1))
    assert later.catch_up() == []
    assert verdicts_now(later) == {(A, "pc1"): OK}


def test_two_runs_of_one_second_are_ordered_by_name(history: History) -> None:
    made = [
        (f"20260102T000000Z-audit{number}", run(1, {"pc1": {A: verdict}})[1])
        for number, verdict in (("", OK), ("-2", BAD))
    ]
    record(history, *reversed(made))
    assert verdicts_now(history) == {(A, "pc1"): BAD}


@pytest.mark.parametrize("day", [datetime(2027, 1, 31, 23, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC)])
def test_a_waiver_counts_through_its_last_day_in_every_answer(tmp_path: Path, day: datetime) -> None:
    History(tmp_path, NOW).record(*run(1, {"pc1": {A: WAIVED, B: OK}}))
    history = History(tmp_path, day)
    over = day.month == 2
    expected = BAD if over else WAIVED
    assert verdicts_now(history)[A, "pc1"] == expected
    assert getattr(history.trend()[-1].score, expected) == 1
    assert results.score(current(history)["results"]) == history.trend()[-1].score
    assert [gap.since for gap in history.gaps()] == (["2027-02-01T00:00:00Z"] if over else [])


def test_a_gap_is_open_since_the_same_day_before_and_after_the_run_that_finds_a_waiver_over(tmp_path: Path) -> None:
    later = datetime(2027, 3, 1, tzinfo=UTC)
    history = History(tmp_path, later)
    record(history, run(1, {"pc1": {A: BAD}}), run(40, {"pc1": {A: WAIVED}}))
    (before,) = history.gaps()
    record(history, run(410, {"pc1": {A: BAD}}))
    assert history.gaps() == [before]
    assert before.since == "2027-02-01T00:00:00Z"


def test_a_gap_under_a_waiver_that_was_withdrawn_is_open_since_the_last_look_under_it(tmp_path: Path) -> None:
    history = History(tmp_path, NOW, [])
    record(history, run(1, {"pc1": {A: BAD}}), run(40, {"pc1": {A: WAIVED}}))
    (before,) = history.gaps()
    assert (before.verdict, before.since) == (BAD, instant(40))
    (waived,) = current(history)["results"]
    assert (waived["verdict"], "no longer stands in waivers.yml" in waived["reason"]) == (BAD, True)
    record(history, run(50, {"pc1": {A: BAD}}))
    assert history.gaps() == [before]
