# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: complete, dated, over when they are over."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.waivers import Waiver, expired_note, parse, waiver_for

TODAY = dt.date(2026, 6, 30)
KIOSK = {
    "control": "M07-02",
    "reason": "public display, no session is open on it",
    "owner": "IT referent",
    "until": "2026-06-30",
}


def test_a_waiver_holds_through_its_last_day() -> None:
    assert waiver_for("M07-02", [KIOSK], TODAY) == Waiver("M07-02", KIOSK["reason"], "IT referent", TODAY)
    assert expired_note("M07-02", [KIOSK], TODAY) == ""


def test_an_expired_waiver_is_none_and_says_so() -> None:
    day_after = TODAY + dt.timedelta(days=1)
    assert waiver_for("M07-02", [KIOSK], day_after) is None
    assert expired_note("M07-02", [KIOSK], day_after) == (
        "the waiver of IT referent ended on 2026-06-30; renew it or apply the control"
    )


def test_a_waiver_is_for_its_own_control() -> None:
    assert waiver_for("M07-03", [KIOSK], TODAY) is None
    assert expired_note("M07-03", [KIOSK], TODAY + dt.timedelta(days=1)) == ""


def test_the_longest_waiver_counts() -> None:
    longer = {**KIOSK, "until": "2026-12-31", "owner": "director"}
    shorter = {**KIOSK, "until": "2026-07-31"}
    found = waiver_for("M07-02", [KIOSK, longer, shorter], TODAY)
    assert found is not None
    assert found.owner == "director"


def test_yaml_reads_an_unquoted_date_as_a_date() -> None:
    found = waiver_for("M07-02", [{**KIOSK, "until": TODAY}], TODAY)
    assert found is not None
    assert found.until == TODAY


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in KIOSK.items() if name != key}


MALFORMED: dict[str, tuple[object, str]] = {
    "no list": (KIOSK, "essms_waivers: must be a list, not "),
    "far too many": ([KIOSK] * 501, "essms_waivers: "),
    "no map": (["M07-02"], 'essms_waivers[0]: must be a map, not "M07-02"'),
    "no reason": ([without("reason")], "essms_waivers[0]: key reason is missing; add it"),
    "no owner": ([without("owner")], "essms_waivers[0]: key owner is missing; add it"),
    "no end": ([without("until")], "essms_waivers[0]: key until is missing; add it"),
    "no control": ([without("control")], "essms_waivers[0]: key control is missing; add it"),
    "second": ([KIOSK, {**KIOSK, "unti": 1}], "essms_waivers[1]: unknown key unti; did you mean until?"),
    "short reason": (
        [{**KIOSK, "reason": "no"}],
        'essms_waivers[0].reason: "no" is too short; write 10 characters or more',
    ),
    "whole measure": ([{**KIOSK, "control": "M07"}], 'essms_waivers[0].control: "M07" has another form than '),
    "French date": ([{**KIOSK, "until": "30/06/2026"}], 'essms_waivers[0].until: "30/06/2026" has another form than '),
    "no such day": (
        [{**KIOSK, "until": "2026-02-30"}],
        'essms_waivers[0].until: "2026-02-30" is no date of the calendar; write YYYY-MM-DD',
    ),
    "hidden text": (
        [{**KIOSK, "owner": "IT\u202etnerefer"}],
        'essms_waivers[0].owner: "IT\\u202etnerefer" holds a control or invisible character; ',
    ),
}


@pytest.mark.parametrize(("waivers", "sentence"), MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_waiver_is_refused_for_every_control(waivers: object, sentence: str) -> None:
    with pytest.raises(CatalogueError) as caught:
        waiver_for("M08-01", waivers, TODAY)
    assert str(caught.value).startswith(sentence)
    assert str(caught.value).isprintable()


def test_a_waiver_for_no_control_is_refused() -> None:
    with pytest.raises(CatalogueError) as caught:
        parse([KIOSK], known=["M07-03"])
    assert str(caught.value) == "essms_waivers[0].control: unknown control M07-02; did you mean M07-03?"
