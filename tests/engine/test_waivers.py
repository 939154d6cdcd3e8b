# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A control that an establishment has set aside is looked at and left alone; the day after its end it is due again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import engine
from tests.support.engine_play import Played, play

pytestmark = pytest.mark.lab
WAIVED, OTHER = "M07-07", "M07-03"


def waiver(**scope: object) -> dict[str, Any]:
    """Return a waiver that holds today."""
    today = datetime.now(UTC).date()
    return {
        "control": WAIVED,
        "scope": scope,
        "reason": "no keyboard, nobody logs in here",
        "owner": "IT referent",
        "approved_by": "Director",
        "start": str(today - timedelta(days=20)),
        "end": str(today + timedelta(days=20)),
    }


def over() -> dict[str, Any]:
    """Return the same one, which ended yesterday."""
    return {**waiver(group="lab"), "end": str(datetime.now(UTC).date() - timedelta(days=1))}


def ran(playbook: str, host: str, *waivers: dict[str, Any]) -> Played:
    done = play(playbook, [host], "--tags", f"{WAIVED},{OTHER}", beside={"waivers.yml": list(waivers)})
    assert done.code == 0, done.text[-2000:]
    return done


def asked_for(host: str, control: str) -> bool:
    """Return whether the host itself has what a control asks for, waivers notwithstanding."""
    return not engine.run(host, "audited", engine.settings([control])).rows("fail")


@pytest.mark.parametrize("scope", [{"establishment": True}, {"group": "lab"}, {"host": None}], ids=str)
def test_apply_leaves_a_waived_control_alone_and_goes_on_with_the_others(
    hosts: dict[str, str], scope: dict[str, object]
) -> None:
    host = hosts["deb12"]
    engine.restore(host, "clean")
    own = waiver(**{name: value or host for name, value in scope.items()})
    assert not asked_for(host, WAIVED)
    applied = ran("apply", host, own)
    assert applied.verdicts(host) == {WAIVED: "waived", OTHER: "compliant"}
    assert applied.results[host][WAIVED]["waiver"]["state"] == "expiring"
    assert (asked_for(host, WAIVED), asked_for(host, OTHER)) == (False, True)
    assert "ends on" in applied.text


def test_the_day_after_its_end_a_control_is_due_and_applied_again(hosts: dict[str, str]) -> None:
    host = hosts["deb13"]
    engine.restore(host, "clean")
    audited = ran("audit", host, over())
    assert audited.verdicts(host)[WAIVED] == "non_compliant"
    assert "the waiver of IT referent ended on" in audited.results[host][WAIVED]["reason"]
    assert ran("apply", host, over()).verdicts(host) == {WAIVED: "compliant", OTHER: "compliant"}
    assert asked_for(host, WAIVED)


def test_a_waiver_for_others_changes_nothing(hosts: dict[str, str]) -> None:
    host = hosts["deb12"]
    engine.restore(host, "clean")
    applied = ran("apply", host, waiver(host="somebody-else"), waiver(group="kiosques"))
    assert applied.verdicts(host) == {WAIVED: "compliant", OTHER: "compliant"}
    assert "applies to nothing" in applied.text
