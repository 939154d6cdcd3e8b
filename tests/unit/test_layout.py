# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkout is its own collection, and nothing stands in front of it."""

from __future__ import annotations

from pathlib import Path

from tools import layout

ROOT = Path(__file__).resolve().parents[2]


def test_this_checkout_is_what_gets_tested(tmp_path: Path) -> None:
    assert layout.problems(ROOT, home=tmp_path) == []


def test_a_missing_link_is_named(tmp_path: Path) -> None:
    found = layout.problems(tmp_path, home=tmp_path)
    assert [link for link in layout.LINKS if any(link in sentence for sentence in found)] == list(layout.LINKS)


def test_a_copy_in_the_home_folder_is_named(tmp_path: Path) -> None:
    copy = tmp_path / ".ansible/collections/ansible_collections/essms/hardening"
    copy.mkdir(parents=True)
    assert any(str(copy) in sentence for sentence in layout.problems(ROOT, home=tmp_path))
