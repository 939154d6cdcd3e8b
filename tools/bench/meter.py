# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command and write down what it cost, its processes in the background included.

``meter.py REPORT SOCKETS KEEP|CLOSE TIMED|SAMPLED COMMAND…``; the command's output is the meter's own.

Ansible leaves one ``ssh`` per host in the background to keep the connection. This process adopts them (it is their
subreaper), ends them through the sockets in SOCKETS, and so learns what they cost. It is a process of its own so that
it adopts nothing else.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_SAMPLE_SECONDS = 0.1
_PATIENCE_SECONDS = 10.0


def main(argv: list[str]) -> int:
    """Return the exit code of the command."""
    report, sockets, connections, memory, *command = argv
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    started = time.monotonic()
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    sampler = _Sampler(enabled=memory == "SAMPLED")
    sampler.start()
    _pid, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - started
    child.returncode = os.waitstatus_to_exitcode(status)
    sampler.stop()
    background = 0.0
    if connections == "CLOSE":
        close(Path(sockets))
        background = _adopted()
    cost = {
        "wall": wall,
        "cpu": _cpu(usage),
        "background_cpu": background,
        "largest_mb": usage.ru_maxrss / 1024,
        "together_mb": sampler.peak_kb / 1024,
    }
    Path(report).write_text(json.dumps(cost), encoding="utf-8")
    return child.returncode


def close(sockets: Path) -> None:
    """End the kept SSH connections whose sockets stand in a folder."""
    for socket in sockets.iterdir():
        command = ["ssh", "-F", "none", "-o", f"ControlPath={socket}", "-O", "exit", "any"]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _adopted() -> float:
    """Wait for the adopted processes to end and return their CPU seconds."""
    total = 0.0
    until = time.monotonic() + _PATIENCE_SECONDS
    with contextlib.suppress(ChildProcessError):  # no child is left
        while time.monotonic() < until:
            pid, _status, usage = os.wait4(-1, os.WNOHANG)
            if pid:
                total += _cpu(usage)
            else:
                time.sleep(0.02)
    return total


def _cpu(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


class _Sampler(threading.Thread):
    """Notes the most memory that this process's descendants hold together, pages they share counted once (PSS)."""

    def __init__(self, *, enabled: bool) -> None:
        super().__init__(daemon=True)
        self.peak_kb = 0
        self._enabled = enabled
        self._ended = threading.Event()

    def run(self) -> None:
        while self._enabled and not self._ended.wait(_SAMPLE_SECONDS):
            self.peak_kb = max(self.peak_kb, sum(_pss_kb(pid) for pid in _descendants(os.getpid())))

    def stop(self) -> None:
        """End the sampling."""
        self._ended.set()
        self.join()


def _descendants(ancestor: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it has ended meanwhile
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found: list[int] = []
    waiting = [ancestor]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _pss_kb(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
