# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar arithmetic on the instants of results (ISO 8601 UTC)."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime

KEPT = 36
"""Months of runs that a history keeps."""


def parsed(instant: str) -> datetime:
    """Return an instant of a results document; raises ValueError when it is none of the calendar."""
    return datetime.fromisoformat(instant).astimezone(UTC)


def instant(when: datetime) -> str:
    """Return an aware time as results write an instant, without its fraction."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(instant: str) -> str:
    """Return an instant as text that sorts by time, whatever the length of its fraction."""
    return instant.removesuffix("Z")


def months_before(instant: str, months: int) -> str:
    """Return the ``moment`` so many calendar months before; a day that month does not have becomes its last."""
    given = parsed(instant)
    year, month = divmod(given.year * 12 + given.month - 1 - months, 12)
    day = min(given.day, calendar.monthrange(year, month + 1)[1])
    return moment(f"{year:04}-{month + 1:02}-{day:02}{instant[10:]}")
