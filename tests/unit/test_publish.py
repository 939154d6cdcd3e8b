# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From results on disk to the report beside them: with, without and against the history; and in real runs."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.essms.hardening.plugins.plugin_utils import reports, results
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import load as load_establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import prometheus, summary_json
from ansible_collections.essms.hardening.plugins.plugin_utils.history import database
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.report import publish
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Fleet
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

from tests.unit.result_samples import WAIVER, document, record

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 30, 8, tzinfo=UTC)
SITE = {
    "folder": "ehpad-les-tilleuls",
    "name": "EHPAD Les Tilleuls",
    "finess": "990000017",
    "category": "EHPAD",
    "size": {"places": 80, "staff": 60},
    "contacts": [{"role": "provider", "phone": "+33 1 99 00 20 00"}],
    "profile": "combine",
}


def ran(root: Path, day: int, states: dict[str, str]) -> tuple[Path, Document]:
    """Write the results of a run of that day and return its folder."""
    made = document(record("deb12", states))
    instant = f"2026-11-{day:02}T03:00:00.000Z"
    made.update(started=instant, finished=instant)
    return reports.write(made, root).parent, made


def site(folder: Path, **files: Any) -> Path:
    made = folder / "inventories" / "ehpad-les-tilleuls"
    made.mkdir(parents=True)
    for name, content in {"establishment": SITE, **files}.items():
        (made / f"{name}.yml").write_text(yaml.safe_dump(content), encoding="utf-8")
    return made


def gather(
    run: Path, made: Document | None = None, folder: Path | None = None, now: datetime = NOW
) -> publish.Gathered:
    known = load_establishment(folder) if folder else None
    return publish.gather(run, made=made, site=known, catalogue=load(), language="fr", now=now)


def test_the_report_shows_where_the_establishment_stands_after_all_runs(tmp_path: Path) -> None:
    ran(tmp_path, 1, {"M08-01": "fail", "M08-02": "fail"})
    run, made = ran(tmp_path, 2, {"M08-01": "fail"})
    found = gather(run, made)
    assert found.problems == ()
    assert [point.when[:10] for point in found.material.trend] == ["2026-11-01", "2026-11-02"]
    assert [(change.control, change.after) for change in found.material.drift] == [("M08-02", "compliant")]
    (action,) = found.material.actions
    assert (action.control, action.since, action.owner) == ("M08-01", "2026-11-01", "Responsable informatique")
    text = publish.write(run, found, "fr").read_text(encoding="utf-8")
    assert "EHPAD Les Tilleuls" in text
    assert stat.S_IMODE((run / publish.REPORT).stat().st_mode) == 0o600


def test_the_plan_takes_what_the_establishment_decided_and_else_its_it_contact(tmp_path: Path) -> None:
    run, made = ran(tmp_path, 2, {"M08-01": "fail", "M08-02": "fail"})
    decision = {"control": "M08-02", "owner": "Directrice", "due": "2027-01-15"}
    found = gather(run, made, site(tmp_path, action_plan=[decision]))
    assert {action.control: (action.owner, action.decided) for action in found.material.actions} == {
        "M08-01": ("Prestataire d’infogérance", False),
        "M08-02": ("Directrice", True),
    }
    assert found.material.establishment["finess"] == "990000017"


def test_a_decision_is_shown_as_kept_once_its_control_passes(tmp_path: Path) -> None:
    decisions = [
        {"control": "M08-02", "owner": "Directrice", "due": "2027-01-15", "note": "avec <b>le prestataire</b>"},
        {"control": "M08-01", "owner": "Directrice", "due": "2027-01-15"},
    ]
    run, made = ran(tmp_path, 2, {"M08-01": "fail"})
    found = gather(run, made, site(tmp_path, action_plan=decisions))
    assert [each["control"] for each in found.material.closed] == ["M08-02"]
    text = publish.write(run, found, "fr").read_text(encoding="utf-8")
    (kept,) = text.split('<ul class="closed">')[1].split("</ul>")[:1]
    assert "M08-02" in kept
    assert "prévu pour le 15/01/2027" in kept
    assert "<b>" not in kept
    assert "M08-01" not in kept


def test_a_waiver_that_ended_since_the_run_covers_nothing_any_more(tmp_path: Path) -> None:
    run, made = ran(tmp_path, 2, {"M07-05": "waived"})
    before = gather(run, made).material
    assert [action.control for action in before.actions] == []
    after = gather(run, made, now=datetime(2027, 2, 1, tzinfo=UTC)).material
    (result,) = [item for item in after.document["results"] if item["control"] == "M07-05"]
    assert result["verdict"] == "non_compliant"
    assert (
        result["reason"] == f"the waiver of {WAIVER['owner']} ended on {WAIVER['end']}; renew it or apply the control"
    )
    assert [(action.control, action.since) for action in after.actions] == [("M07-05", "2027-02-01")]


def test_waivers_are_those_of_the_file_as_it_stands_today(tmp_path: Path) -> None:
    run, made = ran(tmp_path, 2, {})
    own = {
        "control": "M08-01",
        "scope": {"host": "gone"},
        "reason": "a machine that has left",
        "owner": "Directrice",
        "approved_by": "Directrice",
        "start": "2026-01-01",
        "end": "2026-12-15",
    }
    (waiver,) = gather(run, made, site(tmp_path, waivers=[own])).material.document["waivers"]
    assert (waiver["control"], waiver["state"], bool(waiver["orphan"])) == ("M08-01", "expiring", True)


OWN = {
    "control": "M07-05",
    "scope": {"group": "kiosques"},
    "reason": "borne d’accueil sans données",
    "owner": "Responsable informatique",
    "approved_by": "Directrice",
    "start": "2026-02-01",
    "end": "2027-01-31",
}


def fleet_of(made: Document) -> Fleet:
    """Return a fleet of the host of a document, which is a kiosk, and of one that the run was not meant for."""
    controls = sorted({item["control"] for item in made["results"]})
    hosts = {"deb12": ["kiosques"], "away": ["postes_soins"]}
    return {"hosts": hosts, "groups": ["kiosques", "nomades", "postes_soins"], "controls": controls}


def waiver_states(found: publish.Gathered) -> list[tuple[str, bool]]:
    return [(waiver["state"], bool(waiver["orphan"])) for waiver in found.material.document["waivers"]]


@pytest.mark.parametrize("history", [True, False])
def test_a_waiver_of_what_a_limited_run_left_out_is_no_orphan(tmp_path: Path, history: bool) -> None:
    run, made = ran(tmp_path, 2, {})
    made.update(scope={"hosts": "some", "controls": "all"}, fleet=fleet_of(made))
    if not history:
        (run.parent / "history.sqlite3").write_text("hello")
    targets = [{"host": "away"}, {"group": "nomades"}, {"group": "postes_soins"}, {"host": "gone"}]
    own = [{**OWN, "scope": target} for target in targets] + [{**OWN, "scope": targets[-1], "end": "2026-11-01"}]
    expected = [("active", False)] * 3 + [("active", True), ("expired", True)]
    found = gather(run, made, site(tmp_path, waivers=own))
    assert waiver_states(found) == expected
    assert "1 dérogation échue" in publish.write(run, found, "fr").read_text(encoding="utf-8").replace("\xa0", " ")
    counted = summary_json.summary(found.material.document, load(), Words("fr"))["waivers"]
    assert (counted["counts"]["expired"], counted["orphans"]) == (1, 2)


@pytest.mark.parametrize("history", [True, False])
def test_a_limited_run_never_reads_as_the_whole_establishment(tmp_path: Path, history: bool) -> None:
    run, made = ran(tmp_path, 2, {"M08-01": "fail"})
    made.update(scope={"hosts": "some", "controls": "all"}, fleet=fleet_of(made))
    if not history:
        (run.parent / "history.sqlite3").write_text("hello")
    found = gather(run, made).material
    assert [(host["name"], host["state"]) for host in found.document["hosts"]] == [
        ("away", "not_verified"),
        ("deb12", "verified"),
    ]
    assert results.score(found.document["results"]).verified_percent == 50
    assert found.document["scope"]["hosts"] == "some"
    # one thing to do about it, and not a line of the plan for each control
    assert [action.control for action in found.actions] == ["M08-01"]
    ratio = prometheus.render(found.document, load(), "fr").split("essms_verified_ratio{")[1].split("\n")[0]
    assert ratio.endswith(" 0.5")


@pytest.mark.parametrize(
    ("own", "verdict"),
    [
        ([OWN], "waived"),
        ([{**OWN, "scope": {"host": "deb12"}}], "waived"),
        ([], "non_compliant"),
        ([{**OWN, "scope": {"group": "nomades"}}], "non_compliant"),
        ([{**OWN, "end": "2026-11-29"}], "non_compliant"),
        ([{**OWN, "start": "2026-12-01"}], "non_compliant"),
    ],
)
def test_what_is_waived_needs_a_waiver_of_the_file_as_it_stands(tmp_path: Path, own: Any, verdict: str) -> None:
    run, made = ran(tmp_path, 2, {"M07-05": "waived"})
    made["fleet"] = fleet_of(made)
    found = gather(run, made, site(tmp_path, waivers=own)).material
    (result,) = [item for item in found.document["results"] if (item["control"], item["host"]) == ("M07-05", "deb12")]
    assert result["verdict"] == verdict
    assert found.trend[-1].score == results.score(found.document["results"])
    assert [action.control for action in found.actions] == ([] if verdict == "waived" else ["M07-05"])


def test_a_due_date_is_the_same_before_and_after_the_run_that_finds_a_waiver_over(tmp_path: Path) -> None:
    ran(tmp_path, 1, {"M07-05": "fail"})
    run, made = ran(tmp_path, 2, {"M07-05": "waived"})
    later = datetime(2027, 2, 10, tzinfo=UTC)
    (before,) = gather(run, made, now=later).material.actions
    made = document(record("deb12", {"M07-05": "fail"}))
    made.update(started="2027-02-05T03:00:00.000Z", finished="2027-02-05T03:00:00.000Z")
    run = reports.write(made, tmp_path).parent
    (after,) = gather(run, made, now=later).material.actions
    assert (after.since, after.due) == (before.since, before.due) == ("2027-02-01", "2027-05-02")


def test_a_report_of_another_run_than_the_last_says_so(tmp_path: Path) -> None:
    ran(tmp_path, 1, {"M08-01": "fail"})
    unread, _made = ran(tmp_path, 2, {})
    (unread / "results.json").write_text("{")
    assert str(unread / "results.json") in gather(unread).material.missing
    made = document(record("deb12", mode="apply (check)"))
    made.update(started="2026-11-03T03:00:00.000Z", finished="2026-11-03T03:00:00.000Z")
    simulated = reports.write(made, tmp_path).parent
    assert "only said what it would change; this report shows the state" in gather(simulated, made).material.missing
    ahead, made = ran(tmp_path, 30, {})
    made["finished"] = "2031-11-30T03:00:00.000Z"
    assert "which is in the future" in gather(ahead, made).material.missing
    late, made = ran(tmp_path, 1, {})
    made["finished"] = "2026-10-01T03:00:00.000Z"
    assert "is not the newest run known" in gather(late, made).material.missing
    assert gather(ahead).material.missing == ""


BROKEN = {
    "damaged": lambda path: path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000),
    "no database": lambda path: path.write_text("hello"),
}


@pytest.mark.parametrize("breaking", BROKEN.values(), ids=BROKEN.keys())
def test_without_its_history_a_report_shows_the_last_run_and_says_so(tmp_path: Path, breaking: Any) -> None:
    run, made = ran(tmp_path, 2, {"M08-01": "fail"})
    history = run.parent / "history.sqlite3"
    breaking(history)
    left = history.read_bytes()
    found = gather(run, made)
    assert len(found.problems) == 1
    assert str(history) in found.problems[0]
    assert found.material.missing == found.problems[0]
    assert [action.control for action in found.material.actions] == ["M08-01"]
    assert publish.write(run, found, "fr").stat().st_size > 10_000
    assert history.read_bytes() == left
    history.rename(tmp_path / "aside")
    assert gather(run).problems == ()


def test_a_report_that_the_last_run_is_not_in_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.02)
    first, _made = ran(tmp_path, 1, {"M08-01": "fail"})
    assert gather(first).material.missing == ""
    run, made = ran(tmp_path, 2, {})
    with sqlite3.connect(run.parent / "history.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        found = gather(run, made)
        other.execute("ROLLBACK")
    assert "another run is writing" in found.material.missing
    assert [action.control for action in found.material.actions] == ["M08-01"]
    assert gather(run, made).material.missing == ""


@pytest.mark.parametrize("known", ["run", "folder"])
def test_nothing_of_another_establishment_with_the_same_folder_name_is_shown(tmp_path: Path, known: str) -> None:
    ran(tmp_path, 1, {"M08-01": "fail"})
    run, made = ran(tmp_path, 2, {"M08-02": "fail"})
    first = next(path for path in run.parent.iterdir() if path.name.startswith("20261101"))
    assert gather(first).problems == ()
    made["identity"] = {"name": "Un autre", "finess": "990000025", "category": "EHPAD"}
    run = reports.write({**made, "started": "2026-11-03T03:00:00.000Z"}, tmp_path).parent
    own = site(tmp_path, establishment={**SITE, "finess": "990000025"})
    found = gather(run, made) if known == "run" else gather(run, folder=own)
    assert any("give each inventory a folder name of its own" in problem for problem in found.problems)
    assert "990000017" in found.material.missing
    assert found.material.trend == ()
    assert [action.control for action in found.material.actions] == ["M08-02"]


def test_a_file_of_the_establishment_that_is_broken_costs_its_part_only(tmp_path: Path) -> None:
    run, made = ran(tmp_path, 2, {"M08-01": "fail"})
    found = gather(run, made, site(tmp_path, action_plan=[{"control": "M08-01"}]))
    assert ["action_plan.yml" in problem for problem in found.problems] == [True]
    assert [action.control for action in found.material.actions] == ["M08-01"]


# --- in real runs, of this machine over itself ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audit one control here and return the folder with inventories and reports."""
    folder = tmp_path_factory.mktemp("run")
    own = site(folder)
    host = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
    (own / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"here": host}}}), encoding="utf-8")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return folder


def play(folder: Path, name: str, *options: str) -> subprocess.CompletedProcess[str]:
    own = folder / "inventories" / "ehpad-les-tilleuls"
    return subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", str(own), f"playbooks/{name}.yml", *options],
        cwd=ROOT,
        env={**os.environ, "ESSMS_REPORT_DIR": str(folder / "reports"), "ANSIBLE_NOCOLOR": "1", "ESSMS_LANG": "en"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_audit_leaves_results_memory_history_and_report(played: Path) -> None:
    done = play(played, "audit", "--tags", "M04-04,M08-01")
    assert done.returncode == 0, done.stdout + done.stderr
    mine = played / "reports" / "ehpad-les-tilleuls"
    made = json.loads((mine / "latest" / "results.json").read_text(encoding="utf-8"))
    assert made["identity"]["name"] == "EHPAD Les Tilleuls"
    assert made["scope"] == {"hosts": "all", "controls": "some"}
    # two controls of all there are: the rest counts as not verified
    assert History(mine).trend()[-1].score.not_verified >= len(load().controls) - 2
    assert "EHPAD Les Tilleuls" in (mine / "latest" / "report.html").read_text(encoding="utf-8")
    assert f"Report: {mine}/latest/report.html" in done.stdout
    assert (mine / "history.sqlite3").stat().st_size
    # what the next audit compares privileged accounts with
    assert json.loads((mine / "memory" / "here.json").read_text(encoding="utf-8"))


def test_the_report_is_made_anew_from_what_is_on_disk(played: Path) -> None:
    mine = played / "reports" / "ehpad-les-tilleuls"
    (mine / "latest" / "report.html").unlink()
    assert play(played, "report", "--check").returncode == 0
    assert not (mine / "latest" / "report.html").exists()
    done = play(played, "report")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (mine / "latest" / "report.html").exists()
    assert sorted(path.name for path in (mine / "latest" / "exports").iterdir()) == [
        "essms-ehpad-les-tilleuls.prom",
        "junit.xml",
        "oscal-assessment-results.json",
        "results.csv",
        "results.sarif",
        "summary.json",
    ]
    assert json.loads((mine / "latest" / "exports" / "summary.json").read_text())["scope"]["controls"] == "some"
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o77 == 0 for path in mine.rglob("*") if not path.is_symlink())


def test_a_report_is_in_the_language_of_its_establishment_whatever_that_of_the_run(played: Path) -> None:
    own = played / "inventories" / "ehpad-les-tilleuls" / "establishment.yml"
    own.write_text(yaml.safe_dump({**SITE, "language": "fr"}), encoding="utf-8")
    done = play(played, "audit", "--tags", "M08-01")
    assert "Report: " in done.stdout
    shown = played / "reports" / "ehpad-les-tilleuls" / "latest" / "report.html"
    assert '<html lang="fr">' in shown.read_text(encoding="utf-8")
    own.write_text(yaml.safe_dump({**SITE, "language": "en"}), encoding="utf-8")
    assert play(played, "report").returncode == 0
    assert '<html lang="en">' in shown.read_text(encoding="utf-8")


def test_a_refused_run_is_on_disk_and_changes_no_history(played: Path) -> None:
    mine = played / "reports" / "ehpad-les-tilleuls"
    waivers = played / "inventories" / "ehpad-les-tilleuls" / "waivers.yml"
    before, latest = (mine / "history.sqlite3").read_bytes(), (mine / "latest").resolve()
    waivers.write_text("- control: M08-01\n", encoding="utf-8")
    waivers.chmod(0o600)
    runs = {path for path in mine.iterdir() if path.is_dir()}
    try:
        done = play(played, "audit")
    finally:
        waivers.unlink()
    assert done.returncode == 2
    assert "ehpad-les-tilleuls/waivers.yml:1: [0]: key scope is missing; add it" in done.stdout + done.stderr
    (refused,) = {path for path in mine.iterdir() if path.is_dir()} - runs
    made = json.loads((refused / "results.json").read_text(encoding="utf-8"))
    assert made["refused"] is True
    assert {item["verdict"] for item in made["results"]} == {"not_verified"}
    assert (mine / "history.sqlite3").read_bytes() == before
    assert not (refused / "report.html").exists()
    # whoever opens the latest report goes on finding one
    assert (mine / "latest").resolve() == latest


def test_the_overview_holds_every_establishment_and_leads_to_its_report(played: Path) -> None:
    (played / "reports" / "foyer").mkdir(mode=0o700, exist_ok=True)
    (played / "reports" / "foyer" / "history.sqlite3").write_bytes(b"no database at all, but something else entirely")
    done = play(played, "overview", "-e", f"essms_inventories={played / 'inventories'}")
    assert done.returncode == 0, done.stdout + done.stderr
    page = played / "reports" / "overview.html"
    text = page.read_text(encoding="utf-8")
    assert 'href="ehpad-les-tilleuls/latest/report.html"' in text
    assert "EHPAD Les Tilleuls" in text
    assert "foyer" in text
    assert "foyer/history.sqlite3" in done.stdout + done.stderr
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_a_history_that_contradicts_the_last_run_is_set_aside(tmp_path: Path) -> None:
    run, made = ran(tmp_path, 1, {"M08-01": "fail"})
    assert gather(run, made).problems == ()
    file = run.parent / "history.sqlite3"
    with sqlite3.connect(file) as connection:
        for table, column in (("detail", "host"), ("state", "name")):
            for key, body in connection.execute(f"SELECT {column}, body FROM {table}").fetchall():
                forged = zlib.decompress(body).replace(b'"fail"', b'"ok"').replace(b"non_compliant", b"compliant")
                connection.execute(f"UPDATE {table} SET body = ? WHERE {column} = ?", (zlib.compress(forged), key))
    found = gather(run, made)
    assert found.problems == (found.material.missing,)
    assert "says something else than the results of the last run; move it away" in found.material.missing
    assert [action.control for action in found.material.actions] == ["M08-01"]
    file.unlink()
    assert gather(run).problems == ()


def test_a_later_run_may_see_something_else_than_the_last_one(tmp_path: Path) -> None:
    first, made = ran(tmp_path, 1, {"M08-01": "fail"})
    second, later = ran(tmp_path, 2, {})
    assert gather(second, later).problems == ()
    assert "says something else" not in gather(first, made).material.missing


def test_a_run_that_only_planned_contradicts_nothing(tmp_path: Path) -> None:
    first, _made = ran(tmp_path, 1, {"M08-01": "fail"})
    gather(first)
    planned = document(record("deb12", mode="apply (check)"))
    planned.update(started="2026-11-02T03:00:00.000Z", finished="2026-11-02T03:00:00.000Z")
    assert gather(reports.write(planned, tmp_path).parent, planned).problems == ()


def test_a_waiver_without_a_real_end_costs_its_run_only(tmp_path: Path) -> None:
    run, made = ran(tmp_path, 1, {"M08-01": "waived"})
    gather(run, made)
    broken = (run / "results.json").read_text().replace("2027-01-31", "2026-99-99")
    second = run.with_name("20261102T030000Z-audit")
    second.mkdir()
    (second / "results.json").write_text(broken)
    third, last = ran(tmp_path, 3, {})
    (problem,) = gather(third, last).problems
    assert str(second) in problem
    assert "2026-99-99" in problem
    assert gather(third, last).material.missing == ""
