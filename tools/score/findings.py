# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scanners' reports say: scores, rules that failed, rules that passed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

_XCCDF = "{http://checklists.nist.gov/xccdf/1.2}"
_RULE = "xccdf_org.ssgproject.content_rule_"
_FAILED = {"fail", "error", "unknown"}


@dataclass(frozen=True)
class Findings:
    """One host as both scanners see it.

    :param lynis: hardening index, 0 to 100.
    :param openscap: score of each profile, 0 to 100.
    :param failed: rules that failed in at least one profile, then the tests of Lynis that ended in a warning or an
        advice.
    :param passed: rules that passed wherever they were judged.
    :param advice: what Lynis warns of and suggests, one line each.
    """

    lynis: int
    openscap: dict[str, float]
    failed: tuple[str, ...]
    passed: tuple[str, ...]
    advice: tuple[str, ...]

    def scores(self) -> dict[str, Any]:
        """Return the scores as the command prints them."""
        return {"lynis": self.lynis, "openscap": self.openscap}


def read(folder: Path, profiles: Sequence[str]) -> Findings:
    """Read the reports that a measure kept in a folder: ``<profile>.xml`` and ``lynis.dat``."""
    scores: dict[str, float] = {}
    results: dict[str, set[str]] = {}
    for profile in profiles:
        found = ET.parse(folder / f"{profile}.xml").getroot().find(f".//{_XCCDF}TestResult")
        if found is None:
            raise ValueError(f"{folder / profile}.xml holds no result: run the measure again.")
        scores[profile] = round(float(found.findtext(f"{_XCCDF}score", "0")), 1)
        for rule in found.iter(f"{_XCCDF}rule-result"):
            name = rule.get("idref", "").removeprefix(_RULE)
            results.setdefault(name, set()).add(rule.findtext(f"{_XCCDF}result", ""))
    failed = {name for name, said in results.items() if said & _FAILED}
    passed = {name for name, said in results.items() if "pass" in said} - failed
    lynis = [line.partition("=")[::2] for line in (folder / "lynis.dat").read_text("utf-8").splitlines()]
    advice = [(key[:-2], value) for key, value in lynis if key in ("warning[]", "suggestion[]")]
    tests = {value.partition("|")[0] for _kind, value in advice}
    return Findings(
        lynis=int(dict(lynis)["hardening_index"]),
        openscap=scores,
        failed=(*sorted(failed), *sorted(tests)),
        passed=tuple(sorted(passed)),
        advice=tuple(" ".join(each) for each in advice),
    )
