# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is measured: each scene runs something several times and returns its figures by name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..lab import hosts, images
from .figures import figure
from .runs import PROGRAMS, ROOT, Bench, BenchError, Figures, Run, measure, say

PREFIX = "bench"


def audit(runs: int) -> Figures:
    """Audit one host: over a new connection, as after a coffee, and over a kept one."""
    with _bench(1) as (bench, names):
        bench.play("audit", names)  # the first reads cold files
        new = _repeat("audit, new connection", runs, lambda: bench.play("audit", names))
        bench.play("audit", names, keep=True)
        kept = _repeat("audit, kept connection", runs, lambda: bench.play("audit", names, keep=True, new=False))
    return {
        "audit_wall": _figure("audit_wall", new, lambda run: run.wall),
        "audit_wall_kept_connection": _figure("", kept, lambda run: run.wall),
        "audit_module": _figure("audit_module", new, lambda run: run.seconds("module")),
        "audit_module_process": _figure("", new, lambda run: run.seconds("process")),
        "audit_cpu": _figure("", new, lambda run: run.cpu),
    }


def apply(runs: int) -> Figures:
    """Apply to fresh hosts, apply again, roll back; each run has a host that nothing ever touched."""
    first, second, rollback = [], [], []
    with _bench(runs) as (bench, names):
        for number, name in enumerate(names, 1):
            say(f"first apply, second apply, rollback: {number}/{runs}")
            first.append(bench.play("apply", [name]))
            second.append(bench.play("apply", [name]))
            rollback.append(bench.play("rollback", [name]))
    return {
        "first_apply_wall": _figure("", first, lambda run: run.wall),
        "first_apply_packages": _figure("", first, lambda run: run.seconds("packages")),
        "first_apply_wall_without_packages": _figure(
            "first_apply_wall_without_packages", first, lambda run: run.wall - run.seconds("packages")
        ),
        "first_apply_module": _figure("", first, lambda run: run.seconds("module")),
        "first_apply_cpu": _figure("", first, lambda run: run.cpu),
        "first_apply_changed": _figure("", first, lambda run: run.changed, "controls"),
        "second_apply_wall": _figure("second_apply_wall", second, lambda run: run.wall),
        "second_apply_cpu": _figure("", second, lambda run: run.cpu),
        "second_apply_changed": _figure("second_apply_changed", second, lambda run: run.changed, "controls"),
        "rollback_wall": _figure("", rollback, lambda run: run.wall),
        "rollback_packages": _figure("", rollback, lambda run: run.seconds("packages")),
        "rollback_cpu": _figure("", rollback, lambda run: run.cpu),
    }


def fleet(runs: int, count: int) -> Figures:
    """Audit one host and many in turn, over new connections: what each host more costs the controller."""
    alone, together = [], []
    with _bench(count) as (bench, names):
        bench.play("audit", names)  # the first reads cold files
        for number in range(1, runs + 1):
            say(f"audit of 1 host, then of {count}: {number}/{runs}")
            alone.append(bench.play("audit", names[:1]))
            together.append(bench.play("audit", names))
        one, many = bench.play("audit", names[:1], sampled=True), bench.play("audit", names, sampled=True)
    busy = [run.busy for run in together]
    slopes = [(many.cpu - one.cpu) / (count - 1) for one, many in zip(alone, together, strict=True)]
    return {
        "fleet_hosts": figure("", "hosts", [count], busy),
        "fleet_wall": _figure("", together, lambda run: run.wall),
        "fleet_cpu": _figure("", together, lambda run: run.cpu),
        "fleet_cpu_per_extra_host": figure("fleet_cpu_per_extra_host", "s", slopes, busy),
        "fleet_memory_one_host": figure("", "MB", [one.together_mb], [one.busy]),
        "fleet_memory": figure("", "MB", [many.together_mb], [many.busy]),
    }


def demo(runs: int) -> Figures:
    """Play the demonstration, images existing. It replaces the lab's hosts deb12 and deb13."""
    with hosts.lock():
        images.build(images.missing(sorted({host.suite for host in hosts.STANDING})))
    done = _repeat("demo", runs, lambda: measure([sys.executable, "-m", "tools.demo"], "the demo"))
    return {"demo_wall": _figure("demo_wall", done, lambda run: run.wall)}


def cold() -> Figures:
    """Play the demonstration in a new copy of the committed files, with nothing made and nothing downloaded before.

    System packages are left out: removing them from the machine to measure their return would be too much.
    """
    with tempfile.TemporaryDirectory(prefix="essms-bench-") as folder:
        copy = Path(folder) / "copy"
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(copy)], check=True)
        _rename_images(copy)
        try:
            say("cold set-up: the virtual environment")
            environment = {"PIP_NO_CACHE_DIR": "1", "PATH": _path_without_ours()}
            setup = measure(["make", "--silent", "setup"], "the set-up", environment=environment, folder=copy)
            say("cold demo: images, hosts, playbooks")
            played = measure(["make", "--silent", "demo"], "the cold demo", environment=environment, folder=copy)
        finally:
            remove = ["python3", "-m", "tools.lab", "down", "--images"]
            subprocess.run(remove, cwd=copy, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return {
        "cold_setup_wall": _figure("", [setup], lambda run: run.wall),
        "cold_demo_wall": figure("cold_demo_wall", "s", [setup.wall + played.wall], [setup.busy, played.busy]),
    }


def remove_leftovers() -> None:
    """Remove the hosts of a bench that was killed."""
    with hosts.lock():
        hosts.remove([host for host in hosts.existing() if host.name.startswith(PREFIX)])


@contextmanager
def _bench(count: int) -> Iterator[tuple[Bench, list[str]]]:
    """Give a bench with that many pristine Debian 12 hosts, and their names; all are removed at the end."""
    made = [hosts.Host(f"{PREFIX}{number:02d}", "bookworm") for number in range(1, count + 1)]
    folder = hosts.STATE / "bench"
    try:
        say(f"making {count} host{'s' if count > 1 else ''}")
        with hosts.lock():
            hosts.make_room(count)
            hosts.up(made, fresh=True)
        inventory = hosts.write_inventory(folder / "hosts.json", made)
        with Bench(inventory, folder) as bench:
            yield bench, [host.name for host in made]
    finally:
        with hosts.lock():
            hosts.remove(made)
        shutil.rmtree(folder, ignore_errors=True)


def _path_without_ours() -> str:
    """Return PATH without our virtual environment: the copy makes its own from the machine's Python."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(folder for folder in folders if folder != str(PROGRAMS))


def _rename_images(copy: Path) -> None:
    """Give the copy's images a name of their own: it builds them anew and removes none that others use."""
    source = copy / "tools" / "lab" / "images.py"
    text = source.read_text(encoding="utf-8")
    renamed = text.replace(f'"{images.REPOSITORY}"', f'"{images.REPOSITORY}-{copy.parent.name}"')
    if renamed == text:
        raise BenchError("the name of the images was not found in tools/lab/images.py.")
    source.write_text(renamed, encoding="utf-8")


def _repeat(what: str, runs: int, once: Callable[[], Run]) -> list[Run]:
    done = []
    for number in range(1, runs + 1):
        say(f"{what}: {number}/{runs}")
        done.append(once())
    return done


def _figure(name: str, runs: Sequence[Run], value: Callable[[Run], float], unit: str = "s") -> dict[str, Any]:
    return figure(name, unit, [value(run) for run in runs], [run.busy for run in runs])
