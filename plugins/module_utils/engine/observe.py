# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Observing: the same look at the host answers audit, apply and the check after it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NamedTuple

from ..kinds import KINDS
from .errors import NotApplicable, Seen, Unknown
from .host import Host

Row = dict[str, Any]
_AT_ONCE = 4


class Setting(NamedTuple):
    """One resolved setting: the control that asks for it, its kind and its body."""

    control: str
    kind: str
    body: dict[str, Any]


def observe(host: Host, settings: Sequence[Setting]) -> list[Row]:
    """Return a row for every name of every setting, in order.

    A kind that fails makes its own rows unknown and leaves the others alone.
    """
    bodies: dict[str, list[dict[str, Any]]] = {}
    for setting in settings:
        bodies.setdefault(setting.kind, []).append(setting.body)
    # most of the time goes to commands that answer; kinds do not wait for one another's
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        looks = {name: pool.submit(_observe_kind, host, name, bodies[name]) for name in bodies}
        seen = {name: look.result() for name, look in looks.items()}
    rows = []
    for setting in settings:
        kind = KINDS[setting.kind]
        for name, expected in kind.expand(setting.body, host.family).items():
            rows.append(_row(setting, name, expected, seen[setting.kind](name)))
    return rows


def _observe_kind(host: Host, name: str, bodies: list[dict[str, Any]]) -> Callable[[str], Any]:
    kind = KINDS[name]
    found: dict[str, Any] = {}
    fallback: Any = None
    if kind.needs_root and not host.is_root:
        fallback = Unknown("reading it needs root: run again with sudo")
    else:
        try:
            found = kind.observe(host, bodies)
        except PermissionError as error:
            fallback = Unknown(f"{error.filename or 'a file'} cannot be read: it needs root")
        except Exception as error:  # noqa: BLE001 - a kind's defect must not hide what the other kinds saw
            fallback = Unknown(f"it could not be observed: {type(error).__name__}: {str(error)[:120]}")
    return lambda row_name: found.get(row_name, fallback)


def _row(setting: Setting, name: str, expected: Any, value: Any) -> Row:
    kind = KINDS[setting.kind]
    rule = kind.rule(name)
    reason = ""
    satisfied: bool | None = None
    if isinstance(value, Seen):
        value, reason, satisfied = value.value, value.note, value.satisfied
    if isinstance(value, (Unknown, NotApplicable)):
        state = "unknown" if isinstance(value, Unknown) else "not_applicable"
        value, reason = None, value.reason
    else:
        state = "ok" if (rule.test(expected, value) if satisfied is None else satisfied) else "fail"
    return {
        "control": setting.control,
        "kind": setting.kind,
        "name": name,
        "expected": expected,
        "rule": rule.label,
        "observed": value,
        "state": state,
        "reason": reason,
    }
