# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run takes from the folder of an establishment, and what of it says no."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import reading, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import folder

from tests.support.establishments import Inventories


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inventories:
    site = Inventories(tmp_path)
    monkeypatch.setenv("ESSMS_VAULT_DIR", str(site.vaults))
    return site


def test_the_example_says_who_it_is_and_feeds_its_variables(site: Inventories) -> None:
    found = folder.load(site.folder)
    assert found.slug == "ehpad-les-tilleuls"
    assert found.identity == {"name": "EHPAD Les Tilleuls", "finess": "990000017", "category": "EHPAD"}
    lines = (site.folder / "establishment.yml").read_text(encoding="utf-8").splitlines()
    profile = lines.index("profile: combine") + 1
    window = next(number for number, line in enumerate(lines, 1) if line.startswith("maintenance_window:"))
    assert found.defaults == {
        "essms_profile": ("combine", f"establishment.yml:{profile}"),
        "essms_maintenance_days": (["Tue", "Thu"], f"establishment.yml:{window}"),
        "essms_maintenance_hour": (3, f"establishment.yml:{window}"),
    }


def test_decisions_are_read_when_asked_for(site: Inventories) -> None:
    found = folder.load(site.folder)
    assert found.decisions[0]["control"] == "M06-01"
    assert found.decisions[0]["due"] == "2027-01-31"  # text, not a date
    site.write("action_plan.yml", "- control: M06-01\n  owner: Directrice\n  due: 2027-02-30\n")
    assert folder.load(site.folder).identity, "what is not asked for is not read"
    with pytest.raises(CatalogueError) as caught:
        _ = folder.load(site.folder).decisions
    assert str(caught.value) == (
        'action_plan.yml:3: [0].due: "2027-02-30" is no date of the calendar; write YYYY-MM-DD'
    )


def test_a_plain_inventory_is_an_establishment_without_identity(tmp_path: Path) -> None:
    found = folder.load(tmp_path)
    assert found.identity == {"name": "", "finess": "", "category": ""}
    assert (found.defaults, found.decisions) == ({}, [])


def test_an_establishment_that_is_wrong_is_refused_with_its_line(site: Inventories) -> None:
    line = site.change("establishment.yml", "places: 84", "places: 84000")
    with pytest.raises(CatalogueError) as caught:
        folder.load(site.folder)
    assert str(caught.value) == f"establishment.yml:{line}: size.places: 84000 is too large; use 5000 or less"


def test_lines_are_those_of_keys_items_and_of_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "file.yml"
    path.write_text("a:\n  b: 1\n  c:\n    - x\n    - {d: 1,\n       e: 2}\n", encoding="utf-8")
    file = reading.load(path, "file.yml")
    assert [file.line(each) for each in (("a",), ("a", "b"), ("a", "c", 0), ("a", "c", 1, "e"), ("a", "z"))] == [
        1,
        2,
        4,
        6,
        1,
    ]


def test_every_missing_and_unknown_key_is_said_once() -> None:
    schema = {"type": "object", "required": ["a", "b"], "properties": {"a": {}, "b": {}}, "additionalProperties": False}
    assert [str(each) for each in schemas.problems(schema, {"x": 1, "y": 2})] == [
        "unknown key x; use a or b",
        "unknown key y; use a or b",
        "key a is missing; add it",
        "key b is missing; add it",
    ]


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join([f'*{chr(97 + level)}'] * 10)}]\n" for level in range(9)
)
HOSTILE = {
    "aliases that stand for a thousand million values": (BOMB, "its aliases stand for too many values; write them out"),
    "a value that holds itself": ("a: &a [*a]\n", "its aliases stand for too many values; write them out"),
    "brackets without end": ("a: " + "[" * 400_000, "is nested more than 100 levels deep; write it flatter"),
    "hyphens without end": ("- " * 200_000, "is nested more than 100 levels deep; write it flatter"),
    "steps without end": (
        "".join(f"{' ' * level}a:\n" for level in range(1200)),
        "is nested more than 100 levels deep; write it flatter",
    ),
    "more than a megabyte": (f"a: {'x' * 1_000_001}\n", "is larger than 1 MB; split or shorten it"),
}


@pytest.mark.parametrize(("text", "sentence"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_would_take_the_controller_down_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "establishment.yml").write_text(text, encoding="utf-8")
    with pytest.raises(CatalogueError) as caught:
        folder.load(tmp_path)
    assert str(caught.value) == f"establishment.yml: {sentence}"


def test_an_ordinary_alias_stays_allowed(tmp_path: Path) -> None:
    path = tmp_path / "file.yml"
    path.write_text("a: &a [1, 2]\nb: *a\n", encoding="utf-8")
    assert reading.load(path, "file.yml").data == {"a": [1, 2], "b": [1, 2]}
