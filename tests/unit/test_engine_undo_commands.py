# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undoing what others had their hands on since: what is gone, fails or became a link holds nothing else up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import revert, transaction, undo
from ansible_collections.essms.hardening.plugins.module_utils.engine.host import Host

from tests.unit.test_engine_rights import NARROW, WIDE, mode, rights

HERE, GONE = "net.ipv4.conf.all.accept_redirects=1", "net/ipv4/conf/veth0.1/accept_redirects=1"
INTERFACE = "net/ipv4/conf/veth0.1"
FAILS = ["sh", "-c", "exit 3"]


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder of programs that only write down what they were asked; returns where."""
    log, folder = tmp_path / "log", tmp_path / "bin"
    folder.mkdir()
    answers = {
        "sysctl": "",
        "mount": "",
        "modprobe": 'case "$*" in *gone*) exit 1;; --dry-run*) exit 0;; esac; ',
        "systemctl": 'case "$*" in show*gone*) echo LoadState=not-found; echo ActiveState=inactive; exit;; '
        "show*runs*) echo LoadState=not-found; echo ActiveState=active; exit;; "
        "show*) echo LoadState=loaded; echo ActiveState=inactive; exit;; esac; ",
    }
    for name, answer in answers.items():
        (folder / name).write_text(f'#!/bin/sh\n{answer}echo "{name} $*" >> {log}\n')
        (folder / name).chmod(0o755)
    monkeypatch.setattr(undo, "_environment", lambda: {"PATH": f"{folder}:/usr/bin:/bin"})
    monkeypatch.setattr(transaction, "PATH", f"{folder}:/usr/bin:/bin")
    log.touch()
    return log


def journal(folder: Path, *records: dict[str, Any]) -> str:
    folder.mkdir(exist_ok=True)
    undo.append(str(folder), [{"op": "begin", "id": "x"}, *records, {"op": "prepared"}])
    return str(folder)


def run(*argv: str) -> dict[str, Any]:
    return {"op": "run", "do": ["true"], "undo": list(argv)}


@pytest.mark.parametrize(
    ("argv", "done", "named"),
    [
        (["sysctl", "-w", GONE, HERE], f"sysctl -w {HERE}\n", INTERFACE),
        (["sysctl", "-w", GONE, GONE.replace("accept", "send")], "", INTERFACE),
        (["systemctl", "--quiet", "disable", "gone.service"], "", "gone.service"),
        (["systemctl", "stop", "here.service", "gone.socket"], "systemctl stop here.service\n", "gone.socket"),
        (["systemctl", "stop", "runs.service"], "systemctl stop runs.service\n", ""),
        (["systemctl", "daemon-reload"], "systemctl daemon-reload\n", ""),
        (["modprobe", "--ignore-install", "gone"], "", "gone"),
        (["modprobe", "--ignore-install", "here"], "modprobe --ignore-install here\n", ""),
        (["mount", "-o", "remount,bind,rw", "/nowhere"], "", "/nowhere"),
        (["mount", "-o", "remount,bind,rw", "/proc"], "mount -o remount,bind,rw /proc\n", ""),
        (["no-such-program", "x"], "", "no-such-program"),
    ],
)
def test_what_is_gone_counts_as_undone_with_a_note(
    argv: list[str], done: str, named: str, tools: Path, tmp_path: Path
) -> None:
    for record in (run(*argv), {"op": "after", "argv": argv}):
        tools.write_text("")
        folder = journal(tmp_path / str(record["op"]), record)
        assert undo.undo(folder, "test") == []
        assert undo.status(undo.load(folder)) == "rolled_back"
        assert tools.read_text() == done
        remarks = undo.remarks(undo.load(folder))
        assert [remark.split(" gone since")[0] for remark in remarks] == ([named] if named else [])


@pytest.mark.usefixtures("tools")
def test_many_interfaces_that_are_gone_are_one_note() -> None:
    keys = [f"net/ipv4/conf/veth{number}/{name}=1" for number in range(9) for name in ("a", "b")]
    rest, notes = undo.still_there(["sysctl", "-w", *keys])
    assert rest == []
    (note,) = notes
    assert "net/ipv4/conf/veth0, " in note
    assert note.count("veth") == 5
    assert "and 4 more" in note


@pytest.mark.usefixtures("tools")
def test_a_command_that_fails_twice_is_left_to_a_person_and_blocks_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("new")
    record = {"op": "file", "path": str(tmp_path / "file"), "before": None}
    folder = journal(tmp_path / "tx", record, run(*FAILS))
    problems = undo.undo(folder, "test")
    assert len(problems) == 1
    assert "sh -c 'exit 3'" in problems[0]
    assert not (tmp_path / "file").exists()
    assert undo.status(undo.load(folder)) == "unfinished"
    assert undo.undo(folder, "test") == []
    assert undo.status(undo.load(folder)) == "rolled_back"
    assert undo.remarks(undo.load(folder)) == problems
    assert "has to be run by hand" in problems[0]


@pytest.mark.usefixtures("tools")
def test_the_next_run_goes_on_and_says_once_what_was_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "20260101T000000-000001"
    folder = journal(tmp_path / name, run(*FAILS))
    monkeypatch.setattr(undo, "transactions", lambda: iter([(name, folder)]))
    assert transaction.recover() == [name]
    assert "sh -c 'exit 3'" in transaction.untold()[0]
    assert transaction.untold() == []
    assert transaction.recover() == []


def test_the_guard_gives_up_a_command_and_not_the_rest(
    tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second try comes from systemd."""
    monkeypatch.setattr(undo, "LOCK", str(tmp_path / "lock"))
    monkeypatch.setattr(undo, "HELD", [])
    folder = journal(tmp_path / "tx", run("sysctl", "-w", HERE), run(*FAILS))
    assert undo.main([folder, "guard"]) == 1
    for descriptor in undo.HELD:
        os.close(descriptor)
    undo.HELD.clear()
    assert undo.main([folder, "guard"]) == 0
    assert undo.status(undo.load(folder)) == "rolled_back"
    assert HERE in tools.read_text()


@pytest.mark.parametrize("what", ["link", "link above", "pipe"])
def test_a_link_in_the_folder_of_a_person_holds_no_undoing_up(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "_ACCOUNTS", str(tmp_path / "passwd"))
    home = tmp_path / "people" / "odette"
    (home / "folder").mkdir(parents=True)
    (tmp_path / "passwd").write_text(f"odette:x:1001:1001::{home}:/bin/sh\n")
    theirs, other, secret = home / "folder" / "file", tmp_path / "other", tmp_path / "secret"
    for path in (theirs, other, secret):
        path.write_text("")
        path.chmod(NARROW)
    records = [
        {"op": "rights", **undo.place(str(path)), "before": rights(WIDE), "after": rights(NARROW)}
        for path in (other, theirs)
    ]
    folder = journal(tmp_path / "tx", *records)
    theirs.unlink()
    if what == "link":
        theirs.symlink_to(secret)
    elif what == "pipe":
        os.mkfifo(theirs)
    else:
        (home / "folder").rmdir()
        (home / "folder").symlink_to(tmp_path)
    assert undo.undo(folder, "test") == []
    assert undo.status(undo.load(folder)) == "rolled_back"
    assert mode(other) == WIDE
    assert mode(secret) == NARROW
    (remark,) = undo.remarks(undo.load(folder))
    assert "uid 1001" in remark
    assert "odette" not in remark


def committed(folder: Path, *records: dict[str, Any]) -> revert._Past:
    path = journal(folder, *records)
    undo.append(path, [{"op": "commit", "after": {}}])
    return revert._Past("x", path, undo.load(path))


def test_a_rollback_goes_on_past_a_link_and_past_what_fails(tools: Path, tmp_path: Path) -> None:
    theirs, other = tmp_path / "theirs", tmp_path / "other"
    other.write_text("")
    other.chmod(NARROW)
    theirs.symlink_to(other)
    given = {"op": "rights", "before": rights(WIDE), "after": rights(NARROW)}
    commands = [run(*argv) for argv in (["sysctl", "-w", GONE, HERE], FAILS)]
    past = committed(
        tmp_path / "tx",
        *({**given, "path": str(path)} for path in (theirs, other)),
        *({**command, "control": "X"} for command in commands),
        {"op": "after", "argv": ["systemctl", "reload", "gone.service"]},
        {"op": "after", "argv": ["sh", "-c", "exit 4"]},
    )
    host = Host()
    revert._unwind(host, [past], {"X"})
    assert list(host.rights_wanted) == [str(other)]
    assert "theirs: a link or something else" in host.notes[0]
    doing = transaction.Transaction({"reverts": ["x"]})
    doing.write(host)
    assert mode(other) == WIDE
    doing.activate(host)
    assert tools.read_text() == f"sysctl -w {HERE}\n"
    assert [note.split(" gone since")[0] for note in host.notes[1:]] == [INTERFACE, "gone.service"]
    assert [left.split("` failed")[0] for left in host.left] == ["`sh -c 'exit 3'", "`sh -c 'exit 4'"]
    assert all("by hand" in left for left in host.left)


def test_a_link_that_comes_while_a_rollback_is_at_work_is_left_alone(tmp_path: Path) -> None:
    host = Host()
    for name in ("a", "b"):
        (tmp_path / name).write_text("")
        (tmp_path / name).chmod(NARROW)
        host.set_rights(str(tmp_path / name), rights(WIDE))
    (tmp_path / "a").unlink()
    (tmp_path / "a").symlink_to("b")
    with pytest.raises(transaction.TransactionError):
        transaction.Transaction({}).write(host)
    transaction.Transaction({"reverts": ["x"]}).write(host)
    assert mode(tmp_path / "b") == WIDE
    assert "a link or something else" in host.notes[0]
