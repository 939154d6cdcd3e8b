# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real SSH sessions left alone: which of them the host closes, and when."""

from __future__ import annotations

import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pexpect

from tests.support import lab, people
from tools.lab import hosts

SLACK = 15
"""Seconds a busy machine may add."""


@dataclass(frozen=True)
class Idle:
    """What became of the sessions of one host: seconds until the host closed one, None when it did not.

    :param scripted: what a command without a terminal answered after waiting longer than any shell may.
    :param dead: the same for a client that no longer answers; ``alive`` for one that is silent but answers.
    """

    login_shell: float | None
    subshell: float | None
    root_shell: float | None
    scripted: str
    dead: float | None
    alive: bool


def latest_drop(interval: float, count: int) -> float:
    """Return the seconds after which a dead client is gone: one interval more than checks, each up to twice as long.

    OpenSSH 9.2 counts an interval anew after each of its own messages; newer versions need half of it.
    """
    return 2 * interval * (count + 1)


def leave(host: str, shell: float, dead: float) -> Idle:
    """Open the sessions side by side, leave them idle, and wait for what happens.

    :param shell: seconds after which an idle shell should close.
    :param dead: seconds after which a client that does not answer should be dropped.
    """
    with lab.user(host, key=True) as user, lab.user(host, key=True) as lost, ThreadPoolExecutor() as pool:
        login_shell = pool.submit(_closed_after, host, user, "", shell)
        subshell = pool.submit(_closed_after, host, user, "exec bash", shell)
        root_shell = pool.submit(_closed_after, host, hosts.USER, "exec sudo -i", shell)
        scripted = pool.submit(_scripted, host, user, shell)
        dropped, answers = pool.submit(_dropped_after, host, lost, dead), pool.submit(_answers, host, user, dead)
        return Idle(
            login_shell.result(),
            subshell.result(),
            root_shell.result(),
            scripted.result(),
            dropped.result(),
            answers.result(),
        )


def _closed_after(host: str, user: str, command: str, delay: float) -> float | None:
    with lab.terminal(host, user=user) as session:
        if command:
            people.new_shell(session, command)
        started = time.monotonic()
        ended = session.expect([pexpect.EOF, pexpect.TIMEOUT], timeout=delay + SLACK) == 0
        return time.monotonic() - started if ended else None


def _scripted(host: str, user: str, delay: float) -> str:
    """Let a command without a terminal wait for its input in a login shell, where a timeout would end `read`."""
    argv = ["ssh", *_options(user), host, "bash -lc 'read -r word && echo \"got $word\"'"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        time.sleep(delay + 5)
        return client.communicate("late\n", timeout=30)[0]


def _dropped_after(host: str, user: str, delay: float) -> float | None:
    """Freeze a client, as a computer that lost its network, and wait until no session of its user is left."""
    argv = ["ssh", *_options(user), host, "sleep 600"]
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as client:
        try:
            while not _has_session(host, user):
                time.sleep(0.5)
            client.send_signal(signal.SIGSTOP)
            started = time.monotonic()
            while time.monotonic() - started < delay + SLACK:
                if not _has_session(host, user):
                    return time.monotonic() - started
                time.sleep(1)
            return None
        finally:
            client.kill()


def _answers(host: str, user: str, delay: float) -> bool:
    """Say whether a client that only waits, and answers the host's checks, is still there at the end."""
    return lab.ssh(host, f"sleep {delay} && echo done", user=user, timeout=delay + 30).out == "done\n"


def _has_session(host: str, user: str) -> bool:
    return lab.root(host, ["pgrep", "--uid", user, "sshd"]).code == 0


def _options(user: str) -> list[str]:
    return ["-F", str(hosts.SSH_CONFIG), "-l", user, "-o", "ControlPath=none", "-o", "BatchMode=yes"]
