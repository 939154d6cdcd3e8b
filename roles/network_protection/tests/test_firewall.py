# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M02-06, M02-08: a neighbour tries the ports of a host that really listens on all of them, from four networks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support import lab
from tests.support.neighbours import (
    EVERY_PORT,
    FOREIGN4,
    FOREIGN6,
    NETWORKS,
    OPEN,
    SILENT,
    TRUSTED4,
    TRUSTED6,
    Neighbour,
)

EVERYWHERE = dict.fromkeys(NETWORKS, OPEN)
NOWHERE = dict.fromkeys(NETWORKS, SILENT)
TRUSTED = {TRUSTED4: OPEN, TRUSTED6: OPEN, FOREIGN4: SILENT, FOREIGN6: SILENT}


def logged(host: str, chain: str) -> int:
    """Return how many packets a chain has handed to the log."""
    listing = json.loads(lab.must(host, ["nft", "-j", "list", "chain", "inet", "essms", chain]))["nftables"]
    rules = [
        {key: value for each in item["rule"]["expr"] for key, value in each.items()}
        for item in listing
        if "rule" in item
    ]
    return sum(rule["counter"]["packets"] for rule in rules if "log" in rule)


def test_a_declared_service_answers_everybody(neighbour: Neighbour) -> None:
    """M02-06: without sources it is for everyone, over IPv6 as over IPv4."""
    assert neighbour.tries("tcp", 8080) == EVERYWHERE


def test_a_service_with_sources_answers_only_them(neighbour: Neighbour) -> None:
    """M02-06: the right network gets in, the wrong one gets nothing at all."""
    assert neighbour.tries("tcp", 8443) == TRUSTED


def test_a_port_nobody_declared_gets_no_answer(neighbour: Neighbour) -> None:
    """M02-06: not even a refusal, although something listens there."""
    assert lab.root(neighbour.host, "ss -Hltn 'sport = :9999'").out
    assert neighbour.tries("tcp", 9999) == NOWHERE


BY_NETWORK = {
    TRUSTED4: {22, 53, 8080, 8443},
    TRUSTED6: {22, 53, 8080, 8443},
    FOREIGN4: {53, 445, 8080},
    FOREIGN6: {53, 8080},
}
"""Every TCP port that answers, as the scenario declares them."""
MANY_PORTS = [(1, 1100), (3300, 3400), (7900, 10100), (31300, 31400), (65500, 65535)]


def listening(host: str) -> set[int]:
    """Return every TCP port that something of the host listens on for others."""
    shown = lab.must(host, "ss -Hltn | awk '{print $4}'").split()
    return {int(each.rpartition(":")[2]) for each in shown if not each.startswith(("127.", "[::1]"))}


@pytest.mark.parametrize(
    ("networks", "ranges"),
    [([TRUSTED4, FOREIGN4], EVERY_PORT), ([TRUSTED6, FOREIGN6], MANY_PORTS)],
    ids=["every port over IPv4", "many ports over IPv6"],
)
def test_nothing_but_the_declared_ports_answers(
    neighbour: Neighbour, networks: list[str], ranges: list[tuple[int, int]]
) -> None:
    """M02-06, M02-08: of all ports those declared for a network are open to it, and no other even refuses."""
    assert {1, 3389, 9999, 31337, 65535} <= listening(neighbour.host)
    assert neighbour.scan(networks, ranges) == {network: (BY_NETWORK[network], set()) for network in networks}


def test_without_the_firewall_the_scan_finds_everything(neighbour: Neighbour) -> None:
    """M02-06: every port that something listens on, declared or not; the others refuse."""
    lab.must(neighbour.host, "nft delete table inet essms")
    try:
        found, refused = neighbour.scan([FOREIGN4], MANY_PORTS)[FOREIGN4]
    finally:
        lab.must(neighbour.host, "nft -f /etc/essms/firewall.nft")
    assert found == listening(neighbour.host)
    assert len(found) + len(refused) == sum(high - low + 1 for low, high in MANY_PORTS)


def test_a_range_of_datagram_ports(neighbour: Neighbour) -> None:
    """M02-06: its first, middle and last port answer, the next one does not."""
    assert [neighbour.tries("udp", port) for port in (5000, 5001, 5002, 5003)] == [EVERYWHERE] * 3 + [NOWHERE]


def test_ssh_answers_the_administrators_only(neighbour: Neighbour) -> None:
    """M02-08: who guesses passwords from elsewhere cannot even try one."""
    assert neighbour.tries("tcp", 22) == TRUSTED
    assert lab.ssh(neighbour.host, "sudo -n true").code == 0


def test_administration_ports_are_closed_to_others(neighbour: Neighbour) -> None:
    """M02-08: a file service on one of them answers those it is declared for."""
    assert neighbour.tries("tcp", 3389) == NOWHERE
    assert neighbour.tries("tcp", 445) == {TRUSTED4: SILENT, TRUSTED6: SILENT, FOREIGN4: OPEN, FOREIGN6: SILENT}


def test_drops_are_logged_at_a_limited_rate(neighbour: Neighbour) -> None:
    """M02-06: a flood leaves a trace without filling the disk (a container has no log of its own, only counters)."""
    before = logged(neighbour.host, "input")
    assert neighbour.tries("udp", 5003, [FOREIGN4, FOREIGN6, TRUSTED4], count=400) == dict.fromkeys(
        (FOREIGN4, FOREIGN6, TRUSTED4), SILENT
    )
    assert 0 <= logged(neighbour.host, "input") - before <= 20
    assert logged(neighbour.host, "input") > 0


def test_refused_administration_is_logged(neighbour: Neighbour) -> None:
    """M02-08: both families."""
    neighbour.tries("tcp", 22, [FOREIGN4, FOREIGN6])
    assert 0 < logged(neighbour.host, "administration") <= 200


def test_the_network_itself_works(neighbour: Neighbour) -> None:
    """M02-06: ping, and the neighbour discovery without which IPv6 is mute."""
    lab.must(neighbour.other, "ip -6 neighbour flush dev eth0")
    for address in neighbour.addresses.values():
        lab.must(neighbour.other, ["python3", "-c", _PING, address])


_PING = """
import socket, sys
address = sys.argv[1]
six = ":" in address
made = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, 58 if six else 1)
made.settimeout(5)
checksum = b"\\0\\0" if six else b"\\xf7\\xfd"
made.sendto(bytes([128 if six else 8, 0]) + checksum + b"\\0\\1\\0\\1", (address, 0))
while True:
    packet, sender = made.recvfrom(1024)
    kind = packet[0] if six else packet[20]
    if sender[0] == address and kind == (129 if six else 0):
        break
"""


def test_what_the_host_forwards_is_not_ours(name: str) -> None:
    """M02-06: one table, on what the host itself receives; every other chain belongs to somebody else."""
    items = json.loads(lab.must(name, ["nft", "-j", "list", "table", "inet", "essms"]))["nftables"]
    hooks = {item["chain"]["hook"] for item in items if "hook" in item.get("chain", {})}
    assert hooks == {"input"}


def test_the_declared_services_are_what_nft_lists(name: str, applied: Mapping[str, Any]) -> None:
    """M02-06: the kernel has a rule for each, by its name."""
    listing = lab.must(name, ["nft", "list", "chain", "inet", "essms", "services"])
    assert all(f'comment "{service["name"]}"' in listing for service in applied["essms_firewall_services"])
