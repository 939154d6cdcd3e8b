# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a document obeys schema/results.schema.json, fast enough for a whole fleet.

The schema alone decides. What is here only recognises, by plain Python, the waivers, hosts and results that obey it for
certain (their ordinary forms); jsonschema looks at the frame of the document and at whatever is left. A test compares
the two on documents that were broken at random.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

SCHEMA_FILE = Path(__file__).parents[2] / "schema" / "results.schema.json"

_DAY = re.compile(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]")
_INSTANT = re.compile(r"[0-9]{4}-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9](\.[0-9]{1,9})?Z")
_CONTROL = re.compile(r"M[0-9][0-9]-[0-9][0-9]")
_MEASURE = re.compile(r"M[0-9][0-9]")

_VERDICTS = frozenset(verdicts.VERDICTS)
_EVIDENCE = frozenset({"proven", "enforced-ad", "cross-checked", "simulated", "not-exercised"})
RULES = frozenset({"equals", "at_least", "at_most", "one_of", "includes"})
STATES = frozenset({"ok", "fail", "unknown", "not_applicable"})

_WAIVER = frozenset({"control", "scope", "name", "reason", "owner", "approved_by", "start", "end", "state", "orphan"})
_HOST = frozenset({"name", "groups", "state", "problem", "profile", "platform", "transaction", "guard", "seconds"})
_RESULT = frozenset(
    {
        "control", "measure", "host", "verdict", "before_verdict", "settings", "evidence", "origin", "reason",
        "parameters", "waiver", "changed",
    }
)  # fmt: skip
_VALUE = frozenset({"value", "source", "layer", "layer_name", "profile_value", "deviation"})
_ROW = frozenset({"kind", "name", "expected", "rule", "observed", "state", "reason"})


def problem(document: Any) -> str:
    """Return the first rule of the schema that a document breaks, as ``place: what (rule …).``, or an empty text."""
    if not isinstance(document, dict):
        return _broken("", document, "$")
    parts = {name: document[name] for name in ("waivers", "hosts", "results") if isinstance(document.get(name), list)}
    frame = {**document, **{name: [] for name in parts}}
    found = _broken("", frame, "$")
    for name, recognise in (("waivers", _is_waiver), ("hosts", _is_host), ("results", _is_result)):
        found = found or _first(name, recognise, parts.get(name, ()))
    return found


def _first(name: str, recognise: Callable[[Any], bool], items: Iterable[Any]) -> str:
    for index, item in enumerate(items):
        found = "" if recognise(item) else _broken(name.removesuffix("s"), item, f"$.{name}[{index}]")
        if found:
            return found
    return ""


def _broken(definition: str, value: Any, place: str) -> str:
    """Return what the schema itself says of a part of the document."""
    import jsonschema  # heavy, and never needed while a run is collecting

    error = jsonschema.exceptions.best_match(_validator(definition).iter_errors(value))
    if error is None:
        return ""
    return f"{printable(place + error.json_path[1:], 120)}: {printable(error.message, 200)} (rule {error.validator})."


@lru_cache(maxsize=8)
def _validator(definition: str) -> Any:
    import jsonschema

    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    if definition:
        schema = {"$schema": schema["$schema"], "$defs": schema["$defs"], "$ref": f"#/$defs/{definition}"}
    formats = jsonschema.FormatChecker(formats=())
    for name in ("date", "date-time"):
        # of jsonschema's own, one needs a further package and the other accepts other forms of a date
        formats.checks(name)(lambda value: not isinstance(value, str) or _in_calendar(value))
    return jsonschema.Draft202012Validator(schema, format_checker=formats)


def _texts(item: dict[str, Any], *names: str) -> bool:
    return all(isinstance(item[name], str) for name in names)


def _all_texts(items: Any) -> bool:
    return all(isinstance(item, str) for item in items)


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_day(value: Any) -> bool:
    return _matches(_DAY, value) and _in_calendar(value)


def _is_instant(value: Any) -> bool:
    return _matches(_INSTANT, value) and _in_calendar(value)


@lru_cache(maxsize=4096)
def _in_calendar(text: str) -> bool:
    """Whether a text that has the form of a day or an instant is one of the calendar."""
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _word(value: Any, words: Iterable[str]) -> bool:
    return isinstance(value, str) and value in words


def _is_waiver(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == _WAIVER
        and _texts(item, "control", "name", "reason", "owner", "approved_by", "orphan")
        and _word(item["scope"], ("establishment", "group", "host"))
        and _word(item["state"], ("active", "expiring", "expired", "future"))
        and _is_day(item["start"])
        and _is_day(item["end"])
    )


def _is_host(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == _HOST
        and _texts(item, "name", "problem", "profile")
        and bool(item["name"])
        and isinstance(item["groups"], list)
        and _all_texts(item["groups"])
        and item["state"] == ("not_verified" if item["problem"] else "verified")
        and isinstance(item["platform"], dict)
        and _all_texts(item["platform"].values())
        and (item["transaction"] is None or isinstance(item["transaction"], str))
        and (item["guard"] is None or _word(item["guard"], ("confirmed", "reverted", "not armed")))
        and isinstance(item["seconds"], dict)
        and all(type(seconds) in (int, float) and seconds >= 0 for seconds in item["seconds"].values())
    )


def _is_result(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() - {"seen"} == _RESULT
        and _matches(_CONTROL, item["control"])
        and _matches(_MEASURE, item["measure"])
        and _texts(item, "host", "origin", "reason")
        and bool(item["host"])
        and _word(item["verdict"], _VERDICTS)
        and (item["before_verdict"] is None or _word(item["before_verdict"], _VERDICTS))
        and isinstance(item["settings"], list)
        and all(map(_is_row, item["settings"]))
        and _word(item["evidence"], _EVIDENCE)
        and isinstance(item["parameters"], dict)
        and all(map(_is_value, item["parameters"].values()))
        and (item["waiver"] is None or _is_waiver(item["waiver"]))
        and isinstance(item["changed"], bool)
        and ("seen" not in item or _is_instant(item["seen"]))
        and _is_founded(item)
    )


def _is_founded(item: dict[str, Any]) -> bool:
    """Whether the verdict rests on what the schema asks of it; one that no row shows is never taken for a look."""
    shown = verdicts.verdict(item["settings"])
    if item["verdict"] == verdicts.WAIVED:
        return item["waiver"] is not None and shown == verdicts.NON_COMPLIANT
    if item["verdict"] == verdicts.NOT_APPLICABLE:
        return shown == verdicts.NOT_APPLICABLE or not item["settings"]
    if item["verdict"] == verdicts.NOT_VERIFIED:
        return bool(item["reason"]) or bool({row["state"] for row in item["settings"]} - {"ok", "fail"})
    return bool(item["verdict"] == shown)


def _is_row(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() >= _ROW
        and _texts(item, "kind", "name", "reason")
        and _word(item["rule"], RULES)
        and _word(item["state"], STATES)
        and isinstance(item.get("control", ""), str)
    )


def _is_value(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == _VALUE
        and _texts(item, "source", "layer_name")
        and _word(item["layer"], ("profile", "establishment", "group", "host", "run"))
        and (item["deviation"] is None or _is_deviation(item["deviation"]))
    )


def _is_deviation(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and item.keys() == {"reason", "author", "date"}
        and _texts(item, "reason", "author")
        and _is_day(item["date"])
    )
