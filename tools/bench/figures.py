# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures: several values of the same thing, their median and spread, how busy the machine was, and the target."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

PRESSURE = Path("/proc/pressure/cpu")

# figure: the most it should be, in its own unit
TARGETS = {
    "audit_wall": 3.0,
    "audit_module": 0.5,
    "first_apply_wall_without_packages": 15.0,
    "second_apply_wall": 5.0,
    "second_apply_changed": 0.0,
    "fleet_cpu_per_extra_host": 0.5,
    "demo_wall": 90.0,
    "cold_demo_wall": 360.0,
    "history_record": 0.5,
    "history_record_small": 0.03,
    "history_trend": 0.05,
    "history_current": 0.5,
    "overview_gather": 2.0,
    "overview_gather_memory": 500.0,
    "report_page": 3.0,
    "report_page_memory": 500.0,
    "report_page_small": 0.15,
    "report_filter": 0.2,
    "overview_page": 20.0,
    "overview_page_memory": 500.0,
    "results_read": 1.0,
    "export_csv": 1.0,
    "export_json": 1.0,
    "export_junit": 1.0,
    "export_sarif": 1.0,
    "export_oscal": 1.0,
    "export_prometheus": 1.0,
}


class Busy(NamedTuple):
    """How busy the machine was during one run.

    :param load: load average of the last minute when the run began (the number of processes that run or wait).
    :param waiting: share of the run's time, 0 to 1, in which some process of the machine waited for a processor; None
        where the kernel does not tell.
    """

    load: float
    waiting: float | None


class BusyMeter:
    """Measures how busy the machine is from its creation to `read`."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._stalled = _stalled_seconds()
        self._started = time.monotonic()

    def read(self) -> Busy:
        """Return how busy the machine was since the creation."""
        stalled = _stalled_seconds()
        wall = time.monotonic() - self._started
        known = stalled is not None and self._stalled is not None and wall > 0
        return Busy(self._load, min(1.0, (stalled - self._stalled) / wall) if known else None)  # type: ignore[operator]


def figure(name: str, unit: str, values: Sequence[float], busy: Sequence[Busy]) -> dict[str, Any]:
    """Return one figure ready for JSON; ``met`` is there when it has a target."""
    rounded = [round(value, 3) for value in values]
    waiting = [moment.waiting for moment in busy if moment.waiting is not None]
    result: dict[str, Any] = {
        "unit": unit,
        "median": round(statistics.median(values), 3),
        "min": min(rounded),
        "max": max(rounded),
        "runs": len(rounded),
        "values": rounded,
        "load": round(statistics.median(moment.load for moment in busy), 2),
        "cpu_waiting": round(statistics.median(waiting), 2) if waiting else None,
    }
    if name in TARGETS:
        result |= {"target": TARGETS[name], "met": result["median"] <= TARGETS[name]}
    return result


def _stalled_seconds() -> float | None:
    """Return the seconds since boot in which some process waited for a processor."""
    try:
        first = PRESSURE.read_text(encoding="ascii").splitlines()[0]
    except OSError:
        return None
    return int(first.rpartition("total=")[2]) / 1e6
