# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Merging: both sides' changes, or a refusal, never a guess."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.merge import MergeConflictError, merge
from hypothesis import given
from hypothesis import strategies as st

LINES = st.lists(st.sampled_from([b"a\n", b"b\n", b"c = 1\n", b"\n", b"# d\n"]), max_size=10)
TEXTS = st.one_of(LINES.map(b"".join), st.binary(max_size=60))


@given(TEXTS, TEXTS)
def test_one_side_alone_is_taken_as_it_is(base: bytes, other: bytes) -> None:
    assert merge(base, other, base) == other
    assert merge(base, base, other) == other
    assert merge(base, other, other) == other


@given(TEXTS, TEXTS, TEXTS)
def test_the_sides_can_be_exchanged(base: bytes, ours: bytes, theirs: bytes) -> None:
    outcomes = []
    for pair in ((ours, theirs), (theirs, ours)):
        try:
            outcomes.append(merge(base, *pair))
        except MergeConflictError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]


@given(
    st.integers(0, 9),
    st.integers(0, 9),
    st.sampled_from(["change", "delete", "add"]),
    st.sampled_from(["change", "delete"]),
)
def test_edits_apart_are_both_kept_and_edits_together_refused(mine: int, yours: int, how: str, other: str) -> None:
    base = [f"line {number}\n".encode() for number in range(10)]
    merged = None
    with contextlib.suppress(MergeConflictError):
        merged = merge(
            b"".join(base),
            b"".join(_edit(base, mine, how, b"ours\n")),
            b"".join(_edit(base, yours, other, b"theirs\n")),
        )
    if abs(mine - yours) > 1:
        expected = _edit(
            _edit(base, max(mine, yours), *_of(mine > yours, how, other)),
            min(mine, yours),
            *_of(mine < yours, how, other),
        )
        assert merged == b"".join(expected)
    elif mine == yours and (how, other) != ("delete", "delete"):
        assert merged is None


def _of(first: bool, how: str, other: str) -> tuple[str, bytes]:
    return (how, b"ours\n") if first else (other, b"theirs\n")


def _edit(lines: list[bytes], place: int, how: str, text: bytes) -> list[bytes]:
    middle = {"change": [text], "delete": [], "add": [lines[place], text]}[how]
    return [*lines[:place], *middle, *lines[place + 1 :]]


def test_lines_that_touch_are_a_conflict() -> None:
    with pytest.raises(MergeConflictError):
        merge(b"a\nb\n", b"x\nb\n", b"a\ny\n")


@given(TEXTS, TEXTS, TEXTS)
def test_no_line_comes_from_nowhere(base: bytes, ours: bytes, theirs: bytes) -> None:
    with contextlib.suppress(MergeConflictError):
        known = {*base.splitlines(), *ours.splitlines(), *theirs.splitlines()}
        joined = {one + two for one in known for two in known}
        assert set(merge(base, ours, theirs).splitlines()) <= known | joined


def test_a_change_that_both_made_is_no_conflict() -> None:
    assert merge(b"a\nb\nc\nd\n", b"x\nb\nc\nd\n", b"x\nb\nc\ny\n") == b"x\nb\nc\ny\n"
    assert merge(b"a\nb\nc\nd\n", b"x\nb\nc\nd\ne\n", b"x\nb\nz\nd\n") == b"x\nb\nz\nd\ne\n"
