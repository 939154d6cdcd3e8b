# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one YAML file strictly: no duplicate key, no other type than JSON has, errors with their line."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from ansible_collections.essms.hardening.plugins.plugin_utils import regular, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError

MAX_BYTES = 1_000_000
MAX_VALUES = 100_000
"""A file of a few lines whose aliases repeat each other may stand for more values than memory holds."""

MAX_DEPTH = 100
"""The C loader calls itself for each level, and takes the whole program down when there are too many."""

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ALIAS = re.compile(r"(?:^|[\s\[{,])\*[^\s*]")
_DEEP = re.compile(rf"^ {{{MAX_DEPTH}}}|(?:[-?][ \t]+){{{MAX_DEPTH}}}", re.MULTILINE)


class StrictLoader(_Base):  # type: ignore[misc]  # the C loader exists only where libyaml does
    """YAML keeps the last of two equal keys without a word; here that is an error. A date stays the text it is."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # the name and kind PyYAML looks for
        first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in _Base.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return a map, unless it has the same key twice."""
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


class File(NamedTuple):
    """What a YAML file holds: ``name`` is how errors call it, ``text`` its text, ``data`` its content."""

    name: str
    text: str
    data: Any

    def problems(self, schema: str) -> list[str]:
        """Return every rule of a schema (text of ``schemas.key_of``) it breaks: ``name:line: key: rule; advice``."""
        return [self.said(each) for each in schemas.problems(schema, self.data)]

    def said(self, problem: schemas.Problem) -> str:
        """Return a problem of this file with its name and line."""
        return f"{self.name}:{self.line(problem.place)}: {problem}"

    def line(self, path: tuple[Any, ...]) -> int:
        """Return the line, from 1, of the key or item a path leads to, or of the last part of it that is written."""
        return line_in(_composed(self.text), path)


@lru_cache(maxsize=4)
def _composed(text: str) -> yaml.Node | None:
    """Return the nodes of a text, which know their lines: only asked for when something is to be said about them."""
    return yaml.compose(text, Loader=StrictLoader)


def read(path: Path, name: str, schema: str) -> Any:
    """Return the content of a YAML file that obeys a schema (text of ``schemas.key_of``).

    ``name`` is how errors call the file. Raises CatalogueError: ``name:line: key: rule; what to do``.
    """
    file = load(path, name)
    if schemas.problem(schema, file.data):
        raise CatalogueError(file.problems(schema)[0])
    return file.data


def load(path: Path, name: str, loader: Any = StrictLoader) -> File:
    """Return a YAML file; ``loader`` is a StrictLoader. Raises CatalogueError when it is no YAML, or too large."""
    try:
        text = regular.read(path, MAX_BYTES).decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
        if _depth(text) > MAX_DEPTH:
            raise CatalogueError(f"{name}: is nested more than {MAX_DEPTH} levels deep; write it flatter")
        if _ALIAS.search(text) and _values(yaml.compose(text, Loader=loader), {}) > MAX_VALUES:
            raise CatalogueError(f"{name}: its aliases stand for too many values; write them out")
        return File(name, text, yaml.load(text, Loader=loader))  # noqa: S506  # derived from SafeLoader
    except regular.NoFileError as error:
        raise CatalogueError(f"{name}: is {error}, not a file; put the file itself there") from error
    except regular.TooLargeError as error:
        raise CatalogueError(f"{name}: is larger than {MAX_BYTES // 1_000_000} MB; split or shorten it") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        raise CatalogueError(f"{where}: not valid YAML: {_one_line(error.problem)}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{name}: not valid YAML: {_one_line(error)}; save it as UTF-8 text") from error
    except ValueError as error:
        if isinstance(error, CatalogueError):
            raise
        raise CatalogueError(f"{name}: not valid YAML: {_one_line(error)}; put the value in quotes") from error
    except OSError as error:
        raise CatalogueError(f"{name}: cannot be read: {error.strerror}; check the file and its rights") from error


def line_in(node: yaml.Node | None, path: tuple[Any, ...]) -> int:
    """Return the line, from 1, of the key or item a path leads to below a node, or of its last written part."""
    line = node.start_mark.line + 1 if node else 1
    for part in path:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
    return line


def _depth(text: str) -> int:
    """Return how deep a text nests, 0 when a glance shows that it cannot be deep."""
    if text.count("[") + text.count("{") <= MAX_DEPTH and not _DEEP.search(text):
        return 0
    deepest = depth = 0
    for event in yaml.parse(text, Loader=_Base):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        deepest = max(deepest, depth)
        if deepest > MAX_DEPTH:
            break
    return deepest


def _values(node: yaml.Node | None, known: dict[int, int]) -> int:
    """Return how many values a node stands for, each alias counted as if written out."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        # a value that holds itself never ends
        known[id(node)] = MAX_VALUES + 1
        parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_values(part, known) for part in parts)
    return known[id(node)]


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
