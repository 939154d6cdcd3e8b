# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard: a timer on the host that puts a transaction back unless a new connection confirms it in time."""

from __future__ import annotations

import inspect
import os
import re
import subprocess

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
ExecStart=/usr/bin/env python3 {folder}/{program} {folder} boot
"""


IMPOSSIBLE = "systemd does not run here, so no timer could give access back: the change was not made"


def possible() -> bool:
    """Say whether the host can count the time."""
    return os.path.isdir("/run/systemd/system")


def arm(transaction: Transaction, seconds: int) -> None:
    """Arm the timer, and a unit for the case that the host restarts before it fires.

    :raises EngineError: when systemd or the disk refuses; nothing has changed then.
    """
    try:
        _write_program(transaction.folder)
        _arm_timer(transaction, seconds)
    except (OSError, subprocess.SubprocessError) as error:
        raise EngineError(f"the guard timer cannot be armed, nothing was changed: {error}") from error


def _write_program(folder: str) -> None:
    program = os.path.join(folder, PROGRAM)
    with open(program, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(inspect.getsource(undo))
    os.makedirs(os.path.dirname(undo.BOOT_WANT), exist_ok=True)
    with open(undo.BOOT_UNIT, "w", encoding="utf-8") as stream:
        stream.write(_UNIT.format(folder=folder, program=PROGRAM))
    if not os.path.lexists(undo.BOOT_WANT):
        os.symlink(undo.BOOT_UNIT, undo.BOOT_WANT)


def _arm_timer(transaction: Transaction, seconds: int) -> None:
    program = os.path.join(transaction.folder, PROGRAM)
    done = subprocess.run(
        [
            "systemd-run",
            f"--unit={unit_name(transaction.id)}",
            f"--on-active={seconds}",
            "--timer-property=AccuracySec=100ms",
            "--collect",
            *("/usr/bin/env", "python3", program, transaction.folder, "guard"),
        ],
        capture_output=True,
        check=False,
        timeout=30,
    )
    if done.returncode != 0:
        raise OSError(done.stderr.decode(errors="replace").strip()[:200])


def unit_name(transaction_id: str) -> str:
    """Return the name of a transaction's timer; it holds the id, because systemd refuses a name in use."""
    return f"essms-guard-{transaction_id}"


def stop(transaction_id: str) -> None:
    """Stop a transaction's timer, if it has one, once it has ended either way."""
    unit = f"{unit_name(transaction_id)}.timer"
    subprocess.run(["systemctl", "stop", unit], capture_output=True, check=False, timeout=30)


def connection() -> str:
    """Return the address and port of the SSH client that started this process, or an empty text.

    sudo clears its own environment, so the answer is looked for in the processes above.
    """
    process = os.getpid()
    while process > 1:
        try:
            with open(f"/proc/{process}/environ", "rb") as stream:
                environment = stream.read().split(b"\0")
            with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stream:
                parent = re.sub(r"^.*\) . ", "", stream.read(), flags=re.DOTALL).split()[0]
        except OSError:
            return ""
        for entry in environment:
            if entry.startswith(b"SSH_CONNECTION="):
                return " ".join(entry.decode(errors="replace").partition("=")[2].split()[:2])
        process = int(parent)
    return ""
