# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard: a timer on the host that puts a transaction back unless a new connection confirms it in time."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
from collections.abc import Sequence

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

    :raises EngineError: when systemd refuses; nothing has changed then.
    """
    folder = transaction.folder
    program = os.path.join(folder, PROGRAM)
    try:
        _write_unit(folder, program)
        _start_timer(unit_name(transaction.id), seconds, ["/usr/bin/env", "python3", program, folder, "guard"])
    except (OSError, subprocess.SubprocessError) as error:
        undo.disarm(folder)
        detail = getattr(error, "stderr", b"") or str(error).encode()
        sentence = "the guard that would give access back cannot be armed, nothing was changed"
        raise EngineError(f"{sentence}: {detail.decode(errors='replace').strip()[:200]}") from error


def _write_unit(folder: str, program: str) -> None:
    """Write the program that puts the transaction back, and the unit that runs it at the next boot."""
    with open(program, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.write(inspect.getsource(undo))
    os.makedirs(os.path.dirname(undo.BOOT_WANT), exist_ok=True)
    with open(undo.BOOT_UNIT, "w", encoding="utf-8") as stream:
        stream.write(_UNIT.format(folder=folder, program=PROGRAM))
    if not os.path.lexists(undo.BOOT_WANT):
        os.symlink(undo.BOOT_UNIT, undo.BOOT_WANT)


def _start_timer(unit: str, seconds: int, command: Sequence[str]) -> None:
    timer = [f"--unit={unit}", f"--on-active={seconds}", "--timer-property=AccuracySec=100ms", "--collect"]
    subprocess.run(["systemd-run", *timer, *command], capture_output=True, check=True, timeout=30)


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
