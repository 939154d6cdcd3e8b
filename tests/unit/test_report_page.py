# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page as a whole, without a browser: complete with little, bounded with much, and always one valid file."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import results
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Point
from ansible_collections.essms.hardening.plugins.plugin_utils.report import assets
from ansible_collections.essms.hardening.plugins.plugin_utils.report.page import render
from ansible_collections.essms.hardening.plugins.plugin_utils.report.trend import MOST, thinned, trend
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Score
from jinja2 import UndefinedError

from tests.unit.report_samples import NOW, material, scene
from tests.unit.result_samples import document, record, silent


def point(day: int, percent: int, mode: str = "audit", effect: tuple[Score, Score] | None = None) -> Point:
    when = (NOW + timedelta(days=day)).isoformat()
    score = Score(compliant=percent, non_compliant=100 - percent)
    return Point(f"{day}-{mode}", when, mode, score, {"M08": score}, effect)


def text(html: str) -> str:
    said = re.sub(r"<[^>]+>", " ", html.split("</style>")[1].split("<script>", maxsplit=1)[0])
    return re.sub(r"\s+", " ", said).replace("\xa0", " ")


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_first_audit_without_any_history_has_its_report(language: str) -> None:
    html = render(material(document(record("a"), silent("b", "unreachable"))), language)
    assert f'<html lang="{language}">' in html
    assert "EHPAD Les Tilleuls" in html
    wanted = "L’évolution se dessinera à partir" if language == "fr" else "The trend will appear"
    assert wanted in html
    assert ("Première exécution" if language == "fr" else "First run") in html


def test_nothing_at_all_still_makes_a_page() -> None:
    empty = {**document(record("a")), "results": [], "hosts": [], "waivers": []}
    said = text(render(material(empty), "fr"))
    assert "Rien n’a pu être jugé" in said
    assert "Aucune machine dans l’inventaire" in said


def test_the_score_never_counts_what_nobody_verified() -> None:
    made = document(record("a"), silent("b", "unreachable"))
    score = results.score(made["results"])
    assert (score.percent, score.proven_percent) == (100, 50)
    said = text(render(material(made), "fr"))
    assert "Sur 28 points de contrôle exigibles, 14 ont été vus conformes" in said
    assert "50 %" in said
    assert "100 %" not in said.split("Comment lire ce rapport")[0].split("Évolution")[0]


def test_what_the_history_lacks_is_told_on_the_first_page() -> None:
    html = render(material(document(record("a")), missing="history.sqlite3: is <damaged>."), "fr")
    assert "history.sqlite3: is &lt;damaged&gt;." in html.split('id="plan"')[0]


def test_a_history_that_cannot_be_used_is_told_in_french() -> None:
    made = document(record("a"))
    missing = "/srv/history.sqlite3: is damaged; move it away, the next run makes it anew from the run folders."
    said = text(render(material(made, missing=missing), "fr"))
    assert "/srv/history.sqlite3 : fichier abîmé : le déplacer" in said
    assert "Première exécution" not in said
    assert "L’exécution précédente n’est pas connue" in said


def test_a_second_run_without_a_change_says_so() -> None:
    said = text(render(material(document(record("a")), trend=[point(0, 10), point(1, 10)]), "fr"))
    assert "Rien n’a changé depuis l’exécution précédente" in said
    assert "Première exécution" not in text(render(material(document(record("a")), trend=[point(0, 1)] * 2), "fr"))
    assert "Première exécution" in text(render(material(document(record("a")), trend=[point(0, 10)]), "fr"))


def test_gaps_without_a_plan_are_not_called_calm() -> None:
    said = text(render(material(document(record("a", {"M08-01": "fail"}))), "fr"))
    assert "leur plan d’action n’a pas pu être établi" in said
    assert "il n’y a rien d’urgent" not in said


def test_the_page_is_one_file_that_loads_nothing() -> None:
    html = render(material(document(record("a"))), "fr")
    assert html.startswith("<!DOCTYPE html>")
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
    assert "@import" not in html
    assert re.search(r"content=\"default-src 'none'; style-src 'sha256-[\w+/=]+'; script-src 'sha256-[\w+/=]+'", html)


def test_a_template_gets_every_name_and_escapes_every_value() -> None:
    environment = assets._environment()
    with pytest.raises(UndefinedError):
        environment.from_string("{{ missing }}").render()
    assert environment.from_string("{{ value }}").render(value="<b>" + "x" * 1000).startswith("&lt;b&gt;xx")
    assert len(environment.from_string("{{ value }}").render(value="x" * 1000)) < 500


def test_the_effect_of_the_last_apply_is_that_on_what_it_looked_at() -> None:
    def told(*trend: Point) -> str:
        return text(render(material(document(record("a")), trend=trend), "fr")).split("Plan d’action")[0]

    effect = (Score(compliant=77, non_compliant=23), Score(compliant=85, non_compliant=15))
    first = told(point(-37, 60, "apply", effect), point(0, 40))
    assert "Effet de la mise en conformité du 21/10/2026 : 77 % → 85 %" in first
    assert "+8 points" in first
    assert "Aucune mise en conformité" not in first
    both = told(point(-50, 5, "apply", (Score(), Score())), point(-37, 60, "apply", effect))
    assert "77 % → 85 %" in both
    assert "Aucune mise en conformité dans l’historique" in told(point(0, 10), point(1, 20, "rollback", effect))
    unknown = told(point(-37, 60, "apply"))
    assert "La mise en conformité du 21/10/2026 n’a pu être comparée à rien" in unknown
    assert "Aucune mise en conformité" not in unknown


def test_a_long_history_is_thinned_but_keeps_ends_and_applies() -> None:
    history = [point(day, day % 100, "apply" if day == 333 else "audit") for day in range(1095)]
    found = thinned(history)
    assert len(found) <= MOST + 3
    assert (found[0], found[-1]) == (history[0], history[-1])
    assert history[333] in found
    assert thinned(history[:5]) == history[:5]


def test_the_trend_needs_two_runs_and_survives_what_nobody_judged() -> None:
    made = document(record("a"))
    assert trend(scene(made, trend=[point(0, 10)])) is None
    unknown = replace(point(1, 0), score=Score(waived=1), measures={})
    view = trend(scene(made, trend=[point(0, 10), unknown, point(2, 40)]))
    assert view is not None
    assert [str(line.proven) for line in view.lines] == ["40\xa0%", "–", "10\xa0%"]
    assert view.chart.count('class="proven"') == 2
    assert [(line.id, str(line.change)) for line in view.measures] == [("M08", "+30 points")]
    assert trend(scene(made, trend=[unknown, unknown])) is not None
