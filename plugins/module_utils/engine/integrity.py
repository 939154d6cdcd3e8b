# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that tells which files of the system changed since it last looked, by what AIDE noted of them then.

Its source is what the kind `file_integrity` writes to a host, so it imports nothing of this project. It is no part of
the engine's own work.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time

CONFIG = "/etc/essms-integrity.conf"
STATE = "/var/lib/essms-integrity"
NOTED = f"{STATE}/noted.db"
LAST = f"{STATE}/last.json"
_NEW = f"{NOTED}.new"
_ENTRY = re.compile(r"^[a-z?!|-].{14,24}: (?P<path>/.*)$", re.IGNORECASE)
"""How AIDE's list of entries tells one file: its type, a letter or a dot for each attribute, its path."""
_MOST = 200
"""Files named in the journal; of the others only the number is told."""
_DIFFERS = 7
"""The highest exit code of AIDE that says what differs; those above it are failures (aide(1))."""
_WARNING, _NOTICE = "<4>", "<5>"
"""How the journal is told the weight of a line."""


def main(arguments: list[str]) -> int:
    """Entry: `check` tells what changed and notes the new state; `note` only notes it, after updates of ours."""
    told = arguments == ["check"]
    known = os.path.exists(NOTED)
    if not known and not told:
        return 0  # the first state is noted by the first check
    command = ["aide", "--config", CONFIG, "--update" if known else "--init"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode > _DIFFERS:
        print(f"{_WARNING}aide failed with code {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
        return 1
    os.replace(_NEW, NOTED)
    if told:
        _tell(changed(done.stdout.decode(errors="replace")) if known else [])
    return 0


def changed(report: str) -> list[str]:
    """Return the paths that a report of AIDE names, each once."""
    entries = (_ENTRY.match(line) for line in report.split("\n"))
    return sorted({entry["path"] for entry in entries if entry})


def _tell(paths: list[str]) -> None:
    """Log each path, and keep how many there were for the next audit."""
    for path in paths[:_MOST]:
        print(f"{_WARNING}changed since the last check: {path}")
    if paths[_MOST:]:
        print(f"{_WARNING}and {len(paths) - _MOST} more")
    print(f"{_NOTICE}{len(paths)} files changed since the last check")
    with open(f"{LAST}.new", "w", encoding="utf-8") as stream:
        json.dump({"time": int(time.time()), "changed": len(paths)}, stream)
    os.replace(f"{LAST}.new", LAST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
