# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-08 refuses what would shut out the account in use, whatever that account came in with."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pexpect
import pytest

from tests.support import engine, lab
from tests.support.people import GOOD
from tools.lab import hosts


@pytest.fixture(scope="module")
def other(name: str) -> Iterator[str]:
    """Give a pristine host of the same Debian, which takes passwords and root as Debian does."""
    with lab.throwaway(name) as made:
        lab.add_user(made, "boss", password=GOOD)
        lab.must(made, "echo 'boss ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/boss && chmod 440 /etc/sudoers.d/boss")
        yield made


@contextmanager
def kept_connection(host: str, user: str) -> Iterator[list[str]]:
    """Give the options that reach a host over one connection, opened with a password."""
    with tempfile.TemporaryDirectory() as folder:
        path = ["-o", f"ControlPath={folder}/s"]
        argv = [
            "-F",
            str(hosts.SSH_CONFIG),
            "-l",
            user,
            *path,
            "-o",
            "ControlMaster=yes",
            "-o",
            "PubkeyAuthentication=no",
        ]
        session = pexpect.spawn("ssh", [*argv, "-tt", host], encoding="utf-8", timeout=20)
        try:
            session.expect("[Pp]assword: ?$")
            session.sendline(GOOD)
            session.expect(r"[$#>] ?$")
            yield ["-l", user, *path]
        finally:
            session.close(force=True)


def applied(host: str, *options: str, spared: str, **variables: object) -> engine.Run:
    """Apply M04-08 over SSH and say what became of it."""
    settings = engine.settings(["M04-08"], variables=variables)
    return engine.ask_over_ssh(host, engine.request_for("applied", settings, spared=[spared]), *options)


def in_force(host: str, key: str) -> str:
    """Return what sshd says of a key."""
    return lab.must(host, f"/usr/sbin/sshd -T | sed -n 's/^{key} //p'").strip()


def refused(host: str, done: engine.Run, sentence: str) -> None:
    """Fail unless nothing was changed, for this reason."""
    assert sentence in done["failed"]["M04-08"]
    assert done["changed"] == []
    assert in_force(host, "passwordauthentication") == "yes"


def test_passwords_stay_when_the_connection_in_use_came_in_by_one(other: str) -> None:
    """M04-08: although the account has a key, nobody has shown that it works."""
    lab.must(
        other,
        "install -d -m 700 -o boss -g boss /home/boss/.ssh && echo ssh-ed25519 AAAA > /home/boss/.ssh/authorized_keys",
    )
    with kept_connection(other, "boss") as options:
        refused(other, applied(other, *options, spared="boss"), "came in by password")
    assert lab.ssh_login(other, "boss", GOOD) is lab.Login.ACCEPTED


def test_passwords_stay_when_the_account_has_no_key(other: str) -> None:
    """M04-08: a run on the host itself is not told by a connection; then the account's keys count."""
    settings = engine.settings(["M04-08"])
    lab.must(other, "mv /home/ansible/.ssh/authorized_keys /root/kept")
    try:
        refused(other, engine.run(other, "applied", settings), "no key is known")
    finally:
        lab.must(other, "mv /root/kept /home/ansible/.ssh/authorized_keys")


def test_root_stays_while_root_is_in_use(other: str) -> None:
    """M04-08: with a sentence that names the way out, which then works."""
    lab.must(other, "mkdir -p -m 700 /root/.ssh && cp /home/ansible/.ssh/authorized_keys /root/.ssh/")
    lab.must(other, "chown -R root: /root/.ssh")
    refused(other, applied(other, "-l", "root", spared="root"), "root is the account in use")
    done: Any = applied(other, "-l", "root", spared="root", essms_ssh_root_login="prohibit-password")
    assert not done.wrong(), done.wrong()
    assert lab.ssh(other, "id -un", user="root").out == "root\n"
    assert in_force(other, "passwordauthentication") == "no"
    assert not engine.run(other, "reverted", [])["problem"]


def test_groups_that_leave_the_account_out_are_refused(other: str) -> None:
    """M04-08: the account in use is told to join one first."""
    lab.must(other, "groupadd --force inside")
    done = applied(other, spared="ansible", essms_ssh_allow_groups=["inside"])
    refused(other, done, "in none of the groups")
    lab.must(other, "usermod -aG inside ansible")
    done = applied(other, spared="ansible", essms_ssh_allow_groups=["inside"])
    assert not done.wrong(), done.wrong()
    assert lab.ssh(other, "sudo -n id -un").out == "root\n"
    with lab.user(other, key=True) as outsider:
        assert "Permission denied" in lab.ssh(other, "true", user=outsider).err
    assert not engine.run(other, "reverted", [])["problem"]
