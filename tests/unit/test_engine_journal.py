# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal: readable wherever it was torn, and undone the same whether once, twice or in pieces."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import undo
from hypothesis import given
from hypothesis import strategies as st

STATES = ("before", "after")


def transaction(folder: Path) -> tuple[Path, dict[Path, bytes | None]]:
    """Make files, a journal of their state, then change them; return the journal's folder and what was before."""
    home = folder / "etc"
    home.mkdir()
    before: dict[Path, bytes | None] = {home / "kept": b"old\n", home / "gone": b"bytes \xff\0\n", home / "made": None}
    for path, data in before.items():
        if data is not None:
            path.write_bytes(data)
            path.chmod(0o640)
    new = home / "folder"
    before[new / "inside"] = None
    records: list[dict[str, Any]] = [{"op": "begin", "id": "x"}, {"op": "mkdir", "path": str(new)}]
    records += [{"op": "file", "path": str(path), "before": undo.read_state(str(path))} for path in before]
    undo.append(str(folder), [*records, {"op": "prepared"}])
    new.mkdir()
    (home / "kept").write_bytes(b"new\n")
    (home / "kept").chmod(0o600)
    (home / "gone").unlink()
    (home / "made").write_bytes(b"made\n")
    (new / "inside").write_bytes(b"inside\n")
    return home, before


def is_before(home: Path, before: dict[Path, bytes | None]) -> bool:
    assert {path for path in home.rglob("*") if path.is_file()} == {
        path for path, data in before.items() if data is not None
    }
    assert not (home / "folder").exists()
    assert {oct(path.stat().st_mode & 0o777) for path in home.iterdir()} == {"0o640"}
    return all(path.read_bytes() == data for path, data in before.items() if data is not None)


def test_undone_twice_is_undone_once(tmp_path: Path) -> None:
    home, before = transaction(tmp_path)
    assert undo.status(undo.load(str(tmp_path))) == "unfinished"
    for _time in range(3):
        assert undo.undo(str(tmp_path), "test") == []
        assert is_before(home, before)
    assert undo.status(undo.load(str(tmp_path))) == "rolled_back"


@pytest.mark.parametrize("stop", range(8))
def test_an_undo_that_was_interrupted_is_finished_by_the_next(
    stop: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, before = transaction(tmp_path)
    real: Callable[..., None] = undo._undo_record
    calls = iter(range(100))

    def interrupted(*arguments: Any) -> None:
        if next(calls) == stop:
            raise KeyboardInterrupt
        real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(undo, "_undo_record", interrupted)
        if stop < 7:
            with pytest.raises(KeyboardInterrupt):
                undo.undo(str(tmp_path), "test")
            assert undo.status(undo.load(str(tmp_path))) == "unfinished"
    assert undo.undo(str(tmp_path), "test") == []
    assert is_before(home, before)


def test_a_step_that_fails_leaves_the_transaction_open_and_the_others_undone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, before = transaction(tmp_path)
    real = undo.write_state

    def refuse(path: str, state: undo.State | None) -> None:
        if path.endswith("/kept"):
            raise OSError(28, "No space left on device")
        real(path, state)

    with monkeypatch.context() as patch:
        patch.setattr(undo, "write_state", refuse)
        problems = undo.undo(str(tmp_path), "test")
    assert len(problems) == 1
    assert "kept" in problems[0]
    assert "No space left" in problems[0]
    assert (home / "gone").exists()
    assert undo.status(undo.load(str(tmp_path))) == "unfinished"
    assert undo.undo(str(tmp_path), "test") == []
    assert is_before(home, before)


def test_a_journal_torn_at_any_byte_reads_as_its_whole_lines(tmp_path: Path) -> None:
    transaction(tmp_path)
    journal = tmp_path / "journal.jsonl"
    whole, records = journal.read_bytes(), undo.load(str(tmp_path))
    for size in range(len(whole) + 1):
        journal.write_bytes(whole[:size])
        assert undo.load(str(tmp_path)) == records[: whole[:size].count(b"\n")]


@pytest.mark.parametrize("tail", [b'{"op":"com', b"\xff\xfe", b"{", b'{"op":"commit"}'])
def test_what_is_added_after_a_torn_line_is_read(tail: bytes, tmp_path: Path) -> None:
    transaction(tmp_path)
    records = undo.load(str(tmp_path))
    with (tmp_path / "journal.jsonl").open("ab") as stream:
        stream.write(tail)
    undo.append(str(tmp_path), [{"op": "rolled_back"}])
    assert undo.load(str(tmp_path)) == [*records, {"op": "rolled_back"}]


@pytest.mark.parametrize("line", [b"?\n", b"[]\n", b"{}\n", b"\xff\n", b"\n", b'"op"\n'])
def test_a_damaged_line_is_named(line: bytes, tmp_path: Path) -> None:
    transaction(tmp_path)
    journal = tmp_path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], line, *lines[2:]]))
    with pytest.raises(undo.JournalError, match=r"journal\.jsonl is damaged in line 3"):
        undo.load(str(tmp_path))


def test_a_journal_that_does_not_fit_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    transaction(tmp_path)
    whole = (tmp_path / "journal.jsonl").read_bytes()

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        undo.append(str(tmp_path), [{"op": "commit"}])
    assert (tmp_path / "journal.jsonl").read_bytes() == whole


def test_a_draft_of_a_killed_run_goes_and_a_neighbour_stays(tmp_path: Path) -> None:
    home, before = transaction(tmp_path)
    (home / "kept").rename(home / f"kept{undo._DRAFT}4711")
    neighbour = home / "kept.bak"
    neighbour.write_bytes(b"theirs\n")
    assert undo.undo(str(tmp_path), "test") == []
    assert neighbour.read_bytes() == b"theirs\n"
    neighbour.unlink()
    assert is_before(home, before)


@given(st.lists(st.sampled_from(["begin", "file", "prepared", "pending", "commit", "rolled_back"]), max_size=8))
def test_the_last_mark_counts(marks: list[str]) -> None:
    ends = [mark for mark in marks if mark in ("pending", "commit", "rolled_back")]
    expected = "empty" if not marks else {"commit": "committed"}.get(ends[-1], ends[-1]) if ends else "unfinished"
    assert undo.status([{"op": mark} for mark in marks]) == expected


@given(st.binary(max_size=300), st.sampled_from([0o600, 0o644, 0o755, 0o4755]))
def test_a_state_written_is_the_state_read(tmp_path_factory: pytest.TempPathFactory, data: bytes, mode: int) -> None:
    folder = tmp_path_factory.mktemp("state")
    one, two = folder / "one", folder / "two"
    one.write_bytes(data)
    one.chmod(mode)
    state = undo.read_state(str(one))
    undo.write_state(str(two), state)
    assert undo.read_state(str(two)) == state
    undo.write_state(str(two), None)
    undo.write_state(str(two), None)
    assert sorted(path.name for path in folder.iterdir()) == ["one"]


def test_folders_that_are_no_transaction_are_left_out(tmp_path: Path) -> None:
    for name in ("20260101T000000-000002", "20260101T000000-000001", "lost+found", "20260101T000000-x", "old"):
        (tmp_path / "tx" / name).mkdir(parents=True)
    assert [name for name, _folder in undo.transactions(str(tmp_path))] == [
        "20260101T000000-000001",
        "20260101T000000-000002",
    ]
