# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fleet of establishments with years of runs costs: its histories, the overview of them, and its pages."""

from __future__ import annotations

import datetime as dt
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))

from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import FILE
from ansible_collections.essms.hardening.plugins.plugin_utils.history.overview import gather
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

from . import fleet_history
from .figures import Busy, BusyMeter, figure
from .fleet_history import Size
from .pages import measured_pages
from .runs import Figures, measure, say

ESTABLISHMENTS = 40
_BATCH = 20
_TIMED = 5
_SMALL = Size(hosts=2, controls=53, months=3)


def compliance(runs: int) -> Figures:
    """Make a fleet (40 establishments × 50 hosts × 120 controls × 36 months), then measure what reads it."""
    with tempfile.TemporaryDirectory(prefix="essms-bench-") as folder:
        reports = Path(folder)
        busy = BusyMeter()
        recorded: list[float] = []
        for number in _numbered(ESTABLISHMENTS):
            say(f"history of an establishment: {number}/{ESTABLISHMENTS}")
            recorded += populate(reports, number, Size())
        sizes = [
            (reports / fleet_history.slug(number) / FILE).stat().st_size / 2**20 for number in _numbered(ESTABLISHMENTS)
        ]
        moment = busy.read()
        return {
            "history_record": _figure("history_record", "s", recorded, moment),
            "history_size": _figure("", "MB", sizes, moment),
            **_small(runs),
            **_answers(reports / fleet_history.slug(1), runs),
            **measured_overview(reports, runs),
            **measured_pages(reports, runs, _now()),
        }


def populate(reports: Path, number: int, size: Size) -> list[float]:
    """Make the history of one establishment; return the seconds that recording one run took, for its last few."""
    history = _history(reports, number)
    waiting: list[tuple[str, Document]] = []
    for made in fleet_history.documents(number, size):
        waiting.append(made)
        if len(waiting) == _BATCH + _TIMED:
            history.record_all(waiting[:_BATCH])
            del waiting[:_BATCH]
    history.record_all(waiting[:-_TIMED])
    return [_timed(lambda made=made: history.record(*made)) for made in waiting[-_TIMED:]]  # type: ignore[misc]


def _history(reports: Path, number: int) -> History:
    folder = reports / fleet_history.slug(number)
    folder.mkdir(exist_ok=True)
    return History(folder, _now())


def _small(runs: int) -> Figures:
    with tempfile.TemporaryDirectory(prefix="essms-bench-") as folder:
        values = [value for number in range(1, runs + 1) for value in populate(Path(folder), number, _SMALL)]
    return {"history_record_small": _figure("history_record_small", "s", values)}


def _answers(folder: Path, runs: int) -> Figures:
    history = History(folder, _now())
    asked: dict[str, Callable[[], object]] = {
        "history_trend": history.trend,
        "history_current": history.current,
        "history_gaps": history.gaps,
    }
    return {name: _figure(name, "s", [_timed(ask) for _run in range(runs)]) for name, ask in asked.items()}


def measured_overview(reports: Path, runs: int) -> Figures:
    """Measure gathering the overview of a report folder, in a process of its own so that the memory is its own."""
    seconds, memory, moments = [], [], []
    for number in range(1, runs + 1):
        say(f"overview: {number}/{runs}")
        answer = reports / "seconds.json"
        run = measure([sys.executable, "-m", __name__, str(reports), str(answer)], "the overview")
        seconds.append(json.loads(answer.read_text(encoding="utf-8")))
        memory.append(run.memory_mb)
        moments.append(run.busy)
    return {
        "overview_gather": figure("overview_gather", "s", seconds, moments),
        "overview_gather_memory": figure("overview_gather_memory", "MB", memory, moments),
    }


def _numbered(count: int) -> range:
    return range(1, count + 1)


def _now() -> dt.datetime:
    return dt.datetime.combine(fleet_history.LAST_DAY, dt.time(12), dt.UTC)


def _timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def _figure(name: str, unit: str, values: Sequence[float], busy: Busy | None = None) -> dict[str, Any]:
    return figure(name, unit, values, [busy or BusyMeter().read()])


def _gather(reports: Path, answer: Path) -> None:
    catalogue = load()
    started = time.perf_counter()
    found = gather(reports, catalogue=catalogue, now=_now())
    seconds = time.perf_counter() - started
    problems = [standing.problem for standing in found.establishments if standing.problem or not standing.trend]
    if problems:
        raise SystemExit(f"an establishment could not be read: {problems[0]}")
    answer.write_text(json.dumps(seconds), encoding="utf-8")


if __name__ == "__main__":
    _gather(Path(sys.argv[1]), Path(sys.argv[2]))
