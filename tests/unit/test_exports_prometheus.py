# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Prometheus export, read by the parser of the Python client of Prometheus."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import prometheus
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.hostile_samples import hostile
from tests.unit.result_samples import CONTROLS, WAIVER, document, record, silent

CATALOGUE = catalogue.load()
NAMES = {
    "essms_controls",
    "essms_score_proven_ratio",
    "essms_verified_ratio",
    "essms_host_verified",
    "essms_waivers",
    "essms_last_run_timestamp_seconds",
}


def samples(made: Document) -> dict[str, list[tuple[dict[str, str], float]]]:
    text = prometheus.render(made, CATALOGUE, "fr")
    assert text.endswith("\n")
    families: list[Any] = list(text_string_to_metric_families(text))
    assert {family.name for family in families} == NAMES
    assert all(family.type == "gauge" and family.documentation for family in families)
    found = [sample for family in families for sample in family.samples]
    # what was written twice would make the collector refuse the whole file
    assert len({(sample.name, *sorted(sample.labels.items())) for sample in found}) == len(found)
    assert len(found) == sum(1 for line in text.split("\n") if line and not line.startswith("#"))
    return {family.name: [(dict(sample.labels), sample.value) for sample in family.samples] for family in families}


def test_every_figure() -> None:
    made = document(
        record("deb12", {"M08-01": "fail", "M07-05": "waived"}),
        silent("deb13", "Host unreachable: timed out"),
    )
    made["waivers"] = [{**WAIVER, "state": "expiring"}, {**WAIVER, "state": "expired"}, WAIVER]
    found = samples(made)
    controls = {(labels["measure"], labels["verdict"]): value for labels, value in found["essms_controls"]}
    assert controls["M08", "non_compliant"] == controls["M07", "waived"] == 1
    assert controls["M08", "not_verified"] == 9
    assert controls["M08", "waived"] == 0
    assert sum(controls.values()) == 2 * len(CONTROLS)
    site = {"establishment": "ehpad-les-tilleuls"}
    number = len(CONTROLS)
    assert found["essms_score_proven_ratio"] == [(site, (number - 2) / (2 * number - 1))]
    assert found["essms_verified_ratio"] == [(site, 0.5)]
    assert found["essms_host_verified"] == [({**site, "host": "deb12"}, 1.0), ({**site, "host": "deb13"}, 0.0)]
    assert {labels["state"]: value for labels, value in found["essms_waivers"]} == {
        "active": 1.0,
        "expiring": 1.0,
        "expired": 1.0,
        "future": 0.0,
    }
    finished = datetime.fromisoformat(made["finished"]).timestamp()
    assert found["essms_last_run_timestamp_seconds"] == [({**site, "mode": "audit"}, finished)]


def test_a_ratio_of_nothing_is_absent_and_not_one() -> None:
    found = samples(document(record("deb12", controls=[])))
    assert found["essms_score_proven_ratio"] == found["essms_verified_ratio"] == found["essms_controls"] == []


def test_a_label_holds_what_it_is_given() -> None:
    made = document(record('a\\b"c'))
    (host,) = samples(made)["essms_host_verified"]
    assert host[0]["host"] == 'a\\b"c'


def test_hostile_names_make_no_sample_of_their_own() -> None:
    made = hostile()
    found = samples(made)
    assert len(found["essms_host_verified"]) == len(made["hosts"])
    assert all(len(labels["host"]) <= 120 for labels, _value in found["essms_host_verified"])


def test_names_that_look_alike_once_shown_stay_apart() -> None:
    names = ["x" * 200 + "1", "x" * 200 + "2", "a\x1b", "a\\x1b", "a\ud800", "a b", "a\N{NO-BREAK SPACE}b"]
    found = samples(document(*map(record, names)))
    assert len(found["essms_host_verified"]) == len(names)
