# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three-way merge of lines: take back our change from a text that someone else has changed since."""

from __future__ import annotations

import difflib
from typing import NamedTuple


class MergeConflictError(Exception):
    """Both sides changed the same lines."""


class _Hunk(NamedTuple):
    start: int
    end: int
    lines: list[bytes]


def merge(base: bytes, ours: bytes, theirs: bytes) -> bytes:
    """Return the base with both changes, base to ours and base to theirs.

    :raises MergeConflictError: when they change the same lines, or lines that touch.
    """
    if ours in (base, theirs):
        return theirs
    if theirs == base:
        return ours
    lines = base.splitlines(keepends=True)
    hunks = sorted(_hunks(lines, ours) + _hunks(lines, theirs))
    merged: list[bytes] = []
    done = 0
    previous: _Hunk | None = None
    for hunk in hunks:
        if previous is not None and hunk == previous:
            continue
        if previous is not None and hunk.start <= previous.end:
            raise MergeConflictError
        merged += lines[done : hunk.start] + hunk.lines
        done = hunk.end
        previous = hunk
    return b"".join(merged + lines[done:])


def _hunks(base: list[bytes], text: bytes) -> list[_Hunk]:
    other = text.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, base, other, autojunk=False)
    return [_Hunk(i1, i2, other[j1:j2]) for tag, i1, i2, j1, j2 in matcher.get_opcodes() if tag != "equal"]
