# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""fail2ban: what the server that runs says of its jail for SSH, or what its files would make of it.

Nobody's address is asked for: who is banned stays on the host.
"""

from __future__ import annotations

import ast
import io
import os
import pickle
import socket
from collections.abc import Iterator
from typing import Any, NamedTuple

from .host import Host

UNIT = "fail2ban.service"
JAIL = "sshd"
CLIENT = "/usr/bin/fail2ban-client"
_SOCKET = "/run/fail2ban/fail2ban.sock"
_END = b"<F2B_END_COMMAND>"
_SECONDS = 3.0
_PROGRAMS = {"nftables": "/usr/sbin/nft", "iptables": "/usr/sbin/iptables"}
"""The families of actions that close ports by the kernel, and the program each cannot do without."""


class SilentError(Exception):
    """Neither the server nor its files say what is asked."""


class Jail(NamedTuple):
    """What decides who is banned from SSH, for how long, and how.

    :param window: seconds in which failures add up.
    :param ban: seconds; below zero for ever.
    :param ignored: networks, addresses and names that are never banned.
    :param matches: entries of the journal that are read; none when files are read instead.
    :param actions: the ports that each action closes.
    """

    tries: int
    window: int
    ban: int
    ignored: list[str]
    matches: list[list[str]]
    actions: dict[str, str]


# --- the server that runs --------------------------------------------------------------------------------------------


class _Plain(pickle.Unpickler):
    """Reads data alone: only an address comes as more, as a text that is made."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("builtins", "str"):
            return str
        raise pickle.UnpicklingError(f"{module}.{name}")


def in_force(host: Host) -> Jail | None:
    """Return the jail for SSH of the server that runs; None when it has none.

    Over its own socket: each run of fail2ban-client would cost more than the whole rest of an audit.

    :raises SilentError: when it does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_SECONDS)
            link.connect(host.path(_SOCKET))
            if JAIL not in str(dict(_ask(link, "status")).get("Jail list", "")).replace(",", " ").split():
                return None
            names = ("maxretry", "findtime", "bantime", "ignoreip", "journalmatch", "actions")
            tries, window, ban, ignored, matches, actions = (_ask(link, "get", JAIL, name) for name in names)
            return Jail(tries, window, ban, ignored, matches, {name: _ports(link, name) for name in actions})
    except (OSError, EOFError, pickle.UnpicklingError, TypeError, ValueError) as error:
        raise SilentError(f"fail2ban does not say what it does: {type(error).__name__} {str(error)[:100]}") from None


def _ports(link: socket.socket, action: str) -> str:
    """Return the ports of an action; one that only tells people has none."""
    try:
        return str(_ask(link, "get", JAIL, "action", action, "port"))
    except (pickle.UnpicklingError, ValueError):  # its error is an object, which is not read
        return ""


def _ask(link: socket.socket, *words: str) -> Any:
    link.sendall(pickle.dumps(list(words)) + _END)
    answer = b""
    while not answer.endswith(_END):
        part = link.recv(65536)
        if not part:
            raise EOFError(words[-1])
        answer += part
    code, value = _Plain(io.BytesIO(answer)).load()
    if code:
        raise ValueError(words[-1])
    return value


# --- its files -------------------------------------------------------------------------------------------------------


def is_installed(host: Host) -> bool:
    """Say whether fail2ban is there."""
    return os.path.exists(host.path(CLIENT))


def fault(host: Host) -> str:
    """Return what fail2ban itself finds wrong with its files, or an empty text."""
    if not is_installed(host):
        return ""
    done = host.run(CLIENT, "-d")
    said = (done.err or done.out).strip().splitlines()
    return "" if done.rc == 0 else next((line for line in said if "ERROR" in line), "fail2ban-client -d fails")[-300:]


def on_disk(host: Host) -> Jail | None:
    """Return the jail for SSH that fail2ban would have once started; None when its files ask for none.

    :raises SilentError: when fail2ban cannot read its own files.
    """
    wrong = fault(host)
    if wrong:
        raise SilentError(f"fail2ban cannot read its files: {wrong}")
    said = list(_dumped(host))
    added = [words for words in said if words[:2] == ["add", JAIL]]
    if not added:
        return None
    values = {words[2]: words[3:] for words in said if words[:2] == ["set", JAIL] and len(words) > 2}
    matches = values.get("addjournalmatch", []) if str(added[-1][2]).startswith("systemd") else []
    ports = {words[3]: dict(words[4]).get("port", "") for words in said if words[:3] == ["multi-set", JAIL, "action"]}
    window, ban = (_seconds(host, *values.get(name, [0])) for name in ("findtime", "bantime"))
    tries = int(values.get("maxretry", [0])[0])
    return Jail(tries, window, ban, values.get("addignoreip", []), _parts(matches), ports)


def _dumped(host: Host) -> Iterator[list[Any]]:
    """Yield the commands that fail2ban would give its server."""
    for line in host.run(CLIENT, "-d").out.splitlines():
        if line.startswith("["):
            yield ast.literal_eval(line)


def _parts(matches: list[str]) -> list[list[str]]:
    """Return the alternatives of a condition on the journal: a plus stands between them."""
    found: list[list[str]] = [[]]
    for word in matches:
        if word == "+":
            found.append([])
        else:
            found[-1].append(word)
    return [part for part in found if part]


def _seconds(host: Host, value: Any) -> int:
    """Return a time as fail2ban understands it: 600, 10m, 1d 12h."""
    said = str(value)
    return int(said if said.lstrip("-").isdigit() else host.run(CLIENT, "--str2sec", said).out.strip() or 0)


# --- what an action does ---------------------------------------------------------------------------------------------


def blocking(host: Host, jail: Jail) -> list[str]:
    """Return the actions of a jail that close ports to an address by the kernel, and can."""
    programs = {name: _PROGRAMS.get(name.partition("-")[0], "") for name in jail.actions}
    return [name for name, program in programs.items() if program and os.path.exists(host.path(program))]


def closes(jail: Jail, name: str, port: int) -> bool:
    """Say whether an action closes a port; a port it knows by name counts as none, for the name may be unknown."""
    if name.endswith("-allports"):
        return True
    ranges = [part.strip().replace("-", ":").split(":") for part in jail.actions[name].split(",")]
    known = [[int(end) for end in ends] for ends in ranges if all(end.isdigit() for end in ends)]
    return any(ends[0] <= port <= ends[-1] for ends in known)
