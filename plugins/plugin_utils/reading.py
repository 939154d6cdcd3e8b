# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one YAML file strictly: no duplicate key, no other type than JSON has, errors in one line."""

from __future__ import annotations

import json
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.essms.hardening.plugins.plugin_utils import schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, shown

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Base):  # type: ignore[misc]  # the C loader exists only where libyaml does
    """YAML keeps the last of two equal keys without a word; here that is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(
                        None, None, f"key {key.value} is written twice; keep one", key.start_mark
                    )
                seen.add(key.value)
        result: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return result


def read(path: Path, name: str, schema: str) -> dict[str, Any]:
    """Return the content of a YAML file that obeys a schema.

    ``name`` is how errors call the file; ``schema`` is the text of ``schemas.key_of``.
    Raises CatalogueError: ``name: key: rule; what to do``.
    """
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506  # derived from SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise CatalogueError(f"{where}: not valid YAML: {_one_line(error.problem)}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{name}: not valid YAML: {_one_line(error)}; save it as UTF-8 text") from error
    except ValueError as error:  # a date such as 2026-02-30
        raise CatalogueError(f"{name}: not valid YAML: {_one_line(error)}; put the value in quotes") from error
    except OSError as error:
        raise CatalogueError(f"{name}: cannot be read: {error.strerror}; check the file and its rights") from error
    if not isinstance(data, dict):
        raise CatalogueError(f"{name}: must be a map of keys, not {shown(data)}; see schema/ for its keys")
    broken = schemas.problem(schema, data)
    if broken:
        raise CatalogueError(f"{name}: {broken}")
    return data


def read_schema(path: Path, name: str) -> str:
    """Return the canonical text of a JSON Schema file, ready for ``schemas.problem``."""
    try:
        return schemas.key_of(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise CatalogueError(f"{name}: cannot be read: {_one_line(error)}; reinstall the collection") from error


def _one_line(error: object) -> str:
    """Return the text of an error without line breaks or invisible characters, at most 200 characters."""
    text = " ".join(str(error).split())[:200]
    return "".join(c if c.isprintable() else "?" for c in text)
