# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain substitution: native values kept, one pass, nothing but parameters in braces."""

from __future__ import annotations

import string

from ansible_collections.essms.hardening.plugins.plugin_utils import bodies
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="{}"), max_size=20)
VALUES = st.one_of(st.integers(), st.booleans(), st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3))


@given(NAMES, VALUES)
def test_one_parameter_keeps_its_native_value(name: str, value: object) -> None:
    assert bodies.substitute({"key": [f"{{{{ {name} }}}}"]}, {name: value}) == {"key": [value]}


@given(NAMES, VALUES, TEXTS, TEXTS.filter(bool))
def test_inside_a_longer_text_it_becomes_text_once(name: str, value: object, before: str, after: str) -> None:
    template = f"{before}{{{{{name}}}}}{after}"
    assert bodies.template_problem(template) == ""
    assert bodies.substitute(template, {name: value}) == f"{before}{value}{after}"


@given(
    st.recursive(VALUES.filter(lambda v: "{{" not in str(v)), lambda items: st.dictionaries(NAMES, items, max_size=3))
)
def test_what_holds_no_parameter_stays_as_it_is(value: object) -> None:
    assert bodies.substitute(value, {}) == value
    assert list(bodies.names_in(value)) == []


@given(st.text(st.sampled_from(string.ascii_lowercase + "{}%# |.'_"), max_size=30))
def test_whatever_passes_the_check_leaves_no_braces(text: str) -> None:
    if bodies.template_problem(text) == "":
        result = bodies.substitute(text, dict.fromkeys(bodies.names_in(text), 1))
        assert "{{" not in str(result).replace("{1", "").replace("1}", "")
