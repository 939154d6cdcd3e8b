# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The overview: every establishment with where it stands, the worst first, none left out because it cannot be read."""

from __future__ import annotations

import errno
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.action import overview as action
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.history import database
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import FILE
from ansible_collections.essms.hardening.plugins.plugin_utils.history.overview import Overview, Standing, ending, gather
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.report import overview as page

from tests.unit.history_samples import NOW, instant, name, run
from tests.unit.result_samples import WAIVER

A, B = "M08-01", "M08-02"
OK, BAD, UNKNOWN = "compliant", "non_compliant", "not_verified"
SITE = {
    "name": "EHPAD Les Tilleuls",
    "finess": "990000017",
    "category": "EHPAD",
    "size": {"places": 80, "staff": 60},
    "contacts": [{"role": "provider", "phone": "+33 1 99 00 20 00"}],
    "profile": "combine",
}


def establish(reports: Path, slug: str, verdict: str, day: float = 320) -> Path:
    """Record one run of an establishment in which M08-01 has this verdict on its only host."""
    (reports / slug).mkdir()
    folder, document = run(day, {"pc1": {A: verdict, B: OK}}, establishment=slug, waivers=[WAIVER])
    History(reports / slug, NOW).record(folder, document)
    return reports / slug


def describe(reports: Path, slug: str, waivers: object = (), decisions: object = (), **changes: object) -> Path:
    """Write the inventory folder of an establishment."""
    folder = reports.with_name("inventories") / slug
    folder.mkdir(parents=True, exist_ok=True)
    contents = {"establishment": {**SITE, "folder": slug, **changes}, "waivers": waivers, "action_plan": decisions}
    for name_, content in contents.items():
        (folder / f"{name_}.yml").write_text(json.dumps(content), encoding="utf-8")
    return folder


def overview(reports: Path, now: datetime = NOW) -> Overview:
    inventories = reports.with_name("inventories")
    return gather(reports, catalogue=load(), now=now, inventories=inventories if inventories.exists() else None)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Path:
    """Return the report folder; the inventories lie beside it."""
    (tmp_path / "reports").mkdir()
    return tmp_path / "reports"


def by_slug(found: Overview) -> dict[str, Standing]:
    return {standing.slug: standing for standing in found.establishments}


def test_the_worst_comes_first(tmp_path: Path) -> None:
    for slug, verdict in (("a", OK), ("b", BAD), ("c", UNKNOWN), ("d", BAD)):
        establish(tmp_path, slug, verdict)
    (establish(tmp_path, "e", OK) / FILE).write_bytes(b"damaged, " * 1000)
    found = overview(tmp_path)
    # a share that nobody verified is as bad as one that fails; urgent gaps decide between equals
    assert [standing.slug for standing in found.establishments] == ["e", "b", "d", "c", "a"]
    assert [standing.urgent for standing in found.establishments] == [0, 1, 1, 0, 0]
    assert found.today == NOW.date()


def test_an_establishment_says_who_it_is_and_where_it_stands(tmp_path: Path) -> None:
    folder = establish(tmp_path, "tilleuls", BAD, day=300)
    history = History(folder, NOW)
    for day in (301, 330):
        history.record(*run(day, {"pc1": {A: OK, B: BAD}}, establishment="tilleuls", waivers=[WAIVER]))
    (standing,) = overview(tmp_path).establishments
    assert (standing.name, standing.finess, standing.category) == ("EHPAD Les Tilleuls", "990000017", "EHPAD")
    assert [point.run for point in standing.trend] == [name(301), name(330)]
    assert standing.last is not None
    assert (standing.last.score.percent, standing.last.measures["M08"].non_compliant) == (50, 1)
    assert (standing.hosts, standing.problem, list(standing.notes)) == (1, "", [])


def test_hosts_that_no_run_verified_for_too_long_are_missed(tmp_path: Path) -> None:
    folder = establish(tmp_path, "aa", OK, day=300)
    last = run(329, {"pc2": {A: OK}, "pc3": {A: UNKNOWN}}, establishment="aa", hosts="some", lost=("pc3",))
    History(folder, NOW).record(*last)
    # the 27th of November is day 330
    for days, expected in ((None, ["pc1", "pc3"]), (31, ["pc3"]), (1, ["pc1", "pc2", "pc3"])):
        describe(tmp_path, "aa", **({"hosts_unseen_days": days} if days else {}))
        assert [item.host for item in by_slug(overview(tmp_path))["aa"].unseen] == expected


def test_waivers_are_judged_today() -> None:
    today = NOW.date()
    waivers = [
        {
            **WAIVER,
            "control": f"M08-0{number}",
            "start": "2026-01-01",
            "end": (today + timedelta(days=days)).isoformat(),
        }
        for number, days in enumerate((31, 30, 0, -1))
    ]
    future = {
        **WAIVER,
        "start": (today + timedelta(days=1)).isoformat(),
        "end": (today + timedelta(days=9)).isoformat(),
    }
    found = ending([*waivers, future], today)  # type: ignore[list-item]
    assert [(item["control"], item["state"]) for item in found] == [
        ("M08-03", "expired"),
        ("M08-02", "expiring"),
        ("M08-01", "expiring"),
    ]


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("PRAGMA user_version=9", "update essms.hardening"),
        ("DROP TABLE run", "is damaged"),
        ("PRAGMA application_id=1", "is not a history of essms.hardening"),
    ],
)
def test_a_history_that_cannot_be_used_is_there_with_the_reason(tmp_path: Path, statement: str, sentence: str) -> None:
    establish(tmp_path, "a", BAD)
    with sqlite3.connect(establish(tmp_path, "b", OK) / FILE) as connection:
        if statement.startswith("DROP"):
            connection.execute("DROP VIEW newest")
            connection.execute("DROP VIEW newest_complete")
        connection.execute(statement)
    found = overview(tmp_path)
    assert [standing.slug for standing in found.establishments] == ["b", "a"]
    assert sentence in found.establishments[0].problem
    assert found.establishments[0].last is None


def test_a_locked_history_is_there_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.02)
    with sqlite3.connect(establish(tmp_path, "a", OK) / FILE, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        (standing,) = overview(tmp_path).establishments
        other.execute("ROLLBACK")
    assert "another run is writing" in standing.problem


def test_beside_a_run_that_writes_what_is_known_is_still_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.02)
    folder = establish(tmp_path, "a", OK)
    (folder / name(2)).mkdir()
    (folder / name(2) / "results.json").write_text(json.dumps(run(2, {"pc1": {A: OK}}, establishment="a")[1]))
    with sqlite3.connect(folder / FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        (standing,) = overview(tmp_path).establishments
        other.execute("ROLLBACK")
    assert standing.last is not None
    assert "another run is writing" in standing.notes[0]


def test_the_history_of_another_establishment_is_told(tmp_path: Path) -> None:
    folder = establish(tmp_path, "a", OK)
    folder.rename(tmp_path / "b")
    (standing,) = overview(tmp_path).establishments
    assert 'is the history of "a"' in standing.problem
    assert standing.last is None


def test_run_folders_without_a_history_are_caught_up_and_broken_ones_told(tmp_path: Path) -> None:
    for day, text in ((1, json.dumps(run(1, {"pc1": {A: OK}}, establishment="a")[1])), (2, "{")):
        (tmp_path / "a" / name(day)).mkdir(parents=True)
        (tmp_path / "a" / name(day) / "results.json").write_text(text)
    (tmp_path / "b" / name(1)).mkdir(parents=True)
    (tmp_path / "b" / name(1) / "results.json").write_text("{")
    found = by_slug(overview(tmp_path))
    assert found["a"].last is not None
    assert found["a"].last.when == instant(1)
    assert [name(2) in note for note in found["a"].notes] == [True]
    assert "is not valid JSON" in found["b"].problem
    assert list(found["b"].notes) == []


def test_what_is_no_establishment_is_passed_over(tmp_path: Path) -> None:
    folder = establish(tmp_path, "a", OK)
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "photos").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / FILE).touch()
    (tmp_path / "overview.html").touch()
    assert [standing.slug for standing in overview(tmp_path).establishments] == ["a"]


def test_an_establishment_that_was_never_audited_is_among_the_first(tmp_path: Path) -> None:
    establish(tmp_path, "aa", BAD)
    describe(tmp_path, "aa")
    describe(tmp_path, "new", name="Foyer neuf", finess="990000025")
    (tmp_path.with_name("inventories") / "_common").mkdir()
    (tmp_path.with_name("inventories") / "plain").mkdir()
    found = overview(tmp_path).establishments
    assert [(each.slug, each.never) for each in found] == [("new", True), ("aa", False)]
    assert (found[0].name, found[0].finess) == ("Foyer neuf", "990000025")
    assert "has never been audited; run an audit" in found[0].problem


def test_an_establishment_that_only_simulated_has_no_run_yet(tmp_path: Path) -> None:
    (tmp_path / "aa" / name(1)).mkdir(parents=True)
    made = run(1, {"pc1": {A: OK}}, establishment="aa", mode="apply", check=True)[1]
    (tmp_path / "aa" / name(1) / "results.json").write_text(json.dumps(made))
    (standing,) = overview(tmp_path).establishments
    assert standing.never
    assert "has no run yet" in standing.problem
    assert 'class="late"' not in page.render(Overview(NOW.date(), [standing]), load(), "fr")


def locked(monkeypatch: pytest.MonkeyPatch, *folders: Path) -> None:
    """Make folders as they are for an account that may not enter them; the one of the tests may enter any."""
    for method in ("is_file", "exists", "iterdir", "is_dir"):
        real = getattr(Path, method)

        def refusing(self: Path, real: Any = real, method: str = method) -> Any:
            inside = any(folder in self.parents for folder in folders) or (method == "iterdir" and self in folders)
            if inside:
                raise PermissionError(errno.EACCES, "Permission denied", str(self))
            return real(self)

        monkeypatch.setattr(Path, method, refusing)


def test_a_folder_that_may_not_be_read_costs_itself_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    establish(tmp_path, "aa", OK)
    establish(tmp_path, "bb", OK)
    describe(tmp_path, "aa")
    dark = describe(tmp_path, "dark")
    locked(monkeypatch, tmp_path / "bb", dark)
    found = by_slug(overview(tmp_path))
    assert "Permission denied" in found["bb"].problem
    assert found["dark"].problem
    assert any("Permission denied" in note for note in found["dark"].notes)
    assert found["aa"].last is not None
    assert action._links(tmp_path, overview(tmp_path)) == {}


def test_what_an_establishment_decides_shows_without_a_new_run(tmp_path: Path) -> None:
    folder = tmp_path / "aa"
    folder.mkdir()
    waived = run(320, {"pc1": {A: "waived", B: OK}}, establishment="aa", waivers=[{**WAIVER, "control": A}])
    History(folder, NOW).record(*waived)
    own = {
        "control": A,
        "scope": {"group": "postes_soins"},
        "reason": "logiciel de soins en cours de remplacement",
        "owner": "Responsable informatique",
        "approved_by": "Directrice",
        "start": "2026-02-01",
        "end": "2026-12-15",
    }

    def seen(now: datetime = NOW) -> tuple[Any, ...]:
        standing = by_slug(overview(tmp_path, now))["aa"]
        assert standing.last is not None
        score = standing.last.measures["M08"]
        states = [each["state"] for each in standing.waivers]
        return score.waived, score.non_compliant, standing.last.score.percent, standing.urgent, states

    describe(tmp_path, "aa", waivers=[own])
    assert seen() == (1, 0, 100, 0, ["expiring"])
    assert seen(NOW + timedelta(days=19)) == (0, 1, 50, 1, ["expired"])
    # renewed, withdrawn, for another group
    describe(tmp_path, "aa", waivers=[{**own, "end": "2027-01-31"}])
    assert seen(NOW + timedelta(days=19)) == (1, 0, 100, 0, [])
    describe(tmp_path, "aa", waivers=[])
    assert seen() == (0, 1, 50, 1, [])
    describe(tmp_path, "aa", waivers=[{**own, "scope": {"group": "kiosques"}, "end": "2027-01-31"}])
    assert seen() == (0, 1, 50, 1, [])


def test_a_waiver_that_ended_moves_an_establishment_up(tmp_path: Path) -> None:
    for slug, verdict in (("aa", OK), ("bb", "waived")):
        establish(tmp_path, slug, verdict)
    assert [each.slug for each in overview(tmp_path).establishments] == ["aa", "bb"]
    later = datetime(2027, 3, 1, tzinfo=UTC)
    assert [each.slug for each in overview(tmp_path, later).establishments] == ["bb", "aa"]


def test_a_priority_that_was_decided_counts(tmp_path: Path) -> None:
    establish(tmp_path, "aa", BAD)
    assert by_slug(overview(tmp_path))["aa"].urgent == 1
    decision = {"control": A, "owner": "Directrice", "due": "2027-01-15", "priority": 3}
    describe(tmp_path, "aa", decisions=[decision])
    assert by_slug(overview(tmp_path))["aa"].urgent == 0


def test_a_first_run_over_a_part_stands_for_no_more_than_that(tmp_path: Path) -> None:
    (tmp_path / "aa").mkdir()
    fleet = {"hosts": {"pc1": [], "pc2": []}, "groups": [], "controls": [A, B]}
    made = run(320, {"pc1": {A: OK}}, establishment="aa", hosts="some", controls="some", fleet=fleet)
    History(tmp_path / "aa", NOW).record(*made)
    (standing,) = overview(tmp_path).establishments
    assert standing.last is not None
    assert (standing.last.score.proven_percent, standing.hosts) == (25, 2)
    assert [each.host for each in standing.unseen] == ["pc2"]
