# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Editing text: whatever the file holds, one key changes and nothing else does."""

from __future__ import annotations

import re

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import text
from ansible_collections.essms.hardening.plugins.module_utils.kinds.base import TEXT
from hypothesis import given
from hypothesis import strategies as st

STYLES = {"equals": text.EQUALS_SIGN, "bare": text.BARE_EQUALS, "blanks": text.BLANKS}
NOISE = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30).map(
    lambda line: line.replace("\n", "")
)
KEYS = st.sampled_from(["Alpha", "beta_2", "PASS_MAX_DAYS"])
VALUES = st.text("abc019-._/, é", min_size=1, max_size=12).map(str.strip).filter(bool)


def lines_of(style: text.Style) -> st.SearchStrategy[str]:
    """Lines as a file may hold them: settings, comments, headings, blanks, anything."""
    setting = st.builds(
        lambda key, value, indent: f"{indent}{key}{style.separator}{value}", KEYS, VALUES, st.sampled_from(["", "  "])
    )
    return st.one_of(
        setting, setting.map(lambda line: f"#{line}"), KEYS, st.sampled_from(["[One]", "[Two]", "", "\r"]), NOISE
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, text.Style, str, str, str | None]:
    style = STYLES[draw(st.sampled_from(sorted(STYLES)))]
    content = "\n".join(draw(st.lists(lines_of(style), max_size=12))) + draw(st.sampled_from(["", "\n"]))
    return content, style, draw(KEYS), draw(VALUES), draw(st.sampled_from([None, "One"]))


def others(content: str, style: text.Style, key: str, section: str | None) -> list[str]:
    """Every line but the active ones of a key, without line ends."""
    mine = {entry.line for entry in text.entries(content, style, section) if entry.key == key}
    return [line.rstrip("\n") for number, line in enumerate(text.split_lines(content)) if number not in mine]


@given(cases())
def test_put_then_get_gives_the_value(case: tuple[str, text.Style, str, str, str | None]) -> None:
    content, style, key, value, section = case
    assert text.get(text.put(content, key, value, style, section), key, style, section) == value


@given(cases())
def test_put_twice_is_put_once(case: tuple[str, text.Style, str, str, str | None]) -> None:
    content, style, key, value, section = case
    once = text.put(content, key, value, style, section)
    assert text.put(once, key, value, style, section) == once
    assert sum(entry.key == key for entry in text.entries(once, style, section)) == 1


@given(cases())
def test_put_and_drop_touch_no_other_line(case: tuple[str, text.Style, str, str, str | None]) -> None:
    content, style, key, value, section = case
    untouched = others(content, style, key, section)
    put = others(text.put(content, key, value, style, section), style, key, section)
    # a section that was missing is the only line that may come in
    assert put in (untouched, [*untouched, f"[{section}]"])
    assert others(text.drop(content, key, style, section), style, key, section) == untouched


@given(cases())
def test_drop_leaves_no_value_and_drops_once(case: tuple[str, text.Style, str, str, str | None]) -> None:
    content, style, key, _value, section = case
    dropped = text.drop(content, key, style, section)
    assert text.get(dropped, key, style, section) is None
    assert text.drop(dropped, key, style, section) == dropped


@given(cases())
def test_put_then_drop_of_a_new_key_gives_the_lines_back(case: tuple[str, text.Style, str, str, str | None]) -> None:
    content, style, key, value, _section = case
    clean = text.drop(content, key, style)
    again = text.drop(text.put(clean, key, value, style), key, style)
    # a last line without an end gets one, so that another can follow
    assert again in (clean, clean + "\n")


@given(cases())
def test_other_sections_keep_their_values(case: tuple[str, text.Style, str, str, str | None]) -> None:
    content, style, key, value, _section = case
    before = text.get(content, key, style, "Two")
    assert text.get(text.put(content, key, value, style, "One"), key, style, "Two") == before


@given(st.text())
def test_splitting_loses_nothing(content: str) -> None:
    assert "".join(text.split_lines(content)) == content


@given(st.binary(max_size=200), VALUES)
def test_bytes_that_are_no_text_survive(data: bytes, value: str) -> None:
    content = data.decode(errors="surrogateescape")
    edited = text.put(content, "Alpha", value, text.EQUALS_SIGN)
    kept = others(content, text.EQUALS_SIGN, "Alpha", None)
    assert others(edited, text.EQUALS_SIGN, "Alpha", None) == kept
    assert text.drop(edited, "Alpha", text.EQUALS_SIGN).encode(errors="surrogateescape").rstrip(b"\n") == (
        text.drop(content, "Alpha", text.EQUALS_SIGN).encode(errors="surrogateescape").rstrip(b"\n")
    )


@pytest.mark.parametrize(
    "break_", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\0", "\x1b", "\u202e"]
)
def test_no_value_can_bring_a_line_of_its_own(break_: str) -> None:
    assert not re.search(TEXT["pattern"], f"good{break_}PermitRootLogin yes")
    assert re.search(TEXT["pattern"], "Verrouillez la session : Windows+L, c’est réflexe")


@pytest.mark.parametrize("break_", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_only_a_newline_ends_a_line(break_: str) -> None:
    content = f"Alpha = 1{break_}Beta = 2\n"
    assert text.split_lines(content) == [content]
