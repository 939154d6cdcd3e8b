# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard: a timer on the host that puts a transaction back unless a new connection confirms it in time."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

from . import undo
from .errors import EngineError
from .transaction import Transaction

PROGRAM = "undo.py"
_UNIT = """[Unit]
Description=essms.hardening: put an unconfirmed change back before anyone connects
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target ssh.service sshd.service ssh.socket
ConditionPathExists={folder}/journal.jsonl

[Service]
Type=oneshot
ExecStart={python} {folder}/{program} {folder} boot
"""


IMPOSSIBLE = "systemd does not run here, so no timer could give access back: the change was not made"


def possible() -> bool:
    """Say whether the host can count the time."""
    return os.path.isdir("/run/systemd/system")


def arm(transaction: Transaction, seconds: int) -> None:
    """Arm the timer, and a unit for the case that the host restarts before it fires.

    :raises EngineError: when systemd, Python or the disk refuses; nothing has changed then.
    """
    program = os.path.join(transaction.folder, PROGRAM)
    try:
        _write_program(program, transaction.folder)
        # the guard has to run without us: try it once, with the very Python that will run it
        probe = [sys.executable, program, transaction.folder, "probe"]
        subprocess.run(probe, check=True, capture_output=True, timeout=30)
        _start_timer(unit_name(transaction.id), transaction.folder, "guard", seconds)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"the guard timer cannot be armed, nothing was changed: {_detail(error)}") from error


def wait_for_confirmation(transaction: Transaction, seconds: int) -> None:
    """Give the confirmation its whole time, however long the change itself took, and end the first timer.

    :raises EngineError: when systemd refuses; the caller puts the transaction back.
    """
    try:
        _start_timer(f"{unit_name(transaction.id)}-confirm", transaction.folder, "confirm", seconds)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"the guard timer cannot be armed again: {_detail(error)}") from error
    _stop(unit_name(transaction.id))


def _write_program(program: str, folder: str) -> None:
    with open(program, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(inspect.getsource(undo))
    os.makedirs(os.path.dirname(undo.BOOT_WANT), exist_ok=True)
    with open(undo.BOOT_UNIT, "w", encoding="utf-8") as stream:
        stream.write(_UNIT.format(folder=folder, program=PROGRAM, python=sys.executable))
    if not os.path.lexists(undo.BOOT_WANT):
        os.symlink(undo.BOOT_UNIT, undo.BOOT_WANT)


def _start_timer(unit: str, folder: str, mode: str, seconds: int) -> None:
    timer = [f"--unit={unit}", f"--on-active={seconds}", "--timer-property=AccuracySec=100ms", "--collect"]
    # what cannot be put back now (a full disk) is tried again until it can
    timer += ["-p", "Restart=on-failure", "-p", "RestartSec=15", "-p", "StartLimitIntervalSec=0"]
    command = [sys.executable, os.path.join(folder, PROGRAM), folder, mode]
    subprocess.run(["systemd-run", *timer, *command], check=True, capture_output=True, timeout=30)


def _detail(error: Exception) -> str:
    said = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error).encode()
    return (said or b"").decode(errors="replace").strip()[-200:]


def unit_name(transaction_id: str) -> str:
    """Return the name of a transaction's timer; it holds the id, because systemd refuses a name in use."""
    return f"essms-guard-{transaction_id}"


def stop(transaction_id: str) -> None:
    """Stop a transaction's timers, if it has any, once it has ended either way."""
    unit = unit_name(transaction_id)
    _stop(unit, f"{unit}-confirm")


def _stop(*units: str) -> None:
    timers = [f"{unit}.timer" for unit in units]
    subprocess.run(["systemctl", "stop", *timers], capture_output=True, check=False, timeout=30)
