# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small runs of the sample establishment, told by their verdicts alone, and everything a history says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Fleet, Result

from tests.unit.result_samples import VERSIONS, WAIVER, control, row

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
FOLDER = "ehpad-les-tilleuls"
IDENTITY = {"name": "EHPAD Les Tilleuls", "finess": "990000017", "category": "EHPAD"}
GONE = "The host does not answer over SSH: check that it is on, its address, and the network between."

_STATES = {"compliant": "ok", "non_compliant": "fail", "waived": "fail", "not_applicable": "not_applicable"}


def instant(day: float) -> str:
    """Return the instant so many days after the first of January 2026, as results write it."""
    return (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day)).strftime("%Y-%m-%dT%H:%M:%S.00Z")


def name(day: float) -> str:
    """Return the name of the run folder of that day."""
    return instant(day).translate(str.maketrans("", "", "-:")).replace(".00", "") + "-audit"


def result(name_: str, host: str, verdict: str) -> Result:
    """Return a valid result with this verdict."""
    rows = [row(name_, _STATES[verdict])] if verdict in _STATES else []
    item = control(name_, rows, WAIVER if verdict == verdicts.WAIVED else None)
    found: Any = {**item, "host": host, "before_verdict": None, "reason": GONE if not rows else ""}
    return found


def fleet(hosts: Iterable[str], controls: Iterable[str]) -> Fleet:
    """Return what a run says of everything there is."""
    return {"hosts": {host: ["postes_soins"] for host in hosts}, "groups": ["postes_soins"], "controls": list(controls)}


def run(
    day: float,
    verdicts_of: Mapping[str, Mapping[str, str]],
    *,
    lost: tuple[str, ...] = (),
    hosts: str = "all",
    controls: str = "all",
    **changes: Any,
) -> tuple[str, Document]:
    """Return ``(folder, document)`` of a run that ended that day and found these verdicts, by host and control.

    ``lost`` are hosts that could not be verified as a whole.
    """
    found = [result(name_, host, verdict) for host, own in verdicts_of.items() for name_, verdict in own.items()]
    document: Document = {
        "schema": "essms-results/1",
        "establishment": FOLDER,
        "identity": IDENTITY,
        "profile": "combine",
        "mode": "audit",
        "check": False,
        "refused": False,
        "scope": {"hosts": hosts, "controls": controls},
        "fleet": {"hosts": {}, "groups": [], "controls": []},
        "started": instant(day),
        "finished": instant(day),
        "versions": VERSIONS,
        "waivers": [],
        "hosts": [
            {
                "name": host,
                "groups": ["postes_soins"],
                "state": "not_verified" if host in lost else "verified",
                "problem": GONE if host in lost else "",
                "profile": "combine",
                "platform": {},
                "transaction": None,
                "guard": None,
                "seconds": {},
            }
            for host in sorted({*verdicts_of, *lost})
        ],
        "results": sorted(found, key=lambda item: (item["control"], item["host"])),
    }
    document.update(changes)  # type: ignore[typeddict-item]  # tests break it on purpose
    return name(day), document


def everything(history: History) -> dict[str, object]:
    """Return all that a history answers."""
    return {
        "current": history.current(),
        "trend": history.trend(),
        "monthly": history.trend(monthly=True),
        "drift": history.drift(),
        "gaps": history.gaps(),
        "sightings": history.sightings(),
        "waivers": history.waivers(),
    }


def verdicts_now(history: History) -> dict[tuple[str, str], str]:
    """Return the current verdict of every control and host."""
    current = history.current()
    return {(item["control"], item["host"]): item["verdict"] for item in current["results"]} if current else {}


def record(history: History, *runs: tuple[str, Document]) -> None:
    """Record runs in this order."""
    for folder, document in runs:
        history.record(folder, document)
