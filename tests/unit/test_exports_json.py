# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary in JSON: it obeys its schema and counts what the results count."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue, results
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import summary_json
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from tests.unit.hostile_samples import hostile
from tests.unit.result_samples import CONTROLS, WAIVER, document, record, silent

CATALOGUE = catalogue.load()
SCHEMA = json.loads((catalogue.COLLECTION / "schema" / "summary.schema.json").read_text(encoding="utf-8"))


def summary(made: Document, language: str = "fr") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(summary_json.render(made, CATALOGUE, language))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(read, SCHEMA, jsonschema.Draft202012Validator)
    return read


def test_every_score_is_that_of_the_results() -> None:
    made = document(
        record("deb12", {"M08-01": "fail", "M08-02": "unknown", "M08-03": "not_applicable", "M07-05": "waived"}),
        silent("deb13", "Host unreachable: timed out"),
    )
    read = summary(made)
    whole = results.score(made["results"])
    assert read["score"] == {
        "total": 2 * len(CONTROLS),
        "compliant": len(CONTROLS) - 4,
        "non_compliant": 1,
        "waived": 1,
        "not_applicable": 1,
        "not_verified": len(CONTROLS) + 1,
        "proven_percent": whole.proven_percent,
        "verified_percent": whole.verified_percent,
    }
    assert whole.proven_percent is not None
    assert whole.proven_percent < 50  # a silent host never raises the score
    for key in ("total", "compliant", "non_compliant", "waived", "not_applicable", "not_verified"):
        for parts in ("measures", "hosts"):
            assert sum(part["score"][key] for part in read[parts]) == read["score"][key]
    assert [(host["name"], host["verified"]) for host in read["hosts"]] == [("deb12", True), ("deb13", False)]
    assert read["hosts"][1]["problem"].startswith("injoignable")
    assert [(measure["id"], measure["title"]) for measure in read["measures"]] == [
        ("M07", "Verrouillage des sessions"),
        ("M08", "Mots de passe"),
    ]


def test_waivers_that_somebody_has_to_decide_on() -> None:
    made = document(record("deb12"))
    made["waivers"] = [
        WAIVER,
        {**WAIVER, "state": "expiring", "end": "2026-12-20"},
        {**WAIVER, "state": "expired", "end": "2026-11-01", "orphan": "no such host"},
        {**WAIVER, "state": "future", "end": "2027-12-01"},
    ]
    read = summary(made)["waivers"]
    assert read["counts"] == {"active": 1, "expiring": 1, "expired": 1, "future": 1}
    assert read["orphans"] == 1
    assert [(waiver["state"], waiver["end"]) for waiver in read["due"]] == [
        ("expired", "2026-11-01"),
        ("expiring", "2026-12-20"),
    ]


def test_nothing_judged_is_no_percentage() -> None:
    made = document(record("deb12", controls=[]))
    assert summary(made)["score"]["proven_percent"] is None


def test_hostile_content_obeys_the_schema() -> None:
    read = summary(hostile(), "en")
    assert len(read["hosts"]) == len(hostile()["hosts"])
    # names stay distinct even where they had to be cut or escaped
    assert len({host["name"] for host in read["hosts"]}) == len(read["hosts"])
