# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SARIF 2.1.0: controls as rules, and as results what has to be looked at.

``non_compliant`` is an error, ``not_verified`` a warning, ``waived`` an error with an accepted suppression;
``compliant`` and ``not_applicable`` are no findings. Places are logical: the host, within its establishment. A host of
which there is no result is a notification; a run with a host that could not be verified counts as not successful. The
tool names no address: it has no public one.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import telling
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS = {verdicts.NON_COMPLIANT: "error", verdicts.NOT_VERIFIED: "warning", verdicts.WAIVED: "error"}


def render(document: Document, catalogue: Catalogue, language: str) -> str:
    """Return the log as JSON text."""
    words = Words(language)
    controls = sorted({result["control"] for result in document["results"]})
    index = {control: number for number, control in enumerate(controls)}
    establishment = telling.name(document["establishment"])
    run = {
        "tool": {
            "driver": {
                "name": "essms.hardening",
                "version": telling.text(document["versions"]["collection"]),
                "language": words.language,
                "rules": [_rule(control, catalogue, words) for control in controls],
            }
        },
        "language": words.language,
        "automationDetails": {"id": f"essms.hardening/{establishment}/{document['mode']}/{document['started']}"},
        "invocations": [_invocation(document, establishment, words)],
        "results": [
            _result(result, index, establishment, words)
            for result in document["results"]
            if result["verdict"] in LEVELS
        ],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    # on one line: indenting takes several times as long, and no person reads this
    return json.dumps(log, ensure_ascii=False, allow_nan=False) + "\n"


def _rule(control: str, catalogue: Catalogue, words: Words) -> dict[str, Any]:
    title = telling.title(catalogue, control, words)
    rule: dict[str, Any] = {
        "id": control,
        "shortDescription": {"text": title},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["security", control[:3]]},
    }
    known = catalogue.controls.get(control)
    if known:
        why = words.title(known.why)
        rule["fullDescription"] = {"text": why}
        rule["help"] = {"text": f"{title}. {why}"}
        rule["properties"]["origin"] = known.origin
    return rule


def _invocation(document: Document, establishment: str, words: Words) -> dict[str, Any]:
    silent = telling.without_result(document)
    invocation: dict[str, Any] = {
        "executionSuccessful": bool(document["hosts"]) and not any(host["problem"] for host in document["hosts"]),
        "startTimeUtc": document["started"],
        "endTimeUtc": document["finished"],
    }
    if silent:
        invocation["toolExecutionNotifications"] = [
            {
                "level": "error",
                "message": {"text": telling.problem(host["problem"], words) or telling.name(host["name"])},
                "locations": [_location(establishment, telling.name(host["name"]))],
            }
            for host in silent
        ]
    return invocation


def _result(result: Result, index: dict[str, int], establishment: str, words: Words) -> dict[str, Any]:
    host = telling.name(result["host"])
    verdict = telling.verdict(result["verdict"], words)
    told = telling.explanation(result, words) or verdict
    found: dict[str, Any] = {
        "ruleId": result["control"],
        "ruleIndex": index[result["control"]],
        "kind": "fail",
        "level": LEVELS[result["verdict"]],
        "message": {"text": words("colon", host, told)},
        "locations": [_location(establishment, host)],
        # what a finding is about, and not what was seen of it: the same gap is the same finding in the next run
        "partialFingerprints": {"essmsControlHost/v1": _fingerprint(establishment, host, result["control"])},
        "properties": {"verdict": result["verdict"], "evidence": result["evidence"]},
    }
    waiver = result["waiver"]
    if waiver and result["verdict"] == verdicts.WAIVED:
        found["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": telling.waived(waiver, words)}
        ]
    return found


def _location(establishment: str, host: str) -> dict[str, Any]:
    return {"logicalLocations": [{"name": host, "fullyQualifiedName": f"{establishment}/{host}", "kind": "resource"}]}


def _fingerprint(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
