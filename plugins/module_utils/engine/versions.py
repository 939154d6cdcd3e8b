# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of package versions, as dpkg and rpm define it.

A key is a tuple that Python compares; asking `dpkg --compare-versions` costs a process for each pair.
"""

from __future__ import annotations

import re
from typing import Any

_PARTS = re.compile(r"(\D*)(\d*)")
_SEGMENTS = re.compile(r"[0-9]+|[A-Za-z]+|~|\^")
_END = ((0,), 0)


def key(version: str, family: str) -> tuple[Any, ...]:
    """Return what orders a full version of a family: epoch, version, revision."""
    epoch, colon, rest = version.partition(":")
    if not colon:
        epoch, rest = "0", version
    upstream, revision = (rest, "") if "-" not in rest else (rest[: rest.rindex("-")], rest[rest.rindex("-") + 1 :])
    part = _rpm if family == "redhat" else _dpkg
    return int(epoch) if epoch.isdigit() else 0, part(upstream), part(revision)


def _dpkg(text: str) -> tuple[Any, ...]:
    """Return the key of one part: text and number by turns; a tilde comes before the end, letters before signs."""
    parts = [
        ((*(_weight(char) for char in word), 0), int(number or 0))
        for word, number in _PARTS.findall(text)
        if word or number
    ]
    # nothing at all is the same as 0, which something may still follow
    return (*(parts or [_END]), _END)


def _weight(char: str) -> int:
    if char == "~":
        return -1
    return ord(char) if char.isascii() and char.isalpha() else ord(char) + 256


def _rpm(text: str) -> tuple[Any, ...]:
    """Return the key of one part: a tilde comes before the end, a caret right after it, letters before numbers."""
    parts: list[tuple[Any, ...]] = []
    for segment in _SEGMENTS.findall(text):
        if segment in "~^":
            parts.append((-1,) if segment == "~" else (1,))
        else:
            parts.append((3, int(segment)) if segment.isdigit() else (2, segment))
    return (*parts, (0,))
