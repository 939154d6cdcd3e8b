# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports as files: names, rights, whole or not at all, and nothing hostile in any of them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue, exports, results
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import FORMATS, ExportError, Format
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from tests.unit.hostile_samples import hostile
from tests.unit.result_samples import document, record

CATALOGUE = catalogue.load()

#: What a text may hold beside printable characters: line ends, the mark at the start of CSV, French spaces.
LAYOUT = "\n\r\N{ZERO WIDTH NO-BREAK SPACE}\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def worst() -> Document:
    made = hostile()
    results.validate(made)
    return made


def test_every_format_is_written_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    files = exports.write(document(record("deb12")), CATALOGUE, folder)
    assert [file.name for file in files] == [
        "results.csv",
        "summary.json",
        "junit.xml",
        "results.sarif",
        "oscal-assessment-results.json",
        "essms-ehpad-les-tilleuls.prom",
    ]
    assert sorted(folder.iterdir()) == sorted(files)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert all(file.read_bytes().endswith(b"\n") for file in files)


def test_only_what_is_asked_for_once_and_in_that_order(tmp_path: Path) -> None:
    files = exports.write(document(record("deb12")), CATALOGUE, tmp_path, ["sarif", "csv", "sarif"], "en")
    assert [file.name for file in files] == ["results.sarif", "results.csv"]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert "non-compliant" not in files[1].read_text(encoding="utf-8")
    assert "compliant" in files[1].read_text(encoding="utf-8")


def test_an_unknown_format_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ExportError) as caught:
        exports.write(document(record("deb12")), CATALOGUE, tmp_path, ["csv", "serif\x1b"])
    assert str(caught.value) == 'unknown export format "serif\\x1b"; did you mean sarif?'
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_cannot_be_made_leaves_every_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exports.write(document(record("deb12")), CATALOGUE, tmp_path, ["csv"])
    before = (tmp_path / "results.csv").read_bytes()
    monkeypatch.setitem(FORMATS, "broken", Format("broken", lambda *_: 1 / 0))  # type: ignore[arg-type, return-value]
    with pytest.raises(ZeroDivisionError):
        exports.write(document(record("deb13")), CATALOGUE, tmp_path, ["csv", "broken"])
    assert (tmp_path / "results.csv").read_bytes() == before


def test_a_full_disk_leaves_the_former_file_and_no_remains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exports.write(document(record("deb12")), CATALOGUE, tmp_path, ["prometheus"])
    (file,) = tmp_path.iterdir()
    before = file.read_bytes()

    def full(_descriptor: int) -> None:
        # the collector must not meet a draft either
        assert [path.name for path in tmp_path.glob("*.prom")] == [file.name]
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        exports.write(document(record("deb13")), CATALOGUE, tmp_path, ["prometheus"])
    assert list(tmp_path.iterdir()) == [file]
    assert file.read_bytes() == before


def test_a_link_in_place_of_a_file_is_replaced_and_not_followed(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("precious", encoding="utf-8")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "results.csv").symlink_to(other)
    exports.write(document(record("deb12")), CATALOGUE, folder, ["csv"])
    assert other.read_text(encoding="utf-8") == "precious"
    assert not (folder / "results.csv").is_symlink()


@pytest.mark.parametrize("name", ["../../outside", "a/b", "..", "", "a\x00b", "x" * 5000, "{document}"])
def test_no_name_of_an_establishment_leaves_the_folder(tmp_path: Path, name: str) -> None:
    made = document(record("deb12"))
    made["establishment"] = name
    folder = tmp_path / "reports" / "run"
    (file,) = exports.write(made, CATALOGUE, folder, ["prometheus"])
    assert file.parent == folder
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("name", FORMATS)
def test_hostile_content_is_escaped_and_bounded(worst: Document, name: str, language: str) -> None:
    text = FORMATS[name].render(worst, CATALOGUE, language)
    odd = {character for character in text if not character.isprintable()} - set(LAYOUT)
    assert not odd
    # thirty-five megabytes of texts went in
    assert len(text) < 6_000_000
    if name not in {"json", "sarif", "oscal"}:
        assert max(map(len, text.splitlines())) < 20_000
    else:  # what JSON gives back is as clean as what it is written with
        for value in _strings(json.loads(text)):
            assert len(value) < 10_000
            assert value.replace("\N{NO-BREAK SPACE}", "").isprintable(), value


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in _strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in _strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("name", FORMATS)
def test_a_document_of_a_control_that_this_version_does_not_know(name: str) -> None:
    made = document(record("deb12", {"M08-01": "fail"}))
    for result in made["results"]:
        result["control"], result["measure"] = "M98-76", "M98"
    assert "M98" in FORMATS[name].render(made, CATALOGUE, "fr")
