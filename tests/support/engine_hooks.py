# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults planted into a run of the engine, on the host, for tests only: packed beside the engine, never part of it.

A hook is ``{"at": stage, "do": action}``. ``STAGES`` says where a stage is; the action is ``kill`` (SIGKILL to the run,
nothing gets a chance to tidy up), ``wait`` (until the test lets it go on) or any other text, a shell command.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

WAITING, GO = "/var/tmp/essms-test/waiting", "/var/tmp/essms-test/go"

# stage: module, object in it (empty: the module itself), function, before or after it, at which of its calls
STAGES = {
    "before the journal": ("transaction", "Transaction", "begin", "before", 1),
    "after the journal": ("transaction", "Transaction", "begin", "after", 1),
    "before the first file": ("undo", "", "write_state", "before", 1),
    "between two files": ("undo", "", "write_state", "after", 1),
    "inside a file": ("undo", "", "_flush_folder", "before", 2),
    "before a draft gets its name": ("os", "", "rename", "before", 2),
    "after the files": ("transaction", "Transaction", "write", "after", 1),
    "between two accounts": ("transaction", "", "_operate", "after", 1),
    "between two services": ("transaction", "", "command", "after", 1),
    "after activation": ("transaction", "Transaction", "activate", "after", 1),
    "before the commit": ("transaction", "Transaction", "end", "before", 1),
    "after the commit": ("transaction", "Transaction", "end", "after", 1),
    "while undoing": ("undo", "", "_undo_record", "after", 4),
    "before the undone mark": ("undo", "", "_run_after", "after", 1),
}


def plant(engine: Mapping[str, Any], hooks: list[dict[str, Any]]) -> None:
    """Plant hooks into the imported modules of the engine ({name: module})."""
    for hook in hooks:
        if "clock" in hook:
            _shift_clock(float(hook["clock"]))
        elif "refuse" in hook:
            _refuse(engine["undo"], hook["refuse"])
        else:
            _plant(engine, hook["at"], hook["do"])


def _plant(engine: Mapping[str, Any], at: str, action: str) -> None:
    module, owner, name, moment, call = STAGES[at]
    holder: Any = os if module == "os" else engine[module]
    if owner:
        holder = getattr(holder, owner)
    original: Callable[..., Any] = getattr(holder, name)
    calls = [0]

    def hooked(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        if moment == "before" and calls[0] == call:
            _act(action)
        answer = original(*arguments, **named)
        if moment == "after" and calls[0] == call:
            _act(action)
        return answer

    setattr(holder, name, hooked)


def _act(action: str) -> None:
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "wait":
        Path(WAITING).touch()
        until = time.monotonic() + 60
        while not Path(GO).exists() and time.monotonic() < until:
            time.sleep(0.05)
    else:
        subprocess.run(["sh", "-c", action], check=True)


def _refuse(undo: Any, path: str) -> None:
    """Make one file unwritable, as a disk error would, and every other one writable."""
    original = undo.write_state

    def write_state(wanted: str, state: Any) -> None:
        if wanted == path and state is not None:
            raise OSError(5, "Input/output error")
        original(wanted, state)

    undo.write_state = write_state


def _shift_clock(seconds: float) -> None:
    """Set the clock the engine reads; the machine's own is not ours to touch."""
    original = time.time
    time.time = lambda: original() + seconds
    gmtime = time.gmtime
    time.gmtime = lambda when=None, /: gmtime(original() + seconds if when is None else when)
