# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences that the collector, histories and results files say to people all have their French."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import collector, history, json_file, labels, results
from ansible_collections.essms.hardening.plugins.plugin_utils.history import database, overview, recorder, sites, vector
from ansible_collections.essms.hardening.plugins.plugin_utils.report import publish

HISTORY = [
    importlib.import_module(f"{history.__name__}.{found.name}") for found in pkgutil.iter_modules(history.__path__)
]
FILE = "/srv/reports/tilleuls/history.sqlite3"


def constants(module: ModuleType) -> Iterator[str]:
    """Yield every constant of a module that is a whole sentence."""
    for name, value in vars(module).items():
        if isinstance(value, str) and name != "__doc__" and value[:1].isupper() and value.endswith("."):
            yield value


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


def formatted(module: ModuleType) -> Iterator[str]:
    """Yield every sentence that a module puts together about a file."""
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.JoinedStr):
            said = filled(node, module)
            if said.startswith(f"{FILE}: ") and said.endswith("."):
                yield said


SENTENCES = sorted(
    {
        *(said for module in (collector, *HISTORY) for said in constants(module)),
        *(f"{FILE}: {said}" for said in database._SENTENCES.values()),
        *(said for module in HISTORY for said in raised(module, "HistoryError")),
        *(f"{FILE}: {said}." for module in (recorder, vector) for said in raised(module, "ValueError")),
        *raised(json_file, "JsonFileError"),
        *returned(json_file, "_unreadable", "_too_deep"),
        *raised(results, "ResultsError"),
        *(f"{FILE}: {said}" for said in returned(results, "_foreign") if said),
        *(said for module in (overview, sites) for said in formatted(module)),
        *(publish._another(Path(f"2-{mode}"), None, "1-audit", []) for mode in ("audit", "audit-check")),
    }
)


def test_the_sentences_are_found() -> None:
    assert len(SENTENCES) > 35
    assert {collector.SKIPPED, collector.UNSEEN, collector.UNPROVEN, collector.NEVER_REACHED} < {*SENTENCES}
    assert len([said for said in formatted(overview) if said.endswith("run an audit.")]) == 2


@pytest.mark.parametrize("sentence", SENTENCES)
def test_every_sentence_has_its_french(sentence: str) -> None:
    french = labels.note(sentence, "fr")
    assert "None" not in french
    assert french != sentence
    assert not {"the", "run", "is", "this"} & set(french.replace(FILE, "").lower().split())
    assert labels.note(sentence, "en") == sentence
