# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values on their way into a dconf key file and back out of `dconf read`."""

from __future__ import annotations

import re

from ansible_collections.essms.hardening.plugins.module_utils.kinds import dconf
from ansible_collections.essms.hardening.plugins.module_utils.kinds.base import TEXT
from hypothesis import given
from hypothesis import strategies as st

WORDS = st.lists(st.text(max_size=30).filter(lambda word: re.fullmatch(TEXT["pattern"], word) is not None), max_size=5)


@given(st.one_of(WORDS.map(lambda words: ("strings", words)), st.booleans().map(lambda flag: ("boolean", flag))))
def test_what_is_written_is_read_back(case: tuple[str, object]) -> None:
    kind, value = case
    written = dconf._format(kind, value)
    assert dconf._parse(written) == value
    assert "\n" not in written


@given(st.integers(0, 2**32 - 1))
def test_numbers_are_read_back(number: int) -> None:
    assert dconf._parse(dconf._format("uint32", number)) == number
    assert dconf._parse(str(number)) == number


def test_what_dconf_prints_of_nothing() -> None:
    assert dconf._parse("") is None
    assert dconf._parse("@as []") == []


@given(WORDS)
def test_a_key_file_with_any_value_is_one(words: list[str]) -> None:
    assert dconf._keyfile(f"# ours\n[org/gnome/x]\nkey={dconf._format('strings', words)}\n")
    assert not dconf._keyfile("[org/gnome/x]\nno key here\n")
