# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads one JSON file that somebody else may have written, cut short or replaced, without hanging or running out."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from ansible_collections.essms.hardening.plugins.plugin_utils import bounded, regular
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

#: Deepest nesting of lists and maps; results need nine levels, and whoever shows them recurses.
DEPTH = 40


class JsonFileError(ValueError):
    """A JSON file that cannot be used; its text is one printable line: file, what is wrong, what to do."""


def load(path: Path, limit: int = bounded.LARGEST) -> Any:
    """Return what a JSON file of at most ``limit`` bytes holds.

    Only a regular file is opened for reading, so a pipe cannot make this wait. Beyond what JSON itself forbids, NaN,
    infinite numbers, a key written twice and more than ``DEPTH`` levels are refused. Lone surrogates are allowed, as
    JSON allows them: who shows or writes a text escapes them. Raises JsonFileError.
    """
    name = shown(path)
    text = _text(path, name, limit)
    if not text.strip():
        raise JsonFileError(f"{name}: is empty; run again, or take the file of another run.")
    try:
        value = json.loads(text, object_pairs_hook=_map, parse_constant=_constant, parse_float=_float)
    except RecursionError:
        raise JsonFileError(_too_deep(name)) from None
    except ValueError as error:
        raise JsonFileError(
            f"{name}: is not valid JSON, cut short or changed: {printable(error, 200)};"
            " take the file of another run, or a copy of this one."
        ) from error
    if bounded.deeper(value, DEPTH):
        raise JsonFileError(_too_deep(name))
    return value


def shown(path: Path) -> str:
    """Return the name of a file as an error shows it."""
    return printable(path, 400)


def _text(path: Path, name: str, limit: int) -> str:
    try:
        content = regular.read(path, limit)
    except regular.NoFileError as error:
        raise JsonFileError(f"{name}: is {error}, not a file; give the file itself.") from error
    except regular.TooLargeError as error:
        raise JsonFileError(
            f"{name}: is larger than {limit // 2**20} MB, which no run writes; check that it is a results file."
        ) from error
    except OSError as error:
        raise JsonFileError(_unreadable(name, error)) from error
    except ValueError as error:  # a zero byte in the name
        raise JsonFileError(f"{name}: is no name of a file; give the results.json of a run.") from error
    if bounded.parts(content) > bounded.PARTS:
        raise JsonFileError(
            f"{name}: holds more than {bounded.PARTS // 10**6} million values, which no run writes; check that it is a"
            " results file."
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonFileError(
            f"{name}: is not UTF-8 text (byte {error.start}); take the file of another run, or a copy of this one."
        ) from error


def _unreadable(name: str, error: OSError) -> str:
    return f"{name}: cannot be read: {error.strerror}; check the path and its rights."


def _too_deep(name: str) -> str:
    return f"{name}: nests lists and maps more than {DEPTH} levels deep, which no run writes; take the file of a run."


def _map(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key written twice: JSON keeps the last without a word, so two readers could see two verdicts."""
    made = dict(pairs)
    if len(made) != len(pairs):
        twice = next(key for key, times in Counter(key for key, _value in pairs).items() if times > 1)
        raise ValueError(f"key {printable(twice)} is written twice")
    return made


def _constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{printable(digits, 20)} is too large a number")
    return number
