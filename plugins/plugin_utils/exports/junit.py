# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JUnit XML, so that a continuous integration fails on what it must.

One test suite per host, one test case per control. ``non_compliant`` is a failure, ``not_verified`` an error (what
nobody saw is not passing); ``waived`` and ``not_applicable`` are skipped, with the reason. A host of which there is no
result is one error, and so is a document without any host: a file without test cases would pass.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from xml.etree import ElementTree as ET

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import telling
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, HostState, Result
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

#: The element that each verdict puts inside its test case; none for ``compliant``.
ELEMENTS = {
    verdicts.NON_COMPLIANT: "failure",
    verdicts.NOT_VERIFIED: "error",
    verdicts.WAIVED: "skipped",
    verdicts.NOT_APPLICABLE: "skipped",
}

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}

_NOTHING = {
    "fr": "Rien n’a été vérifié\N{NO-BREAK SPACE}: aucune machine.",
    "en": "Nothing was verified: there is no host.",
}


def render(document: Document, catalogue: Catalogue, language: str) -> str:
    """Return the XML text."""
    words = Words(language)
    by_host: dict[str, list[Result]] = defaultdict(list)
    for result in document["results"]:
        by_host[result["host"]].append(result)
    root = ET.Element("testsuites", name=f"essms.hardening {telling.name(document['establishment'])}")
    for host in document["hosts"]:
        root.append(_suite(document, host, by_host[host["name"]], catalogue, words))
    if not document["hosts"]:
        suite = ET.SubElement(root, "testsuite", name=telling.name(document["establishment"]))
        _case(suite, "essms", "hosts", verdicts.NOT_VERIFIED, _NOTHING[words.language])
        _count(suite)
    for attribute in ("tests", "failures", "errors"):
        root.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in root)))
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(
    document: Document, host: HostState, results: list[Result], catalogue: Catalogue, words: Words
) -> ET.Element:
    name = telling.name(host["name"])
    suite = ET.Element("testsuite", name=name, hostname=name, timestamp=document["started"].rstrip("Z").split(".")[0])
    properties = ET.SubElement(suite, "properties")
    for key, value in (
        ("profile", host["profile"]),
        ("mode", document["mode"]),
        ("platform", " ".join(host["platform"].values())),
        ("groups", ", ".join(host["groups"])),
    ):
        ET.SubElement(properties, "property", name=key, value=telling.text(value))
    for result in results:
        # a dot separates packages where classes are shown as a tree
        group = f"{result['measure']}.{name.replace('.', '_')}"
        title = f"{result['control']} {telling.title(catalogue, result['control'], words)}"
        _case(suite, group, title, result["verdict"], telling.explanation(result, words))
    if not results:
        _case(
            suite,
            f"essms.{name.replace('.', '_')}",
            "host",
            verdicts.NOT_VERIFIED,
            telling.problem(host["problem"], words),
        )
    _count(suite)
    return suite


def _case(suite: ET.Element, group: str, name: str, verdict: str, why: str) -> None:
    case = ET.SubElement(suite, "testcase", classname=group, name=name, time="0")
    if verdict in ELEMENTS:
        element = ET.SubElement(case, ELEMENTS[verdict], message=why)
        if ELEMENTS[verdict] != "skipped":
            element.set("type", verdict)
            element.text = why


def _count(suite: ET.Element) -> None:
    found = Counter(child.tag for case in suite.iter("testcase") for child in case)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for attribute, tag in _COUNTED.items():
        suite.set(attribute, str(found[tag]))
