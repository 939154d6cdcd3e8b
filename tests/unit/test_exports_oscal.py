# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OSCAL export, read by compliance-trestle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import oscal
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document
from trestle.oscal.assessment_results import AssessmentResults

from tests.unit.hostile_samples import hostile
from tests.unit.result_samples import CONTROLS, document, record, silent

CATALOGUE = catalogue.load()


def read(made: Document, folder: Path, language: str = "fr") -> AssessmentResults:
    """Return the export as trestle reads it, after it was written by trestle and read again."""
    file = folder / "assessment-results.json"
    text = oscal.render(made, CATALOGUE, language)
    file.write_text(text, encoding="utf-8")
    loaded = AssessmentResults.oscal_read(file)
    assert loaded is not None
    again = folder / "again.json"
    loaded.oscal_write(again)
    assert AssessmentResults.oscal_read(again) == loaded
    # nothing of what was written is left out by the model
    assert _size(json.loads(again.read_text(encoding="utf-8"))) == _size(json.loads(text))
    return loaded


def _size(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    return sum(map(_size, value)) if isinstance(value, list) else 1


def states(loaded: AssessmentResults) -> dict[str, tuple[str, str]]:
    return {
        finding.target.target_id: (finding.target.status.state.value, str(finding.target.status.reason))
        for finding in loaded.results[0].findings or []
    }


def test_a_control_is_satisfied_only_when_every_host_is_compliant(tmp_path: Path) -> None:
    loaded = read(
        document(
            record("deb12", {"M08-01": "fail", "M08-02": "unknown", "M08-03": "not_applicable", "M07-05": "waived"}),
            record("deb13", {"M08-01": "unknown", "M08-04": "not_applicable"}),
            record("deb14", {"M08-04": "not_applicable"}),
        ),
        tmp_path,
    )
    found = states(loaded)
    assert found.pop("M08-01") == ("not-satisfied", "fail")
    assert found.pop("M08-02") == ("not-satisfied", "other")
    assert found.pop("M07-05") == ("not-satisfied", "other")
    assert found.pop("M08-03") == ("satisfied", "pass")
    assert set(found.values()) == {("satisfied", "pass")}
    assert len(loaded.results[0].observations) == 3 * len(CONTROLS)


def test_a_control_that_applies_to_no_host_has_no_finding(tmp_path: Path) -> None:
    loaded = read(document(record("deb12", {"M08-03": "not_applicable"})), tmp_path)
    assert set(states(loaded)) == set(CONTROLS) - {"M08-03"}
    reviewed = loaded.results[0].reviewed_controls.control_selections[0].include_controls
    assert [control.control_id for control in reviewed] == sorted(CONTROLS)


@pytest.mark.parametrize("others", [0, 3])
def test_what_nobody_saw_is_never_satisfied(tmp_path: Path, others: int) -> None:
    seen = [record(f"deb{number}") for number in range(others)]
    loaded = read(document(*seen, silent("mute", "Host unreachable: timed out")), tmp_path)
    assert set(states(loaded).values()) == {("not-satisfied", "other")}


def test_a_waiver_is_an_approved_deviation_with_its_end(tmp_path: Path) -> None:
    loaded = read(document(record("deb12", {"M07-05": "waived"})), tmp_path, "en")
    (risk,) = loaded.results[0].risks
    assert risk.status.root.root == "deviation-approved"
    assert risk.deadline.date().isoformat() == "2027-01-31"
    assert "borne d’accueil sans données" in risk.statement
    (finding,) = [finding for finding in loaded.results[0].findings if finding.target.target_id == "M07-05"]
    assert [related.risk_uuid for related in finding.related_risks] == [risk.uuid]
    assert finding.target.status.remarks == "1 waived"


def test_every_reference_leads_somewhere(tmp_path: Path) -> None:
    loaded = read(document(record("deb12", {"M07-05": "waived"}), silent("deb13", "timed out")), tmp_path)
    (result,) = loaded.results
    items = {item.uuid for item in result.local_definitions.inventory_items}
    observations = {observation.uuid for observation in result.observations}
    assert len(items) == 2
    assert len(observations) == 2 * len(CONTROLS)
    for observation in result.observations:
        assert observation.subjects[0].subject_uuid in items
        assert [str(getattr(method, "root", method)) for method in observation.methods] == ["TEST-AUTOMATED"]
        assert observation.relevant_evidence
    for finding in result.findings:
        assert {related.observation_uuid for related in finding.related_observations} <= observations
    assert loaded.import_ap.href == f"#{loaded.back_matter.resources[0].uuid}"


def test_identifiers_depend_on_what_they_name(tmp_path: Path) -> None:
    made = document(record("deb12", {"M08-01": "fail"}))
    assert oscal.render(made, CATALOGUE, "fr") == oscal.render(made, CATALOGUE, "fr")
    first = read(made, tmp_path)
    made["started"] = made["finished"] = "2027-01-01T00:00:00.000Z"
    later = read(made, tmp_path)
    assert first.uuid != later.uuid
    assert first.results[0].observations[0].uuid != later.results[0].observations[0].uuid
    host = first.results[0].local_definitions.inventory_items[0].uuid
    assert host == later.results[0].local_definitions.inventory_items[0].uuid


def test_a_host_without_any_result_is_observed_as_not_verified(tmp_path: Path) -> None:
    made = document(silent("deb12", "Host unreachable: timed out"))
    made["results"] = []
    loaded = read(made, tmp_path)
    (observation,) = loaded.results[0].observations
    assert [prop.value for prop in observation.props] == ["not_verified"]
    assert loaded.results[0].findings is None
    made["hosts"] = []
    assert read(made, tmp_path).results[0].observations is None


def test_hostile_content_is_read(tmp_path: Path) -> None:
    made = hostile()
    loaded = read(made, tmp_path)
    assert len(loaded.results[0].observations) == len(made["results"]) + 1
