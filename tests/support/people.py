# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people do at a terminal: change a password, log in, and what the host answers to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pexpect
import yaml

from tests.support import lab
from tools.lab import hosts

NAMES = tuple(host.name for host in hosts.STANDING)
GOOD = "Vt7?kRz9!pXm"
"""A password that exactly satisfies the rules of the profile `combine`."""
ROOT = Path(__file__).resolve().parents[2]
_NEW = r"(?<!Retype )[Nn]ew (?:UNIX )?password: "
_RETYPE = r"Retype new (?:UNIX )?password: "
_CURRENT = r"[Cc]urrent (?:UNIX )?password: "
# A refusal that lets the person try again comes before the second entry, a final one after it.
_BAD = r"BAD PASSWORD: [^\r\n]*|Password has been already used[^\r\n]*|You must choose[^\r\n]*|Authentication[^\r\n]*"

T = TypeVar("T")


@dataclass(frozen=True)
class Change:
    """How a change of password ended, and what the host said about it."""

    accepted: bool
    said: str


def variables(scenario: str) -> dict[str, Any]:
    """Return the parameters that a Molecule scenario applies its role with."""
    plays = yaml.safe_load((ROOT / "molecule" / scenario / "converge.yml").read_text(encoding="utf-8"))
    chosen: dict[str, Any] = plays[0]["vars"]
    return chosen


def on_all_hosts(task: Callable[[str], T], pool: ThreadPoolExecutor) -> Mapping[str, Future[T]]:
    """Start a task for every host of the lab at once, so that its waits are shared; a result is asked for by host."""
    return {name: pool.submit(task, name) for name in NAMES}


def ask(session: pexpect.spawn[str], command: str) -> str:
    """Type a command at the prompt of `lab.terminal` and return what it showed."""
    session.sendline(command)
    session.expect_exact(lab.PROMPT)
    return (session.before or "").partition("\n")[2].replace("\r", "").strip()


def new_shell(session: pexpect.spawn[str], command: str) -> None:
    """Start an interactive shell from the prompt of `lab.terminal`, and wait for its own prompt."""
    session.sendline(command)
    session.expect(r"[$#>] ?$")
    session.sendline("PS1='lab-''prompt> '")
    session.expect_exact(lab.PROMPT)


def change(session: pexpect.spawn[str], new: str, *, current: str | None = None, command: str = "passwd") -> Change:
    """Change a password at a terminal, with ``passwd`` or another command that asks for the new one twice.

    :param current: the present password; None when the command does not ask for it.
    """
    session.sendline(f"LC_ALL=C {command}" if current is not None else f"sudo LC_ALL=C {command}")
    if current is not None:
        session.expect(_CURRENT)
        session.sendline(current)
    if session.expect([_NEW, _BAD]) == 1:
        session.expect_exact(lab.PROMPT)
        return Change(False, f"the present password was refused: {session.before}")
    session.sendline(new)
    if session.expect([_RETYPE, _BAD]) == 0:
        session.sendline(new)
        if session.expect(["password updated successfully", _BAD]) == 0:
            session.expect_exact(lab.PROMPT)
            return Change(True, "")
    said = str(session.after)
    # passwd ignores Ctrl-C while it asks again, but not that nothing is typed
    while session.expect([re.escape(lab.PROMPT), _NEW, _RETYPE]) != 0:
        session.sendline("")
    return Change(False, said)


def change_in_batch(host: str, user: str, new: str) -> Change:
    """Give a user a password as root's scripts do, without a terminal."""
    done = lab.root(host, ["env", "LC_ALL=C", "chpasswd"], stdin=f"{user}:{new}\n")
    return Change(done.code == 0, done.text)


@contextmanager
def account(host: str, name: str, *, password: str | None = None) -> Iterator[str]:
    """Give a user of this name, with our key, who leaves no former passwords behind (`userdel` keeps those)."""
    lab.add_user(host, name, password=password, key=True)
    try:
        yield name
    finally:
        lab.remove_user(host, name)
        lab.root(host, ["sed", "-i", f"/^{name}:/d", "/etc/security/opasswd"])


def shadow(host: str, user: str) -> list[str]:
    """Return the fields of a user's line in /etc/shadow, the name first."""
    return lab.must(host, ["getent", "shadow", user]).strip().split(":")


def backdate(host: str, user: str, days: int) -> None:
    """Make a user's password look as old as that."""
    lab.must(host, f"chage --lastday $(($(date +%s) / 86400 - {days})) {user}")


def greeting(host: str, user: str, *, timeout: float = 20) -> str:
    """Return what an SSH session with a terminal shows before its first prompt."""
    options = ["-F", str(hosts.SSH_CONFIG), "-l", user, "-o", "ControlPath=none", "-tt", host]
    session = pexpect.spawn(
        "ssh", options, encoding="utf-8", timeout=timeout, env={"TERM": "dumb", "PATH": "/usr/bin:/bin"}
    )
    try:
        session.expect(r"\$ ?$")
        return session.before or ""
    finally:
        session.close(force=True)
