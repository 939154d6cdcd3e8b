# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How tests reach the hosts of the lab: as root behind SSH's back, or over SSH as a person would.

``root`` goes through podman, so it still works on a host that has locked SSH out. ``ssh_login`` and ``terminal`` are
real SSH sessions with a real password prompt and a real terminal. Hosts are inventory names (``deb12``, ``deb13``) or
those ``throwaway`` gives.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pexpect

from tools.lab import hosts, vm
from tools.lab.podman import as_root, attempt, run

PROMPT = "lab-prompt> "
# What a login says, in the order OpenSSH and PAM say it.
_ASKS_PASSWORD = r"[Pp]assword: ?$"
_MUST_CHANGE = r"(?i)(required to change your password|password has expired|current password: ?$|mot de passe actuel)"
_REFUSED = r"(?i)(permission denied|too many authentication failures|connection (closed|reset)|account has expired)"


class Login(Enum):
    """How a password login ended."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    MUST_CHANGE = "password must be changed first"
    NO_ANSWER = "the host did not answer"


@dataclass(frozen=True)
class Output:
    """What a command left: exit code, standard output and standard error."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both outputs, for messages."""
        return self.out + self.err


def root(host: str, command: str | Sequence[str], *, stdin: str | None = None, timeout: float = 60) -> Output:
    """Run a command as root on a host without SSH: shell text, or a list of arguments taken literally.

    :param timeout: seconds; a command that takes longer raises LabError.
    """
    argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
    if vm.is_vm(host):
        done = subprocess.run(
            vm.command(host, argv), input=stdin or "", capture_output=True, text=True, timeout=timeout, check=False
        )
    else:
        done = attempt(["podman", "exec", "--interactive", _container(host), *argv], stdin=stdin, timeout=timeout)
    return Output(done.returncode, done.stdout, done.stderr)


def enter(host: str, argv: Sequence[str]) -> list[str]:
    """Return the command that runs a program as root on a host, connected to ours."""
    if vm.is_vm(host):
        return vm.command(host, argv)
    return as_root(["podman", "exec", "--interactive", _container(host), *argv])


def must(host: str, command: str | Sequence[str], *, stdin: str | None = None, timeout: float = 60) -> str:
    """Like `root`, but a command that fails fails the test; return standard output."""
    output = root(host, command, stdin=stdin, timeout=timeout)
    assert output.code == 0, f"on {host}, {command!r} ended with {output.code}: {output.text.strip()}"
    return output.out


def ssh(host: str, command: str, *, user: str = hosts.USER, key: Path | None = None, timeout: float = 30) -> Output:
    """Run shell text over a new SSH connection that uses a key (the automation account's, unless told otherwise)."""
    argv = ["ssh", *_options(user, key), "-o", "BatchMode=yes", host, command]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False)
    return Output(done.returncode, done.stdout, done.stderr)


def ssh_login(host: str, user: str, password: str, *, timeout: float = 20) -> Login:
    """Try one password once, over a new SSH connection with a terminal, and say how it ended.

    :param timeout: seconds to wait for each answer of the host.
    """
    with _session(host, _password_options(user), timeout) as session:
        if session.expect([_ASKS_PASSWORD, _REFUSED, pexpect.TIMEOUT, pexpect.EOF]) != 0:
            return Login.REFUSED if session.match_index == 1 else Login.NO_ANSWER
        session.sendline(password)
        answer = session.expect([_MUST_CHANGE, _REFUSED, _ASKS_PASSWORD, r"[$#>] ?$", pexpect.TIMEOUT, pexpect.EOF])
        return (Login.MUST_CHANGE, Login.REFUSED, Login.REFUSED, Login.ACCEPTED, Login.NO_ANSWER, Login.REFUSED)[answer]


@contextmanager
def terminal(
    host: str, *, user: str = hosts.USER, key: Path | None = None, password: str | None = None, timeout: float = 20
) -> Iterator[pexpect.spawn[str]]:
    """Give an interactive SSH session with a terminal, at its first shell prompt, in a login shell.

    ``session.sendline("…")``, ``session.expect(PROMPT)``, ``session.before``;
    ``session.expect(pexpect.EOF, timeout=…)`` waits for the host to end it.
    """
    options = _options(user, key) if password is None else _password_options(user)
    with _session(host, options, timeout) as session:
        if password is not None:
            session.expect(_ASKS_PASSWORD)
            session.sendline(password)
        session.expect(r"[$#>] ?$")
        session.sendline("PS1='lab-''prompt> '")
        session.expect_exact(PROMPT)
        yield session


def add_user(host: str, user: str, *, password: str | None = None, key: bool = False) -> None:
    """Make an ordinary user (bash, a home folder), with a password set past every policy, and our key if wanted."""
    must(host, ["useradd", "--create-home", "--shell", "/bin/bash", user])
    if password is not None:
        set_password(host, user, password)
    if key:
        public = hosts.KEY.with_suffix(".pub").read_text(encoding="utf-8")
        home = f"/home/{user}/.ssh"
        must(host, f"install -d -m 0700 -o {user} -g {user} {home} && cat > {home}/authorized_keys", stdin=public)
        must(host, f"chown {user}: {home}/authorized_keys && chmod 0600 {home}/authorized_keys")


def set_password(host: str, user: str, password: str) -> None:
    """Set a password as root without PAM, so that no policy under test has its say."""
    hashed = must(host, ["openssl", "passwd", "-6", "-stdin"], stdin=password + "\n").strip()
    must(host, ["usermod", "--password", hashed, user])


def remove_user(host: str, user: str) -> None:
    """Remove a user, its sessions and its home folder; nothing happens when it does not exist."""
    root(host, f"loginctl terminate-user {user} 2>/dev/null; pkill -KILL -u {user}; userdel --remove --force {user}")


@contextmanager
def user(host: str, *, password: str | None = None, key: bool = False) -> Iterator[str]:
    """Give the name of a new user that is removed at the end."""
    name = f"t{uuid.uuid4().hex[:8]}"
    add_user(host, name, password=password, key=key)
    try:
        yield name
    finally:
        remove_user(host, name)


@contextmanager
def throwaway(like: str = "deb12") -> Iterator[str]:
    """Give the name of a pristine host of the same Debian as ``like``, with its own address; removed at the end."""
    host = hosts.Host(f"{like}-{uuid.uuid4().hex[:6]}", hosts.SUITES[like])
    hosts.up([host])
    try:
        yield host.name
    finally:
        hosts.remove([host])


@contextmanager
def inventory(*names: str, variables: Mapping[str, object] | None = None) -> Iterator[Path]:
    """Give an Ansible inventory (group ``lab``) of these hosts, in a folder of its own named ``lab``."""
    folder = Path(tempfile.mkdtemp(prefix="essms-"))
    try:
        chosen = [hosts.Host(name, hosts.SUITES.get(name, "")) for name in names]
        yield hosts.write_inventory(folder / "lab" / "hosts.json", chosen, variables)
    finally:
        shutil.rmtree(folder)


def fingerprint(host: str, *paths: str) -> str:
    """Return bytes' hash, type, mode, owner, link target and modification time of everything under these paths.

    Equal before and after means nothing was touched; ``diff`` of two tells what was.
    """
    under = " ".join(paths)
    attributes = rf"find {under} -xdev -printf '%p %y %m %U:%G %s %T@ %l\n' 2>/dev/null | sort"
    contents = f"find {under} -xdev -type f -exec sha256sum {{}} + 2>/dev/null | sort -k2"
    return must(host, f"{attributes}; {contents}")


def crash(host: str) -> None:
    """Kill every process of a host in the middle of what it does, as a power cut would."""
    if vm.is_vm(host):
        vm.off(host)
    else:
        run(["podman", "kill", "--signal", "KILL", _container(host)])


def restart(host: str) -> None:
    """Start a host again after `crash`, or reboot it, and wait until it answers."""
    if vm.is_vm(host):
        vm.reboot(host)
        return
    run(["podman", "stop", "--time", "5", _container(host)])
    hosts.up([_host(host)])


def _host(name: str) -> hosts.Host:
    suite = next((suite for stem, suite in hosts.SUITES.items() if name.startswith(stem)), "bookworm")
    return hosts.Host(name, suite)


def _container(name: str) -> str:
    return _host(name).container


def _options(user: str, key: Path | None) -> list[str]:
    """SSH options of a new connection: never the one Ansible keeps open."""
    chosen = [] if key is None else ["-i", str(key)]
    return ["-F", str(hosts.SSH_CONFIG), "-l", user, "-o", "ControlPath=none", "-o", "ConnectTimeout=10", *chosen]


def _password_options(user: str) -> list[str]:
    once = [
        "PubkeyAuthentication=no",
        "PreferredAuthentications=keyboard-interactive,password",
        "NumberOfPasswordPrompts=1",
    ]
    return [*_options(user, None), *(word for option in once for word in ("-o", option))]


@contextmanager
def _session(host: str, options: Sequence[str], timeout: float) -> Iterator[pexpect.spawn[str]]:
    session = pexpect.spawn(
        "ssh", [*options, "-tt", host], encoding="utf-8", timeout=timeout, env={"TERM": "dumb", "PATH": "/usr/bin:/bin"}
    )
    try:
        yield session
    finally:
        session.close(force=True)
