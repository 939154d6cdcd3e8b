# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-07: what people, the automation and attackers can do with sudo and su, and what is written down of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pexpect
import pytest

from tests.support import lab, people
from tests.support.engine_play import play
from tests.support.people import GOOD

PROMPT = r"\[sudo\] password for \S+: ?$"
ROOT_PASSWORD = "Kf4!tRw8?zBn"


@pytest.fixture(scope="module")
def admin(name: str) -> Iterator[str]:
    """Give an administrator: in the group sudo, with a password."""
    with lab.user(name, password=GOOD, key=True) as made:
        lab.must(name, ["usermod", "-aG", "sudo", made])
        yield made


@pytest.fixture(scope="module")
def user(name: str) -> Iterator[str]:
    """Give a user who may run one program as root under two names, of which only one is held."""
    with lab.user(name, password=GOOD, key=True) as made:
        rule = f"{made} ALL=(root) NOPASSWD: /usr/bin/find, /usr/local/bin/unheld\n"
        lab.must(name, f"cat > /etc/sudoers.d/{made} && chmod 440 /etc/sudoers.d/{made}", stdin=rule)
        lab.must(name, "cp /usr/bin/find /usr/local/bin/unheld")
        yield made
        lab.must(name, f"rm /etc/sudoers.d/{made} /usr/local/bin/unheld")


@pytest.fixture
def session(name: str, admin: str) -> Iterator[pexpect.spawn[str]]:
    """Give the administrator's terminal."""
    with lab.terminal(name, user=admin) as terminal:
        yield terminal


def sudo(session: pexpect.spawn[str], command: str) -> str:
    """Type a sudo command and the password it asks for; return what it showed."""
    session.sendline(command)
    session.expect(PROMPT)
    session.sendline(GOOD)
    session.expect_exact(lab.PROMPT)
    return (session.before or "").replace("\r", "").strip()


def log(name: str, applied: Mapping[str, Any]) -> str:
    """Return sudo's own log, its continued lines joined."""
    return re.sub(r"\n\s+", " ", lab.must(name, ["cat", applied["essms_sudo_log"]]))


def test_the_automation_needs_neither_terminal_nor_password(name: str) -> None:
    """M04-07: ssh and `sudo -n` still work, although a terminal is required, and what it makes stays readable."""
    done = lab.ssh(name, "sudo -n sh -c 'id -un; rm -f /tmp/made; touch /tmp/made; stat -c %a /tmp/made; rm /tmp/made'")
    assert done.out == "root\n644\n", done.err


def test_ansible_needs_no_terminal_either(name: str, applied: Mapping[str, Any]) -> None:
    """M04-07: a run in check mode, with nobody at a keyboard, still gets through sudo, and finds all in order."""
    played = play("apply", [name], "--check", "--tags", "M04-07,M04-08", variables=applied)
    assert played.code == 0, played.text
    assert played.verdicts(name)["M04-07"] == "compliant"
    assert played.verdicts(name)["M04-08"] == "compliant"


def test_a_person_without_a_terminal_is_refused(name: str, admin: str) -> None:
    """M04-07: a stolen connection that has no terminal gets no root, even with the right password."""
    done = lab.ssh(name, f"echo '{GOOD}' | sudo -S id -un", user=admin)
    assert done.code != 0
    assert "root" not in done.out
    assert "you must have a tty" in done.err


def test_a_person_with_a_terminal_is_served(session: pexpect.spawn[str]) -> None:
    """M04-07: administrators work on."""
    assert sudo(session, "sudo id -un") == "root"


def test_the_password_is_asked_every_time(session: pexpect.spawn[str]) -> None:
    """M04-07: with a ticket of no duration, where somebody had asked for one without end."""
    sudo(session, "sudo true")
    assert sudo(session, "sudo id -un") == "root"


def test_a_command_gets_a_terminal_of_its_own(session: pexpect.spawn[str]) -> None:
    """M04-07: what runs as root cannot type into the user's terminal afterwards."""
    assert sudo(session, "sudo tty") != people.ask(session, "tty")


def test_the_environment_is_cleared(session: pexpect.spawn[str]) -> None:
    """M04-07: a variable does not travel to root."""
    assert "smuggled" not in sudo(session, "LAB=smuggled sudo env")


def test_commands_are_looked_for_in_safe_folders(session: pexpect.spawn[str]) -> None:
    """M04-07: a program of the user's own that bears the name of a command is not run."""
    people.ask(session, r"mkdir -p ~/trap && printf '#!/bin/sh\necho trapped\n' > ~/trap/id && chmod 755 ~/trap/id")
    assert sudo(session, "PATH=~/trap:$PATH sudo id -un") == "root"


def test_files_made_by_people_are_private(session: pexpect.spawn[str]) -> None:
    """M04-07: root's files made through sudo are nobody else's to read."""
    assert sudo(session, "sudo sh -c 'rm -f /tmp/own; touch /tmp/own; stat -c %a /tmp/own; rm /tmp/own'") == "600"


@pytest.mark.parametrize(("program", "escapes"), [("/usr/bin/find", False), ("/usr/local/bin/unheld", True)])
def test_a_program_that_is_held_starts_no_other(
    name: str, user: str, program: str, escapes: bool, applied: Mapping[str, Any]
) -> None:
    """M04-07: the escape is refused, a copy that is not held shows that it would have worked; the log holds both."""
    lab.must(name, "rm -f /tmp/escaped")
    with lab.terminal(name, user=user) as session:
        people.ask(session, f"sudo {program} /etc/hostname -exec /usr/bin/touch /tmp/escaped ';'")
    assert (lab.root(name, "rm /tmp/escaped").code == 0) is escapes
    tried = rf": {user} : .*COMMAND={program} /etc/hostname -exec /usr/bin/touch /tmp/escaped"
    assert re.search(tried, log(name, applied))


def test_every_use_is_written_down(
    name: str, session: pexpect.spawn[str], admin: str, applied: Mapping[str, Any]
) -> None:
    """M04-07: who, from which terminal, as whom, what."""
    sudo(session, "sudo cat /etc/hostname")
    line = next(line for line in reversed(log(name, applied).splitlines()) if f": {admin} :" in line)
    assert line.endswith("COMMAND=/usr/bin/cat /etc/hostname")
    assert "USER=root" in line
    assert "TTY=pts/" in line


def test_a_refusal_is_written_down(name: str, user: str, applied: Mapping[str, Any]) -> None:
    """M04-07: a user who tries what no rule allows is told no, and leaves a trace."""
    with lab.terminal(name, user=user) as session:
        assert "not allowed" in sudo(session, "sudo cat /etc/shadow")
    assert re.search(rf": {user} : command not allowed .*COMMAND=/usr/bin/cat /etc/shadow", log(name, applied))


def test_the_log_is_roots_alone(name: str, applied: Mapping[str, Any], user: str) -> None:
    """M04-07: nobody else reads it, and logrotate knows it."""
    assert lab.ssh(name, f"cat {applied['essms_sudo_log']}", user=user).code != 0
    assert applied["essms_sudo_log"] in lab.must(name, "cat /etc/logrotate.d/*")


@pytest.mark.parametrize("member", [True, False])
def test_su_is_for_administrators(name: str, admin: str, user: str, member: bool) -> None:
    """M04-07: who is not one is refused, root's password in hand."""
    lab.set_password(name, "root", ROOT_PASSWORD)
    try:
        with lab.terminal(name, user=admin if member else user) as session:
            session.sendline("LC_ALL=C su -c 'id -un'")
            session.expect("Password: ?$")
            session.sendline(ROOT_PASSWORD)
            session.expect_exact(lab.PROMPT)
            said = (session.before or "").replace("\r", "").strip()
    finally:
        lab.must(name, ["usermod", "--password", "*", "root"])
    assert said == ("root" if member else "su: Permission denied")
