# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A history that cannot be used says so in one sentence and is left alone; a crash or a second run loses nothing."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sqlite3
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.history import database, packing
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import FILE, Database, HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History

from tests.unit.history_samples import NOW, everything, name, run, verdicts_now

A, B = "M08-01", "M08-02"
OK, BAD = "compliant", "non_compliant"
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def history(tmp_path: Path) -> History:
    made = History(tmp_path, NOW)
    made.record(*run(1, {"pc1": {A: BAD}}))
    return made


def sentence(action: Callable[[], object]) -> str:
    with pytest.raises(HistoryError) as caught:
        action()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_locked_history_says_who_is_at_work_and_the_next_run_catches_up(
    history: History, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PATIENCE", 0.05)
    (tmp_path / name(2)).mkdir()
    (tmp_path / name(2) / "results.json").write_text(json.dumps(run(2, {"pc1": {A: OK}})[1]))
    with sqlite3.connect(tmp_path / FILE, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        said = sentence(history.catch_up)
        assert "another run is writing; try again; nothing is lost: the next run that can catches up" in said
        assert verdicts_now(history) == {(A, "pc1"): BAD}  # reading goes on
        other.execute("ROLLBACK")
        other.execute("BEGIN EXCLUSIVE")
        assert "another run is writing" in sentence(history.current)
        other.execute("ROLLBACK")
    assert history.catch_up() == []
    assert verdicts_now(history) == {(A, "pc1"): OK}


def no_database(file: Path) -> None:
    file.write_bytes(b"not a database, " * 1000)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:5000])


def zeroed_inside(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    file.write_bytes(content)


def table_gone(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("DROP TABLE state")


def body_changed(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE state SET body = x'789c00' WHERE name = 'current'")


@pytest.mark.parametrize("damage", [no_database, cut_short, zeroed_inside, table_gone, body_changed])
def test_a_damaged_history_is_named_and_left_alone(
    history: History, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(tmp_path / FILE)
    before = (tmp_path / FILE).read_bytes()
    for action in (history.current, lambda: history.record(*run(2, {"pc1": {A: OK}}))):
        said = sentence(action)
        assert said.startswith(f"{tmp_path / FILE}: is damaged; move it away, the next run makes it anew")
    assert (tmp_path / FILE).read_bytes() == before
    (tmp_path / FILE).rename(tmp_path / "away")
    history.record(*run(2, {"pc1": {A: OK}}))
    assert verdicts_now(history) == {(A, "pc1"): OK}


@pytest.mark.parametrize("statement", ["CREATE TABLE photos (id)", "PRAGMA user_version=7", "PRAGMA application_id=5"])
def test_somebody_elses_database_is_left_alone(tmp_path: Path, statement: str) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute(statement)
    before = (tmp_path / FILE).read_bytes()
    history = History(tmp_path, NOW)
    for action in (history.trend, lambda: history.record(*run(2, {"pc1": {A: OK}}))):
        assert "is not a history of essms.hardening and was left as it is" in sentence(action)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_history_from_the_future_is_left_alone(history: History, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("PRAGMA user_version=2")
    before = (tmp_path / FILE).read_bytes()
    for action in (history.gaps, lambda: history.record(*run(2, {"pc1": {A: OK}}))):
        said = sentence(action)
        assert "was written by a newer version of essms.hardening (schema 2, known here: 1)" in said
        assert said.endswith("update essms.hardening.")
    assert (tmp_path / FILE).read_bytes() == before


def test_an_empty_file_is_a_new_history(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    history = History(tmp_path, NOW)
    assert history.trend() == []
    history.record(*run(2, {"pc1": {A: OK}}))
    assert len(history.trend()) == 1


def test_a_full_disk_changes_nothing(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = Database._connect

    def small(self: Database) -> sqlite3.Connection:
        connection = connect(self)
        connection.execute("PRAGMA max_page_count=1")  # as small as it is now
        return connection

    monkeypatch.setattr(Database, "_connect", small)
    before = everything(history)
    many = {f"pc{number}": {A: BAD, B: BAD} for number in range(400)}
    assert "the disk is full; free some room; nothing is lost" in sentence(lambda: history.record(*run(2, many)))
    assert everything(history) == before


def test_what_cannot_be_written_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "cannot be used: No such file or directory" in sentence(
        lambda: History(tmp_path / "absent", NOW).record(*run(1, {"pc1": {A: OK}}))
    )
    assert "cannot be read: No such file or directory" in sentence(History(tmp_path / "absent", NOW).catch_up)
    (tmp_path / "odd" / FILE).mkdir(parents=True)
    assert "make its folder writable" in sentence(History(tmp_path / "odd", NOW).trend)
    history = History(tmp_path, NOW)
    history.record(*run(1, {"pc1": {A: OK}}))
    # what SQLite does by itself where the file system refuses to write
    monkeypatch.setattr(
        Database,
        "_connect",
        lambda self: sqlite3.connect(f"{self.path.as_uri()}?mode=ro", uri=True, isolation_level=None),
    )
    assert "make its folder writable" in sentence(lambda: history.record(*run(2, {"pc1": {A: BAD}})))
    assert verdicts_now(history) == {(A, "pc1"): OK}


def runs(days: range) -> list[tuple[str, object]]:
    """Return runs whose states differ; those of odd days look at one host and one control."""
    made: list[tuple[str, object]] = []
    for day in days:
        verdict = OK if day % 3 else BAD
        odd = {"hosts": "some", "controls": "some"} if day % 2 else {}
        found = (
            {"pc1": {A: verdict}} if day % 2 else {f"pc{number}": {A: verdict, B: BAD} for number in range(day % 5 + 1)}
        )
        made.append(run(day, found, **odd))  # type: ignore[arg-type]
    return made


def record_each(folder: Path, days: range) -> None:
    history = History(folder, NOW)
    for folder_name, document in runs(days):
        history.record(folder_name, document)  # type: ignore[arg-type]


def in_order(folder: Path, days: range) -> dict[str, object]:
    folder.mkdir()
    record_each(folder, days)
    return everything(History(folder, NOW))


def intact(file: Path) -> bool:
    with sqlite3.connect(file) as connection:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])


def test_runs_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    parts = [range(0, 24, 2), range(1, 24, 2), range(24)]
    processes = [FORK.Process(target=record_each, args=(shared, part)) for part in parts]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert everything(History(shared, NOW)) == in_order(tmp_path / "alone", range(24))
    assert intact(shared / FILE)


def killed_at(statement: int, folder: Path, days: range) -> None:
    """Record runs, killed just before the given SQL statement, counted over all of them."""
    count = 0
    connect = Database._connect

    def count_down(_sql: str) -> None:
        nonlocal count
        count += 1
        if count == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(self: Database) -> sqlite3.Connection:
        connection = connect(self)
        connection.set_trace_callback(count_down)
        return connection

    Database._connect = watched  # type: ignore[method-assign]  # in the forked process only
    record_each(folder, days)


def test_a_run_killed_at_any_statement_is_done_again(tmp_path: Path) -> None:
    expected = in_order(tmp_path / "alone", range(4))
    statement = 0
    while True:
        statement += 1
        folder = tmp_path / str(statement)
        folder.mkdir()
        process = FORK.Process(target=killed_at, args=(statement, folder, range(4)))
        process.start()
        process.join()
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        record_each(folder, range(4))
        assert everything(History(folder, NOW)) == expected
        assert intact(folder / FILE)
    assert statement > 60


def test_a_run_killed_at_any_time_is_done_again(tmp_path: Path) -> None:
    expected = in_order(tmp_path / "alone", range(30))
    chance = random.Random(4)
    folder = tmp_path / "killed"
    folder.mkdir()
    for _attempt in range(25):
        process = FORK.Process(target=record_each, args=(folder, range(30)))
        process.start()
        time.sleep(chance.uniform(0, 0.08))
        process.kill()
        process.join()
        assert intact(folder / FILE)
    record_each(folder, range(30))
    assert everything(History(folder, NOW)) == expected


def put(file: Path, statement: str, value: object) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute(statement, (zlib.compress(json.dumps(value).encode()),))


SURPRISES: list[object] = [
    5, None, "x", [], [5], {}, {"pairs": 5, "hosts": []}, {"pairs": [["M08-01"]], "hosts": []},
    {"pairs": [["M08-01", "pc1", "fine", None, 1]], "hosts": [["pc1", 1, None]]},
    {"pairs": [["M08-01", "pc1", "compliant", 5, 1]], "hosts": [["pc1", 1, None]]},
    {"pairs": [], "hosts": [["pc1", 1, 5]]}, {"pairs": [[[], {}, 1, 2, 3]], "hosts": []},
]  # fmt: skip


@pytest.mark.parametrize("value", SURPRISES)
@pytest.mark.parametrize("where", ["UPDATE state SET body = ?", "UPDATE run SET facts = ?, waivers = facts"])
def test_json_that_no_run_put_there_is_damage(history: History, tmp_path: Path, where: str, value: object) -> None:
    put(tmp_path / FILE, where, value)
    for action in (history.current, history.gaps, history.sightings, history.drift, history.identity, history.trend):
        with suppress(HistoryError):
            action()
    assert ": is damaged; move it away" in sentence(history.current)


@pytest.mark.parametrize("forged", ["UPDATE detail SET body = ?", "UPDATE run SET scores = ?"])
@pytest.mark.parametrize("value", [5, [], {"host": 5}, {"host": {"name": "pc1"}, "results": [5]}, {"M08": [1]}])
def test_a_forged_part_is_damage_too(history: History, tmp_path: Path, forged: str, value: object) -> None:
    put(tmp_path / FILE, forged, value)
    assert ": is damaged; move it away" in sentence(history.trend if "scores" in forged else history.current)


def test_a_result_that_no_run_could_have_is_damage(history: History, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE) as connection:
        ((body,),) = connection.execute("SELECT body FROM detail").fetchall()
    detail = json.loads(zlib.decompress(body))
    detail["results"][0]["settings"] = []
    put(tmp_path / FILE, "UPDATE detail SET body = ?", detail)
    assert ": is damaged; move it away" in sentence(history.current)


def test_a_few_bytes_that_stand_for_gigabytes_are_damage() -> None:
    bomb = zlib.compress(b"[" + b"0" * 2**28)
    with pytest.raises(packing.DamagedError):
        packing.unpack(bomb)
    many = zlib.compress(b"[" + b"[]," * 2_000_000 + b"[]]")
    assert packing.unpack(many)
    with pytest.raises(packing.DamagedError):
        list(packing.unpack_all([many, many]))
