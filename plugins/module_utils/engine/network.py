# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's place in its networks: who asks for its addresses, and whether it routes for others."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from .errors import EngineError
from .host import Host

Network = ipaddress.IPv4Network
Address = ipaddress.IPv4Address
_ANYBODY = Network("0.0.0.0/0")
_ROUTERS = (
    "dockerd", "docker", "podman", "containerd", "kubelet", "k3s", "k0s", "rke2", "microk8s", "lxd", "incusd",
    "lxc-start", "libvirtd", "virtqemud", "virtnetworkd",
)  # fmt: skip
_PLACES = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/snap/bin")
_BETWEEN = (
    "veth", "bridge", "tun", "wireguard", "macvlan", "macvtap", "ipvlan", "vxlan", "geneve", "gre", "gretap", "ipip",
    "sit", "vti", "xfrm", "ppp",
)  # fmt: skip
"""Kinds of interfaces that stand between this host and others behind it."""
_TRANSLATES = re.compile(r'"(masquerade|snat|dnat|MASQUERADE|SNAT|DNAT)"')
_KEEPALIVED = "/etc/keepalived/keepalived.conf"


class Interface(NamedTuple):
    """An interface that is up.

    :param asks: whether neighbours ask by ARP for the addresses on it.
    :param own: its addresses.
    :param networks: the networks of these addresses, the other end of a link included.
    :param gateways: the routers behind it.
    :param beyond: what is reached through it without a router.
    :param leads_out: whether what is in no other network is sent through it.
    """

    name: str
    kind: str
    asks: bool
    own: list[Address]
    networks: list[Network]
    gateways: list[Address]
    beyond: list[Network]
    leads_out: bool


def interfaces(host: Host) -> list[Interface]:
    """Return the interfaces that are up, with their IPv4 addresses and routes.

    :raises EngineError: when the host does not tell.
    """
    routes = _told(host, "ip", "-j", "-4", "route", "show", "table", "all")
    found = []
    for each in _told(host, "ip", "-j", "-d", "address"):
        flags = each.get("flags", [])
        if "UP" not in flags:
            continue
        addresses = [part for part in each.get("addr_info", []) if part.get("family") == "inet"]
        through = [hop for route in routes for hop in _hops(route) if hop[1] == each["ifname"]]
        found.append(
            Interface(
                name=each["ifname"],
                kind=each.get("linkinfo", {}).get("info_kind", ""),
                asks=not {"LOOPBACK", "NOARP"} & set(flags),
                own=[Address(part["local"]) for part in addresses],
                networks=[_network(part.get("address", part["local"]), part["prefixlen"]) for part in addresses],
                gateways=[Address(gateway) for _network, _name, gateway in through if gateway],
                beyond=[network for network, _name, gateway in through if not gateway],
                leads_out=any(network == _ANYBODY for network, _name, _gateway in through),
            )
        )
    return found


def _told(host: Host, *argv: str) -> list[dict[str, Any]]:
    done = host.run(*argv)
    try:
        told = json.loads(done.out) if done.rc == 0 else None
    except ValueError:
        told = None
    if not isinstance(told, list):
        raise EngineError(f"`{' '.join(argv)}` does not tell how this host is connected: install iproute2")
    return told


def _hops(route: dict[str, Any]) -> Iterator[tuple[Network, str, str]]:
    """Yield destination, interface and gateway of each way a route to others takes."""
    if route.get("type", "unicast") != "unicast":
        return
    to = _ANYBODY if route["dst"] == "default" else Network(route["dst"], strict=False)
    for hop in route.get("nexthops") or [route]:
        # a gateway of the other family (via) is asked for by other means
        if not to.is_multicast and not to.is_link_local and "dev" in hop and "via" not in hop:
            yield to, hop["dev"], hop.get("gateway", "")


def _network(address: str, length: int) -> Network:
    return Network(f"{address}/{length}", strict=False)


def unanswered(found: list[Interface]) -> str:
    """Return who would no longer find this host if it answered only askers of the same network; empty when nobody.

    That is what arp_ignore 2 asks for: one network of the interface that holds both the address and the asker.
    """
    asked = [each for each in found if each.asks and each.own]
    for each in asked:
        ours = [network for network in each.networks if any(address in network for address in each.own)]
        for address in each.own:
            mine = [network for network in each.networks if address in network]
            if each.gateways and not any(gateway in network for gateway in each.gateways for network in mine):
                return f"the router behind {each.name} is in no network of an address of this host"
        for beyond in each.beyond:
            if not any(beyond.subnet_of(network) for network in ours):
                return f"neighbours behind {each.name} are in no network of its addresses"
    for each in found:
        for address in [] if each.asks else each.own:
            if not address.is_loopback and any(address in network for other in asked for network in other.networks):
                return f"an address of {each.name} is asked for on another interface"
    return ""


def unheard(host: Host, found: list[Interface]) -> str:
    """Return which address nobody would find any more if only the way back to the asker answered; empty when none.

    That is what arp_filter asks for.
    """
    if "use_vmac" in (host.text(_KEEPALIVED) or ""):
        return "keepalived gives this host addresses with an interface of their own"
    asked = [each for each in found if each.asks and each.own]
    for number, each in enumerate(asked):
        if not (each.gateways or each.beyond):
            return f"nothing is sent through {each.name}, which has an address"
        if any(one.overlaps(two) for other in asked[:number] for one in other.networks for two in each.networks):
            return f"{each.name} is in the network of another interface"
    return ""


def routes(host: Host) -> bool:
    """Say whether this host, which forwards, does it for others behind it: by its programs, interfaces or rules.

    :raises EngineError: when the host does not tell.
    """
    if has_router(host):
        return True
    behind = any(each.kind in _BETWEEN and not each.leads_out for each in interfaces(host))
    return behind or _forwards(host)


def has_router(host: Host) -> bool:
    """Say whether a program is there whose containers or virtual machines need this host as their router."""
    return any(host.exists(f"{place}/{name}") for place in _PLACES for name in _ROUTERS)


def _forwards(host: Host) -> bool:
    """Say whether rules translate addresses, or say what may be forwarded."""
    if "nat" in (host.text("/proc/net/ip_tables_names") or "").split():
        return True
    try:
        listed = json.loads(host.run("nft", "-j", "list", "ruleset").out).get("nftables", [])
    except ValueError:
        return False
    chains = [entry["chain"] for entry in listed if "chain" in entry]
    forwarding = {_place(each, "name") for each in chains if each.get("hook") == "forward"}
    rules = [entry["rule"] for entry in listed if "rule" in entry]
    return any(_place(each, "chain") in forwarding or _TRANSLATES.search(json.dumps(each)) for each in rules)


def _place(each: dict[str, Any], chain: str) -> tuple[str, ...]:
    return str(each["family"]), str(each["table"]), str(each[chain])
