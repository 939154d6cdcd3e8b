# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts settings of a lab host in fault, as an administrator or an accident would: with sed, chage, dpkg.

Nothing here uses the engine's code, so a defect of the engine cannot hide itself. Each file holds one area of controls.
"""

from __future__ import annotations

from typing import Any

from tests.support.faults import (
    antivirus,
    endpoint,
    generic,
    logs,
    network,
    passwords,
    privileges,
    resolver,
    rights,
    sessions,
    updates,
    web,
)
from tests.support.faults.common import ADMIN, USER, Body, Fault, Row

__all__ = [
    "ADMIN",
    "EXTRA",
    "FAULTS",
    "FIRST",
    "LAST",
    "SHOWN_BY",
    "USER",
    "Body",
    "Row",
    "prepare",
    "put_in_fault",
    "repair",
]

AREAS = (
    antivirus.AREA,
    endpoint.AREA,
    generic.AREA,
    logs.AREA,
    network.AREA,
    passwords.AREA,
    privileges.AREA,
    resolver.AREA,
    rights.AREA,
    sessions.AREA,
    updates.AREA,
    web.AREA,
)
FAULTS: dict[str, Fault] = {kind: fault for area in AREAS for kind, fault in area.faults.items()}
"""The fault of each kind; a unit test asks for one for every kind that a test machine can have right."""
SHOWN_BY = {kind: test for area in AREAS for kind, test in area.shown_by.items()}
EXTRA: list[list[Any]] = [setting for area in AREAS for setting in area.extra]
LAST = tuple(kind for area in AREAS for kind in area.last)
FIRST = tuple(kind for area in AREAS for kind in area.first)


def prepare(host: str) -> None:
    """Give a host what the settings of every area are about."""
    for area in AREAS:
        area.prepare(host)


def put_in_fault(host: str, row: Row, body: Body) -> Any:
    """Break the setting of one row of the results; return the value an audit must report for it from now on."""
    return FAULTS[row["kind"]](host, row, body)


def repair(host: str, kind: str) -> None:
    """Do what only a person can do about a kind that apply leaves alone."""
    for area in AREAS:
        if kind in area.repairs:
            area.repairs[kind](host)
