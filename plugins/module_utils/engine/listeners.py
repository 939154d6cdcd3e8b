# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for other machines: sockets that listen on an address others reach, and the programs that hold them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .host import Host

_WAITING = (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07"))
"""Tables of /proc/net, and the state of a socket in them that waits for anyone."""
_LOOPBACKS = ("0" * 24 + "01000000", "0" * 16 + "FFFF00000100007F")
"""::1 and 127.0.0.1 in IPv6's clothes, as /proc/net writes them."""
_CLIENTS = {("udp", 68), ("udp", 546)}
"""Ports on which DHCP clients wait for answers."""
_FIRST_EPHEMERAL = 32768
"""From here on the kernel lends UDP ports to clients that ask somebody something."""


class Listener(NamedTuple):
    """A port that something waits on; the inode says which process."""

    protocol: str
    port: int
    inode: str

    @property
    def name(self) -> str:
        """The port as people write it: 445/tcp."""
        return f"{self.port}/{self.protocol}"

    def is_in(self, protocol: str, low: int, high: int) -> bool:
        """Say whether it is within a range of ports."""
        return self.protocol == protocol and low <= self.port <= high


def waiting(host: Host) -> Iterator[Listener]:
    """Yield every socket that waits for other machines; one port may come several times."""
    for table, state in _WAITING:
        for line in (host.text(f"/proc/net/{table}") or "").split("\n")[1:]:
            columns = line.split()
            if len(columns) < 10 or columns[3] != state:
                continue
            address, _, port = columns[1].rpartition(":")
            found = Listener(table[:3], int(port, 16), columns[9])
            lent = found.protocol == "udp" and found.port >= _FIRST_EPHEMERAL
            if not _is_loopback(address) and found[:2] not in _CLIENTS and not lent:
                yield found


def described(found: Sequence[Listener]) -> str:
    """Return the ports with their programs, each once, twenty at most."""
    programs = _programs({listener.inode for listener in found})
    texts = {f"{listener.name} ({programs.get(listener.inode, 'unknown')})": listener for listener in found}
    listed = sorted(texts, key=lambda text: (texts[text].port, text))
    return ", ".join(listed[:20]) + (f" and {len(listed) - 20} others" if len(listed) > 20 else "")


def _programs(inodes: set[str]) -> dict[str, str]:
    """Return the program that holds each socket, as the kernel names it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, str] = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        folder = f"/proc/{process}/fd"
        try:
            held = {os.readlink(f"{folder}/{number}") for number in os.listdir(folder)} & set(wanted)
            if held:
                with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as stream:
                    name = "".join(char for char in stream.read() if char.isprintable())
                found.update({wanted[socket]: name for socket in held})
        except OSError:  # it has ended meanwhile
            continue
    return found


def own_addresses(host: Host) -> set[str]:
    """Return the addresses of the host."""
    shown = host.run("ip", "-o", "addr", "show").out.split()
    return {word.partition("/")[0] for word in shown if "/" in word}


def _is_loopback(address: str) -> bool:
    """Say whether an address, as /proc/net writes it (four bytes at a time, backwards), is the host's own."""
    return address.endswith("7F") if len(address) == 8 else address in _LOOPBACKS
