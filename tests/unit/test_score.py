# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scoreboard: what it reads in the scanners' reports, and that no failure stays without a reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tools.score import __main__ as command
from tools.score import findings, reasons, target

XCCDF = """<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2"><TestResult>
{rules}<score system="urn:xccdf:scoring:default" maximum="100">{score}</score></TestResult></Benchmark>"""
RULE = '<rule-result idref="xccdf_org.ssgproject.content_rule_{name}"><result>{said}</result></rule-result>'
LYNIS = "hardening_index=87\nsuggestion[]=SSH-7408|Consider it|-|-|\nwarning[]=KRNL-5788|Missing|-|-|\nother=1\n"


def reports(folder: Path, **profiles: dict[str, str]) -> findings.Findings:
    """Write the reports of a host on which each rule of each profile said something, and read them."""
    folder.mkdir(exist_ok=True)
    for profile, rules in profiles.items():
        said = "".join(RULE.format(name=name, said=said) for name, said in rules.items())
        (folder / f"{profile}.xml").write_text(XCCDF.format(rules=said, score="81.2500"), encoding="utf-8")
    (folder / "lynis.dat").write_text(LYNIS, encoding="utf-8")
    return findings.read(folder, list(profiles))


def test_scores_and_failures_are_read(tmp_path: Path) -> None:
    found = reports(
        tmp_path,
        minimal={"a": "pass", "b": "fail", "c": "notapplicable"},
        high={"a": "pass", "b": "pass", "d": "error", "e": "notselected"},
    )
    assert found.scores() == {"lynis": 87, "openscap": {"minimal": 81.2, "high": 81.2}}
    assert found.failed == ("b", "d", "KRNL-5788", "SSH-7408")
    assert found.passed == ("a",)
    assert len(found.advice) == 2


def test_a_failure_without_a_reason_comes_first_and_says_so() -> None:
    left = reasons.remaining(["a", "b"], {"a": "because"})
    assert left == [{"rule": "b", "reason": "unexplained"}, {"rule": "a", "reason": "because"}]


def test_a_reason_of_a_rule_that_no_longer_fails_is_stale() -> None:
    assert reasons.stale(["a"], {"a": "because", "gone": "because"}) == ["gone"]


def test_the_reasons_of_the_project_are_complete() -> None:
    assert all(len(text) > 40 for kind in target.KINDS for text in reasons.load(kind).values())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("- {rules: [a], why: container}", "needs rules"),
        ("- {rules: [a], why: laziness, reason: none}", "needs rules"),
        ("- {rules: [a, a], why: container, reason: none}", "explains a twice"),
    ],
)
def test_an_incomplete_reason_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "reasons.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(reasons.ReasonError, match=wrong):
        reasons.load("container", path)


@pytest.mark.parametrize(
    ("explained", "problems", "code"),
    [({"b": "because"}, [], 0), ({}, [], 1), ({"b": "x", "gone": "x"}, [], 1), ({"b": "x"}, ["sudo -n"], 1)],
)
def test_the_command_prints_json_alone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    explained: dict[str, str],
    problems: list[str],
    code: int,
) -> None:
    found = reports(tmp_path, minimal={"a": "pass", "b": "fail"})
    monkeypatch.setattr(command, "_measured", lambda _kind, **_options: (found, found, list(problems)))
    advised = dict.fromkeys(("KRNL-5788", "SSH-7408"), "advice")
    monkeypatch.setattr(reasons, "load", lambda _kind: {**explained, **advised})
    assert command.main([]) == code
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {"before", "after", "remaining"}
    reasons_left = {item["rule"]: item["reason"] for item in printed["remaining"]}
    assert reasons_left == {"b": explained.get("b", "unexplained"), **advised}
