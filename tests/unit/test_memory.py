# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host said last time is found again by the next run, and by nobody else."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.memory import Memory


def test_the_next_run_finds_what_the_last_one_kept(tmp_path: Path) -> None:
    first = Memory(tmp_path / "reports", "ehpad-les-tilleuls", "deb12")
    assert first.load() == {}
    first.keep({"walk": {"at": "/srv"}, "privileged": [0, 1000]})
    second = Memory(tmp_path / "reports", "ehpad-les-tilleuls", "deb12")
    assert second.load() == {"walk": {"at": "/srv"}, "privileged": [0, 1000]}
    second.keep({"walk": {"at": ""}})
    assert second.load() == {"walk": {"at": ""}, "privileged": [0, 1000]}


def test_hosts_and_establishments_have_a_memory_each(tmp_path: Path) -> None:
    Memory(tmp_path, "ehpad-les-tilleuls", "deb12").keep({"walk": 1})
    assert Memory(tmp_path, "ehpad-les-tilleuls", "deb13").load() == {}
    assert Memory(tmp_path, "foyer-des-pins", "deb12").load() == {}
    Memory(tmp_path, "ehpad-les-tilleuls", "../../deb12").keep({"walk": 2})
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "ehpad-les-tilleuls" / "memory"}


def test_it_is_private(tmp_path: Path) -> None:
    Memory(tmp_path / "reports", "ehpad-les-tilleuls", "deb12").keep({"walk": 1})
    (path,) = tmp_path.rglob("*.json")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in path.parents[:3]:
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff\xfe", b"null"])
def test_a_damaged_memory_is_no_memory(tmp_path: Path, content: bytes) -> None:
    memory = Memory(tmp_path, "ehpad-les-tilleuls", "deb12")
    memory.keep({"walk": 1})
    (path,) = tmp_path.rglob("*.json")
    path.write_bytes(content)
    assert memory.load() == {}
    memory.keep({"walk": 2})
    assert memory.load() == {"walk": 2}


def test_what_cannot_be_kept_is_only_lost(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file where the folder should be")
    Memory(tmp_path / "reports", "ehpad-les-tilleuls", "deb12").keep({"walk": 1})
    Memory(None, "ehpad-les-tilleuls", "deb12").keep({"walk": 1})
    large = Memory(tmp_path / "other", "ehpad-les-tilleuls", "deb12")
    large.keep({"walk": "x" * 1_000_001})
    assert large.load() == {}
