# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JUnit export, held against the rules of junit-10.xsd (xUnit plugin of Jenkins), which its readers share."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import junit
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from tests.unit.hostile_samples import hostile
from tests.unit.result_samples import CONTROLS, document, record, silent

CATALOGUE = catalogue.load()

#: element: (attributes it must have, attributes it may have, elements it may hold)
RULES: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package"},
        {"properties", "testcase", "system-out", "system-err"},
    ),
    "properties": (set(), set(), {"property"}),
    "property": ({"name", "value"}, set(), set()),
    "testcase": ({"name"}, {"classname", "time"}, {"skipped", "error", "failure", "system-out", "system-err"}),
    "skipped": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "failure": (set(), {"type", "message"}, set()),
}


def parse(made: Document, language: str = "fr") -> ET.Element:
    root = ET.fromstring(junit.render(made, CATALOGUE, language).encode())
    assert root.tag == "testsuites"
    for element in root.iter():
        must, may, holds = RULES[element.tag]
        assert must <= set(element.attrib) <= must | may, element.tag
        assert {child.tag for child in element} <= holds, element.tag
    for suite in root:
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.attrib[attribute]) == len(suite.findall(f"testcase/{tag}"))
        assert all(len(case) <= 1 for case in cases)
        names = [(case.attrib["classname"], case.attrib["name"]) for case in cases]
        assert len(names) == len(set(names))
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", made["started"][:19]))
    for attribute in ("tests", "failures", "errors"):
        assert int(root.attrib[attribute]) == sum(int(suite.attrib[attribute]) for suite in root)
    return root


def test_a_suite_for_each_host_and_a_case_for_each_control() -> None:
    root = parse(document(record("deb12"), record("deb13.example.fr")))
    assert [suite.attrib["name"] for suite in root] == ["deb12", "deb13.example.fr"]
    assert (root.attrib["tests"], root.attrib["failures"], root.attrib["errors"]) == (str(2 * len(CONTROLS)), "0", "0")
    case = root.findall("testsuite/testcase")[-1]
    assert case.attrib["classname"] == "M08.deb13_example_fr"
    assert case.attrib["name"].startswith("M08-09 ")
    assert len(case) == 0


def test_what_fails_what_does_not_and_why() -> None:
    states = {"M08-01": "fail", "M08-02": "unknown", "M08-03": "not_applicable", "M07-05": "waived"}
    root = parse(document(record("deb12", states)))
    found = {case.attrib["name"][:6]: case[0] for case in root.iter("testcase") if len(case)}
    assert {name: element.tag for name, element in found.items()} == {
        "M08-01": "failure",
        "M08-02": "error",
        "M08-03": "skipped",
        "M07-05": "skipped",
    }
    failure = found["M08-01"]
    assert failure.attrib["type"] == "non_compliant"
    assert failure.text == failure.attrib["message"]
    assert "attendu ≥\N{NO-BREAK SPACE}12, observé 8" in failure.attrib["message"]
    assert found["M08-02"].attrib["type"] == "not_verified"
    assert "sshd -T" in found["M08-02"].attrib["message"]
    assert "Responsable informatique" in found["M07-05"].attrib["message"]
    assert "31/01/2027" in found["M07-05"].attrib["message"]


def test_a_host_nobody_saw_is_an_error_for_each_control() -> None:
    root = parse(document(silent("deb12", "Host unreachable: timed out")), "en")
    assert int(root.attrib["errors"]) == len(CONTROLS)
    assert "unreachable" in root.findall("testsuite/testcase/error")[0].attrib["message"]


@pytest.mark.parametrize("hosts", [0, 1])
def test_a_document_without_results_fails(hosts: int) -> None:
    made = document(silent("deb12", "Host unreachable: timed out"))
    made["results"], made["hosts"] = [], made["hosts"][:hosts]
    root = parse(made)
    assert (root.attrib["tests"], root.attrib["errors"]) == ("1", "1")


def test_more_settings_than_anybody_reads_are_counted() -> None:
    made = document(record("deb12", {"M08-01": "fail"}))
    (result,) = [result for result in made["results"] if result["verdict"] == "non_compliant"]
    result["settings"] *= 500
    (failure,) = parse(made).iter("failure")
    assert "et 488 autres réglages" in failure.attrib["message"]


def test_hostile_content_is_well_formed() -> None:
    made = hostile()
    root = parse(made)
    assert len(root) == len(made["hosts"])
    assert len(list(root.iter("testcase"))) == len(made["results"]) + 1
