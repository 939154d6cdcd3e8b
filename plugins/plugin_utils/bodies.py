# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plain substitution of ``{{ parameter }}`` in the bodies of settings, and the check of the resolved bodies.

Deliberately not Jinja: two hundred settings take half a second a host through Jinja, and a control file that is only
data cannot run anything.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown

KINDS_OF: dict[str, Mapping[str, Any]] = {"linux": KINDS}
"""The kinds each platform knows; a platform without any accepts no setting yet."""

_TOKEN = re.compile(r"\{\{ *([a-z_][a-z0-9_]*) *\}\}")
_BRACES = re.compile(r"\{[{%#]|[}%#]\}")


def names_in(value: object) -> Iterator[str]:
    """Yield the parameters a body uses, in order, with repeats."""
    if isinstance(value, str):
        yield from _TOKEN.findall(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from names_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from names_in(item)


def template_problem(value: object) -> str:
    """Return what is wrong when a body holds a template that is more than a plain parameter, or ``""``."""
    if isinstance(value, str):
        if _BRACES.search(_TOKEN.sub("", value)):
            return (
                f"{shown(value)} is more than a plain parameter; write {{{{ essms_name }}}} and nothing else in braces"
            )
    elif isinstance(value, Mapping):
        for key, item in value.items():
            # A key names the setting; one that changed with the inventory could not be compared between hosts.
            broken = f"key {shown(key)} holds braces; write it out" if _BRACES.search(key) else template_problem(item)
            if broken:
                return broken
    elif isinstance(value, list):
        return next(filter(None, map(template_problem, value)), "")
    return ""


def substitute(value: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of a body in which parameters are replaced by their values.

    A string that is one parameter keeps the native type of its value; inside a longer string the value becomes text.
    One pass: braces that come out of a value stay as they are.
    """
    if isinstance(value, str):
        whole = _TOKEN.fullmatch(value)
        if whole:
            return values[whole[1]]
        return _TOKEN.sub(lambda match: str(values[match[1]]), value)
    if isinstance(value, Mapping):
        return {key: substitute(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [substitute(item, values) for item in value]
    return value


def body_problem(platform: str, kind: str, body: Mapping[str, Any]) -> str:
    """Return the first rule of its kind that a resolved body breaks, or ``""``."""
    # Hosts mostly share their values: each distinct body is checked once per process.
    return _body_problem(platform, kind, json.dumps(body, sort_keys=True))


@lru_cache(maxsize=4096)
def _body_problem(platform: str, kind: str, body: str) -> str:
    return schemas.problem(KINDS_OF[platform][kind].schema, json.loads(body))


def expected(platform: str, kind: str, body: Mapping[str, Any], family: str | None) -> Iterator[tuple[str, Any]]:
    """Yield the name and value of every state a resolved body asks for, lists that only add up left out."""
    known = KINDS_OF[platform][kind]
    for name, value in known.expand(body, family or "debian").items():
        if known.rule(name).label != "includes":
            yield name, value
