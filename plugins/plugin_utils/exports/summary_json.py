# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON of a few kilobytes for dashboards: scores, counts and waivers; the whole is in results.json.

It obeys ``schema/summary.schema.json``.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import results
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import telling
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result, Score, Waived
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

SCHEMA = "essms-summary/1"

_STATES = ("active", "expiring", "expired", "future")


def render(document: Document, catalogue: Catalogue, language: str) -> str:
    """Return the summary as JSON text."""
    made = summary(document, catalogue, Words(language))
    return json.dumps(made, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def summary(document: Document, catalogue: Catalogue, words: Words) -> dict[str, Any]:
    """Return the summary as plain data."""
    by_measure: dict[str, list[Result]] = defaultdict(list)
    by_host: dict[str, list[Result]] = defaultdict(list)
    for result in document["results"]:
        by_measure[result["measure"]].append(result)
        by_host[result["host"]].append(result)
    return {
        "schema": SCHEMA,
        "establishment": telling.name(document["establishment"]),
        "identity": {key: telling.text(value) for key, value in document["identity"].items()},
        "profile": telling.text(document["profile"]),
        "mode": document["mode"],
        "check": document["check"],
        "scope": dict(document["scope"]),
        "started": document["started"],
        "finished": document["finished"],
        "versions": {telling.name(key): telling.text(value) for key, value in document["versions"].items()},
        "score": _score(results.score(document["results"])),
        "measures": [
            {
                "id": measure,
                "title": telling.measure(catalogue, measure, words),
                "score": _score(results.score(by_measure[measure])),
            }
            for measure in sorted(by_measure)
        ],
        "hosts": [
            {
                "name": telling.name(host["name"]),
                "verified": host["state"] == results.VERIFIED,
                "problem": telling.problem(host["problem"], words),
                "score": _score(results.score(by_host[host["name"]])),
            }
            for host in document["hosts"]
        ],
        "waivers": {
            "counts": _waiver_counts(document["waivers"]),
            "orphans": sum(bool(waiver["orphan"]) for waiver in document["waivers"]),
            "due": [_waiver(waiver) for waiver in _due(document["waivers"])],
        },
    }


def _score(score: Score) -> dict[str, Any]:
    return {
        "total": score.total,
        "compliant": score.compliant,
        "non_compliant": score.non_compliant,
        "waived": score.waived,
        "not_applicable": score.not_applicable,
        "not_verified": score.not_verified,
        "proven_percent": score.proven_percent,
        "verified_percent": score.verified_percent,
    }


def _waiver_counts(waivers: list[Waived]) -> dict[str, int]:
    counts = Counter(waiver["state"] for waiver in waivers)
    return {state: counts[state] for state in _STATES}


def _due(waivers: list[Waived]) -> list[Waived]:
    """Return the waivers somebody has to decide on: over, or soon over; the oldest end first."""
    due = [waiver for waiver in waivers if waiver["state"] in ("expiring", "expired")]
    return sorted(due, key=lambda waiver: (waiver["end"], waiver["control"], waiver["name"]))


def _waiver(waiver: Mapping[str, Any]) -> dict[str, str]:
    return {
        "control": telling.name(waiver["control"]),
        "scope": waiver["scope"],
        "name": telling.name(waiver["name"]),
        "owner": telling.text(waiver["owner"]),
        "end": waiver["end"],
        "state": waiver["state"],
    }
