# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other machines say to the host beside TCP and UDP: routers to one another, tunnels, IPsec."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from . import listeners
from .errors import SettingError
from .host import Host
from .nft import Chain, Rule, match, rule

NUMBERS = {4: "ipencap", 41: "ipv6", 47: "gre", 50: "esp", 51: "ah", 89: "ospf", 103: "pim", 112: "vrrp"}
"""Those that can be declared, by the names of /etc/protocols, which nft shows them with."""
LIST: dict[str, Any] = {"type": "array", "maxItems": 20, "items": {"enum": sorted(NUMBERS.values())}}
_LEFT = "meta l4proto"
_TUNNELS = {
    **dict.fromkeys(("gre", "gretap", "erspan", "ip6gre", "ip6gretap", "ip6erspan"), "gre"),
    "ipip": "ipencap",
    "sit": "ipv6",
    "ip6tnl": "ipv6",
}
"""What each kind of link speaks."""


def rules(names: list[str]) -> list[Rule]:
    """Return the rules that let protocols in, from everywhere: most of them are spoken to a group."""
    return [rule("accept", match(_LEFT, name), name=name) for name in sorted(set(names))]


def let_in(found: Rule) -> str:
    """Return the protocol that a rule lets in, nothing for a rule of another kind."""
    if found.verdict != "accept" or [each.left for each in found.matches] != [_LEFT]:
        return ""
    return ", ".join(sorted(found.matches[0].values))


def refuse(host: Host, chains: Mapping[str, Chain], declared: list[str], *, shut: bool) -> None:
    """Refuse to shut out a protocol that is in use and that nobody has declared.

    :param chains: ours, as the kernel has them before the change.
    :param shut: they let in nothing but what they name.
    :raises SettingError: with the protocols and who speaks them.
    """
    services = chains.get("services", Chain(None, ())).rules
    reached = {value for each in services if let_in(each) for value in each.matches[0].values}
    used = {
        f"{name} ({user})" for name, user in _in_use(host) if name not in declared and (not shut or name in reached)
    }
    if used:
        raise SettingError(
            f"other machines could no longer reach this host by {', '.join(sorted(used))}: name what is needed in "
            "essms_firewall_protocols, and stop what is not"
        )


def _in_use(host: Host) -> Iterator[tuple[str, str]]:
    """Yield each protocol that something speaks, with what speaks it."""
    sockets = list(_raw(host))
    programs = listeners.programs({inode for _, inode in sockets})
    for name, inode in sockets:
        yield name, programs.get(inode, "unknown")
    shown = host.run("ip", "-d", "-j", "link", "show", "up")
    for link in json.loads(shown.out or "[]") if shown.rc == 0 else ():
        kind = link.get("linkinfo", {}).get("info_kind", "")
        if kind in _TUNNELS:
            yield _TUNNELS[kind], link["ifname"]
    # without the keys, which are nobody's business
    states = host.run("ip", "xfrm", "state", "list", "nokeys")
    for state in f"\n{states.out}".split("\nsrc ") if states.rc == 0 else ():
        words = state.split()
        # those inside UDP are a service of UDP
        if "proto" in words[:-1] and "espinudp" not in words:
            name = words[words.index("proto") + 1]
            if name in NUMBERS.values():
                yield name, "IPsec"


def _raw(host: Host) -> Iterator[tuple[str, str]]:
    """Yield protocol and inode of each socket that takes whole packets; their table has the number as port."""
    for table in ("raw", "raw6"):
        for line in (host.text(f"/proc/net/{table}") or "").split("\n")[1:]:
            columns = line.split()
            number = int(columns[1].rpartition(":")[2], 16) if len(columns) >= 10 else 0
            if number in NUMBERS:
                yield NUMBERS[number], columns[9]
