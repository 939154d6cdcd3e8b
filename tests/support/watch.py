# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tries new SSH connections to hosts while something else goes on, and tells how each ended."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support import lab


@dataclass(frozen=True)
class Try:
    """One new connection.

    :param at: seconds since the watch began.
    :param seconds: how long it took.
    :param said: what went wrong, empty when it worked.
    """

    at: float
    seconds: float
    said: str

    @property
    def worked(self) -> bool:
        """Say whether the command ran and succeeded."""
        return not self.said


@contextmanager
def watched(
    hosts: Sequence[str], command: str = "true", *, pause: float = 1, seconds: float = 5
) -> Iterator[dict[str, list[Try]]]:
    """Run a command over new connections meanwhile, one after the other; give the tries of each host.

    :param pause: seconds between the end of a try and the next one.
    :param seconds: how long a try may take: one that is caught half-way by a dropped packet hangs longer.
    """
    seen: dict[str, list[Try]] = {host: [] for host in hosts}
    stop, begun = threading.Event(), time.monotonic()

    def watch(host: str) -> None:
        while not stop.is_set():
            at = time.monotonic()
            said = _said(host, command, seconds)
            seen[host].append(Try(at - begun, time.monotonic() - at, said))
            stop.wait(pause)

    threads = [threading.Thread(target=watch, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _said(host: str, command: str, seconds: float) -> str:
    try:
        done = lab.ssh(host, command, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "no answer"
    return "" if done.code == 0 else f"{done.code}: {done.text.strip()}"
