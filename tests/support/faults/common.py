# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the faults share: who they happen to, and how a file is edited by hand."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.support import engine

USER, ADMIN = "probe-user", "probe-admin"
PASSWORD = "Lab-Fixture-Passw0rd"

Row = Mapping[str, Any]
Body = Mapping[str, Any]
Fault = Callable[[str, Row, Body], Any]
"""Breaks the setting of a row on a host; returns what an audit must report from then on."""


def _nothing(_host: str) -> None:
    """Prepare nothing."""


@dataclass(frozen=True)
class Area:
    """What one area of controls brings to the round.

    :param faults: the fault of each of its kinds.
    :param prepare: gives a host what the settings are about (users, units), before anything is applied.
    :param repairs: for kinds that apply leaves to a person, what that person does.
    :param extra: settings for kinds that no control of the catalogue uses yet.
    :param first: kinds that look at what others set: their fault comes first, while the rest is in order.
    :param last: kinds whose fault hides what others say: it comes last.
    :param shown_by: kinds that no test machine can have right, so that it could be broken: the test that shows them.
    """

    faults: Mapping[str, Fault]
    prepare: Callable[[str], None] = _nothing
    repairs: Mapping[str, Callable[[str], None]] = field(default_factory=dict)
    extra: Sequence[list[Any]] = ()
    first: Sequence[str] = ()
    last: Sequence[str] = ()
    shown_by: Mapping[str, str] = field(default_factory=dict)


def sed(host: str, script: str, path: str) -> None:
    """Edit a file in place; an edit that changes nothing is no fault, and fails."""
    edit = 'old=$(sha256sum "$1") && sed -E -i "$0" "$1" && [ "$old" != "$(sha256sum "$1")" ]'
    engine.must(host, ["sh", "-c", edit, script, path])


def conf(host: str, path: str, key: str, value: object) -> None:
    """Set a key of a "key = value" file."""
    line = shlex.quote(f"{key} = {value}")
    engine.must(host, f"sed -E -i '/^ *{key}([ =]|$)/d' {path} && echo {line} >> {path}")
