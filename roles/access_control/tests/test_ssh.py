# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-08: what a real client gets from the server, with good keys, weak algorithms, passwords, and bad intentions."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import engine, lab
from tests.support.people import GOOD
from tools.lab import hosts

WEAK = [
    ("Ciphers", "aes128-ctr"),
    ("Ciphers", "chacha20-poly1305@openssh.com"),
    ("MACs", "hmac-sha1"),
    ("MACs", "hmac-sha2-512"),
    ("KexAlgorithms", "diffie-hellman-group14-sha256"),
    ("KexAlgorithms", "ecdh-sha2-nistp256"),
]
"""Each is accepted by Debian as it comes."""


@pytest.fixture(scope="module")
def user(name: str) -> Iterator[str]:
    """Give a new ordinary user with a password and a key."""
    with lab.user(name, password=GOOD, key=True) as made:
        yield made


def client(name: str, *options: str, user: str = hosts.USER, command: str = "echo in") -> lab.Output:
    """Run an SSH client with options of its own over a new connection."""
    base = ["ssh", "-F", str(hosts.SSH_CONFIG), "-l", user, "-o", "ControlPath=none", "-o", "BatchMode=yes"]
    done = subprocess.run(
        [*base, *options, name, *command.split()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return lab.Output(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(("option", "algorithm"), WEAK)
def test_weak_algorithm_is_refused(name: str, option: str, algorithm: str) -> None:
    """M04-08: a client that offers nothing better gets no connection."""
    # with a cipher that authenticates itself, no MAC would be chosen at all
    also = ["-o", "Ciphers=aes256-ctr"] if option == "MACs" else []
    done = client(name, "-o", f"{option}={algorithm}", *also)
    assert done.code != 0
    assert "no matching" in done.err


def test_strong_algorithms_are_accepted(name: str, applied: Mapping[str, Any]) -> None:
    """M04-08: a client that offers what is allowed is let in."""
    offer = ["Ciphers=aes256-ctr", f"MACs={applied['essms_ssh_macs'][0]}", "KexAlgorithms=curve25519-sha256"]
    assert client(name, *(word for each in offer for word in ("-o", each))).out == "in\n"


def test_root_is_refused_even_with_a_key(name: str) -> None:
    """M04-08: a key that opens root's account on Debian as it comes opens nothing."""
    public = hosts.KEY.with_suffix(".pub").read_text(encoding="utf-8")
    keys = "/root/.ssh/authorized_keys"
    lab.must(name, f"mkdir -p -m 700 /root/.ssh && cat >> {keys} && chmod 600 {keys}", stdin=public)
    try:
        done = client(name, user="root")
    finally:
        lab.must(name, ["rm", keys])
    assert done.code == 255
    assert "Permission denied" in done.err


def test_a_password_is_not_even_asked_for(name: str, user: str) -> None:
    """M04-08: the right password of a user who may log in with a key is worth nothing over SSH."""
    assert lab.ssh_login(name, user, GOOD) is lab.Login.REFUSED
    done = client(name, "-o", "PubkeyAuthentication=no", user=user)
    assert "Permission denied (publickey)" in done.err
    assert client(name, user=user).out == "in\n"


def test_what_starts_the_server_counts_too(name: str, user: str, applied: Mapping[str, Any]) -> None:
    """M04-08: an override of the service brings passwords back, whatever the files say; the audit sees it."""
    folder = "/etc/systemd/system/ssh.service.d"
    start = "[Service]\nExecStart=\nExecStart=/usr/sbin/sshd -D -o PasswordAuthentication=yes\n"
    restart = "systemctl daemon-reload && systemctl reset-failed ssh && systemctl restart ssh"
    wanted = engine.settings(["M04-08"], variables=dict(applied))

    def said() -> str:
        return str(engine.run(name, "audited", wanted).rows()["M04-08", "sshd", "PasswordAuthentication"]["state"])

    assert said() == "ok"
    try:
        lab.must(name, f"mkdir {folder} && cat > {folder}/probe.conf && {restart}", stdin=start)
        assert "password" in client(name, "-o", "PubkeyAuthentication=no", user=user).err
        assert said() == "fail"
    finally:
        lab.must(name, f"rm -r {folder} && {restart}")
    assert said() == "ok"


def test_brute_force_is_stopped_after_the_tries_allowed(name: str, applied: Mapping[str, Any], tmp_path: Path) -> None:
    """M04-08: a client that tries one key after the other is cut off before it comes to the good one."""
    allowed = applied["essms_ssh_max_auth_tries"]
    wrong = [tmp_path / f"wrong{number}" for number in range(allowed)]
    for key in wrong:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=20)

    def try_after(count: int) -> lab.Output:
        keys = [word for key in (*wrong[:count], hosts.KEY) for word in ("-i", str(key))]
        return client(name, "-F", "/dev/null", *_address(name), *keys)

    assert try_after(allowed - 1).out == "in\n"
    assert "Too many authentication failures" in try_after(allowed).err


def test_a_silent_client_is_dropped(name: str, applied: Mapping[str, Any]) -> None:
    """M04-08: who does not log in within the time holds no place in the queue."""
    begun = time.monotonic()
    with socket.create_connection((_option(name, "hostname"), int(_option(name, "port"))), timeout=60) as silent:
        while silent.recv(1024):
            pass
    assert time.monotonic() - begun < applied["essms_ssh_login_grace_seconds"] + 10


def test_the_notice_is_shown_before_the_login(name: str, applied: Mapping[str, Any]) -> None:
    """M04-08: also to a client that is then refused."""
    done = client(name, "-o", "LogLevel=INFO", "-o", "PubkeyAuthentication=no")
    assert done.code == 255
    for line in applied["essms_ssh_banner"]:
        assert line in done.err


def test_tunnels_are_refused(name: str) -> None:
    """M04-08: the host is no way round the firewall."""
    done = client(name, "-W", "127.0.0.1:22", command="")
    assert "administratively prohibited" in done.err


def test_the_agent_of_the_workstation_stays_there(name: str) -> None:
    """M04-08: a root of the host cannot use the keys of those who log in."""
    ssh = f"ssh -F {hosts.SSH_CONFIG} -o ControlPath=none -o BatchMode=yes -A {name}"
    script = f"{ssh} 'echo agent=$SSH_AUTH_SOCK'"
    done = subprocess.run(["ssh-agent", "sh", "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout == "agent=\n", done.stderr


def test_files_are_still_transferred(name: str, tmp_path: Path) -> None:
    """M04-08: sftp, which Ansible and backups use, works on."""
    batch = tmp_path / "batch"
    batch.write_text("ls /etc/hostname\n", encoding="utf-8")
    argv = [
        "sftp",
        "-F",
        str(hosts.SSH_CONFIG),
        "-o",
        "ControlPath=none",
        "-o",
        f"User={hosts.USER}",
        "-b",
        str(batch),
        name,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert "/etc/hostname" in done.stdout, done.stderr


def test_the_log_names_the_key(name: str, user: str) -> None:
    """M04-08: who came in, and from where, is in the log before anything else happens."""
    client(name, user=user)
    said = lab.must(name, "journalctl -q -o cat --since -1min SYSLOG_IDENTIFIER=sshd + SYSLOG_IDENTIFIER=sshd-session")
    assert f"Accepted publickey for {user}" in said
    assert "Connection from" in said


def _option(name: str, option: str) -> str:
    """Return what the client's configuration says of a host."""
    done = subprocess.run(
        ["ssh", "-G", "-F", str(hosts.SSH_CONFIG), name], capture_output=True, text=True, timeout=20, check=True
    )
    return next(line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith(f"{option} "))


def _address(name: str) -> list[str]:
    """Return options that reach a host without the client's configuration, which would offer the good key first."""
    options = [f"HostName={_option(name, 'hostname')}", f"Port={_option(name, 'port')}", "IdentitiesOnly=yes"]
    options += ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null"]
    return [word for option in options for word in ("-o", option)]
