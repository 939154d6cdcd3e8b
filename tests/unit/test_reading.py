# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML that an establishment keeps: what has its name and is no file is refused at once, and never waited for."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import reading, regular
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError


def _folder(path: Path) -> None:
    path.mkdir()


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def _huge(path: Path) -> None:
    with path.open("wb") as stream:
        stream.truncate(2**30)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (_folder, "is a folder, not a file"),
        (_pipe, "is a pipe or a device, not a file"),
        (_device, "is a pipe or a device, not a file"),
        (_huge, "is larger than 1 MB"),
    ],
)
def test_what_is_no_file_is_never_waited_for(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    path = tmp_path / "waivers.yml"
    make(path)
    found: list[str] = []

    def load() -> None:
        with pytest.raises(CatalogueError) as caught:
            reading.load(path, "ehpad-les-tilleuls/waivers.yml")
        found.append(str(caught.value))

    reader = threading.Thread(target=load, daemon=True)
    reader.start()
    reader.join(20)
    assert found, "it is still waiting"
    assert found[0].startswith(f"ehpad-les-tilleuls/waivers.yml: {said}")


def test_a_file_that_grows_is_not_read_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 100)
    size = os.stat_result((0o100600, 0, 0, 1, 0, 0, 3, 0, 0, 0))
    monkeypatch.setattr(os, "fstat", lambda _descriptor: size)
    with pytest.raises(regular.TooLargeError):
        regular.read(path, 99)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_as_on_any_system(tmp_path: Path, end: str) -> None:
    path = tmp_path / "file.yml"
    path.write_bytes(f"a: 1{end}b: |{end}  x{end}  y{end}".encode())
    file = reading.load(path, "file.yml")
    assert file.data == {"a": 1, "b": "x\ny\n"}
    assert file.line(("b",)) == 2
