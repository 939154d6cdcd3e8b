# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both languages say the same things, and what comes from outside is bounded and escaped wherever it stands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import labels, words
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import csv_table, junit, oscal
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import LIMIT, Say, frozen, safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.texts import TEXTS
from markupsafe import Markup


def shape(phrase: Any) -> Any:
    if isinstance(phrase, dict):
        return {key: shape(value) for key, value in phrase.items()}
    if isinstance(phrase, tuple):
        return [shape(value) for value in phrase]
    return phrase.count("{}")


@pytest.mark.parametrize("key", TEXTS["fr"].keys() | TEXTS["en"].keys())
def test_both_languages_have_every_phrase_with_the_same_places(key: str) -> None:
    assert shape(TEXTS["fr"][key]) == shape(TEXTS["en"][key])


def test_french_is_set_as_french_is() -> None:
    say = Say("fr")
    assert say("percent", 74) == "74\N{NO-BREAK SPACE}%"
    assert "’" in say("caution")
    assert "'" not in say("caution")
    assert say.count("hosts", 0) == "0 machine"
    assert Say("en").count("hosts", 0) == "0 hosts"
    assert say.unit("days", 1) == "jour"
    assert say.unit("days", 2) == "jours"


def spoken(phrase: Any) -> str:
    if isinstance(phrase, dict):
        return " ".join(map(spoken, phrase.values()))
    return " ".join(map(spoken, phrase)) if isinstance(phrase, tuple) else str(phrase)


@pytest.mark.parametrize("source", ["pages", "terminal", "labels", "csv", "junit", "oscal"])
def test_french_has_one_word_for_one_thing(source: str) -> None:
    said = {
        "pages": lambda: spoken(TEXTS["fr"]),
        "terminal": lambda: spoken(words._PHRASES["fr"]),
        "labels": lambda: " ".join(text["fr"] for text in labels._labels()["notes"].values()),
        "csv": lambda: spoken(csv_table.HEADINGS["fr"]),
        "junit": lambda: spoken(junit._NOTHING["fr"]),
        "oscal": lambda: spoken(oscal._TEXTS["fr"]),
    }[source]()
    assert re.findall(r"\b(?:[Hh]ôtes?|pris fin|pren(?:d|nent) fin|terminées?|expirées?)\b", said) == []


@pytest.mark.parametrize("language", ["de", "", "FR"])
def test_any_other_language_is_french(language: str) -> None:
    assert Say(language).language == "fr"


def test_values_are_escaped_and_bounded() -> None:
    say = Say("fr")
    assert "<" not in re.sub(r"&lt;", "", say("colon", "<script>", "<b>"))
    assert len(safe("x" * 1_000_000)) <= LIMIT
    assert safe("\u202e\ud800\x00") == r"\u202e\ud800\x00"
    assert safe(Markup("<b>ours</b>")) == "<b>ours</b>"
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    assert safe(nested) == "…"
    assert say.value({"deep": nested}) == "…"


def test_a_note_keeps_its_typography_and_is_bounded() -> None:
    assert Say("fr").note("running: cups") == "en marche\N{NO-BREAK SPACE}: cups"
    assert len(Say("fr").note("running: " + "x" * 1_000_000)) < 2 * LIMIT


def test_values_that_look_alike_stay_apart() -> None:
    assert len({frozen(1), frozen(True), frozen("1"), frozen(["1"])}) == 4


def test_a_list_of_maps_reads_as_people_write_it() -> None:
    assert Say("fr").value([{"name": "ssh", "port": 22}]) == "{name: ssh, port: 22}"
