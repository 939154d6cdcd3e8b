# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that the collector, histories and results files say to people all have their French."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from types import ModuleType

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import collector, json_file, labels, results
from ansible_collections.essms.hardening.plugins.plugin_utils.history import (
    database,
    fold,
    model,
    overview,
    recorder,
    store,
)

FILE = "/srv/reports/tilleuls/history.sqlite3"
REASONS = [
    collector.NEVER_REACHED,
    collector.SKIPPED,
    collector.INTERRUPTED,
    collector.UNSEEN,
    collector.UNPROVEN,
    store._UNSEEN,
    model.NEVER_LOOKED,
    *(f"{FILE}: {said}" for said in database._SENTENCES.values()),
]
NO_RUN = "has no run that changes or looks at anything; run an audit."


def filled(node: ast.expr, module: ModuleType) -> str:
    """Return a text of the source as it is said, with something for each value in it."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(filled(part, module) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        if isinstance(node.value, ast.Name):
            return str(getattr(module, node.value.id, FILE))
        return FILE
    return ""


def raised(module: ModuleType, *errors: str) -> Iterator[str]:
    """Yield every sentence with words of its own that a module raises under one of these names."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors and node.args:
            said = filled(node.args[0], module)
            if any(letter.isalpha() for letter in said.replace(FILE, "")):
                yield said


def returned(module: ModuleType, *functions: str) -> Iterator[str]:
    """Yield every sentence that these functions of a module return."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            for inner in ast.walk(node):
                if isinstance(inner, ast.Return) and inner.value is not None:
                    yield filled(inner.value, module)


SENTENCES = sorted(
    {
        *REASONS,
        *raised(database, "HistoryError"),
        *raised(store, "HistoryError"),
        *raised(json_file, "JsonFileError"),
        *raised(results, "ResultsError"),
        *returned(json_file, "_unreadable", "_too_deep"),
        *(f"{FILE}: {said}" for said in returned(results, "_foreign") if said),
        *(f"{FILE}: {said}." for module in (recorder, fold) for said in raised(module, "ValueError")),
        f"{FILE}: {NO_RUN}",
    }
)


def test_the_sentences_are_found() -> None:
    assert len(SENTENCES) > 30
    assert NO_RUN in inspect.getsource(overview)


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_has_its_french(sentence: str) -> None:
    french = labels.note(sentence, "fr")
    assert "None" not in french
    assert french != sentence
    assert not {"the", "run", "is", "this"} & set(french.replace(FILE, "").lower().split())
    assert labels.note(sentence, "en") == sentence
