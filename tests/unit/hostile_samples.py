# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results as somebody would write them who controls a host, an inventory or a waiver and wants to harm a reader."""

from __future__ import annotations

from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from tests.unit.result_samples import CONTROLS, WAIVER, control, document, record, row, silent

STRINGS = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "markup in quotes": "\"'><svg/onload=alert(1)>&amp;",
    "end of CDATA": "]]><!--",
    "right to left": "srv\u202efdp.exe\u2066",
    "new lines": 'a\nb\r\nc\u2028d\x85e",verdict="compliant"} 1\nfake_metric 1',
    "control characters": "\x00\x01\x08\x0b\x1b[2J\x1b]0;owned\x07\x7f\x9b",
    "no characters": "\ufffe\uffff\U0001ffff",
    "lone surrogate": "a\ud800b\udfff",
    "formula": "=cmd|' /C calc'!A0",
    "formula, plus": "+1+cmd|' /C calc'!A0",
    "formula, minus": "-1+1",
    "formula, at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula, tab": "\t=1+1",
    "formula, carriage return": "\r=1+1",
    "formula, full width": "＝1+1",
    "formula, second cell": 'x";=1+1;,=2+2',
    "template": "{{ 7 * 7 }}{% raw %}${7*7}",
    "path": "../../../etc/passwd",
    "backslash": "\\",
    "a million": "x" * 1_000_000,
    "a million pieces": "; " * 500_000,
    "spaces": " \N{NO-BREAK SPACE}\u3000 ",
}


def hostile(longest: int = 1_000_000) -> Document:
    """Return a valid document in which each of these strings, cut to ``longest``, stands wherever a text may stand."""
    strings = dict.fromkeys(text[:longest] for text in STRINGS.values())
    records = [*map(_record, strings), silent("mute\x1b\n", "down: <b>\ud800\n" * 1000)]
    made = document(*records)
    sent = {(item["control"], host["host"]): item for host in records for item in host["controls"]}
    for result in made["results"]:
        # a run cuts what is too large; another document need not come from one
        result["settings"] = sent[result["control"], result["host"]]["settings"]
        result["reason"] = sent[result["control"], result["host"]]["reason"]
    made["establishment"] = STRINGS["new lines"] + STRINGS["path"]
    made["identity"] = dict.fromkeys(("name", "finess", "category"), STRINGS["markup in quotes"])
    made["versions"] = {"ansible": STRINGS["lone surrogate"], "collection": STRINGS["formula"], STRINGS["markup"]: ""}
    made["waivers"] = [{**WAIVER, **_texts(text), "state": "expiring"} for text in strings]  # type: ignore[typeddict-item]
    made["hosts"].append({**made["hosts"][0], "name": "host\u202ewithout", "state": "not_verified", "problem": "\x00"})
    return made


def _record(text: str) -> dict[str, Any]:
    values: list[object] = [text, [text] * 3, {text: [text]}, [[[[text]]]]]
    states = ("ok", "fail", "unknown", "not_applicable")
    controls = []
    for number, name in enumerate(CONTROLS):
        value = values[number % len(values)]
        odd = row(name, states[number % len(states)], observed=value, expected=value, name=text, kind=text, reason=text)
        waiver = {**WAIVER, **_texts(text)} if number % 3 else None
        made = control(name, [odd] * 3, waiver, reason=text)  # type: ignore[arg-type]
        controls.append({**made, "origin": text})
    return record(
        text, controls=controls, groups=[text], profile=text, platform={"id": text, text: text}, transaction=text
    )


def _texts(text: str) -> dict[str, str]:
    return dict.fromkeys(("control", "name", "reason", "owner", "approved_by", "orphan"), text)
