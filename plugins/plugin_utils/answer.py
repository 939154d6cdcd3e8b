# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge where what a host says comes in: checked, bounded and without passwords before anything else reads it.

A host that was taken over, or whose Python is not what it seems, can answer anything. What does not have the form of
an answer costs this host its verdicts, and no other host anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils.bounded import bounded, deeper
from ansible_collections.essms.hardening.plugins.plugin_utils.credentials import masked
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.results_check import RULES, STATES

#: Largest answer, in bytes of JSON: some hundred times that of 120 controls.
LIMIT = 16 * 2**20

#: Deepest nesting of a whole answer; a value in it is bounded on its own.
_DEPTH = 30

#: Longest sentence kept of a host, in characters.
_SENTENCE = 1000

#: Longest time a part of a run may have taken, in seconds; more only stands in an answer that was made up.
_LONGEST = 10**6

#: Longest name or word, in characters.
_WORD = 1000

_DIFF = ("before_header", "after_header", "before", "after")
_PIECES = re.compile(r"[\n\t]|[^\n\t]+")
_FIXED = frozenset({"control", "kind", "rule", "state"})
_ROW = frozenset({"control", "kind", "name", "expected", "rule", "observed", "state", "reason"})
_PLATFORM = frozenset({"id", "version", "family"})
_SECONDS = frozenset({"module", "process", "packages"})
_FAMILIES = frozenset({"", "debian", "redhat"})
_TRANSACTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class AnswerError(ValueError):
    """What a host sent is no answer; its text is one printable sentence: what is wrong, what to do."""


def checked(response: object) -> dict[str, Any]:
    """Return the response of a host as the rest may trust its form.

    Sentences are printable and bounded, values bounded, addresses without their login. Raises AnswerError for a
    response that does not have the form the engine gives it, see ``module_utils/engine/run.py``.
    """
    if not isinstance(response, dict):
        raise _wrong("it is no map")
    _measure(response)
    for part, known in _PARTS.items():
        if part not in response:
            raise _wrong(f"{part} is missing")
        if not known(response[part]):
            raise _wrong(f"{part} has another form")
    for part, known in _OPTIONAL.items():
        if part in response and not known(response[part]):
            raise _wrong(f"{part} has another form")
    if response.get("packages_missing") and not response["platform"]["family"]:
        raise _wrong("packages_missing names packages of no known platform")
    kept = {part: response[part] for part in (*_PARTS, *_OPTIONAL) if part in response}
    return {
        **kept,
        "rows": [_row(row) for row in response["rows"]],
        "failed": {control: _said(reason) for control, reason in response["failed"].items()},
        "notes": [_said(note) for note in response["notes"]],
        "problem": _said(response["problem"]),
    }


def diffs(found: object) -> list[dict[str, str]]:
    """Return what a host says it changes in files; nothing in it acts on a terminal, no address holds a login."""
    items = [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
    return [{key: _plain(item[key]) for key in _DIFF if isinstance(item.get(key), str)} for item in items]


def _plain(text: str) -> str:
    """Return text of several lines as :func:`printable` does one line, but whole."""
    pieces = (part if part in "\n\t" else printable(part, 10 * len(part)) for part in _PIECES.findall(text))
    return str(masked("".join(pieces)))


def _wrong(what: str) -> AnswerError:
    return AnswerError(
        f"What this host sent is no answer of essms.hardening ({printable(what, 200)}): look at this host before you"
        " trust it, something on it changes what is sent."
    )


def _measure(response: dict[Any, Any]) -> None:
    """Refuse a response that is no JSON, too large or too deep for whoever reads it next."""
    if deeper(response, _DEPTH):
        raise _wrong(f"it nests lists and maps more than {_DEPTH} levels deep")
    try:
        size = len(json.dumps(response, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise _wrong(f"it is no JSON: {error}") from error
    if size > LIMIT:
        raise _wrong(f"it is larger than {LIMIT // 2**20} MB")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value if key in _FIXED else masked(bounded(value)) for key, value in row.items()}


def _said(sentence: str) -> str:
    return str(masked(printable(sentence, _SENTENCE)))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _WORD


def _are(known: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return the check of a list of what another check knows."""
    return lambda value: isinstance(value, list) and all(map(known, value))


def _is_row(row: object) -> bool:
    return (
        isinstance(row, dict)
        and row.keys() == _ROW
        and _is_word(row["control"])
        and _is_text(row["kind"])
        and row["kind"] in KINDS
        and _is_word(row["name"])
        and _is_text(row["rule"])
        and row["rule"] in RULES
        and _is_text(row["state"])
        and row["state"] in STATES
        and _is_text(row["reason"])
    )


def _is_earlier_row(row: object) -> bool:
    return isinstance(row, dict) and _is_word(row.get("control")) and _is_text(row.get("state"))


def _is_platform(value: object) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == _PLATFORM
        and all(_is_text(text) and len(text) <= _WORD for text in value.values())
        and value["family"] in _FAMILIES
    )


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _LONGEST


def _are_seconds(value: object) -> bool:
    return isinstance(value, dict) and value.keys() <= _SECONDS and all(map(_is_time, value.values()))


def _are_reasons(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_word, value)) and all(map(_is_text, value.values()))


def _is_transaction(value: object) -> bool:
    return value is None or (isinstance(value, str) and _TRANSACTION.fullmatch(value) is not None)


_are_words = _are(_is_word)

_PARTS: dict[str, Callable[[Any], bool]] = {
    "platform": _is_platform,
    "rows": _are(_is_row),
    "changed": _are_words,
    "failed": _are_reasons,
    "transaction": _is_transaction,
    "armed": lambda value: isinstance(value, bool),
    "notes": _are(_is_text),
    "memory": lambda value: isinstance(value, dict),
    "problem": _is_text,
    "seconds": _are_seconds,
}
"""What every response holds, and how each part is recognised."""

_OPTIONAL: dict[str, Callable[[Any], bool]] = {
    "rows_before": _are(_is_earlier_row),
    "packages_missing": _are_words,
    "packages_planned": _are_words,
    "packages_to_remove": _are_words,
    "packages_to_restore": _are_words,
    "transaction_status": _is_word,
}
"""What a response may hold beside."""
