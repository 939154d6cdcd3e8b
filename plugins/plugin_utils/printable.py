# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make values that come from hosts safe and short enough for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from itertools import islice

#: Longest value shown, in characters.
LIMIT = 80

#: A list longer than this is cut before it is even turned into text.
_ITEMS = 20

#: The colours this project paints itself; printable text cannot contain them, so stripping them is safe.
_SGR = re.compile(r"\x1b\[[0-9;]*m")


def printable(value: object, limit: int = LIMIT) -> str:
    r"""Return one line of at most ``limit`` characters in which nothing can act on a terminal.

    Control characters, escape sequences, bidirectional overrides, zero-width and unassigned characters are shown as
    escapes (``\x1b``, ``\u202e``); any kind of space becomes a plain one. A value cut short ends in ``…``.
    """
    try:
        text = _text(value, limit)[: limit + 1]
    except RecursionError:  # lists within lists without end
        return "…"
    if len(text) <= limit and text.isprintable():  # exactly what the escapes below would leave alone
        return text
    pieces = [_escape(character) for character in text]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    shown = ""
    for piece in pieces:
        if len(shown) + len(piece) >= limit:
            break
        shown += piece
    return shown.rstrip() + "…"


def _text(value: object, limit: int) -> str:
    if isinstance(value, Mapping):
        items = [f"{key}: {item}" for key, item in islice(value.items(), _ITEMS)]
    elif isinstance(value, (list, tuple, set, frozenset)):
        items = [str(item)[: limit + 1] for item in islice(value, _ITEMS)]
    else:
        return str(value)
    return ", ".join(items) + (", …" if len(value) > _ITEMS else "")


def _escape(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Zs":
        return " "
    if category[0] == "C" or category in {"Zl", "Zp"}:
        return character.encode("unicode_escape").decode("ascii")
    return character


def width(text: str) -> int:
    """Return how many terminal columns a line takes, colours not counted."""
    columns = 0
    for character in _SGR.sub("", text):
        if not unicodedata.combining(character):
            columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return columns


def fit(text: str, columns: int) -> str:
    """Cut an unpainted line to ``columns``, or pad it with spaces."""
    if width(text) > columns:
        while text and width(text) > columns - 1:
            text = text[:-1]
        text = text.rstrip() + "…"
    return text + " " * (columns - width(text))
