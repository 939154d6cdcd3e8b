# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two inventories of one name never share reports, memory and history."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import ownership, sources
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError

from tests.support.establishments import CHECKOUT, SLUG


def plain(root: Path, name: str = "inventory") -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "hosts.yml").write_text("all: {hosts: {a: }}", encoding="utf-8")
    return folder


def named(root: Path, finess: str = "990000017") -> Path:
    folder = plain(root, SLUG)
    text = (CHECKOUT / "inventories" / SLUG / "establishment.yml").read_text(encoding="utf-8")
    (folder / "establishment.yml").write_text(text.replace("990000017", finess), encoding="utf-8")
    return folder


def test_a_plain_inventory_keeps_its_reports(tmp_path: Path) -> None:
    reports, one, other = tmp_path / "reports", plain(tmp_path / "one"), plain(tmp_path / "two")
    for _again in range(2):
        ownership.claim(reports, one)
    assert stat.S_IMODE((reports / "inventory" / "owner.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((reports / "inventory").stat().st_mode) == 0o700
    assert ownership.site([str(one)], reports) == (one, "inventory", "")
    with pytest.raises(CatalogueError) as caught:
        ownership.claim(reports, other)
    assert str(caught.value) == (
        f"inventory: {reports}/inventory belongs to another establishment of that name"
        ' (inventory "../one/inventory"): rename this folder or set ESSMS_REPORT_DIR;'
        " if it is the same one, moved or corrected, delete owner.json there"
    )
    found = ownership.site([str(other)], reports)
    assert (found.name, found.problem) == (sources.REFUSED, str(caught.value))
    ownership.claim(tmp_path / "elsewhere", other)


def test_a_checkout_may_be_moved_with_its_reports(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    ownership.claim(here / "reports", plain(here))
    here.rename(there)
    ownership.claim(there / "reports", there / "inventory")


def test_an_establishment_is_its_finess_number_wherever_it_stands(tmp_path: Path) -> None:
    reports = tmp_path / "reports"
    ownership.claim(reports, named(tmp_path / "one"))
    ownership.claim(reports, named(tmp_path / "moved"))
    with pytest.raises(CatalogueError, match=r'\(FINESS "990000017"\)'):
        ownership.claim(reports, named(tmp_path / "two", "990000025"))


def test_an_inventory_may_become_an_establishment(tmp_path: Path) -> None:
    reports, folder = tmp_path / "reports", plain(tmp_path / "one", SLUG)
    ownership.claim(reports, folder)
    (folder / "establishment.yml").write_text(
        (CHECKOUT / "inventories" / SLUG / "establishment.yml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    ownership.claim(reports, folder)


def test_a_damaged_mark_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    reports, folder = tmp_path / "reports", plain(tmp_path / "one")
    ownership.claim(reports, folder)
    for text in ("{", "[]", "null", "{}"):
        (reports / "inventory" / "owner.json").write_text(text, encoding="utf-8")
        with pytest.raises(CatalogueError):
            ownership.claim(reports, folder)


def test_reports_that_cannot_be_written_are_left_to_the_end_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    folder = plain(tmp_path)
    ownership.claim(tmp_path / "file" / "reports", folder)
    assert ownership.problem(tmp_path / "file" / "reports", folder) == ""


def test_reports_that_are_not_kept_belong_to_nobody(tmp_path: Path) -> None:
    folder = plain(tmp_path)
    ownership.claim(None, folder)
    assert ownership.site([str(folder)], None) == (folder, "inventory", "")
