# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits for other machines: sockets that listen on an address others reach, and the programs that hold them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .host import Host

_WAITING = (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07"))
"""Tables of /proc/net, and the state of a socket in them that waits for anyone."""
_CLIENTS = {("udp", 68), ("udp", 546)}
"""Ports on which DHCP clients wait for answers."""
_RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
_FIRST_LENT, _LAST_LENT = 32768, 60999
"""The UDP ports that a kernel lends to clients when nobody changes it. Lower ones are never skipped, even where they
are lent too: most services are there."""
_SERVICES = {41641, 44818, 47808, 51820}
"""Services among them: Tailscale, EtherNet/IP, BACnet, WireGuard."""


class Listener(NamedTuple):
    """A port that something waits on; the inode says which process.

    :param address: the one it is bound to; 0.0.0.0 or :: for all.
    """

    protocol: str
    port: int
    inode: str
    address: str

    @property
    def name(self) -> str:
        """The port as people write it: 445/tcp."""
        return f"{self.port}/{self.protocol}"

    def is_in(self, protocol: str, low: int, high: int) -> bool:
        """Say whether it is within a range of ports."""
        return self.protocol == protocol and low <= self.port <= high


def waiting(host: Host) -> list[Listener]:
    """Return every socket that waits for other machines; one port may come several times."""
    found = list(_bound(host))
    low, high = _lent(host)
    ports = set(range(low, high + 1)) - _SERVICES
    lent = {each for each in found if each.protocol == "udp" and each.port in ports}
    if not lent:
        return found
    # A client's socket is held by its program. One that nobody holds is the kernel's own, as WireGuard's is, unless it
    # was closed while we looked.
    held = programs({each.inode for each in lent})
    clients = {each for each in lent if each.inode in held}
    there = set(_bound(host)) if lent - clients else set()
    return [each for each in found if each not in lent or (each not in clients and each in there)]


def _lent(host: Host) -> tuple[int, int]:
    """Return the first and the last UDP port that may be a client's."""
    words = (host.text(_RANGE) or "").split()
    low, high = (int(word) for word in words) if len(words) == 2 else (_FIRST_LENT, _LAST_LENT)
    return max(low, _FIRST_LENT), high


def _bound(host: Host) -> Iterator[Listener]:
    """Yield every socket on an address that others reach and that is in no connection, but for DHCP clients'."""
    for table, state in _WAITING:
        for line in (host.text(f"/proc/net/{table}") or "").split("\n")[1:]:
            columns = line.split()
            if len(columns) < 10 or columns[3] != state:
                continue
            place, _, port = columns[1].rpartition(":")
            address = _address(place)
            found = Listener(table[:3], int(port, 16), columns[9], str(address))
            if not address.is_loopback and found[:2] not in _CLIENTS:
                yield found


def described(found: Sequence[Listener]) -> str:
    """Return the ports with their programs, each once, twenty at most."""
    names = programs({listener.inode for listener in found})
    texts = {f"{listener.name} ({names.get(listener.inode, 'unknown')})": listener for listener in found}
    listed = sorted(texts, key=lambda text: (texts[text].port, text))
    return ", ".join(listed[:20]) + (f" and {len(listed) - 20} others" if len(listed) > 20 else "")


def programs(inodes: set[str]) -> dict[str, str]:
    """Return the program that holds each socket, as the kernel names it."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, str] = {}
    for process in filter(str.isdigit, os.listdir("/proc")):
        held = set(_links(f"/proc/{process}/fd")) & set(wanted)
        if held:
            found.update(dict.fromkeys((wanted[socket] for socket in held), _name(process)))
    return found


def _links(folder: str) -> Iterator[str]:
    """Yield what each link of a folder leads to; a process may end or close files meanwhile."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        with contextlib.suppress(OSError):
            yield os.readlink(f"{folder}/{name}")


def _name(process: str) -> str:
    try:
        with open(f"/proc/{process}/comm", encoding="utf-8", errors="replace") as stream:
            return "".join(char for char in stream.read() if char.isprintable())
    except OSError:  # it has ended meanwhile
        return "unknown"


def own_addresses(host: Host) -> set[str]:
    """Return the addresses of the host."""
    return set(_interfaces(host))


def interface(host: Host, listener: Listener) -> str:
    """Return the one interface that a socket takes packets from, by its own choice or by its address; or nothing."""
    for line in host.run("ss", "-Hltune").out.split("\n"):
        words = line.split()
        if f"ino:{listener.inode}" in words and "%" in words[4]:
            return words[4].rpartition("%")[2].partition(":")[0]
    return _interfaces(host).get(listener.address, "")


def _interfaces(host: Host) -> dict[str, str]:
    """Return the interface that has each address of the host."""
    lines = [line.split() for line in host.run("ip", "-o", "addr", "show").out.split("\n")]
    return {word.partition("/")[0]: words[1] for words in lines for word in words[2:] if "/" in word}


def _address(place: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return an address that /proc/net writes four bytes at a time, backwards; without IPv6's clothes over IPv4."""
    found = ipaddress.ip_address(b"".join(bytes.fromhex(place[at : at + 8])[::-1] for at in range(0, len(place), 8)))
    return (found.ipv4_mapped if found.version == 6 else None) or found
