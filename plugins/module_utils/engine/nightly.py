# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the units of ours that work at night have in common."""

from __future__ import annotations

import re
from collections.abc import Mapping

GENTLE = "Nice=19\nIOSchedulingClass=idle\nCPUWeight=10\n"
"""Lines of a service that gives way to whatever else the host does."""


def hour(timer: Mapping[str, str]) -> int | None:
    """Return the hour at which a timer that runs is due every day, by what `systemctl show` says of it."""
    daily = re.search(r"OnCalendar=\*-\*-\* (\d\d):00:00 ", timer.get("TimersCalendar", ""))
    return int(daily[1]) if daily and timer.get("ActiveState") == "active" else None
