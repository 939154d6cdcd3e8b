# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The golden table of verdicts: every combination of row states."""

from __future__ import annotations

from itertools import product

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.verdicts import VERDICTS, verdict, with_waiver

STATES = ("ok", "fail", "unknown", "not_applicable")

GOLDEN = {
    frozenset(): "not_verified",
    frozenset({"ok"}): "compliant",
    frozenset({"not_applicable"}): "not_applicable",
    frozenset({"ok", "not_applicable"}): "compliant",
    frozenset({"unknown"}): "not_verified",
    frozenset({"ok", "unknown"}): "not_verified",
    frozenset({"not_applicable", "unknown"}): "not_verified",
    frozenset({"ok", "not_applicable", "unknown"}): "not_verified",
}


@pytest.mark.parametrize("states", [states for size in range(5) for states in product(STATES, repeat=size)])
def test_every_combination(states: tuple[str, ...]) -> None:
    expected = "non_compliant" if "fail" in states else GOLDEN[frozenset(states)]
    assert verdict([{"state": state} for state in states]) == expected


@pytest.mark.parametrize("odd", ["OK", "", "skipped", None, "compliant"])
def test_a_state_that_is_none_of_ours_is_not_verified(odd: object) -> None:
    assert verdict([{"state": "ok"}, {"state": odd}]) == "not_verified"
    assert verdict([{}]) == "not_verified"


@pytest.mark.parametrize("word", VERDICTS)
def test_a_waiver_only_turns_non_compliant(word: str) -> None:
    waiver = {"control": "M08-01"}
    assert with_waiver(word, waiver) == ("waived" if word == "non_compliant" else word)
    assert with_waiver(word, None) == word
