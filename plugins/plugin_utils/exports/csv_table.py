# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""CSV for a spreadsheet: one line per setting of each control on each host, or one line where there is no setting.

UTF-8 with a byte order mark, fields in quotes separated by semicolons, lines ended by CR LF: what a French LibreOffice
Calc or Excel opens by a double click without asking.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import telling
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, HostState, Result
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

HEADINGS = {
    "fr": (
        "Établissement", "Date", "Machine", "Groupes", "Mesure", "Contrôle", "Intitulé", "Verdict", "Réglage",
        "Nom technique", "Attendu", "Observé", "État du réglage", "Explication", "Origine de l’exigence", "Preuve",
        "Fin de dérogation", "Responsable de la dérogation", "Motif de la dérogation",
    ),
    "en": (
        "Establishment", "Date", "Host", "Groups", "Measure", "Control", "Title", "Verdict", "Setting",
        "Technical name", "Expected", "Observed", "State of the setting", "Explanation", "Origin of the requirement",
        "Evidence", "End of waiver", "Owner of the waiver", "Reason of the waiver",
    ),
}  # fmt: skip

_ORIGINS = {
    "fr": {"instruction": "instruction", "pgssi-s": "PGSSI-S", "state-of-the-art": "état de l’art"},
    "en": {"instruction": "instruction", "pgssi-s": "PGSSI-S", "state-of-the-art": "state of the art"},
}

_STATES = {
    "ok": verdicts.COMPLIANT,
    "fail": verdicts.NON_COMPLIANT,
    "not_applicable": verdicts.NOT_APPLICABLE,
    "unknown": verdicts.NOT_VERIFIED,
}

#: What a spreadsheet takes for a formula: at the start of a cell, or after what another locale takes for a separator.
_FORMULA = re.compile(r"(^|[,;\t]\s*)(?=[=+\-@\t\r＝＋－＠])")


def render(document: Document, catalogue: Catalogue, language: str) -> str:
    """Return the table, its first line the headings."""
    words = Words(language)
    file = io.StringIO()
    file.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    table = csv.writer(file, delimiter=";", quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    table.writerow(HEADINGS[words.language])
    groups = {host["name"]: telling.text(host["groups"]) for host in document["hosts"]}
    for result in document["results"]:
        start = _safe(_about(document, result, groups.get(result["host"], ""), catalogue, words))
        end = _safe(_rest(result, words))
        rows: list[dict[str, Any] | None] = [*result["settings"]]
        for row in rows or [None]:
            table.writerow([*start, *_safe(_setting(row, result, words)), *end])
    for host in telling.without_result(document):
        table.writerow(_safe(_silent(document, host, groups[host["name"]], words)))
    return file.getvalue()


def _silent(document: Document, host: HostState, groups: str, words: Words) -> Iterator[str]:
    """Yield the cells of a host of which there is no result."""
    yield telling.name(document["establishment"])
    yield _moment(document["finished"])
    yield telling.name(host["name"])
    yield groups
    yield from ("", "", "", telling.verdict(verdicts.NOT_VERIFIED, words), "", "", "", "", "")
    yield telling.problem(host["problem"], words)
    yield from ("", "", "", "", "")


def _about(document: Document, result: Result, groups: str, catalogue: Catalogue, words: Words) -> Iterator[str]:
    yield telling.name(document["establishment"])
    yield _moment(result.get("seen") or document["finished"])
    yield telling.name(result["host"])
    yield groups
    yield telling.measure(catalogue, result["measure"], words)
    yield result["control"]
    yield telling.title(catalogue, result["control"], words)
    yield telling.verdict(result["verdict"], words)


def _setting(row: dict[str, Any] | None, result: Result, words: Words) -> Iterator[str]:
    if row is None:
        yield from ("", "", "", "", "", telling.explanation(result, words))
        return
    yield words.name(row)
    yield telling.text(f"{row['kind']}: {row['name']}", 120)
    yield words(row["rule"], telling.text(words.value(row["expected"])))
    yield telling.text(words.value(row["observed"]))
    yield telling.verdict(_STATES[row["state"]], words)
    yield telling.reason(row["reason"] or result["reason"], words)


def _rest(result: Result, words: Words) -> tuple[str, ...]:
    waiver = result["waiver"]
    origin = _ORIGINS[words.language].get(result["origin"]) or telling.text(result["origin"])
    about = (origin, telling.evidence(result["evidence"], words))
    if not waiver:
        return (*about, "", "", "")
    return (*about, waiver["end"], telling.text(waiver["owner"]), telling.text(waiver["reason"]))


def _moment(instant: str) -> str:
    """Return an instant in the time zone of this machine, in the form that every spreadsheet takes for a date."""
    return datetime.fromisoformat(instant).astimezone().strftime("%Y-%m-%d %H:%M")


def _safe(cells: Iterable[str]) -> list[str]:
    """Return cells that no spreadsheet runs: an apostrophe before each character that would begin a formula."""
    return [_FORMULA.sub(r"\1'", cell) for cell in cells]
