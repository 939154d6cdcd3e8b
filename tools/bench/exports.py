# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading and exporting the results of an establishment costs (50 hosts × 120 controls). No host is needed."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "collections"))

from ansible_collections.essms.hardening.plugins.plugin_utils import reports, results
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import FORMATS

from . import fleet_history
from .figures import BusyMeter, figure
from .fleet_history import Size
from .runs import Figures, say


def exports(runs: int) -> Figures:
    """Read the results of one run, then make each export of them."""
    _name, document = next(fleet_history.documents(1, Size(months=1)))
    catalogue = load()
    with tempfile.TemporaryDirectory(prefix="essms-bench-") as folder:
        file = reports.write(document, Path(folder))
        found = {"results_read": _figure("results_read", runs, lambda: results.read(file))}
    for name, format_ in FORMATS.items():
        say(f"export {name}")
        figure_name = f"export_{name}"
        found[figure_name] = _figure(figure_name, runs, lambda: format_.render(document, catalogue, "fr"))  # noqa: B023  # called at once
    return found


def _figure(name: str, runs: int, action: Callable[[], object]) -> dict[str, object]:
    busy = BusyMeter()
    seconds = []
    for _run in range(runs):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return figure(name, "s", seconds, [busy.read()])
