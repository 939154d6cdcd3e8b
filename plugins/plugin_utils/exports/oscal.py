# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OSCAL assessment results (JSON): hosts, what was observed on each, one finding per control.

A control is ``satisfied`` only when every host it applies to is compliant. Anything else is ``not-satisfied``: with
reason ``fail`` when a host is not compliant, with reason ``other`` when hosts were not verified or are under a waiver.
A waiver is a risk with status ``deviation-approved`` and its end as deadline. A control that applies to no host has no
finding.

Nothing here writes an assessment plan, which the format wants to be named: the document points to a resource of its own
that says so.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import telling
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, HostState, Result, Waived
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

VERSION = "1.1.3"

#: Of the names of properties that OSCAL does not define.
NAMESPACE = "urn:essms:hardening"

_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, NAMESPACE)

_TEXTS = {
    "fr": {
        "title": "Résultats de essms.hardening\N{NO-BREAK SPACE}: {}",
        "plan": "Aucun plan d’évaluation. Sont évalués les contrôles du catalogue de essms.hardening.",
        "result": "Ce qui a été constaté sur chaque machine par essms.hardening, sans valeur de certification.",
        "silent": "Machine sans aucun résultat.",
        "risk": "Écart accepté par dérogation.",
    },
    "en": {
        "title": "Results of essms.hardening: {}",
        "plan": "No assessment plan is written: what is assessed are the controls of the catalogue of essms.hardening.",
        "result": "What essms.hardening found on each host; this certifies nothing.",
        "silent": "Host without any result.",
        "risk": "Gap accepted under a waiver.",
    },
}


def render(document: Document, catalogue: Catalogue, language: str) -> str:
    """Return the assessment results as JSON text; the same document always gives the same identifiers."""
    words = Words(language)
    texts = _TEXTS[words.language]
    run = (document["establishment"], document["mode"], document["started"], document["finished"])
    plan = _id("plan", *run)
    made = {
        "uuid": _id("document", *run),
        "metadata": {
            "title": texts["title"].format(telling.name(document["establishment"]) or "-"),
            "last-modified": document["finished"],
            "version": document["finished"],
            "oscal-version": VERSION,
        },
        "import-ap": {"href": f"#{plan}"},
        "results": [_Run(document, catalogue, words).result(run)],
        "back-matter": {"resources": [{"uuid": plan, "description": texts["plan"]}]},
    }
    # on one line: indenting takes several times as long, and no person reads this
    return json.dumps({"assessment-results": made}, ensure_ascii=False, allow_nan=False) + "\n"


class _Run:
    """One result of the format, which stands for one run."""

    def __init__(self, document: Document, catalogue: Catalogue, words: Words) -> None:
        self._document = document
        self._catalogue = catalogue
        self._words = words
        self._texts = _TEXTS[words.language]
        site = document["establishment"]
        # the same host is the same item in every run
        self._items = {host["name"]: _id("host", site, host["name"]) for host in document["hosts"]}
        self._names = {host["name"]: telling.name(host["name"]).strip() or "-" for host in document["hosts"]}

    def result(self, run: tuple[str, ...]) -> dict[str, Any]:
        by_control: dict[str, list[Result]] = defaultdict(list)
        observations, risks = [], []
        for item in self._document["results"]:
            by_control[item["control"]].append(item)
            observations.append(self._observation(item, _id("observation", *run, item["control"], item["host"])))
            if item["verdict"] == verdicts.WAIVED and item["waiver"]:
                risks.append(self._risk(item, item["waiver"], run))
        silent = telling.without_result(self._document)
        observations += [self._silence(host, _id("observation", *run, "", host["name"])) for host in silent]
        made: dict[str, Any] = {
            "uuid": _id("result", *run),
            "title": telling.name(self._document["establishment"]).strip() or "-",
            "description": self._texts["result"],
            "start": self._document["started"],
            "end": self._document["finished"],
            "props": list(self._props(mode=self._document["mode"], profile=self._document["profile"])),
            "reviewed-controls": {"control-selections": [_selection(by_control)]},
        }
        items = [self._item(host) for host in self._document["hosts"]]
        findings = [
            self._finding(control, found, run)
            for control, found in sorted(by_control.items())
            if any(item["verdict"] != verdicts.NOT_APPLICABLE for item in found)
        ]
        # the format has no empty lists
        if items:
            made["local-definitions"] = {"inventory-items": items}
        made |= {
            key: value
            for key, value in (("observations", observations), ("risks", risks), ("findings", findings))
            if value
        }
        return made

    def _item(self, host: HostState) -> dict[str, Any]:
        system = " ".join(filter(None, (host["platform"].get("id"), host["platform"].get("version"))))
        return {
            "uuid": self._items[host["name"]],
            "description": self._names[host["name"]],
            "props": list(self._props(state=host["state"], system=system)),
        }

    def _observation(self, item: Result, identifier: str) -> dict[str, Any]:
        told = telling.explanation(item, self._words)
        verdict = telling.verdict(item["verdict"], self._words)
        return {
            "uuid": identifier,
            "title": f"{item['control']} {self._names.get(item['host'], '-')}",
            "description": self._words("colon", verdict, told) if told else verdict,
            "props": list(self._props(control=item["control"], verdict=item["verdict"], evidence=item["evidence"])),
            "methods": ["TEST-AUTOMATED"],
            "types": ["control-objective"],
            "subjects": self._subject(item["host"]),
            "relevant-evidence": [{"description": line} for line in self._evidence(item)],
            "collected": item.get("seen") or self._document["finished"],
        }

    def _evidence(self, item: Result) -> Iterable[str]:
        """Return one line per setting, at least one and at most thirty."""
        rows = item["settings"][:30]
        lines = [f"{self._words.name(row)} = {self._words.value(row['observed'])}" for row in rows]
        return lines or [telling.explanation(item, self._words) or "-"]

    def _silence(self, host: HostState, identifier: str) -> dict[str, Any]:
        return {
            "uuid": identifier,
            "description": telling.reason(host["problem"], self._words) or self._texts["silent"],
            "props": list(self._props(verdict=verdicts.NOT_VERIFIED)),
            "methods": ["TEST-AUTOMATED"],
            "subjects": self._subject(host["name"]),
            "collected": self._document["finished"],
        }

    def _subject(self, host: str) -> list[dict[str, str]]:
        identifier = self._items.get(host) or _id("host", self._document["establishment"], host)
        return [{"subject-uuid": identifier, "type": "inventory-item", "title": self._names.get(host, "-")}]

    def _risk(self, item: Result, waiver: Waived, run: tuple[str, ...]) -> dict[str, Any]:
        return {
            "uuid": _id("risk", *run, item["control"], item["host"]),
            "title": f"{item['control']} {self._names.get(item['host'], '-')}",
            "description": self._texts["risk"],
            "statement": telling.waived(waiver, self._words),
            "status": "deviation-approved",
            "deadline": f"{waiver['end']}T23:59:59Z",
        }

    def _finding(self, control: str, found: list[Result], run: tuple[str, ...]) -> dict[str, Any]:
        counts = Counter(item["verdict"] for item in found)
        state, reason = _status(counts)
        told = self._words("semicolon").join(
            self._words.count(verdict, counts[verdict]) for verdict in verdicts.VERDICTS if counts[verdict]
        )
        made = {
            "uuid": _id("finding", *run, control),
            "title": f"{control} {telling.title(self._catalogue, control, self._words)}",
            "description": told,
            "target": {
                "type": "objective-id",
                "target-id": control,
                "status": {"state": state, "reason": reason, "remarks": told},
            },
            "related-observations": [
                {"observation-uuid": _id("observation", *run, control, item["host"])} for item in found
            ],
        }
        risks = [item for item in found if item["verdict"] == verdicts.WAIVED and item["waiver"]]
        if risks:
            made["related-risks"] = [{"risk-uuid": _id("risk", *run, control, item["host"])} for item in risks]
        return made

    def _props(self, **values: str) -> Iterable[dict[str, str]]:
        for name, value in values.items():
            shown = telling.text(value).strip()
            if shown:
                yield {"name": name, "ns": NAMESPACE, "value": shown}


def _status(counts: Counter[str]) -> tuple[str, str]:
    """Return state and reason of a control from how many of its hosts carry each verdict."""
    if counts[verdicts.NON_COMPLIANT]:
        return "not-satisfied", "fail"
    if counts[verdicts.NOT_VERIFIED] or counts[verdicts.WAIVED] or not counts[verdicts.COMPLIANT]:
        return "not-satisfied", "other"
    return "satisfied", "pass"


def _selection(controls: Iterable[str]) -> dict[str, Any]:
    named = [{"control-id": control} for control in sorted(controls)]
    return {"include-controls": named} if named else {"include-all": {}}


def _id(*parts: str) -> str:
    """Return an identifier that depends on what it names and on nothing else."""
    # as JSON, so that no two lists of parts look alike, and a lone surrogate is escaped
    return str(uuid.uuid5(_ROOT, json.dumps(parts)))
