# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How this run came to the host: over which SSH connection, as whom, and proven by what."""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from .host import Host

_ACCEPTED = re.compile(r"Accepted (\S+) for (\S+) from (\S+) port (\d+)\b")
_BY_PASSWORD = ("password", "keyboard-interactive")


class Login(NamedTuple):
    """The SSH login that started this run.

    :param method: what sshd accepted (publickey, password, keyboard-interactive/pam…), empty when its log does not say.
    """

    user: str
    method: str

    @property
    def by_password(self) -> bool:
        """Say whether closing passwords would have refused it."""
        return self.method.startswith(_BY_PASSWORD)


def connection() -> str:
    """Return the address and port of the SSH client that started this process, or an empty text."""
    return " ".join(ends()[:2])


def ends() -> list[str]:
    """Return address and port of the SSH client that started this process, then those it came to; or nothing.

    sudo clears its own environment, so the answer is looked for in the processes above.
    """
    for _process, environment in _above():
        found = environment.get(b"SSH_CONNECTION", b"").decode(errors="replace").split()
        if found:
            return found
    return []


def current(host: Host) -> Login | None:
    """Return the SSH login of this run, or None when no SSH connection started it."""
    client = connection().split()
    if len(client) != 2:
        return None
    above = list(_above())
    # the process nearest to sshd holds what sshd itself put there; those below could have been told anything
    names = [environment.get(b"LOGNAME", b"") for _process, environment in above if b"SSH_CONNECTION" in environment]
    user = names[-1].decode(errors="replace")
    # the part of sshd that checked the login is one of the processes above
    said = host.run("journalctl", "-q", "-b", "-o", "cat", *(f"_PID={process}" for process, _environment in above))
    for method, name, address, port in reversed(_ACCEPTED.findall(said.out)):
        if [address, port] == client:
            return Login(name, method)
    return Login(user, "")


def can_use_a_key(name: str, in_force: Mapping[str, str], host: Host) -> bool:
    """Say whether an account has a key that sshd may accept: in a file, or where only sshd can look.

    :param in_force: the answer of ``sshd -T``.
    """
    elsewhere = ("authorizedkeyscommand", "trustedusercakeys")
    if any(in_force.get(source, "none") != "none" for source in elsewhere):
        return True
    try:
        account = pwd.getpwnam(name)
    except KeyError:
        return False
    signs = {"%h": account.pw_dir, "%u": name, "%U": str(account.pw_uid), "%%": "%"}
    for pattern in in_force.get("authorizedkeysfile", "").split():
        path = os.path.join(account.pw_dir, re.sub("%[huU%]", lambda sign: signs[sign[0]], pattern))
        lines = (host.text(path) or "").split("\n")
        if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
            return True
    return False


def _above() -> Iterator[tuple[int, Mapping[bytes, bytes]]]:
    """Yield this process and those that started it, each with its environment."""
    process = os.getpid()
    while process > 1:
        try:
            with open(f"/proc/{process}/environ", "rb") as stream:
                environment = stream.read().split(b"\0")
            with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as stream:
                parent = re.sub(r"^.*\) . ", "", stream.read(), flags=re.DOTALL).split()[0]
        except OSError:
            return
        yield process, dict(entry.partition(b"=")[::2] for entry in environment if b"=" in entry)
        process = int(parent)
