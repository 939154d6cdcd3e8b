# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measured run of a playbook, of the demonstration, or of any other command."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from . import meter
from .figures import Busy, BusyMeter

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
"""Folder of the virtual environment's programs."""
_LAST_LINES = 15

Figures = dict[str, dict[str, Any]]
"""Figures ready for JSON, by name."""


def say(text: str) -> None:
    """Tell how far the bench is."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


class BenchError(RuntimeError):
    """Which run failed, in one sentence."""


@dataclass(frozen=True)
class Run:
    """What one command cost.

    :param wall: seconds from start to end.
    :param cpu: user and system seconds of the command and all its processes on this machine, ssh included.
    :param memory_mb: resident memory of its largest process.
    :param together_mb: most memory all its processes held at once, shared pages counted once; 0 unless sampled.
    :param document: the results document, for a playbook.
    """

    wall: float
    cpu: float
    memory_mb: float
    together_mb: float
    busy: Busy
    document: Mapping[str, Any] = field(default_factory=dict)

    def seconds(self, part: str) -> float:
        """Return the seconds of one part as the slowest host reported them; 0 when none did."""
        return max((float(host["seconds"].get(part, 0.0)) for host in self.document["hosts"]), default=0.0)

    @property
    def changed(self) -> int:
        """How many control × host pairs the run changed."""
        return sum(bool(result["changed"]) for result in self.document["results"])


class Bench:
    """Runs playbooks on one inventory, with SSH connections and reports of its own in a folder."""

    def __init__(self, inventory: Path, folder: Path) -> None:
        self._inventory = inventory
        self._reports = folder / "reports"
        # short and private: a socket's path may have 108 characters
        self._sockets = Path(tempfile.mkdtemp(prefix="essms-bench-"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        meter.close(self._sockets)
        for left in self._sockets.iterdir():
            left.unlink()
        self._sockets.rmdir()

    def play(
        self, playbook: str, hosts: Sequence[str], *, keep: bool = False, new: bool = True, sampled: bool = False
    ) -> Run:
        """Run a playbook on these hosts and check that each was verified.

        :param keep: leave the connections open for the next run; their own processes are not in ``cpu`` then.
        :param new: start without any open connection.
        :param sampled: also measure the memory of all processes, which disturbs the wall time.
        :raises BenchError: when it fails, or a host could not be verified.
        """
        if new:
            meter.close(self._sockets)
        command = ["ansible-playbook", "--inventory", str(self._inventory), "--limit", ",".join(hosts)]
        environment = {
            "ANSIBLE_SSH_CONTROL_PATH_DIR": str(self._sockets),
            "ESSMS_REPORT_DIR": str(self._reports),
            "ESSMS_LANG": "en",
        }
        run = measure(
            [*command, f"playbooks/{playbook}.yml"],
            f"the playbook {playbook} on {hosts[0] if len(hosts) == 1 else f'{len(hosts)} hosts'}",
            environment=environment,
            sockets=self._sockets,
            keep=keep,
            sampled=sampled,
        )
        document = json.loads((self._reports / "bench" / "latest" / "results.json").read_text(encoding="utf-8"))
        problems = [f"{host['name']}: {host['problem']}" for host in document["hosts"] if host["problem"]]
        if problems or len(document["hosts"]) != len(hosts):
            raise BenchError(f"the playbook {playbook} did not verify every host: {problems or 'some are missing'}.")
        return Run(run.wall, run.cpu, run.memory_mb, run.together_mb, run.busy, document)


def measure(
    command: Sequence[str],
    what: str,
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path = ROOT,
    sockets: Path | None = None,
    keep: bool = True,
    sampled: bool = False,
) -> Run:
    """Run a command in a folder and return what it cost; its output is shown only when it fails.

    :raises BenchError: when its exit code is not 0.
    """
    with tempfile.TemporaryDirectory(prefix="essms-bench-") as kept:
        report = Path(kept) / "cost.json"
        argv = [
            sys.executable, meter.__file__, str(report), str(sockets or kept), "KEEP" if keep else "CLOSE",
            "SAMPLED" if sampled else "TIMED", *command,
        ]  # fmt: skip
        path = f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        merged = {**os.environ, "PATH": path, **(environment or {})}
        busy = BusyMeter()
        code, said = _run(argv, folder, merged)
        moment = busy.read()
        if code != 0 or not report.exists():
            print("\n".join(said.splitlines()[-_LAST_LINES:]), file=sys.stderr)
            raise BenchError(f"{what} ended with code {code}: its last lines are above.")
        cost = json.loads(report.read_text(encoding="utf-8"))
    cpu = cost["cpu"] + cost["background_cpu"]
    return Run(cost["wall"], cpu, cost["largest_mb"], cost["together_mb"], moment)


def _run(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> tuple[int, str]:
    """Return a command's exit code and output; when this process is interrupted, what it started ends first."""
    process = subprocess.Popen(
        argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        said, _nothing = process.communicate()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()
        raise
    return process.returncode, said
