# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to hosts: Python 3.9, the standard library only, every kind bundled, the guard's program alone."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support import faults

ROOT = Path(__file__).resolve().parents[2]
PAYLOAD = ROOT / "plugins" / "module_utils"
FILES = sorted(PAYLOAD.rglob("*.py"))
OWN = "ansible_collections.essms.hardening"


def imports(tree: ast.AST) -> list[str]:
    """Return the modules a file imports absolutely."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.append(node.module or "")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PAYLOAD)))
def test_a_file_is_python_3_9_with_the_standard_library(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 9))
    foreign = [
        name for name in imports(tree) if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith(OWN)
    ]
    assert foreign == []
    # evaluated at run time, a union of types would need Python 3.10
    assert any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body) or not any(
        isinstance(node, ast.FunctionDef) for node in ast.walk(tree)
    )
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))


def test_the_table_of_kinds_is_the_folder() -> None:
    tree = ast.parse((PAYLOAD / "kinds" / "__init__.py").read_text(encoding="utf-8"))
    imported = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module is None
        for alias in node.names
    }
    files = {path.stem for path in (PAYLOAD / "kinds").glob("*.py")} - {"__init__", "base"}
    assert imported == files
    assert {type(kind).__module__.rsplit(".", 1)[-1] for kind in KINDS.values()} == files


def test_imports_of_the_payload_are_static() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert all(alias.name != "*" for alias in node.names), path
            if isinstance(node, (ast.Try, ast.If)) and path.name == "__init__.py":
                assert not any(isinstance(inner, (ast.Import, ast.ImportFrom)) for inner in ast.walk(node)), path
        assert "importlib" not in imports(ast.parse(path.read_text(encoding="utf-8"))), path


def test_the_guard_s_program_imports_nothing_of_the_project() -> None:
    tree = ast.parse((PAYLOAD / "engine" / "undo.py").read_text(encoding="utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    assert not [name for name in imports(tree) if name.startswith("ansible")]


def test_every_kind_can_be_put_in_fault_or_names_the_test_that_shows_it() -> None:
    assert sorted([*faults.FAULTS, *faults.SHOWN_BY]) == sorted(KINDS)


def test_faults_use_nothing_of_the_engine() -> None:
    for path in (ROOT / "tests" / "support" / "faults").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not [name for name in imports(tree) if "module_utils" in name], path.name
