# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of the firewall share: its files, its unit, networks, and who must never be cut off.

Each kind owns one part of our table, in a file of its own; the unit loads them all at once, before the network is up.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Union

from . import login, nft
from .errors import SettingError
from .host import Host
from .nft import Chain, Match, Rule, match, rule

MAIN = "/etc/essms/firewall.nft"
PARTS = "/etc/essms/firewall.d"
UNIT = "/etc/systemd/system/essms-firewall.service"
WANT = "/etc/systemd/system/sysinit.target.d/essms-firewall.conf"
BESIDE = "/etc/systemd/system/nftables.service.d/essms-firewall.conf"
BOOT = "started at boot"
"""The row that says whether the host has it again after a restart."""

_MAIN_TEXT = f"""# essms.hardening: our own table and no other; whatever else the host has stays as it is
table {nft.TABLE}
delete table {nft.TABLE}
include "{PARTS}/*.nft"
"""
# Stopping the unit leaves the firewall where it is.
_UNIT_TEXT = f"""# essms.hardening
[Unit]
Description=essms.hardening: host firewall (table {nft.TABLE})
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target
After=local-fs.target essms-recover.service nftables.service
ConditionPathExists={MAIN}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={nft.NFT} -f {MAIN}
ExecReload={nft.NFT} -f {MAIN}
"""
# A file and not a link: the journal gives files back at boot, when no command may run.
_WANT_TEXT = "# essms.hardening\n[Unit]\nWants=essms-firewall.service\n"
# The distribution's nftables.service empties every table of the host whenever it starts, reloads or stops.
_BESIDE_TEXT = f"""# essms.hardening
[Service]
ExecStartPost=-{nft.NFT} -f {MAIN}
ExecReload=-{nft.NFT} -f {MAIN}
ExecStopPost=-{nft.NFT} -f {MAIN}
"""
_FILES = {MAIN: _MAIN_TEXT, UNIT: _UNIT_TEXT, WANT: _WANT_TEXT, BESIDE: _BESIDE_TEXT}

_SETTLE = f"""systemctl daemon-reload
if [ -e {MAIN} ]; then exec systemctl reload-or-restart essms-firewall.service; fi
systemctl stop essms-firewall.service 2>/dev/null
[ ! -x {nft.NFT} ] || exec {nft.NFT} 'add table {nft.TABLE}; delete table {nft.TABLE}'
"""
"""Makes the kernel have what the files say, after a change as well as after its undoing."""

KEPT = (
    rule("accept", match("ct state", "established", "related")),
    # Connections older than the table are unknown to it: a segment without SYN, for a socket that waits for just that
    # peer, goes on. It can open nothing.
    rule("accept", match("socket wildcard", 0), match("tcp flags & (ack | rst | syn)", "ack")),
)
"""What was allowed once goes on."""

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]
_NETWORK = r"^(\d{1,3}(\.\d{1,3}){3}(/\d{1,2})?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(/\d{1,3})?)$"
NETWORKS: dict[str, Any] = {"type": "array", "items": {"type": "string", "pattern": _NETWORK}, "maxItems": 200}
PORT: dict[str, Any] = {"type": "integer", "minimum": 1, "maximum": 65535}
SERVICES: dict[str, Any] = {
    "type": "array",
    "maxItems": 200,
    "items": {
        "type": "object",
        "required": ["name", "port"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$"},
            "port": PORT,
            "last_port": PORT,
            "protocol": {"enum": ["tcp", "udp"]},
            "sources": NETWORKS,
        },
    },
}

Service = Mapping[str, Any]


# --- networks and ports ----------------------------------------------------------------------------------------------


def networks(names: Iterable[str]) -> list[Network]:
    """Return the networks, those inside one another only once, IPv4 first.

    :raises SettingError: when one is none.
    """
    found = []
    for name in names:
        try:
            found.append(ipaddress.ip_network(name, strict=False))
        except ValueError:
            raise SettingError(f"{name} is not a network: write it like 192.0.2.0/24 or 2001:db8::/64") from None
    four = ipaddress.collapse_addresses(each for each in found if isinstance(each, ipaddress.IPv4Network))
    six = ipaddress.collapse_addresses(each for each in found if isinstance(each, ipaddress.IPv6Network))
    return [*four, *six]


def name_of(network: Network) -> str:
    """Return a network as nft lists it: a single address has no length."""
    return str(network.network_address if network.prefixlen == network.max_prefixlen else network)


def plain(names: Iterable[str]) -> list[str]:
    """Return the networks as they are shown and compared; what is none stays as it is."""
    listed = list(names)
    try:
        return sorted(name_of(each) for each in networks(listed))
    except SettingError:
        return sorted(listed)


def sources(names: Iterable[str]) -> list[list[Match]]:
    """Return the conditions on where a packet comes from: one list for each family that has a network."""
    found = networks(names)
    by_family = {
        family: [name_of(each) for each in found if each.version == version]
        for family, version in (("ip", 4), ("ip6", 6))
    }
    return [[match(f"{family} saddr", *members)] for family, members in by_family.items() if members]


def ports(service: Service) -> str:
    """Return the port of a service, or its range."""
    last = service.get("last_port", service["port"])
    return str(service["port"]) if last == service["port"] else f"{service['port']}-{last}"


def service_rules(service: Service) -> list[Rule]:
    """Return the rules that let a service answer, to everyone when it names no source."""
    port = match(f"{service.get('protocol', 'tcp')} dport", ports(service))
    origins = sources(service.get("sources", ())) or [[]]
    return [rule("accept", *origin, port, name=service["name"]) for origin in origins]


def covers(service: Service, port: int, protocol: str = "tcp") -> bool:
    """Say whether a service is on this port."""
    low: int = service["port"]
    return service.get("protocol", "tcp") == protocol and low <= port <= int(service.get("last_port", low))


def within(address: str, names: Iterable[str]) -> bool:
    """Say whether an address lies in one of the networks."""
    return any(ipaddress.ip_address(address) in each for each in networks(names))


# --- who is never cut off --------------------------------------------------------------------------------------------


def connection() -> tuple[str, int] | None:
    """Return the address this connection comes from and the port it came to; None for one that is not SSH."""
    told = login.ends()
    if len(told) != 4:
        return None
    return told[0].partition("%")[0], int(told[3])


# --- files -----------------------------------------------------------------------------------------------------------


def manager(host: Host) -> str:
    """Return the name of the tool that already keeps this host's firewall, or nothing."""
    if _enabled_ufw(host):
        return "ufw"
    if host.exists("/usr/sbin/firewalld") and host.run("systemctl", "is-active", "firewalld.service").rc == 0:
        return "firewalld"
    return ""


def _enabled_ufw(host: Host) -> bool:
    lines = (host.text("/etc/ufw/ufw.conf") or "").split("\n")
    return any(line.strip().lower() == "enabled=yes" for line in lines)


def managed(name: str) -> str:
    """Return the sentence for a host whose firewall is somebody else's."""
    return f"{name} keeps the firewall of this host and two would fight: disable it to use ours, or ask for a waiver"


def part(name: str) -> str:
    """Return the path of a kind's own part."""
    return f"{PARTS}/{name}.nft"


def on_disk(host: Host, name: str, chains: Mapping[str, Chain]) -> bool:
    """Say whether the files would give the host these chains after a restart."""
    wanted = {**_FILES, part(name): nft.text(chains)}
    return all(_text(host, path) == content for path, content in wanted.items())


def _text(host: Host, path: str) -> str | None:
    try:
        return host.text(path)
    except OSError:  # a unit masked by a link to a device
        return None


def write(host: Host, name: str, chains: Mapping[str, Chain]) -> None:
    """Put a kind's part and what loads it into the overlay.

    :raises SettingError: when the host's firewall is somebody else's.
    """
    other = manager(host)
    if other:
        raise SettingError(managed(other))
    for path, content in _FILES.items():
        host.write(path, content)
    host.write(part(name), nft.text(chains), mode=0o600)
    host.activate(40, "/bin/sh", "-c", _SETTLE)


def fault(host: Host) -> str:
    """Return what nft says against the written files, without loading them."""
    if not os.path.exists(host.path(nft.NFT)):
        return "nft is not installed: install the package nftables"
    done = host.run(nft.NFT, "-c", "-f", MAIN)
    return "" if done.rc == 0 else done.err.strip()[:300] or f"nft -c ended with {done.rc}"


def same(found: Sequence[Rule], wanted: Sequence[Rule]) -> bool:
    """Say whether two lists of rules decide the same, in the same order."""
    return list(found) == list(wanted)
