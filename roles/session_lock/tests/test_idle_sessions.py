# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M07-03, M07-04: idle consoles and dead connections are closed, work that runs is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pexpect
import pytest

from tests.support import idle, lab, people
from tests.support.idle import Idle


@pytest.fixture(scope="module")
def session(name: str, user: str) -> Iterator[pexpect.spawn[str]]:
    """Give the user's terminal."""
    with lab.terminal(name, user=user) as terminal:
        yield terminal


@pytest.mark.parametrize("shell", ["login_shell", "subshell", "root_shell"])
def test_idle_console_is_closed(idle_sessions: Idle, applied: Mapping[str, Any], shell: str) -> None:
    """M07-03: a real session nobody types in is closed, in the first shell, in one started by hand, and root's."""
    closed_after = getattr(idle_sessions, shell)
    assert closed_after is not None
    assert applied["essms_tmout_seconds"] - 2 <= closed_after <= applied["essms_tmout_seconds"] + idle.SLACK


def test_work_without_terminal_is_not_cut(idle_sessions: Idle) -> None:
    """M07-03: a command of the automation or a script may wait longer."""
    assert idle_sessions.scripted == "got late\n"


@pytest.mark.parametrize(
    "attempt", ["unset TMOUT", "TMOUT=0", "export TMOUT=0", "declare +r TMOUT", "readonly TMOUT=0"]
)
def test_delay_cannot_be_changed(session: pexpect.spawn[str], applied: Mapping[str, Any], attempt: str) -> None:
    """M07-03: the user is refused every way of changing it."""
    assert "readonly" in people.ask(session, attempt)
    assert people.ask(session, "echo $TMOUT") == str(applied["essms_tmout_seconds"])


@pytest.mark.parametrize("shell", ["bash", "env TMOUT=0 bash", "bash -l"])
def test_delay_cannot_be_changed_in_another_shell(
    session: pexpect.spawn[str], applied: Mapping[str, Any], shell: str
) -> None:
    """M07-03: nor does another shell help."""
    people.new_shell(session, shell)
    refusal, delay = people.ask(session, "unset TMOUT"), people.ask(session, "echo $TMOUT")
    people.ask(session, "exit")
    assert "readonly" in refusal
    assert delay == str(applied["essms_tmout_seconds"])


def test_logind_locks_idle_sessions(name: str, user: str, applied: Mapping[str, Any]) -> None:
    """M07-03: systemd-logind itself, asked by an ordinary user, says that it locks idle sessions after the delay."""
    manager = "org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager"
    answer = lab.ssh(name, f"busctl --json=short get-property {manager} IdleAction IdleActionUSec", user=user)
    assert [json.loads(line)["data"] for line in answer.out.splitlines()] == [
        "lock",
        applied["essms_tmout_seconds"] * 1_000_000,
    ]


def test_dead_connection_is_dropped(idle_sessions: Idle, applied: Mapping[str, Any]) -> None:
    """M07-04: the host ends the session of a client that no longer answers, once it has asked as often as it should."""
    latest = idle.latest_drop(applied["essms_ssh_alive_interval_seconds"], applied["essms_ssh_alive_count"])
    assert idle_sessions.dead is not None
    assert idle_sessions.dead <= latest + idle.SLACK


def test_silent_connection_is_kept(idle_sessions: Idle) -> None:
    """M07-04: a client that is only silent keeps its session."""
    assert idle_sessions.alive


def test_sshd_checks_its_clients(name: str, applied: Mapping[str, Any]) -> None:
    """M07-04: that is what the server's effective configuration says."""
    settings = lab.must(name, ["/usr/sbin/sshd", "-T"]).splitlines()
    assert f"clientaliveinterval {applied['essms_ssh_alive_interval_seconds']}" in settings
    assert f"clientalivecountmax {applied['essms_ssh_alive_count']}" in settings
