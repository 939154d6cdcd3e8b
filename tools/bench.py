# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures what an audit and an apply cost, on hosts of their own, and prints the figures as JSON.

Each figure is the median of several runs; ``load`` is the machine's load average per core when they began and ended.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .lab import hosts
from .lab.podman import LabError

ROOT = Path(__file__).resolve().parents[1]
INVENTORY = hosts.STATE / "bench" / "hosts.json"
RESULTS = ROOT / "reports" / "bench" / "latest" / "results.json"
FLEET = 20

# figure: the most it should be, in seconds
TARGETS = {
    "audit_wall": 2.5,
    "audit_module": 0.5,
    "first_apply_wall": 8.0,  # package installation comes on top
    "second_apply_wall": 4.0,
    "controller_cpu_per_extra_host": 0.5,
}


class BenchError(RuntimeError):
    """Which run failed, in one sentence."""


@dataclass(frozen=True)
class Run:
    """One playbook run: wall and controller CPU seconds, and the seconds each host reported for each part."""

    wall: float
    cpu: float
    parts: list[dict[str, float]]

    def part(self, name: str) -> float:
        """Return the median over the hosts of one part, 0 when no host reported it."""
        return statistics.median([parts[name] for parts in self.parts if name in parts] or [0.0])


def main(argv: list[str] | None = None) -> int:
    """Measure, print JSON; 1 with one sentence when a run fails."""
    options = _arguments(argv)
    fleet = [hosts.Host(f"bench{number:02d}", "bookworm") for number in range(1, options.hosts + 1)]
    try:
        with hosts.lock():
            hosts.make_room(len(fleet))
            hosts.up(fleet, fresh=True)
        try:
            hosts.write_inventory(INVENTORY, fleet)
            print(json.dumps(_measure([host.name for host in fleet], options.runs), indent=2))
        finally:
            with hosts.lock():
                hosts.remove(fleet)
    except (BenchError, LabError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


def _measure(names: list[str], runs: int) -> dict[str, Any]:
    load = _load()
    one, fresh = names[0], names[1 : runs + 1]
    _play("audit", one)  # opens the connection
    audits = [_play("audit", one) for _ in range(runs)]
    first = [_play("apply", name) for name in fresh]
    second = [_play("apply", name) for name in fresh]
    everyone = ",".join(names)
    _play("audit", everyone)
    fleet = [_play("audit", everyone) for _ in range(max(1, runs // 2))]
    extra = len(names) - 1
    alone = statistics.median(run.cpu for run in audits)
    figures = {
        "audit_wall": _figure(audits, lambda run: run.wall),
        "audit_module": _figure(audits, lambda run: run.part("module")),
        "first_apply_wall": _figure(first, lambda run: run.wall - run.part("packages")),
        "first_apply_packages": _figure(first, lambda run: run.part("packages")),
        "second_apply_wall": _figure(second, lambda run: run.wall),
        "fleet_audit_wall": _figure(fleet, lambda run: run.wall),
        "controller_cpu_per_extra_host": _figure(fleet, lambda run: (run.cpu - alone) / extra),
    }
    for name, target in TARGETS.items():
        figures[name] |= {"target": target, "met": figures[name]["median"] <= target}
    return {
        "schema": "essms-bench/1",
        "unit": "seconds",
        "hosts": len(names),
        "cores": os.cpu_count(),
        "load": {"before": load, "after": _load()},
        "figures": figures,
    }


def _figure(runs: list[Run], value: Callable[[Run], float]) -> dict[str, Any]:
    values = [round(value(run), 3) for run in runs]
    return {"median": round(statistics.median(values), 3), "runs": values}


def _play(playbook: str, limit: str) -> Run:
    command = ["ansible-playbook", "--inventory", str(INVENTORY), "--limit", limit, f"playbooks/{playbook}.yml"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    # the hosts share this machine's cores: twenty first logins at once take longer than a network would
    environment = os.environ | {"ANSIBLE_TIMEOUT": "60"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise BenchError(f"the playbook {playbook} on {limit[:40]} ended with code {done.returncode}.")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    document = json.loads(RESULTS.read_text(encoding="utf-8"))
    return Run(wall, cpu, [host["seconds"] for host in document["hosts"]])


def _load() -> float:
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench", description="Measure what an audit and an apply cost."
    )
    parser.add_argument("--runs", type=int, default=5, choices=range(1, 20), metavar="N", help="runs per figure")
    parser.add_argument(
        "--hosts", type=int, default=FLEET, choices=range(2, 100), metavar="N", help="hosts of the fleet"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
