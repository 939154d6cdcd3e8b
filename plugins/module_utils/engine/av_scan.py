# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that scans on a host, moves what it finds to quarantine and tells somebody.

Its source is what the kind `malware_scan` writes there, so it imports nothing of this project. It is no part of the
engine's own work.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable

QUARANTINE = "/var/lib/essms-quarantine"
FOUND = re.compile(r"^(?P<path>/.*): (?P<signature>\S+) FOUND$")
_CRITICAL, _ERROR = "<2>", "<3>"
"""How the journal is told the weight of a line."""


def commands(mode: str, paths: list[str]) -> list[list[str]]:
    """Return what to run: one look at the paths, or the watcher that never ends (its paths are in clamd.conf)."""
    options = ["--fdpass", f"--move={QUARANTINE}"]
    if mode == "access":
        return [["clamonacc", "--foreground", *options]]
    return [["clamdscan", "--infected", "--no-summary", *options, "--", *paths]]


def watch(lines: Iterable[str], mode: str, alert: str) -> int:
    """Report each infected file that a scanner names; return how many."""
    count = 0
    for line in lines:
        found = FOUND.match(line.rstrip("\n"))
        if found:
            count += 1
            _report(found["path"], found["signature"], mode, alert)
        else:
            print(line, end="", flush=True)
    return count


def _report(path: str, signature: str, mode: str, alert: str) -> None:
    """Log a detection and run the alert program, which gets it in its environment."""
    print(f"{_CRITICAL}malware {signature} in {path}, moved to {QUARANTINE}", flush=True)
    if not alert:
        return
    event = {"ESSMS_AV_FILE": path, "ESSMS_AV_SIGNATURE": signature, "ESSMS_AV_SOURCE": mode}
    try:
        subprocess.run([alert], env={**os.environ, **event}, timeout=60, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"{_ERROR}the alert program {alert} failed: {error}", flush=True)


def main(arguments: list[str]) -> int:
    """Entry: `scan PATH…` or `access`; an infected file is no error of the scan."""
    mode, *paths = arguments
    there = [path for path in paths if os.path.exists(path)]
    for missing in sorted(set(paths) - set(there)):
        print(f"{missing} does not exist and is not scanned", flush=True)
    if mode == "scan" and not there:
        return 0
    worst = 0
    for argv in commands(mode, there):
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace"
        ) as run:
            count = watch(run.stdout or (), mode, os.environ.get("ESSMS_AV_ALERT", ""))
        if run.returncode and not (mode == "scan" and run.returncode == 1 and count):
            print(f"{_ERROR}{argv[0]} ended with {run.returncode}", flush=True)
            worst = 2
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
