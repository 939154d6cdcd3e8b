# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pages cost: making the report and the overview, and filtering a large report in a browser."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))

from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.history.overview import gather
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.report import printing
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material

from . import fleet_history
from .figures import BusyMeter, figure
from .fleet_history import Size
from .runs import Figures, measure, say

_SMALL = Size(hosts=2, controls=53, months=1)
_FILTER = """async () => {
  const box = document.querySelector("[name=v][value=non_compliant]");
  const started = performance.now();
  box.click();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return (performance.now() - started) / 1000;
}"""


def measured_pages(reports: Path, runs: int, now: dt.datetime) -> Figures:
    """Measure the pages of a folder that holds the histories of a fleet, each in a process of its own.

    How long a filter takes is left out on a machine without a browser.
    """
    found: Figures = {}
    for name in ("report_page", "report_page_small", "overview_page"):
        seconds, memory, moments = [], [], []
        for number in range(1, runs + 1):
            say(f"{name}: {number}/{runs}")
            answer = reports / "seconds.json"
            command = [sys.executable, "-m", __name__, name, str(reports), now.isoformat(), str(answer)]
            run = measure(command, name)
            seconds.append(json.loads(answer.read_text(encoding="utf-8")))
            memory.append(run.memory_mb)
            moments.append(run.busy)
        found[name] = figure(name, "s", seconds, moments)
        found[f"{name}_memory"] = figure(f"{name}_memory", "MB", memory, moments)
        if name == "report_page":
            found |= _filtered(_page(reports), runs)
    return found


def _filtered(page: Path, runs: int) -> Figures:
    """Return the size of a page and the seconds between a click on a filter and the picture that follows it."""
    size = {"report_page_size": figure("", "MB", [page.stat().st_size / 2**20], [BusyMeter().read()])}
    try:
        program = printing.browser()
    except printing.PrintingError as error:
        say(f"filter of a report: not measured, {error}")
        return size
    from playwright.sync_api import sync_playwright

    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    seconds, busy = [], BusyMeter()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*printing.FLAGS, *root])
        for _run in range(runs):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            tab.wait_for_timeout(500)
            seconds.append(tab.evaluate(_FILTER))
            tab.close()
        browser.close()
    return {**size, "report_filter": figure("report_filter", "s", seconds, [busy.read()])}


def _page(reports: Path) -> Path:
    return reports / "report.html"


def _report(reports: Path, now: dt.datetime) -> float:
    """Make the report of the first establishment from its history."""
    folder = reports / fleet_history.slug(1)
    history = History(folder, now)
    document = history.current()
    assert document is not None
    material = Material(
        document, load(), now, {}, trend=history.trend(), drift=history.drift(), sightings=history.sightings()
    )
    return _rendered(material, _page(reports))


def _small(reports: Path, now: dt.datetime) -> float:
    *_, (_run, document) = fleet_history.documents(1, _SMALL)
    return _rendered(Material(document, load(), now, {}), reports / "small.html")


def _overview(reports: Path, now: dt.datetime) -> float:
    catalogue = load()
    overview = gather(reports, catalogue=catalogue, now=now)
    started = time.perf_counter()
    from ansible_collections.essms.hardening.plugins.plugin_utils.report.overview import render

    render(overview, catalogue, "fr")
    return time.perf_counter() - started


def _rendered(material: Material, page: Path) -> float:
    """Return the seconds that a report takes after a run: what it imports counts, but for what Ansible has loaded."""
    import_module("jinja2")
    started = time.perf_counter()
    from ansible_collections.essms.hardening.plugins.plugin_utils.report.page import render

    page.write_text(render(material, "fr"), encoding="utf-8")
    return time.perf_counter() - started


_MEASURES: dict[str, Callable[[Path, dt.datetime], float]] = {
    "report_page": _report,
    "report_page_small": _small,
    "overview_page": _overview,
}


if __name__ == "__main__":
    name_, reports_, now_, answer_ = sys.argv[1:]
    taken = _MEASURES[name_](Path(reports_), dt.datetime.fromisoformat(now_))
    Path(answer_).write_text(json.dumps(taken), encoding="utf-8")
