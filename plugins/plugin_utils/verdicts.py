# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the rows a host sent back to one verdict per control: the only place where a verdict is decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

COMPLIANT = "compliant"
NON_COMPLIANT = "non_compliant"
WAIVED = "waived"
NOT_APPLICABLE = "not_applicable"
NOT_VERIFIED = "not_verified"

#: In the order in which people want to read them.
VERDICTS = (COMPLIANT, NON_COMPLIANT, WAIVED, NOT_APPLICABLE, NOT_VERIFIED)

#: One observed key of one setting; here only ``state`` (ok, fail, unknown or not_applicable) matters.
Row = Mapping[str, Any]


def verdict(rows: Sequence[Row]) -> str:
    """Return the verdict of a control from its rows.

    One failed row is enough to fail. Otherwise one row that could not be read, or whose state is none of the four known
    words, leaves the control unverified; so does having no row at all. Compliant needs at least one row seen to be ok.
    """
    states = {row.get("state") for row in rows}
    if "fail" in states:
        return NON_COMPLIANT
    if not states or states - {"ok", "not_applicable"}:
        return NOT_VERIFIED
    return COMPLIANT if "ok" in states else NOT_APPLICABLE


def with_waiver(verdict: str, waiver: object | None) -> str:
    """Turn ``non_compliant`` into ``waived`` when a waiver in force covers it; any other verdict stays what it is."""
    return WAIVED if waiver and verdict == NON_COMPLIANT else verdict
