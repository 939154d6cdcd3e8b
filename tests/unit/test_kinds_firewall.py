# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as nft lists them, and as we write them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import firewall, listeners, nft
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import SettingError
from ansible_collections.essms.hardening.plugins.module_utils.engine.nft import match, rule
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}


def listed(*expr: dict[str, Any]) -> nft.Rule:
    chain = {"chain": {"name": "input", "hook": "input", "prio": 0, "policy": "drop"}}
    found = nft.parse(json.dumps({"nftables": [chain, {"rule": {"chain": "input", "expr": list(expr)}}]}))
    assert found["input"].base == ("input", 0, "drop")
    return found["input"].rules[0]


def test_networks_ports_and_ranges() -> None:
    networks = {"set": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, "192.0.2.1"]}
    found = listed(
        {"match": {"op": "==", "left": SADDR, "right": networks}},
        {"match": {"op": "==", "left": DPORT, "right": {"range": [80, 90]}}},
        {"counter": {"packets": 3, "bytes": 9}},
        {"accept": None},
    )
    assert found == rule("accept", match("ip saddr", "192.0.2.1", "10.0.0.0/8"), match("tcp dport", "80-90"))


@pytest.mark.parametrize("mask", [["syn", "rst", "ack"], {"|": [{"|": ["syn", "rst"]}, "ack"]}])
def test_a_mask_in_either_shape(mask: Any) -> None:
    found = listed({"match": {"op": "==", "left": {"&": [FLAGS, mask]}, "right": "ack"}}, {"accept": None})
    assert found == rule("accept", match("tcp flags & (ack | rst | syn)", "ack"))


def test_a_negated_rule_is_another_one() -> None:
    found = listed({"match": {"op": "!=", "left": DPORT, "right": 22}}, {"accept": None})
    assert found != rule("accept", match("tcp dport", 22))


def test_a_table_that_sleeps_filters_nothing() -> None:
    """Beside the flag nft 1.0.6 writes the table's name."""
    chain = {"family": "inet", "table": "essms", "name": "input", "type": "filter", "hook": "input", "prio": 0}
    for flags, known in (({}, ["input"]), ({"flags": "essms"}, []), ({"flags": ["dormant"]}, [])):
        table = {"family": "inet", "name": "essms", **flags}
        assert list(nft.parse(json.dumps({"nftables": [{"table": table}, {"chain": chain}]}))) == known


def test_networks_inside_one_another_are_one() -> None:
    assert firewall.plain(["10.1.0.0/16", "10.0.0.0/8", "192.0.2.7/32"]) == ["10.0.0.0/8", "192.0.2.7"]
    with pytest.raises(SettingError, match="is not a network"):
        firewall.networks(["999.0.0.0/8"])


def test_services_are_shown_as_they_are_written() -> None:
    services = [{"name": "web", "port": 80, "last_port": 81, "sources": ["fd00::/8", "10.0.0.0/8"]}]
    shown = KINDS["firewall"].expand({"ssh_port": 22, "services": services})["allowed services"]
    assert shown == ["ssh: tcp 22 from everywhere", "web: tcp 80-81 from 10.0.0.0/8, fd00::/8"]


def test_administration_without_networks_waits_for_a_decision() -> None:
    body = {"ssh_port": 22, "ports": [], "networks": [], "services": []}
    assert KINDS["firewall_administration"].undecided(body)
    assert not KINDS["firewall_administration"].undecided({**body, "networks": ["10.0.0.0/8"]})


# --- what answers ----------------------------------------------------------------------------------------------------

ADMINISTRATION: dict[str, Any] = {
    "ssh_port": 22,
    "ports": [445, 3389],
    "networks": ["10.0.0.0/8"],
    "services": [],
    "closed": [],
}
_HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def sockets(state: str, *ports: int, inode: int = 4_000_000_000) -> str:
    """Return a table of /proc/net with these ports, on every address."""
    lines = [
        f"   0: 00000000:{port:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  0  0 {inode} 2 0 0\n"
        for port in ports
    ]
    return _HEAD + "".join(lines)


def answering(root: Path, *tcp: int, chains: Sequence[dict[str, Any]] = ()) -> FixtureHost:
    """Return a host on whose ports something answers, with the chains that its kernel has."""
    listing = json.dumps({"nftables": list(chains)})
    return FixtureHost(root, {"/proc/net/tcp": sockets("0A", *tcp)}, {f"{nft.NFT} -j list table inet essms": listing})


def apply_administration(host: FixtureHost, **body: Any) -> None:
    KINDS["firewall_administration"].edit(host, {**ADMINISTRATION, **body}, {})


def test_an_administration_port_that_answers_is_not_closed_without_a_decision(tmp_path: Path) -> None:
    host = answering(tmp_path, 22, 445, 8080)
    with pytest.raises(SettingError, match=r"could no longer reach 445/tcp \(unknown\): declare in essms_firewall"):
        apply_administration(host)
    apply_administration(host, closed=["445/tcp"])
    apply_administration(host, services=[{"name": "files", "port": 445, "sources": ["192.0.2.0/24"]}])
    with pytest.raises(SettingError, match="445/tcp"):
        apply_administration(host, services=[{"name": "files", "port": 445, "protocol": "udp", "sources": ["::1"]}])


def test_an_administration_port_that_is_closed_already_needs_no_decision(tmp_path: Path) -> None:
    own = {"chain": {"name": "administration", "hook": "input", "prio": -5, "policy": "accept"}}
    port = {"match": {"op": "==", "left": DPORT, "right": {"set": [22, 445]}}}
    apply_administration(
        answering(tmp_path, 445, chains=[own, {"rule": {"chain": "administration", "expr": [port, {"drop": None}]}}])
    )
    entry = {"chain": {"name": "input", "hook": "input", "prio": 0, "policy": "drop"}}
    services = {"chain": {"name": "services"}}
    apply_administration(answering(tmp_path, 445, chains=[entry, services]))
    let_in = {"rule": {"chain": "services", "expr": [port, {"accept": None}]}}
    with pytest.raises(SettingError, match="445/tcp"):
        apply_administration(answering(tmp_path, 445, chains=[entry, services, let_in]))


def datagrams(root: Path, lent: str, *ports: int, inode: int = 4_000_000_000) -> list[int]:
    """Return which UDP ports count as services on a host that lends some to clients."""
    files = {
        "/proc/net/udp": sockets("07", *ports, inode=inode),
        "/proc/sys/net/ipv4/ip_local_port_range": lent,
    }
    return [each.port for each in listeners.waiting(FixtureHost(root, files))]


def test_a_port_lent_to_a_client_is_no_service(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        held = os.fstat(client.fileno()).st_ino
        assert datagrams(tmp_path, "32768\t60999\n", 1194, 32767, 40000, 61000, inode=held) == [1194, 32767, 61000]
        assert datagrams(tmp_path, "32768\t65535\n", 40000, 61000, inode=held) == []
        # lower ones are services, also where a host lends them to clients
        assert datagrams(tmp_path, "1024\t65535\n", 1194, 40000, inode=held) == [1194]
        # a program's, but known
        assert datagrams(tmp_path, "32768\t60999\n", 41641, 51820, inode=held) == [41641, 51820]


def test_a_socket_of_the_kernels_own_is_a_service_wherever_it_is(tmp_path: Path) -> None:
    """WireGuard's: no program holds it."""
    assert datagrams(tmp_path, "32768\t60999\n", 51000) == [51000]


SS = """udp UNCONN 0 0      0.0.0.0%virbr0:67    0.0.0.0:* ino:1 sk:1 cgroup:/ <->
udp UNCONN 0 0             0.0.0.0:67    0.0.0.0:* ino:2 sk:2 cgroup:/ <->
udp UNCONN 0 0       192.168.122.1:53    0.0.0.0:* ino:3 sk:3 cgroup:/ <->
"""
VIRBR0 = "4: virbr0    inet 192.168.122.1/24 brd 192.168.122.255 scope global virbr0\\       valid_lft forever\n"


def guests(root: Path, inode: int, port: int, address: str = "00000000", bridge: str = "virbr0") -> FixtureHost:
    """Return a host on which something answers a bridge's machines, or more than those."""
    table = sockets("07", port, inode=inode).replace("0: 00000000", f"0: {address}")
    answers = {
        f"{nft.NFT} -j list table inet essms": '{"nftables": []}',
        "ss -Hltune": SS.replace("virbr0", bridge),
        "ip -o addr show": VIRBR0.replace("virbr0", bridge),
    }
    return FixtureHost(root, {"/proc/net/udp": table}, answers)


def test_what_answers_the_machines_of_a_bridge_needs_no_decision(tmp_path: Path) -> None:
    """Their names and addresses, which the rules let in from there; on that bridge only, and nothing else."""
    libvirt = "017AA8C0"
    apply_firewall(guests(tmp_path / "dhcp", 1, 67))
    apply_firewall(guests(tmp_path / "dns", 3, 53, libvirt))
    with pytest.raises(SettingError, match="67/udp"):
        apply_firewall(guests(tmp_path / "everybody", 2, 67))
    with pytest.raises(SettingError, match="69/udp"):
        apply_firewall(guests(tmp_path / "files", 3, 69, libvirt))
    with pytest.raises(SettingError, match="53/udp"):
        apply_firewall(guests(tmp_path / "other", 3, 53, libvirt, "br0"))


STATES = """src 192.0.2.1 dst 192.0.2.2
\tproto esp spi 0x00000001 reqid 0 mode tunnel
\treplay-window 0
\tsel src 0.0.0.0/0 dst 0.0.0.0/0 proto udp
src 192.0.2.1 dst 192.0.2.3
\tproto ah spi 0x00000002 reqid 0 mode transport
\tencap type espinudp sport 4500 dport 4500 addr 0.0.0.0
"""

LINKS = [{}, {"ifname": "eth0"}, {"ifname": "site", "linkinfo": {"info_kind": "gretap"}}]


def speaking(root: Path, *chains: dict[str, Any]) -> FixtureHost:
    """Return a host that speaks VRRP, GRE and IPsec, with the chains that its kernel has."""
    answers = {
        f"{nft.NFT} -j list table inet essms": json.dumps({"nftables": list(chains)}),
        "ip -d -j link show up": json.dumps(LINKS),
        "ip xfrm state list nokeys": STATES,
    }
    return FixtureHost(root, {"/proc/net/raw": sockets("07", 1, 112), "/proc/net/raw6": sockets("07", 58)}, answers)


def apply_firewall(host: FixtureHost, *protocols: str) -> None:
    KINDS["firewall"].edit(host, {"ssh_port": 22, "services": [], "protocols": list(protocols)}, {})


def test_a_protocol_in_use_is_not_shut_out_without_a_decision(tmp_path: Path) -> None:
    host = speaking(tmp_path)
    with pytest.raises(SettingError, match=r"by esp \(IPsec\), gre \(site\), vrrp \(unknown\): name what is needed in"):
        apply_firewall(host)
    with pytest.raises(SettingError, match=r"by vrrp \(unknown\): name"):
        apply_firewall(host, "esp", "gre")
    apply_firewall(host, "esp", "gre", "vrrp")
    assert "meta l4proto vrrp accept" in (host.text(firewall.part("20-input")) or "")


def test_a_protocol_that_is_shut_out_already_needs_no_decision(tmp_path: Path) -> None:
    entry = {"chain": {"name": "input", "hook": "input", "prio": 0, "policy": "drop"}}
    services = {"chain": {"name": "services"}}
    apply_firewall(speaking(tmp_path, entry, services))
    gre = {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "gre"}}
    host = speaking(tmp_path, entry, services, {"rule": {"chain": "services", "expr": [gre, {"accept": None}]}})
    with pytest.raises(SettingError, match=r"by gre \(site\): name"):
        apply_firewall(host)
    assert KINDS["firewall"].observe(host, [{"ssh_port": 22, "services": []}])["allowed services"] == [
        "gre from everywhere"
    ]


def test_protocols_are_shown_as_they_are_written() -> None:
    body = {"ssh_port": 22, "services": [], "protocols": ["vrrp", "esp"]}
    shown = KINDS["firewall"].expand(body)["allowed services"]
    assert shown == ["esp from everywhere", "ssh: tcp 22 from everywhere", "vrrp from everywhere"]
