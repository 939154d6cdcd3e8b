# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's one entry: whatever is on a host, its answer arrives."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import run, text, undo
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fixture_host import FixtureHost


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixtureHost:
    """Give the host that the engine finds itself on."""
    made = FixtureHost(tmp_path, {})
    monkeypatch.setattr(run, "Host", lambda *_arguments, **_named: made)
    monkeypatch.setattr(undo, "transactions", lambda: iter(()))
    monkeypatch.setattr(undo, "LOCK", str(tmp_path / "lock"))
    return made


def asked(**request: Any) -> dict[str, Any]:
    return run.run({"state": "audited", **request})


def test_one_byte_that_is_no_text_costs_no_answer(host: FixtureHost, tmp_path: Path) -> None:
    """An old notice in Latin-1: Ansible refuses a whole answer that UTF-8 cannot carry."""
    (tmp_path / "etc" / "issue").write_bytes("Accès réservé\n".encode("latin-1"))
    host.notes.append("a file \udce9\x1b[31m")
    host.remembered["x"] = {"\udcff": ["\udcff"]}
    answer = asked(settings=[["M04-20", "console_notice", {"lines": ["Accès réservé"]}]])
    assert json.loads(json.dumps(answer, ensure_ascii=False).encode()) == answer
    (row,) = answer["rows"]
    assert (row["state"], row["expected"]) == ("fail", ["Accès réservé"])
    assert row["observed"][0] == "Acc\\udce8s r\\udce9serv\\udce9"
    assert answer["notes"] == ["a file \\udce9\\x1b[31m"]
    assert not answer["problem"]


def test_what_was_left_to_a_person_is_a_problem(host: FixtureHost) -> None:
    host.left += ["`x` failed; run it by hand"] * 2
    assert asked()["problem"] == "not everything could be put back: `x` failed; run it by hand"


@given(
    st.recursive(st.text() | st.integers() | st.none(), lambda each: st.lists(each) | st.dictionaries(st.text(), each))
)
def test_what_can_be_carried_stays_as_it_is(value: Any) -> None:
    assert text.encodable(value) == value
