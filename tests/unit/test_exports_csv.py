# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The CSV export, read back as a spreadsheet reads it."""

from __future__ import annotations

import csv
import io
import re

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.collector import SKIPPED
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import csv_table
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from tests.unit.hostile_samples import STRINGS, hostile
from tests.unit.result_samples import CONTROLS, control, document, record, row, silent

CATALOGUE = catalogue.load()


def table(made: Document, language: str = "fr") -> list[dict[str, str]]:
    text = csv_table.render(made, CATALOGUE, language)
    assert text.startswith("\ufeff")
    assert text.count("\n") == text.count("\r\n")
    return list(csv.DictReader(io.StringIO(text[1:], newline=""), delimiter=";", strict=True))


def test_one_line_per_setting_and_one_where_there_is_none() -> None:
    made = document(
        record("deb12", controls=[control("M08-01", [row("M08-01"), row("M08-01", "fail", name="minclass")])]),
        silent("deb13", "Host unreachable: timed out"),
    )
    lines = table(made)
    assert [line["Machine"] for line in lines if line["Contrôle"] == "M08-01"] == ["deb12", "deb12", "deb13"]
    assert len(lines) == 2 + len(CONTROLS)
    (lost,) = [line for line in lines if line["Contrôle"] == "M08-01" and line["Machine"] == "deb13"]
    assert lost["Verdict"] == "non vérifié"
    assert lost["Explication"].startswith("injoignable")
    assert "timed out" in lost["Explication"]
    assert lost["Réglage"] == lost["Observé"] == ""


def test_french_and_english() -> None:
    made = document(record("deb12", {"M08-01": "fail", "M08-02": "unknown", "M07-05": "waived"}))
    french = {line["Contrôle"]: line for line in table(made)}
    assert french["M08-01"]["Verdict"] == "non conforme"
    assert french["M08-01"]["Intitulé"] == "Longueur minimale des mots de passe"
    assert french["M08-01"]["Mesure"] == "Mots de passe"
    assert (french["M08-01"]["Attendu"], french["M08-01"]["Observé"]) == ("≥\N{NO-BREAK SPACE}12", "8")
    assert french["M08-02"]["État du réglage"] == "non vérifié"
    assert french["M07-05"]["Verdict"] == "dérogation"
    assert french["M07-05"]["État du réglage"] == "non conforme"
    assert french["M07-05"]["Fin de dérogation"] == "2027-01-31"  # what a spreadsheet can sort
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", french["M07-05"]["Date"])
    assert french["M07-05"]["Preuve"] == "prouvé sur de vraies machines"
    assert french["M07-05"]["Responsable de la dérogation"] == "Responsable informatique"
    english = {line["Control"]: line for line in table(made, "en")}
    assert english["M08-01"]["Verdict"] == "non-compliant"
    assert english["M08-01"]["Title"] == "Minimum password length"
    assert english["M07-05"]["End of waiver"] == "2027-01-31"
    assert len(csv_table.HEADINGS["fr"]) == len(set(csv_table.HEADINGS["en"])) == len(set(csv_table.HEADINGS["fr"]))


def test_a_host_without_any_result_has_a_line() -> None:
    made = document(record("deb12"))
    made["hosts"].append({**made["hosts"][0], "name": "deb13", "state": "not_verified", "problem": "Python is missing"})
    (line,) = [line for line in table(made) if line["Machine"] == "deb13"]
    assert (line["Verdict"], line["Contrôle"], line["Groupes"]) == ("non vérifié", "", "postes_soins")
    assert "Python" in line["Explication"]


def test_why_a_host_was_not_verified_is_told_in_french() -> None:
    lines = table(document(record("deb12"), silent("deb13", SKIPPED)))
    told = {line["Explication"] for line in lines if line["Machine"] == "deb13"}
    assert all("La tâche a été sautée sur cette machine" in each for each in told)


def test_hostile_content_makes_no_line_no_cell_and_no_formula() -> None:
    made = hostile()
    lines = table(made)
    assert len(lines) == sum(len(result["settings"]) or 1 for result in made["results"]) + 1
    for line in lines:
        assert None not in line
        assert None not in line.values()
        for cell in line.values():
            assert not cell.startswith(tuple("=+-@\t\r＝＋－＠"))
            assert len(cell) < 6000


@pytest.mark.parametrize("name", [name for name in STRINGS if name.startswith("formula")])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_formula_is_text_whatever_the_separator_of_the_reader(name: str, delimiter: str) -> None:
    made = document(record("deb12", controls=[control("M08-01", [row("M08-01", "fail", observed=STRINGS[name])])]))
    text = csv_table.render(made, CATALOGUE, "fr")
    cells = [cell for line in csv.reader(io.StringIO(text[1:], newline=""), delimiter=delimiter) for cell in line]
    assert not [cell for cell in cells if cell.lstrip(' "').startswith(tuple("=+-@＝"))]
