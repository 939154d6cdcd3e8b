# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M06-06: what a neighbour on the network may no longer make the host do (the kernel itself: `tests/kernel`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.support import lab, people

# From beside the host, in the name of its own gateway: "for this address, ask me from now on".
_REDIRECT = """
import socket, struct, sys, time
victim, gateway, target, me = (socket.inet_aton(address) for address in sys.argv[1:])
def total(data):
    words = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    return ~words & 0xFFFF
def header(source, target, protocol, length):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + length, 1, 0, 64, protocol, 0, source, target)
    return head[:10] + struct.pack("!H", total(head)) + head[12:]
# as if it were about an answer to a ping, which belongs to no program that could be asked
inner = header(victim, target, socket.IPPROTO_ICMP, 8) + struct.pack("!BBHHH", 0, 0, 0xFFFF, 0, 0)
body = struct.pack("!BBH4s", 5, 1, 0, me) + inner
body = body[:2] + struct.pack("!H", total(body)) + body[4:]
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
    for _ in range(5):
        time.sleep(0.2)
        raw.sendto(header(gateway, victim, socket.IPPROTO_ICMP, len(body)) + body, (socket.inet_ntoa(victim), 0))
"""
_TARGET = "192.0.2.77"


def _address(name: str) -> tuple[str, str]:
    shown = json.loads(lab.must(name, ["ip", "-json", "-4", "addr", "show", "dev", "eth0"]))[0]["addr_info"][0]
    return shown["local"], shown["broadcast"]


def _redirected(name: str, neighbour: str) -> bool:
    gateway = json.loads(lab.must(name, ["ip", "-json", "route", "show", "default"]))[0]["gateway"]
    addresses = [_address(name)[0], gateway, _TARGET, _address(neighbour)[0]]
    # a route in use is what a redirect changes
    lab.root(name, f"timeout 1 bash -c 'echo > /dev/udp/{_TARGET}/9'")
    lab.must(neighbour, ["python3", "-c", _REDIRECT, *addresses])
    route = json.loads(lab.must(name, ["ip", "-json", "route", "get", _TARGET]))[0]
    return bool(route["gateway"] != gateway)


def test_a_neighbour_does_not_take_traffic_over(name: str) -> None:
    """M06-06: a forged redirect changes no route; on a host as it comes, the very same one does."""
    neighbour = next(other for other in people.NAMES if other != name)
    assert not _redirected(name, neighbour)
    with lab.throwaway(name) as pristine:
        # a host that routes for others takes none anyway
        lab.must(pristine, "sysctl -q -w net.ipv4.ip_forward=0")
        assert _redirected(pristine, neighbour)


def test_it_does_not_answer_a_call_to_everybody(name: str) -> None:
    """M06-06: a ping of the whole network finds nobody here."""
    broadcast = _address(name)[1]
    neighbour = next(other for other in people.NAMES if other != name)
    send = (
        "import socket,struct,sys;s=socket.socket(socket.AF_INET,socket.SOCK_RAW,socket.IPPROTO_ICMP);"
        "s.setsockopt(socket.SOL_SOCKET,socket.SO_BROADCAST,1);s.settimeout(2);"
        "s.sendto(struct.pack('!BBHHH',8,0,0xF7FD,1,1),(sys.argv[1],0));"
        "\ntry:\n while True: print(s.recvfrom(99)[1][0])\nexcept TimeoutError: pass"
    )
    assert _address(name)[0] not in lab.must(neighbour, ["python3", "-c", send, broadcast]).split()


def test_what_is_excluded_stays_as_it_was(name: str, applied: Mapping[str, Any]) -> None:
    """M06-06: a setting that an application needs otherwise is neither changed nor written down."""
    for key in applied["essms_sysctl_exclude"]:
        assert lab.must(name, ["sysctl", "-n", key]).strip() == "0"
        assert lab.root(name, f"grep -rs {key} /etc/sysctl.d").code != 0


def test_every_interface_made_later_has_them(name: str) -> None:
    """M06-06: a cable plugged in tomorrow is no way round."""
    lab.must(name, "ip link add essms0 type veth peer essms1")
    try:
        keys = [f"net.ipv4.conf.essms0.{key}" for key in ("accept_redirects", "accept_source_route", "send_redirects")]
        assert set(lab.must(name, ["sysctl", "-n", *keys]).split()) == {"0"}
    finally:
        lab.must(name, "ip link delete essms0")
