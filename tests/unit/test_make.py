# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is given to make as the name of an establishment is a name, and never a command, a pattern or a path."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.make import make

ROOT = Path(__file__).parents[2]
HOSTILE = [
    "../../neighbour",
    "*",
    "a -i inventories/b",
    'x" ; touch {mark} ; echo "',
    "`touch {mark}`",
    "$(touch {mark})",
    "$(shell touch {mark})",
    "${{shell touch {mark}}}",
    "a\nb",
    "é",
    "..",
]


def typed(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    # the environment of Python is as it should be: only what comes after it is looked at
    return make("--old-file=venv", *arguments, environment=environment)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(("target", "variable"), [("validate", "ETAB"), ("audit", "ETAB"), ("establishment", "NAME")])
def test_a_name_is_a_name(tmp_path: Path, hostile: str, target: str, variable: str) -> None:
    mark = tmp_path / "mark"
    text = hostile.format(mark=mark)
    for done in (typed(target, f"{variable}={text}"), typed(target, environment={variable: text})):
        assert done.returncode == 2
        assert f"{variable}: give a name of lower case letters, digits and hyphens" in done.stderr
    assert not mark.exists()


@pytest.mark.parametrize("hostile", [text for text in HOSTILE if "{mark}" in text])
def test_a_file_of_answers_is_a_file(tmp_path: Path, hostile: str) -> None:
    mark = tmp_path / "mark"
    done = typed("establishment", "NAME=ehpad-x", f"FROM={hostile.format(mark=mark)}")
    assert done.returncode != 0
    assert not mark.exists()
    assert not (ROOT / "inventories" / "ehpad-x").exists()


def test_only_an_establishment_is_closed_to_others() -> None:
    before = (ROOT / "inventories" / "lab").stat().st_mode
    typed("validate", "ETAB=lab")
    assert (ROOT / "inventories" / "lab").stat().st_mode == before
