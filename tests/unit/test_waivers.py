# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: complete, dated, for whom they say, over when they are over."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import (
    Waiver,
    expired_note,
    in_force,
    load,
    problems,
)

TODAY = dt.date(2026, 6, 30)
DAY = dt.timedelta(days=1)
KIOSK: dict[str, Any] = {
    "control": "M07-02",
    "scope": {"group": "kiosques"},
    "reason": "public display, no session is open on it",
    "owner": "IT referent",
    "approved_by": "Director",
    "start": "2025-07-01",
    "end": "2026-06-30",
}


def folder(tmp_path: Path, *items: object) -> Path:
    made = tmp_path / "les-tilleuls"
    made.mkdir()
    (made / "waivers.yml").write_text(yaml.safe_dump(list(items), sort_keys=False), encoding="utf-8")
    return made


def kiosk(**changes: Any) -> Waiver:
    return waivers._waiver({**KIOSK, **changes})


def test_an_establishment_without_the_file_has_none(tmp_path: Path) -> None:
    assert load(tmp_path) == []
    assert problems(tmp_path) == []


def test_what_the_file_says_is_read_dates_without_quotes_included(tmp_path: Path) -> None:
    made = folder(tmp_path, {**KIOSK, "start": dt.date(2025, 7, 1), "end": TODAY})
    assert load(made) == [kiosk()]
    assert kiosk().start == dt.date(2025, 7, 1)


def test_a_waiver_holds_from_its_first_through_its_last_day() -> None:
    waiver = kiosk(start="2026-06-29")
    days = {TODAY - 2 * DAY: None, TODAY - DAY: waiver, TODAY: waiver, TODAY + DAY: None}
    assert {day: in_force("M07-02", [waiver], day) for day in days} == days


@pytest.mark.parametrize(
    ("today", "state"),
    [
        ("2025-06-30", "future"),
        ("2025-07-01", "active"),
        ("2026-05-30", "active"),
        ("2026-05-31", "expiring"),
        ("2026-06-30", "expiring"),
        ("2026-07-01", "expired"),
    ],
)
def test_a_waiver_is_told_of_thirty_days_before_its_end(today: str, state: str) -> None:
    assert kiosk().state(dt.date.fromisoformat(today)) == state


def test_an_expired_waiver_says_so_and_a_future_one_says_nothing() -> None:
    assert expired_note("M07-02", [kiosk()], TODAY + DAY) == (
        "the waiver of IT referent ended on 2026-06-30; renew it or apply the control"
    )
    assert expired_note("M07-02", [kiosk()], TODAY) == ""
    assert expired_note("M07-02", [kiosk(start="2026-07-02", end="2026-07-03")], TODAY) == ""
    assert expired_note("M07-03", [kiosk()], TODAY + DAY) == ""


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        ({"establishment": True}, ["hall", "ward", "kiosques"]),
        ({"group": "kiosques"}, ["hall"]),
        ({"host": "ward"}, ["ward"]),
        # a host that bears the name of a group is not that group
        ({"host": "kiosques"}, ["kiosques"]),
    ],
)
def test_a_waiver_is_for_its_scope_only(scope: dict[str, Any], covered: list[str]) -> None:
    hosts = {"hall": ["kiosques"], "ward": ["postes_soins"], "kiosques": []}
    assert [host for host, groups in hosts.items() if kiosk(scope=scope).covers(host, groups)] == covered


def test_the_longest_waiver_counts() -> None:
    found = in_force("M07-02", [kiosk(), kiosk(end="2026-12-31", start="2026-06-01", owner="director")], TODAY)
    assert found is not None
    assert found.owner == "director"


def test_what_applies_to_nothing_is_an_orphan() -> None:
    known = (["M07-02"], ["kiosques"], ["hall"])
    assert kiosk().orphan(*known) == ""
    assert kiosk(scope={"establishment": True}).orphan(*known) == ""
    assert kiosk(control="M07-99").orphan(*known) == "unknown control M07-99; did you mean M07-02?"
    assert kiosk(scope={"group": "kiosque"}).orphan(*known) == 'unknown group "kiosque"; did you mean kiosques?'
    assert kiosk(scope={"host": "gone"}).orphan(*known) == 'unknown host "gone"; use hall'
    (told,) = waivers.results_of([kiosk(scope={"host": "gone"})], TODAY, *known)
    assert (told["state"], told["orphan"]) == ("expiring", 'unknown host "gone"; use hall')


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in KIOSK.items() if name != key}


MALFORMED: dict[str, tuple[list[object], str]] = {
    "no reason": ([without("reason")], "1: [0]: key reason is missing; add it"),
    "no approval": ([without("approved_by")], "1: [0]: key approved_by is missing; add it"),
    "no start": ([without("start")], "1: [0]: key start is missing; add it"),
    "no scope": ([without("scope")], "1: [0]: key scope is missing; add it"),
    "two scopes": (
        [{**KIOSK, "scope": {"group": "a", "host": "b"}}],
        "2: [0].scope: {group: a, host: b} has too many keys; give 1 or fewer",
    ),
    "misspelt scope": ([{**KIOSK, "scope": {"groupe": "a"}}], "3: [0].scope: unknown key groupe; did you mean group?"),
    "short reason": ([{**KIOSK, "reason": "no"}], '4: [0].reason: "no" is too short; write 10 characters or more'),
    "reason of blanks": ([{**KIOSK, "reason": " " * 12}], '4: [0].reason: "            " has another form than '),
    "every host by group": (
        [{**KIOSK, "scope": {"group": "all"}}],
        '3: [0].scope.group: "all" is reserved; choose another',
    ),
    "second": ([KIOSK, {**KIOSK, "ends": 1}], "16: [1]: unknown key ends; did you mean end?"),
    "French date": (
        [{**KIOSK, "end": "30/06/2026"}],
        '8: [0].end: "30/06/2026" is no date of the calendar; write YYYY-MM-DD',
    ),
    "no such day": (
        [{**KIOSK, "end": "2026-02-30"}],
        '8: [0].end: "2026-02-30" is no date of the calendar; write YYYY-MM-DD',
    ),
    "ends before it starts": (
        [{**KIOSK, "end": "2025-06-30"}],
        "8: [0].end: 2025-06-30 is before the start, 2025-07-01; correct one of them",
    ),
    "longer than a year": (
        [{**KIOSK, "end": "2026-07-02"}],
        "8: [0].end: 2026-07-02 is more than 365 days after the start; end it on 2026-07-01 or before",
    ),
    "control that cannot be": ([{**KIOSK, "control": "M13-01"}], '1: [0].control: "M13-01" has another form than '),
}


@pytest.mark.parametrize(("items", "sentence"), MALFORMED.values(), ids=MALFORMED.keys())
def test_an_error_names_file_line_key_and_rule(tmp_path: Path, items: list[object], sentence: str) -> None:
    made = folder(tmp_path, *items)
    with pytest.raises(CatalogueError) as caught:
        load(made)
    said = str(caught.value)
    assert said.startswith(f"les-tilleuls/waivers.yml:{sentence}")
    assert said.isprintable()
    assert said in problems(made)


def test_every_problem_is_told(tmp_path: Path) -> None:
    made = folder(tmp_path, {**KIOSK, "end": "2025-02-28"}, {**KIOSK, "end": "2027-02-28"})
    assert [said.split(":")[1] for said in problems(made)] == ["8", "15"]


def test_a_map_instead_of_a_list_is_refused(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "waivers.yml").write_text(json.dumps(KIOSK), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"les-tilleuls/waivers\.yml:1: must be a list"):
        load(made)
