# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SARIF export, held against what the 2.1.0 standard asks of the objects it uses.

No package carries the official schema; the rules below are those of its objects that appear here, written out.
"""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema
import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import sarif
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from tests.unit.hostile_samples import hostile
from tests.unit.result_samples import CONTROLS, WAIVER, control, document, record, row, silent

CATALOGUE = catalogue.load()


def closed(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """Return the schema of an object of the standard: no key but those it defines."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(required),
        "properties": {name.rstrip("_"): rule for name, rule in properties.items()},
    }


def listed(rule: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": rule, **more}


TEXT = {"type": "string"}
BAG = {"type": "object", "properties": {"tags": listed(TEXT, uniqueItems=True)}}
INSTANT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$"}
LANGUAGE = {"type": "string", "pattern": "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$"}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
MESSAGE = closed(("text",), text={"type": "string", "minLength": 1})
LOCATION = closed(logicalLocations=listed(closed(name=TEXT, fullyQualifiedName=TEXT, kind=TEXT), minItems=1))
RULE = closed(
    ("id",),
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=closed(level=LEVEL),
    properties=BAG,
)
RESULT = closed(
    ("message", "ruleId", "locations"),
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    kind={"const": "fail"},
    level=LEVEL,
    message=MESSAGE,
    locations=listed(LOCATION, minItems=1),
    partialFingerprints={"type": "object", "minProperties": 1, "additionalProperties": TEXT},
    suppressions=listed(
        closed(
            ("kind",),
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted", "underReview", "rejected"]},
            justification=TEXT,
        ),
        uniqueItems=True,
    ),
    properties=BAG,
)
INVOCATION = closed(
    ("executionSuccessful",),
    executionSuccessful={"type": "boolean"},
    startTimeUtc=INSTANT,
    endTimeUtc=INSTANT,
    toolExecutionNotifications=listed(
        closed(("message",), level=LEVEL, message=MESSAGE, locations=listed(LOCATION)), minItems=1
    ),
)
DRIVER = closed(("name",), name=TEXT, version=TEXT, language=LANGUAGE, rules=listed(RULE, uniqueItems=True))
RUN = closed(
    ("tool", "results"),
    tool=closed(("driver",), driver=DRIVER),
    language=LANGUAGE,
    automationDetails=closed(id=TEXT),
    invocations=listed(INVOCATION, minItems=1),
    results=listed(RESULT),
)
LOG = closed(("version", "runs"), schema_={}, version={"const": "2.1.0"}, runs=listed(RUN, minItems=1, maxItems=1))
LOG["properties"]["$schema"] = {"type": "string", "format": "uri"}


def run(made: Document, language: str = "fr") -> dict[str, Any]:
    log = json.loads(sarif.render(made, CATALOGUE, language))
    jsonschema.validate(log, LOG, jsonschema.Draft202012Validator)
    (only,) = log["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in only["results"])
    return dict(only)


STATES = {"M08-01": "fail", "M08-02": "unknown", "M08-03": "not_applicable", "M07-05": "waived"}


def test_only_what_has_to_be_looked_at_is_a_result() -> None:
    found = run(document(record("deb12", STATES)))
    assert {result["ruleId"]: result["level"] for result in found["results"]} == {
        "M08-01": "error",
        "M08-02": "warning",
        "M07-05": "error",
    }
    assert {result["ruleId"]: result["properties"]["verdict"] for result in found["results"]} == {
        "M08-01": "non_compliant",
        "M08-02": "not_verified",
        "M07-05": "waived",
    }
    by_rule = {result["ruleId"]: result for result in found["results"]}
    assert "attendu ≥\N{NO-BREAK SPACE}12, observé 8" in by_rule["M08-01"]["message"]["text"]
    assert by_rule["M08-01"]["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "ehpad-les-tilleuls/deb12"
    assert [rule["id"] for rule in found["tool"]["driver"]["rules"]] == sorted(CONTROLS)
    assert found["tool"]["driver"]["version"] == "0.1.0"
    assert found["invocations"][0]["executionSuccessful"] is True


def test_a_waiver_and_nothing_else_is_an_accepted_suppression() -> None:
    found = run(document(record("deb12", STATES)))
    suppressed = {result["ruleId"]: result["suppressions"] for result in found["results"] if "suppressions" in result}
    assert list(suppressed) == ["M07-05"]
    (suppression,) = suppressed["M07-05"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert "borne d’accueil sans données" in suppression["justification"]


@pytest.mark.parametrize("state", ["unknown", "waived"])
def test_a_waiver_never_hides_what_nobody_saw(state: str) -> None:
    made = document(record("deb12", {"M07-05": state}))
    (result,) = [result for result in made["results"] if result["control"] == "M07-05"]
    result["waiver"] = WAIVER
    (found,) = run(made)["results"]
    assert ("suppressions" in found) == (state == "waived")
    assert found["level"] == ("error" if state == "waived" else "warning")


def fingerprints(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {
        (result["ruleId"], result["locations"][0]["logicalLocations"][0]["name"]): result["partialFingerprints"][
            "essmsControlHost/v1"
        ]
        for result in found["results"]
    }


def test_the_same_gap_is_the_same_finding_in_the_next_run() -> None:
    first = run(document(record("deb12", {"M08-01": "fail"}), record("deb13", {"M08-01": "fail"})))
    worse = control("M08-01", [row("M08-01", "fail", observed=4)], reason="another one")
    later = run(document(record("deb12", controls=[worse]), silent("deb13", "timed out")), "en")
    before, after = fingerprints(first), fingerprints(later)
    assert before.items() <= after.items()
    assert len(set(after.values())) == len(after) == len(CONTROLS) + 1
    assert all(re.fullmatch("[0-9a-f]{32}", value) for value in after.values())


def test_a_silent_host_makes_warnings_and_the_run_no_success() -> None:
    made = document(record("deb12"), silent("deb13", "Host unreachable: timed out"))
    found = run(made)
    assert [result["level"] for result in found["results"]] == ["warning"] * len(CONTROLS)
    assert found["invocations"][0]["executionSuccessful"] is False
    made["results"] = [result for result in made["results"] if result["host"] == "deb12"]
    (notice,) = run(made)["invocations"][0]["toolExecutionNotifications"]
    assert notice["level"] == "error"
    assert notice["message"]["text"].startswith("injoignable")


def test_hostile_content_keeps_its_place() -> None:
    made = hostile()
    found = run(made)
    wanted = sum(result["verdict"] in sarif.LEVELS for result in made["results"])
    assert len(fingerprints(found)) == len(found["results"]) == wanted
