# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What several exports say alike: who and what a result is about, why it is so, and how long a text may get."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.report.texts import TEXTS
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, HostState, Result
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

#: Longest text that comes from a host or a person, in characters.
TEXT = 500

#: Longest name of a host, a group or an establishment, in characters.
NAME = 120

#: Settings named in one explanation; the rest are counted.
_SETTINGS = 12

#: Rows that explain a verdict, by their state; ``fail`` also explains why there is a waiver.
_TELLING = {
    verdicts.NON_COMPLIANT: ("fail",),
    verdicts.WAIVED: ("fail",),
    verdicts.NOT_VERIFIED: ("unknown",),
    verdicts.NOT_APPLICABLE: ("not_applicable",),
}


def text(value: object, limit: int = TEXT) -> str:
    """Return one printable line of at most ``limit`` characters."""
    return printable(value, limit)


def name(value: str) -> str:
    """Return a printable name of at most ``NAME`` characters; two names that differ stay two."""
    short = printable(value, NAME)
    if short == value:
        return short
    return f"{printable(value, NAME - 9)}-{hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()[:8]}"


def verdict(word: str, words: Words) -> str:
    """Return a verdict as the report calls it, too: « non conforme »."""
    return _said(f"verdict_{word}", words)


def evidence(word: str, words: Words) -> str:
    """Return in plain words how far tests have shown a control."""
    return _said(f"evidence_{word}", words)


def _said(key: str, words: Words) -> str:
    return words.title({words.language: str(TEXTS[words.language][key])})


def title(catalogue: Catalogue, control: str, words: Words) -> str:
    """Return the title of a control; of one that this version does not know, its id."""
    known = catalogue.controls.get(control)
    return words.title(known.title) if known else control


def measure(catalogue: Catalogue, measure: str, words: Words) -> str:
    """Return the title of a measure; of one that this version does not know, its id."""
    known = catalogue.measures.get(measure)
    return words.title(known.title) if known else measure


def reason(sentence: str, words: Words) -> str:
    """Return a sentence of the engine in the language of the reader, on one line."""
    return text(words.note(sentence))


def problem(sentence: str, words: Words) -> str:
    """Return why a host could not be verified in plain words, and the technical sentence; empty when there is none."""
    if not sentence:
        return ""
    return f"{words.advice(sentence[:TEXT]).problem} ({reason(sentence, words)})"


def explanation(result: Result, words: Words) -> str:
    """Return why a result has its verdict, as one line: settings, reason and waiver; empty for ``compliant``."""
    return words("semicolon").join(_pieces(result, words))


def _pieces(result: Result, words: Words) -> Iterator[str]:
    verdict = result["verdict"]
    if verdict in _TELLING:
        rows = [row for row in result["settings"] if row["state"] in _TELLING[verdict]]
        if verdict != verdicts.NOT_APPLICABLE:
            yield from (words.gap(row) for row in rows[:_SETTINGS])
            if len(rows) > _SETTINGS:
                yield words.count("more_settings", len(rows) - _SETTINGS)
        told = result["reason"] or next((row["reason"] for row in rows if row["reason"]), "")
        if told and told not in [row["reason"] for row in rows if verdict != verdicts.NOT_APPLICABLE]:
            # without any setting nothing was looked at, which has to do with the host and not with the control
            yield problem(told, words) if _nothing_seen(result) else reason(told, words)
    waiver = result["waiver"]
    if waiver and verdict == verdicts.WAIVED:
        yield waived(waiver, words)


def _nothing_seen(result: Result) -> bool:
    return result["verdict"] == verdicts.NOT_VERIFIED and not result["settings"]


def waived(waiver: Mapping[str, Any], words: Words) -> str:
    """Return until when, why and under whose responsibility something is set aside."""
    return words("waiver", end=words.day(waiver["end"]), reason=text(waiver["reason"]), owner=text(waiver["owner"]))


def without_result(document: Document) -> list[HostState]:
    """Return the hosts of which there is no result at all: an export that left them out would look complete."""
    told = {result["host"] for result in document["results"]}
    return [host for host in document["hosts"] if host["name"] not in told]
