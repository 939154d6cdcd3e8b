# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of the kernel a host needs for its place in the network: judged by what is there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import NotApplicable, Seen, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

IGNORE, FILTER, FORWARD = "net.ipv4.conf.all.arp_ignore", "net.ipv4.conf.all.arp_filter", "net.ipv4.ip_forward"
LOCALNET = "net.ipv4.conf.all.route_localnet"


def card(
    name: str, *addresses: str, kind: str = "", flags: tuple[str, ...] = ("UP",), peer: str = ""
) -> dict[str, Any]:
    """Return an interface as `ip -j -d address` shows it."""
    parts = [each.split("/") for each in addresses]
    told = [{"family": "inet", "local": local, "prefixlen": int(length)} for local, length in parts]
    if peer:
        told[0]["address"] = peer
    inet6 = {"family": "inet6", "local": "fe80::1", "prefixlen": 64}
    return {"ifname": name, "flags": list(flags), "linkinfo": {"info_kind": kind}, "addr_info": [*told, inet6]}


def way(dst: str, dev: str, gateway: str = "", **more: Any) -> dict[str, Any]:
    return {"dst": dst, "dev": dev, **({"gateway": gateway} if gateway else {}), **more}


def host(root: Path, cards: list[dict[str, Any]], ways: list[dict[str, Any]], **files: str) -> FixtureHost:
    """Give a host with these interfaces and routes; a file is named by its path, with __ for /."""
    keys = {IGNORE: "0", FILTER: "0", FORWARD: "1", LOCALNET: "1"}
    running = {"/proc/sys/" + key.replace(".", "/"): value for key, value in keys.items()}
    told = {
        "ip -j -d address": json.dumps([card("lo", "127.0.0.1/8", flags=("UP", "LOOPBACK")), *cards]),
        "ip -j -4 route show table all": json.dumps([way("127.0.0.1", "lo", type="local", table="local"), *ways]),
    }
    return FixtureHost(root, {**running, **{path.replace("__", "/"): text for path, text in files.items()}}, told)


def applies(found: FixtureHost, key: str) -> bool:
    value = 0 if key in (FORWARD, LOCALNET) else 2
    seen = KINDS["sysctl"].observe(found, [{"values": {key: value}}])[key]
    assert not isinstance(seen, (Unknown, Seen))
    return not isinstance(seen, NotApplicable)


ETH, BY_ROUTER = card("eth0", "192.0.2.7/24"), way("default", "eth0", "192.0.2.1")
LAN = way("192.0.2.0/24", "eth0", scope="link")


@pytest.mark.parametrize(
    ("cards", "ways", "ignore", "filtered"),
    [
        # an ordinary host, alone or with a second network, a virtual address or a tunnel
        ([ETH], [BY_ROUTER, LAN], True, True),
        ([ETH, card("eth1", "10.0.0.7/24")], [BY_ROUTER, LAN, way("10.0.0.0/24", "eth1")], True, True),
        ([card("eth0", "192.0.2.7/24", "192.0.2.9/32")], [BY_ROUTER, LAN], True, True),
        (
            [ETH, card("wg0", "10.9.0.1/32", flags=("UP", "NOARP"))],
            [LAN, BY_ROUTER, way("10.9.0.0/24", "wg0")],
            True,
            True,
        ),
        ([ETH], [BY_ROUTER, LAN, way("169.254.0.0/16", "eth0"), way("224.0.0.0/4", "eth0")], True, True),
        ([ETH], [LAN, {"dst": "default", "nexthops": [{"dev": "eth0", "gateway": "192.0.2.1"}]}], True, True),
        ([ETH, card("eth1", "192.0.2.7/32", flags=("BROADCAST",))], [BY_ROUTER, LAN], True, True),
        # hosting companies and routed virtual machines: the router is outside, however it is written down
        (
            [card("eth0", "203.0.113.7/32")],
            [way("203.0.113.1", "eth0", scope="link"), way("default", "eth0", "203.0.113.1")],
            False,
            True,
        ),
        ([card("eth0", "203.0.113.7/32")], [way("default", "eth0", "198.51.100.1", flags=["onlink"])], False, True),
        ([card("eth0", "203.0.113.7/32", peer="198.51.100.1")], [way("default", "eth0", "198.51.100.1")], False, True),
        (
            [card("eth0", "203.0.113.7/32")],
            [{"dst": "default", "nexthops": [way("", "eth0", "10.0.0.1")]}],
            False,
            True,
        ),
        # an address more that is in no network of the router
        ([card("eth0", "192.0.2.7/24", "203.0.113.9/32")], [BY_ROUTER, LAN], False, True),
        # machines behind a bridge, by a route each
        (
            [ETH, card("vmbr1", "192.0.2.7/32", kind="bridge")],
            [BY_ROUTER, LAN, way("198.51.100.8", "vmbr1", scope="link")],
            False,
            False,
        ),
        # an address of the loopback that the network asks for
        ([ETH, card("dummy0", "192.0.2.50/32", flags=("UP", "NOARP"))], [BY_ROUTER, LAN], False, True),
        # a cable and a radio in one network
        ([ETH, card("wlan0", "192.0.2.8/24")], [BY_ROUTER, LAN, way("192.0.2.0/24", "wlan0")], False, False),
        # VRRP with an interface of its own
        ([ETH, card("vrrp.5", "192.0.2.20/32", kind="macvlan")], [BY_ROUTER, LAN], False, False),
    ],
)
def test_who_asks_for_an_address_goes_on_getting_an_answer(
    tmp_path: Path, cards: list[dict[str, Any]], ways: list[dict[str, Any]], ignore: bool, filtered: bool
) -> None:
    found = host(tmp_path, cards, ways)
    assert (applies(found, IGNORE), applies(found, FILTER)) == (ignore, filtered)


def test_a_standby_of_keepalived_has_no_address_yet(tmp_path: Path) -> None:
    found = host(
        tmp_path, [ETH], [BY_ROUTER, LAN], **{"__etc__keepalived__keepalived.conf": "vrrp_instance a {\nuse_vmac\n}\n"}
    )
    assert (applies(found, IGNORE), applies(found, FILTER)) == (False, False)


@pytest.mark.parametrize("told", [{}, {"ip -j -d address": "?", "ip -j -4 route show table all": "[]"}])
def test_a_host_that_does_not_tell_is_not_verified(tmp_path: Path, told: dict[str, str]) -> None:
    found = host(tmp_path, [ETH], [BY_ROUTER])
    found.answers = told
    for key in (IGNORE, FILTER, FORWARD):
        seen = KINDS["sysctl"].observe(found, [{"values": {key: 1}}])[key]
        assert isinstance(seen, Unknown)
        assert "iproute2" in seen.reason


def ruleset(*entries: dict[str, Any]) -> str:
    where = {"family": "ip", "table": "t"}
    return json.dumps({"nftables": [{name: {**where, **each} for name, each in entry.items()} for entry in entries]})


CHAIN = {"chain": {"name": "f", "hook": "forward"}}


@pytest.mark.parametrize(
    ("cards", "rules", "files", "routes"),
    [
        # nobody behind it, whoever turned it on
        ([ETH], "", {}, False),
        ([card("eth0", "192.0.2.7/24", kind="veth")], "", {}, False),
        ([card("br0", "192.0.2.7/24", kind="bridge")], "", {}, False),
        ([ETH], ruleset(CHAIN, {"rule": {"chain": "input", "expr": [{"accept": None}]}}), {}, False),
        *(([ETH, card("x", kind=kind)], "", {}, True) for kind in ("veth", "bridge", "tun", "wireguard")),
        ([ETH], ruleset(CHAIN, {"rule": {"chain": "f", "expr": [{"accept": None}]}}), {}, True),
        ([ETH], ruleset({"rule": {"chain": "p", "expr": [{"masquerade": None}]}}), {}, True),
        ([ETH], ruleset({"rule": {"chain": "P", "expr": [{"xt": {"name": "MASQUERADE"}}]}}), {}, True),
        ([ETH], "", {"__proc__net__ip_tables_names": "filter\nnat\n"}, True),
        ([ETH], "", {"__etc__sysctl.d__50-router.conf": "net.ipv4.ip_forward=1\n"}, True),
        ([ETH], "", {"__etc__sysctl.d__50-router.conf": "net.ipv4.conf.all.forwarding = 1\n"}, True),
        ([ETH], "", {"__etc__sysctl.d__50-router.conf": "net.ipv4.ip_forward=0\n"}, False),
        ([ETH], "", {"__etc__sysctl.d__99-zz-essms.conf": "net.ipv4.ip_forward = 1\n"}, False),
        *(
            ([ETH], "", {program: ""}, True)
            for program in (
                "__snap__bin__docker",
                "__usr__local__bin__k3s",
                "__usr__sbin__virtqemud",
                "__usr__bin__podman",
            )
        ),
    ],
)
def test_who_routes_keeps_forwarding(
    tmp_path: Path, cards: list[dict[str, Any]], rules: str, files: dict[str, str], routes: bool
) -> None:
    ways = [way("default", cards[0]["ifname"], "192.0.2.1"), way("192.0.2.0/24", cards[0]["ifname"])]
    found = host(tmp_path, cards, ways, **files)
    found.answers["nft -j list ruleset"] = rules
    for key in (FORWARD, LOCALNET):
        seen = KINDS["sysctl"].observe(found, [{"values": {key: 0}}])[key]
        assert isinstance(seen, NotApplicable) == routes


def test_what_does_not_forward_is_no_router_for_having_a_bridge(tmp_path: Path) -> None:
    found = host(tmp_path, [ETH, card("br0", kind="bridge")], [BY_ROUTER])
    (tmp_path / "proc/sys/net/ipv4/ip_forward").write_text("0\n")
    seen = KINDS["sysctl"].observe(found, [{"values": {FORWARD: 0}}])[FORWARD]
    assert isinstance(seen, Seen)
    assert seen.satisfied is False
    assert "no file of sysctl.d" in seen.note


def test_an_interface_with_a_dot_in_its_name_is_given_back(tmp_path: Path) -> None:
    key = "net.ipv4.conf.all.send_redirects"
    running = {f"/proc/sys/net/ipv4/conf/{name}/send_redirects": "1" for name in ("all", "default", "eth0.100")}
    found = FixtureHost(tmp_path, running)
    KINDS["sysctl"].edit(found, {"values": {key: 0}}, {key: 0})
    (operation,) = found.operations
    for words in (operation["do"], operation["undo"]):
        assert any(word.startswith("net/ipv4/conf/eth0.100/send_redirects=") for word in words)
