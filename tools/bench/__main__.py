# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the bench: progress on standard error, JSON and nothing else on standard output."""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from ..lab.podman import LabError
from . import compliance, exports, peers, scenes
from .figures import TARGETS
from .runs import ROOT, BenchError, Figures

RUNS = 5
FLEET = 20
QUICK_FLEET = 5
WITHOUT_HOSTS = {"compliance", "exports"}
"""Scenes that need no lab."""


def main(argv: list[str] | None = None) -> int:
    """Measure and print; 1 with one sentence when something fails, 130 when it was interrupted.

    A failure keeps what was measured before it.
    """
    options = _arguments(argv)
    # a polite kill, too, removes the hosts that were made
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = {"started": _now(), "load": os.getloadavg()[0]}
    figures: Figures = {}
    problem = ""
    try:
        chosen = _chosen(options)
        if chosen.keys() - WITHOUT_HOSTS:
            scenes.remove_leftovers()
        for scene in chosen.values():
            figures |= scene()
    except (BenchError, LabError, subprocess.CalledProcessError) as error:
        problem = str(error)
        print(f"bench: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("bench: interrupted, its hosts are removed", file=sys.stderr)
        return 130
    print(json.dumps({**_document(begun, figures), "problem": problem}, indent=2))
    return 1 if problem else 0


def _chosen(options: argparse.Namespace) -> dict[str, Callable[[], Figures]]:
    runs = options.runs
    usual: dict[str, Callable[[], Figures]] = {
        "audit": lambda: scenes.audit(runs),
        "apply": lambda: scenes.apply(runs),
        "fleet": lambda: scenes.fleet(runs, options.fleet),
    }
    long: dict[str, Callable[[], Figures]] = {
        "demo": lambda: scenes.demo(1),
        "cold": scenes.cold,
        "compliance": lambda: compliance.compliance(runs),
        "exports": lambda: exports.exports(runs),
    }
    asked = options.only or [*usual, *(["demo"] if options.with_demo else []), *(["cold"] if options.cold else [])]
    return {name: {**usual, **long}[name] for name in dict.fromkeys(asked)}


def _document(begun: dict[str, Any], figures: Figures) -> dict[str, Any]:
    missed = [name for name in TARGETS if name in figures and not figures[name]["met"]]
    return {
        "schema": "essms-bench/1",
        "started": begun["started"],
        "finished": _now(),
        "commit": _commit(),
        "machine": {
            "cores": os.cpu_count(),
            "memory_mb": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
            "kernel": platform.release(),
            "python": platform.python_version(),
            "ansible_core": version("ansible-core"),
        },
        "load": {"before": round(begun["load"], 2), "after": round(os.getloadavg()[0], 2)},
        "figures": figures,
        "missed": missed,
        "peers": peers.beside(figures),
    }


def _commit() -> str:
    """Return the commit that was measured, with a plus sign when files differ from it; empty without git."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench", description="Measure what an audit, an apply and a rollback cost; print JSON."
    )
    parser.add_argument("--runs", type=int, default=RUNS, choices=range(1, 20), metavar="N", help="runs per figure")
    parser.add_argument(
        "--fleet", type=int, default=FLEET, choices=range(2, 100), metavar="N", help="hosts of the fleet"
    )
    parser.add_argument("--quick", action="store_true", help=f"one run per figure, a fleet of {QUICK_FLEET}")
    parser.add_argument(
        "--only",
        action="append",
        choices=("audit", "apply", "fleet", "demo", "cold", "compliance", "exports"),
        help="only this; repeatable",
    )
    parser.add_argument(
        "--with-demo", action="store_true", help="also the demonstration; it replaces the hosts deb12 and deb13"
    )
    parser.add_argument(
        "--cold", action="store_true", help="also set-up, images and demonstration from nothing, in a temporary copy"
    )
    options = parser.parse_args(argv)
    if options.quick:
        options.runs, options.fleet = 1, QUICK_FLEET
    return options


if __name__ == "__main__":
    sys.exit(main())
