# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of settings, values and notes for people, from ``labels.yml``; else the technical text."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

PATH = Path(__file__).parents[2] / "labels.yml"

#: No label is for a longer text, in characters: what a host sends is neither searched nor remembered beyond.
LONGEST = 2000

#: Texts remembered: a fleet says the same few things over and over, and each costs dozens of patterns.
_REMEMBERED = 4096


def name(kind: str, technical: str, language: str) -> str:
    """Return the label of a setting in ``fr`` or ``en``."""
    return technical if len(technical) > LONGEST else _name(kind, technical, language)


def value(technical: str, language: str) -> str:
    """Return a value that the engine makes out of words, in ``fr``; any other stays as it is."""
    return technical if len(technical) > LONGEST else _value(technical, language)


def note(technical: str, language: str) -> str:
    """Return a note of the engine in ``fr``; the engine itself speaks English, and joins several with semicolons."""
    return technical if len(technical) > LONGEST else _note(technical, language)


@lru_cache(maxsize=_REMEMBERED)
def _name(kind: str, technical: str, language: str) -> str:
    return _labelled(_labels()["names"].get(kind, {}), technical, language)


@lru_cache(maxsize=_REMEMBERED)
def _value(technical: str, language: str) -> str:
    return _labelled(_labels()["values"], technical, language)


@lru_cache(maxsize=_REMEMBERED)
def _note(technical: str, language: str) -> str:
    patterns = _labels()["notes"]
    whole = _labelled(patterns, technical, language)
    parts = technical.split("; ")
    labelled = [_labelled(patterns, part, language) for part in parts]
    return whole if whole != technical or labelled == parts else " ; ".join(labelled)


def _labelled(patterns: dict[str, dict[str, str]], technical: str, language: str) -> str:
    for pattern, texts in patterns.items():
        found = re.fullmatch(pattern, technical)
        if found and language in texts:
            return texts[language].format(technical, *found.groups())
    return technical


@lru_cache(maxsize=1)
def _labels() -> dict[str, Any]:
    import yaml

    with PATH.open(encoding="utf-8") as stream:
        labels: dict[str, Any] = yaml.load(stream, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe
    return labels
