# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing reports: whole or not at all, never mixed, never lost."""

from __future__ import annotations

import errno
import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import reports, results

from tests.unit.result_samples import document, record


def made(**changes: object) -> results.Document:
    return document(record("deb12", **changes))


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_report_is_private_readable_and_latest(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = reports.write(made(), tmp_path / "reports")
    finally:
        os.umask(old)
    assert results.read(path)["establishment"] == "ehpad-les-tilleuls"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, tmp_path / "reports"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    latest = path.parent.parent / "latest"
    assert latest.readlink() == Path(path.parent.name)
    assert path.parent.name.endswith("Z-audit")


def test_same_second_runs_get_distinct_names(tmp_path: Path) -> None:
    one = made()
    paths = [reports.write(one, tmp_path) for _ in range(3)]
    assert len({path.parent for path in paths}) == 3
    assert (tmp_path / "ehpad-les-tilleuls" / "latest").resolve() == paths[-1].parent


def test_runs_at_once_never_mix(tmp_path: Path) -> None:
    one = made()
    documents: list[results.Document] = [{**one, "profile": str(number)} for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda item: reports.write(item, tmp_path), documents))
    for item, path in zip(documents, paths, strict=True):
        assert json.loads(path.read_text())["profile"] == item["profile"]
    assert len(visible(tmp_path / "ehpad-les-tilleuls")) == 24 + 1
    assert not list((tmp_path / "ehpad-les-tilleuls").glob(".*"))


@pytest.mark.parametrize("step", ["write", "fsync", "rename", "symlink", "replace"])
def test_a_failure_at_any_step_leaves_the_earlier_report_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    first = reports.write(made(), tmp_path)
    before = first.read_bytes()

    def fail(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {
        "write": (os, "fdopen"),
        "fsync": (os, "fsync"),
        "rename": (Path, "rename"),
        "symlink": (Path, "symlink_to"),
        "replace": (Path, "replace"),
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(*target, fail)
        with pytest.raises(OSError, match="No space left"):
            reports.write(made(profile="renforce"), tmp_path)
    latest = tmp_path / "ehpad-les-tilleuls" / "latest" / "results.json"
    assert latest.read_bytes() == before
    for name in visible(tmp_path / "ehpad-les-tilleuls"):
        results.read(tmp_path / "ehpad-les-tilleuls" / name)
    after = reports.write(made(), tmp_path)
    assert latest.resolve() == after


def test_latest_that_is_a_real_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ehpad-les-tilleuls" / "latest").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        reports.write(made(), tmp_path)
    assert (tmp_path / "ehpad-les-tilleuls" / "latest").is_dir()
    assert not list((tmp_path / "ehpad-les-tilleuls").glob(".latest-*"))


@pytest.mark.parametrize(
    "name", ["../../etc", "..", ".", "", "/etc", "a/b", "a\0b", "-rf", "é" * 300, "𝒜" * 300, "\ud800", "latest"]
)
def test_no_establishment_name_leaves_the_root(tmp_path: Path, name: str) -> None:
    path = reports.write(made(establishment=name), tmp_path / "reports")
    assert path.parent.parent.parent == tmp_path / "reports"
    assert results.read(path)["establishment"] == name


def test_names_that_differ_stay_apart() -> None:
    names = ["a/b", "a_b", "a b", "a\nb", ".a_b"]
    assert len({reports.folder_name(name) for name in names}) == len(names)


def test_printing_the_file_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    evil = "\x1b[2J\x9b31m\u202e\u2066\u200f\x7f\udc80\0"
    item = made()
    item["results"][0]["settings"][0]["observed"] = evil
    path = reports.write(item, tmp_path)
    text = path.read_text(encoding="utf-8")
    assert all(character == "\n" or character.isprintable() for character in text)
    assert results.read(path)["results"][0]["settings"][0]["observed"] == evil


def test_what_no_json_can_hold_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        reports.write({**made(), "versions": {"ansible": float("nan")}}, tmp_path)  # type: ignore[dict-item]
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        reports.write(made(), tmp_path)
    assert list((tmp_path / "ehpad-les-tilleuls").iterdir()) == []


def test_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        file = reports.write(made(), tmp_path / "a" / "b")
    finally:
        os.umask(before)
    for folder in [each for each in file.parents if each.is_relative_to(tmp_path) and each != tmp_path]:
        assert folder.stat().st_mode & 0o777 == 0o700, folder
