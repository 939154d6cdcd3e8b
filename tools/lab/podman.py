# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running podman (and other programs that need root) from the lab."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

CONTAINERS_CONF = Path(__file__).with_name("containers.conf")


class LabError(RuntimeError):
    """What went wrong, where, and what to do: one sentence a person can act on."""


def as_root(argv: Sequence[str]) -> list[str]:
    """Return the command as root would run it: unchanged for root, through ``sudo -n`` for anyone else.

    Systemd containers with a network of their own need root; rootless podman cannot give them addresses.
    """
    environment = ["env", f"CONTAINERS_CONF={CONTAINERS_CONF}"]
    return [*([] if os.geteuid() == 0 else ["sudo", "-n"]), *environment, *argv]


def run(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 120) -> str:
    """Run a command as root and return its standard output.

    :param stdin: text given to the command; nothing is read from the terminal.
    :param timeout: seconds before the command is given up.
    :raises LabError: when the command is missing, fails or takes too long.
    """
    done = attempt(argv, stdin=stdin, timeout=timeout)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise LabError(
            f"`{' '.join(argv[:4])} …` failed with code {done.returncode}: {said[-1] if said else 'no message'}"
        )
    return done.stdout


def attempt(argv: Sequence[str], *, stdin: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run a command as root and return what happened, failed or not.

    :raises LabError: when the command is missing or takes more than ``timeout`` seconds.
    """
    try:
        return subprocess.run(
            as_root(argv), input=stdin or "", capture_output=True, text=True, timeout=timeout, check=False
        )
    except FileNotFoundError as error:
        raise LabError(f"The program {error.filename} is missing: run `make setup`, which installs it.") from None
    except subprocess.TimeoutExpired:
        raise LabError(
            f"`{' '.join(argv[:4])} …` did not finish within {timeout:g} s: run `make lab-down`, then `make lab-up`."
        ) from None
