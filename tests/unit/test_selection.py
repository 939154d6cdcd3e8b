# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags: an id selects, a free word is Ansible's, and a misspelt id never selects everything."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.selection import select

from tests.support.catalogue_files import REMOVE, Folder

LOCK = {"parameters": REMOVE, "linux__settings": [{"kde_lock": {"on_resume": True}}]}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    folder = Folder(Path(tmp_path_factory.mktemp("catalogue") / "root"))
    folder.control()
    folder.control("M08-02_other.yml", id="M08-02", **LOCK)
    folder.control("M07-02_lock.yml", "session_lock", id="M07-02", **LOCK)
    return folder.load()


EVERYTHING = ["M07-02", "M08-01", "M08-02"]
CASES: list[tuple[Sequence[str], Sequence[str], Sequence[str], list[str]]] = [
    (["all"], [], [], EVERYTHING),
    ([], [], [], EVERYTHING),
    (["always", "tagged"], [], [], EVERYTHING),
    (["password_policy"], [], [], ["M08-01", "M08-02"]),
    (["all"], ["session_lock"], [], ["M08-01", "M08-02"]),
    (["M08"], [], [], ["M08-01", "M08-02"]),
    (["M08-02"], [], [], ["M08-02"]),
    (["M08-02", "nuit"], [], [], ["M08-02"]),
    (["M08-02", "M07"], [], [], ["M07-02", "M08-02"]),
    (["all"], ["M08-01"], [], ["M07-02", "M08-02"]),
    (["all"], ["M08", "nuit"], [], ["M07-02"]),
    (["M08"], ["M08-01"], [], ["M08-02"]),
    (["all"], [], ["M07"], ["M07-02"]),
    (["M08-01"], [], ["M08"], ["M08-01"]),
    (["M08-01"], [], ["M07"], []),
]


@pytest.mark.parametrize(("tags", "skip", "measures", "ids"), CASES)
def test_selection(
    small: Catalogue, tags: Sequence[str], skip: Sequence[str], measures: Sequence[str], ids: list[str]
) -> None:
    assert [control.id for control in select(small, tags, skip, measures)] == ids


@pytest.mark.parametrize("tag", ["nuit", "m365", "pasword_policy"])
def test_a_foreign_word_alone_never_selects_everything(small: Catalogue, tag: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        select(small, [tag], [])
    assert str(caught.value).startswith(f'tag "{tag}" selects no control: give ids such as M07 or M08')


@pytest.mark.parametrize("tag", ["nuit", "nginx"])
def test_a_role_leaves_a_run_with_foreign_tags_alone(small: Catalogue, tag: str) -> None:
    assert select(small, [tag], [], ["M08"]) == []


UNKNOWN = {
    "M08-03": 'tag "M08-03" is no control or measure; did you mean M08-02 or M08-01 or M07-02?',
    "m08": 'tag "m08" is no control or measure; did you mean M08 or ',
    "M8": 'tag "M8" is no control or measure; did you mean M08',
    "M08-1": 'tag "M08-1" is no control or measure; did you mean M08-01',
    "M0801": 'tag "M0801" is no control or measure; did you mean M08-01',
    "M08_01": 'tag "M08_01" is no control or measure; did you mean M08-01',
    "M13": 'tag "M13" is no control or measure; ',
    "M01": "M01 has no control yet; use M07 or M08",
}


@pytest.mark.parametrize("where", ["tags", "skip_tags"])
@pytest.mark.parametrize("tag", UNKNOWN)
def test_what_looks_like_an_id_has_to_be_one(small: Catalogue, tag: str, where: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        select(small, **{"tags": [], "skip_tags": [], where: [tag]})
    assert str(caught.value).startswith(UNKNOWN[tag])
    assert str(caught.value).isprintable()


def test_a_role_names_its_measure_or_stops(small: Catalogue) -> None:
    with pytest.raises(CatalogueError) as caught:
        select(small, [], [], ["passwords"])
    assert str(caught.value).startswith('measures: "passwords" is no measure; use M01 or M02')
