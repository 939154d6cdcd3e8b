# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the lab as neighbours in several networks: each tries the other's ports from an address of each network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support import lab

# which network a packet comes from: the administrators' own or anybody's, of both families
TRUSTED4, TRUSTED6, FOREIGN4, FOREIGN6 = "trusted IPv4", "trusted IPv6", "foreign IPv4", "foreign IPv6"
NETWORKS = (TRUSTED4, TRUSTED6, FOREIGN4, FOREIGN6)
TCP, UDP = (1, 445, 3389, 8080, 8443, 9999, 31337, 65535), (5000, 5001, 5002, 5003)
"""What answers on every host, whether a firewall lets it or not."""
OPEN, SILENT, REFUSED = "open", "silent", "refused"
_UNIT = "essms-test-listener"
LISTEN = """
import json, select, socket, sys
tcp, udp = json.loads(sys.argv[1])
held = {}
for kind, ports in ((socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp)):
    for port in ports:
        made = socket.socket(socket.AF_INET6, kind)
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            made.listen()
        held[made] = kind
while True:
    for ready in select.select(list(held), [], [])[0]:
        if held[ready] == socket.SOCK_STREAM:
            ready.accept()[0].close()
        else:
            ready.sendto(b"yes", ready.recvfrom(16)[1])
"""
TRY = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def probe(asked):
    protocol, address, port, count = asked
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    made.settimeout(3)
    try:
        made.connect((address, port))
        if protocol == "udp":
            for _ in range(count):
                made.send(b"?")
            made.recv(16)
        return "open"
    except socket.timeout:
        return "silent"
    except OSError:
        return "refused"
with ThreadPoolExecutor(64) as pool:
    print(json.dumps(list(pool.map(probe, json.loads(sys.argv[1])))))
"""
# Most ports are silent, and waiting for thousands costs the same as for one: as many at once as there may be files.
# What became of each is asked of the kernel once, before it would try again. Where few refuse they are tried anew:
# the host may have used one a moment before, for a connection of its own to the very port that tries.
_SCAN = """
import errno, itertools, json, resource, socket, sys, time
addresses, ranges = json.loads(sys.argv[1])
most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
SYN_SENT, CLOSED, FEW = 2, 7, 50
def scan(todo):
    answers = [[[], []] for _ in addresses]
    while True:
        tried = []
        for place, port in itertools.islice(todo, most - 64):
            family = socket.AF_INET6 if ":" in addresses[place] else socket.AF_INET
            made = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            made.connect_ex((addresses[place], port))
            tried.append((made, place, port))
        if not tried:
            return answers
        time.sleep(0.9)
        for made, place, port in tried:
            state = made.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
            refused = state == CLOSED and made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNREFUSED
            if state != SYN_SENT:
                answers[place][refused].append(port)
            made.close()
places = range(len(addresses))
answers = scan((place, port) for place in places for low, high in ranges for port in range(low, high + 1))
again = [(place, port) for place in places for port in answers[place][1] if len(answers[place][1]) <= FEW]
if again:
    second = scan(iter(again))
    for place in {place for place, _port in again}:
        answers[place][1] = second[place][1]
        answers[place][0] = sorted({*answers[place][0], *second[place][0]})
print(json.dumps(answers))
"""
EVERY_PORT = ((1, 65535),)


@dataclass(frozen=True)
class Neighbour:
    """A host and the one that looks at it.

    :param addresses: the host's address in each network.
    """

    host: str
    other: str
    addresses: Mapping[str, str]

    def tries(self, protocol: str, port: int, networks: Sequence[str] = NETWORKS, *, count: int = 1) -> dict[str, str]:
        """Return what the other host gets from a port, by the network it comes from: open, silent or refused.

        :param count: datagrams to send.
        """
        asked = [(protocol, self.addresses[network], port, count) for network in networks]
        return dict(zip(networks, attempts(self.other, asked), strict=True))

    def scan(
        self, networks: Sequence[str], ranges: Sequence[tuple[int, int]] = EVERY_PORT
    ) -> dict[str, tuple[set[int], set[int]]]:
        """Connect to every port of these ranges; return those that are open and those that refuse, by network."""
        asked = [[self.addresses[network] for network in networks], ranges]
        answer = lab.must(self.other, ["python3", "-c", _SCAN, json.dumps(asked)], timeout=600)
        return {
            network: (set(found), set(refused))
            for network, (found, refused) in zip(networks, json.loads(answer), strict=True)
        }


def attempts(host: str, asked: Sequence[tuple[str, str, int, int]]) -> list[str]:
    """Return what a host gets from each protocol, address and port, with so many datagrams: open, silent or refused."""
    found: list[str] = json.loads(lab.must(host, ["python3", "-c", TRY, json.dumps(asked)]))
    return found


@contextmanager
def together(names: Sequence[str]) -> Iterator[dict[str, Neighbour]]:
    """Make hosts one another's neighbours, in a ring, for a while; give each with the one that looks at it."""
    addresses = {name: _join(name, number) for number, name in enumerate(names, start=11)}
    for name in names:
        argv = ["systemd-run", "--quiet", "--collect", f"--unit={_UNIT}", "python3", "-c", LISTEN]
        lab.must(name, [*argv, json.dumps([TCP, UDP])])
    try:
        for name in names:
            lab.must(
                name,
                f"for i in $(seq 100); do ss -Hltn 'sport = :{TCP[-1]}' | grep -q . && exit; sleep 0.1; done; exit 1",
            )
        yield {
            name: Neighbour(name, names[(place + 1) % len(names)], addresses[name]) for place, name in enumerate(names)
        }
    finally:
        for name in names:
            lab.root(name, f"systemctl stop {_UNIT}; {_leave(addresses[name])}")


def _join(host: str, number: int) -> dict[str, str]:
    """Give a host its address in each network and return them."""
    own = json.loads(lab.must(host, ["ip", "-4", "-json", "address", "show", "dev", "eth0"]))[0]["addr_info"][0][
        "local"
    ]
    addresses = {
        TRUSTED4: str(own),
        TRUSTED6: f"fd00:e55::{number}",
        FOREIGN4: f"198.51.100.{number}",
        FOREIGN6: f"2001:db8:bad::{number}",
    }
    lab.root(host, _leave(addresses))
    lab.must(host, "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6")
    for address in list(addresses.values())[1:]:
        lab.must(host, f"ip address add {_with_length(address)} dev eth0 {'nodad' if ':' in address else ''}")
    return addresses


def _leave(addresses: Mapping[str, str]) -> str:
    """Return the shell text that takes the further addresses away again."""
    return "; ".join(f"ip address del {_with_length(each)} dev eth0" for each in list(addresses.values())[1:])


def _with_length(address: str) -> str:
    return f"{address}/{64 if ':' in address else 24}"
