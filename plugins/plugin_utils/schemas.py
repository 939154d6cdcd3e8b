# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON Schema checks that end in one plain sentence: the key, the rule, what to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown

MAX_TEXT = 1024
_NAMES = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
}


@lru_cache(maxsize=1024)
def _validator(canonical: str) -> Any:
    """Return the compiled validator of a schema; building one costs far more than running it."""
    # Imported at first use: jsonschema takes longer to import than the whole catalogue takes to check.
    try:
        from jsonschema import Draft202012Validator
    except ImportError as error:
        raise CatalogueError(
            "the Python package jsonschema is missing on this controller; install it: pip install -r requirements.txt"
        ) from error
    return Draft202012Validator(json.loads(canonical), format_checker=Draft202012Validator.FORMAT_CHECKER)


class Problem(NamedTuple):
    """A rule that a value breaks.

    ``path`` leads to the value the sentence is about, ``place`` to the key or value whose line is to be shown.
    """

    path: tuple[str | int, ...]
    sentence: str
    place: tuple[str | int, ...]

    def __str__(self) -> str:
        path = dotted(self.path)
        return f"{path}: {self.sentence}" if path else self.sentence

    def below(self, *keys: str | int) -> Problem:
        """Return the same problem of a value that stands below some keys."""
        return Problem((*keys, *self.path), self.sentence, (*keys, *self.place))


def key_of(schema: Mapping[str, Any]) -> str:
    """Return the canonical text of a schema, to be kept by whoever checks the same one often."""
    return json.dumps(schema, sort_keys=True)


def problem(schema: Mapping[str, Any] | str, value: object, secret: bool = False) -> str:
    """Return the first rule ``value`` breaks, as ``key.path: rule; what to do``, or ``""``.

    ``schema`` is a JSON Schema or its ``key_of`` text. Strings are checked first: one printable line, bounded length.
    Of a ``secret`` value nothing is said, neither what it is nor what stands in it.
    """
    found = next(iter(problems(schema, value)), None)
    if found is None:
        return ""
    return f"{UNSHOWN} {_expectation(schema, value)}" if secret else str(found)


def problems(schema: Mapping[str, Any] | str, value: object) -> list[Problem]:
    """Return every rule ``value`` breaks, in the order of their paths.

    Strings are checked first; while one is not printable, nothing else is.
    """
    found = list(unprintable(value))
    validator = _validator(schema if isinstance(schema, str) else key_of(schema))
    if found or validator.is_valid(value):
        return found
    errors = sorted(validator.iter_errors(value), key=lambda e: ([str(p) for p in e.absolute_path], e.validator))
    return list(dict.fromkeys(each for error in errors for each in _problems(error)))


UNSHOWN = "its value comes from a template or the vault and is not shown here;"
"""What is said in place of a value that nobody may read."""


def _expectation(schema: Mapping[str, Any] | str, value: object) -> str:
    """Return what a value ought to be, from the schema alone."""
    error = next(_validator(schema if isinstance(schema, str) else key_of(schema)).iter_errors(value), None)
    if error is None:
        return f"it must be one line of plain text of at most {MAX_TEXT} characters"
    rule, wanted = error.validator, error.validator_value
    if rule == "type":
        types = [wanted] if isinstance(wanted, str) else list(wanted)
        return f"it must be {' or '.join(_NAMES.get(each, each) for each in types)}"
    if rule in ("enum", "const"):
        return f"use {' or '.join(map(shown, wanted if rule == 'enum' else [wanted]))}"
    return f"it {_LIMITS[rule].format(wanted)}" if rule in _LIMITS else "it has none of the allowed forms"


def dotted(path: Any) -> str:
    """Return ``linux.settings[0].sshd`` for the parts of a path."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{_name(part)}" if text else _name(part))
    return text


def _name(key: object) -> str:
    """Return a key as it is when it is an ordinary name, quoted, escaped and shortened otherwise."""
    return key if isinstance(key, str) and key.isidentifier() and len(key) <= 60 else shown(key)


def unprintable(value: object, path: tuple[Any, ...] = ()) -> Iterator[Problem]:
    """Yield a problem for each string that is not one printable line of bounded length."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            yield Problem(path, f"{shown(value)} has {len(value)} characters; write at most {MAX_TEXT}", path)
        elif not value.isprintable():
            sentence = f"{shown(value)} holds a control or invisible character; write one line of plain text"
            yield Problem(path, sentence, path)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                yield Problem(path, f"key {shown(key)} is not a string; put it in quotes", (*path, key))
            else:
                yield from unprintable(key, (*path, key))
                yield from unprintable(item, (*path, key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from unprintable(item, (*path, index))


def _problems(error: Any) -> Iterator[Problem]:
    """Yield what a jsonschema error stands for: one problem for each key that is missing or unknown."""
    path = tuple(error.absolute_path)
    if error.validator == "required":
        for name in error.validator_value:
            if name not in error.instance:
                yield Problem(path, f"key {name} is missing; add it", path)
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        for name in error.instance:
            if name not in known:
                yield Problem(path, f"unknown key {_name(name)}; {nearest(name[:60], known)}", (*path, name))
    else:
        yield Problem(path, _sentence(error), path)


def _sentence(error: Any) -> str:
    """Return the rule any other jsonschema error stands for and what to do about it."""
    rule, wanted, value = error.validator, error.validator_value, error.instance
    if rule == "type":
        wanted_types = [wanted] if isinstance(wanted, str) else list(wanted)
        advice = "; put it in quotes" if wanted == "string" and not isinstance(value, (list, dict)) else ""
        return f"must be {' or '.join(_NAMES.get(t, t) for t in wanted_types)}, not {shown(value)}{advice}"
    if rule in ("enum", "const"):
        choices = wanted if rule == "enum" else [wanted]
        return f"{shown(value)} is not allowed; use {' or '.join(shown(choice) for choice in choices)}"
    if rule == "contains":
        return f"lacks {shown(wanted['const'])}; add it"
    if rule == "anyOf":
        keys = [name for option in wanted for name in option.get("required", [])]
        return f"a key is missing; add {' or '.join(keys)}" if keys else f"{shown(value)} has none of the allowed forms"
    return f"{shown(value)} {_LIMITS[rule].format(wanted)}"


_LIMITS = {
    "minimum": "is too small; use {} or more",
    "maximum": "is too large; use {} or less",
    "minLength": "is too short; write {} characters or more",
    "maxLength": "is too long; write {} characters or fewer",
    "minItems": "has too few items; give {} or more",
    "maxItems": "has too many items; give {} or fewer",
    "minProperties": "has too few keys; give {} or more",
    "maxProperties": "has too many keys; give {} or fewer",
    "uniqueItems": "repeats an item; write each one once",
    "pattern": "has another form than {}",
    "not": "is reserved; choose another",
    "format": "is no {} of the calendar; write YYYY-MM-DD",
}
"""How each other JSON Schema rule in use is said; a test compares this table with the schemas."""


def limits(schema: Mapping[str, Any]) -> str:
    """Return the bounds of a parameter for people: ``8 to 128``, ``yescrypt or sha512``."""
    if "enum" in schema:
        return " or ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in schema["enum"])
    if "type" not in schema and {"allOf", "items", "maxItems", "minItems"} & schema.keys():
        return _list_limits(schema)
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low} to {high}"
    if low is not None:
        return f"{low} or more"
    if high is not None:
        return f"{high} or less"
    return ""


def _list_limits(schema: Mapping[str, Any]) -> str:
    if "allOf" in schema:
        return "with " + ", ".join(str(each["contains"]["const"]) for each in schema["allOf"])
    only = ", ".join(map(str, schema.get("items", {}).get("enum", ())))
    return f"only {only}" if only else "an empty list" if schema.get("maxItems") == 0 else "not an empty list"
