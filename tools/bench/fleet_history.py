# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up fleets of establishments with years of runs, for measuring what reads them; no Ansible, no host.

The runs of an establishment are weekly, and daily in the last four weeks before ``LAST_DAY``. From one run to the next
about one verdict in a hundred changes, towards compliance more often than away from it. The same number gives the same
documents, so that figures of different days compare.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.results import SCHEMA, Document, HostState, Result, Waived

LAST_DAY = dt.date(2026, 11, 27)
_DAILY_DAYS = 28
_DAYS_A_MONTH = 30.44
_MOVING = 0.01
_ORIGINS = ("instruction", "pgssi-s", "state-of-the-art")
_GROUPS = ("postes_soins", "postes_administratifs", "serveurs", "nomades")
_STATES = {
    verdicts.COMPLIANT: "ok",
    verdicts.NON_COMPLIANT: "fail",
    verdicts.WAIVED: "fail",
    verdicts.NOT_APPLICABLE: "not_applicable",
    verdicts.NOT_VERIFIED: "unknown",
}
#: How likely each verdict is at the first run, and where it goes when it moves.
_FIRST = {"compliant": 40, "non_compliant": 45, "waived": 2, "not_applicable": 8, "not_verified": 5}
_NEXT = {"compliant": 70, "non_compliant": 18, "waived": 2, "not_applicable": 5, "not_verified": 5}


@dataclass(frozen=True, slots=True)
class Size:
    """How large an establishment is, and over how many months it was looked at."""

    hosts: int = 50
    controls: int = 120
    months: int = 36


def slug(number: int) -> str:
    """Return the folder name of an establishment; its documents name it so."""
    return f"ehpad-exemple-{number:02}"


def control_ids(count: int) -> list[str]:
    """Return made-up ids in catalogue order, spread over the twelve measures. At most 1188."""
    return sorted(f"M{index % 12 + 1:02}-{index // 12 + 1:02}" for index in range(count))


def documents(number: int, size: Size | None = None) -> Iterator[tuple[str, Document]]:
    """Yield ``(name of the run folder, document)`` of an establishment, oldest first.

    Settings and waivers are shared between documents: read them, do not change them.
    """
    size = size or Size()
    chance = random.Random(number)  # noqa: S311  # repeatable, not secret
    controls = control_ids(size.controls)
    hosts = [f"poste-{index:02}" for index in range(1, size.hosts + 1)]
    pairs = [(control, host) for control in controls for host in hosts]
    states = dict(zip(pairs, chance.choices(list(_FIRST), list(_FIRST.values()), k=len(pairs)), strict=True))
    templates = {(control, verdict): _result(control, verdict) for control in controls for verdict in verdicts.VERDICTS}
    for day in _days(size.months):
        for pair in chance.sample(pairs, round(len(pairs) * _MOVING)):
            states[pair] = chance.choices(list(_NEXT), list(_NEXT.values()))[0]
        results: list[Result] = [{**templates[pair[0], verdict], "host": pair[1]} for pair, verdict in states.items()]
        yield f"{day:%Y%m%d}T030000Z-audit", _document(number, day, hosts, results)


def _days(months: int) -> Iterator[dt.date]:
    first_daily = LAST_DAY - dt.timedelta(days=_DAILY_DAYS - 1)
    weeks = round(months * _DAYS_A_MONTH / 7) - _DAILY_DAYS // 7
    for back in range(weeks, 0, -1):
        yield first_daily - dt.timedelta(weeks=back)
    for ahead in range(_DAILY_DAYS):
        yield first_daily + dt.timedelta(days=ahead)


def _document(number: int, day: dt.date, hosts: list[str], results: list[Result]) -> Document:
    return {
        "schema": SCHEMA,
        "establishment": slug(number),
        "identity": {"name": f"EHPAD Exemple {number:02}", "finess": f"99{number:07}", "category": "EHPAD"},
        "profile": "combine",
        "mode": "audit",
        "check": False,
        "refused": False,
        "scope": {"hosts": "all", "controls": "all"},
        "fleet": {
            "hosts": {name: [_GROUPS[index % len(_GROUPS)]] for index, name in enumerate(hosts)},
            "groups": sorted(_GROUPS),
            "controls": sorted({result["control"] for result in results}),
        },
        "started": f"{day}T03:00:00.0Z",
        "finished": f"{day}T03:04:10.25Z",
        "versions": {"ansible": "2.19.14", "collection": "0.1.0"},
        "waivers": [_waiver(results[0]["control"])],
        "hosts": [_host(index, name) for index, name in enumerate(hosts)],
        "results": results,
    }


def _host(index: int, name: str) -> HostState:
    return {
        "name": name,
        "groups": [_GROUPS[index % len(_GROUPS)]],
        "state": "verified",
        "problem": "",
        "profile": "combine",
        "platform": {"id": "debian", "version": "12", "family": "debian"},
        "transaction": None,
        "guard": None,
        "seconds": {"module": 0.31},
    }


def _result(control: str, verdict: str) -> Result:
    state = _STATES[verdict]
    row: dict[str, Any] = {
        "kind": "sshd",
        "name": f"setting_of_{control}",
        "rule": "at_most",
        "expected": 600,
        "observed": {"ok": 600, "fail": 3600}.get(state),
        "state": state,
        "reason": "sshd -T needs root, and this run has no privilege." if state == "unknown" else "",
    }
    return {
        "control": control,
        "measure": control[:3],
        "host": "",
        "verdict": verdict,
        "before_verdict": None,
        "settings": [row, {**row, "name": f"other_setting_of_{control}"}],
        "evidence": "proven",
        "origin": _ORIGINS[sum(map(ord, control)) % len(_ORIGINS)],
        "reason": "",
        "parameters": {
            f"essms_example_{control.replace('-', '_').lower()}": {
                "value": 600,
                "source": "profile combine",
                "layer": "profile",
                "layer_name": "combine",
                "profile_value": 600,
                "deviation": None,
            }
        },
        "waiver": _waiver(control) if verdict == verdicts.WAIVED else None,
        "changed": False,
    }


def _waiver(control: str) -> Waived:
    return {
        "control": control,
        "scope": "establishment",
        "name": "",
        "reason": "logiciel de soins qui ne le supporte pas encore",
        "owner": "Responsable informatique",
        "approved_by": "Directrice",
        "start": "2026-02-01",
        "end": "2027-01-31",
        "state": "active",
        "orphan": "",
    }
