# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports that containers publish: what other machines send there is forwarded before any program of the host sees it.

The runtime listens on them all the same, to keep others from taking them; closing them for the host changes nothing.
A rootless runtime has no such rules: its ports are the host's own.
"""

from __future__ import annotations

import ipaddress
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from . import listeners, nft
from .host import Host
from .listeners import Listener
from .nft import Match, Rule, match

_RUNTIMES = {"conmon", "docker-proxy", "dockerd"}
"""Programs that hold a published port, as the kernel names them."""
_ACCEPT = "accept"
# marks and logs, after which the next rule is looked at
_PASSING = re.compile(r'(log prefix "[^"]*" level \w+|mangle \{.*\})?')
_IPTABLES = {"ACCEPT": "accept", "RETURN": "return", "MARK": "mangle {}", "CONNMARK": "mangle {}", "LOG": ""}
"""Targets of iptables in nft's words; any other that is no chain is not understood."""


class _UnclearError(Exception):
    """What the rules do with a packet depends on something that is not known of it."""


class _Packet(NamedTuple):
    """The first of a connection that another machine opens to the host."""

    protocol: str
    address: str
    port: int

    @property
    def family(self) -> str:
        return "ip6" if ":" in self.address else "ip"


class _Table(NamedTuple):
    """What may send a packet elsewhere: the family it is for, the chains it enters at, and the rules of each chain."""

    family: str
    entries: Sequence[str]
    chains: Mapping[str, Sequence[Rule]]


def published(host: Host, found: Sequence[Listener]) -> list[Listener]:
    """Return those that a container runtime holds, and that nothing reaches at any address of the host."""
    programs = listeners.programs({each.inode for each in found}) if found else {}
    held = [each for each in found if programs.get(each.inode) in _RUNTIMES]
    if not held:
        return []
    own = listeners.own_addresses(host)
    tables = [*_of_nft(host), *_of_iptables(host, "ip"), *_of_iptables(host, "ip6")]
    return [each for each in held if _is_forwarded(host, tables, own, each)]


def _is_forwarded(host: Host, tables: Sequence[_Table], own: set[str], listener: Listener) -> bool:
    packets = [_Packet(listener.protocol, address, listener.port) for address in _reached_at(own, listener)]
    try:
        return bool(packets) and all(_leaves(host, tables, own, packet) for packet in packets)
    except _UnclearError:
        return False


def _reached_at(own: set[str], listener: Listener) -> list[str]:
    """Return the addresses at which others reach a listener: without a network over IPv6, nobody lives by that."""
    bound = ipaddress.ip_address(listener.address)
    if not bound.is_unspecified:
        return [listener.address]
    parsed = [ipaddress.ip_address(each) for each in own]
    # one that listens on :: may take IPv4 too
    return [
        str(each)
        for each in parsed
        if not each.is_loopback and (each.version == 4 or (bound.version == 6 and not each.is_link_local))
    ]


def _leaves(host: Host, tables: Sequence[_Table], own: set[str], packet: _Packet) -> bool:
    """Say whether a packet is sent on to another machine, as a container is one."""
    ends = {
        _end(host, table.chains, entry, packet)
        for table in tables
        if table.family in ("inet", packet.family)
        for entry in table.entries
    } - {"", _ACCEPT}
    return bool(ends) and not any(each in own or ipaddress.ip_address(each).is_loopback for each in ends)


def _end(host: Host, chains: Mapping[str, Sequence[Rule]], name: str, packet: _Packet) -> str:
    """Return what a chain does with a packet: the address it goes to, that it is accepted, or nothing.

    :raises _UnclearError: when nobody can tell.
    """
    for each in chains.get(name, ()):
        fits = _fits(host, each, packet)
        word, _, target = each.verdict.partition(" ")
        if fits is False or _PASSING.fullmatch(each.verdict):
            continue
        if word in ("jump", "goto"):
            end = _end(host, chains, target, packet)
            if not end and word == "jump":
                continue
        elif word in ("return", _ACCEPT):
            end = "" if word == "return" else _ACCEPT
        elif word == "dnat":
            end = _address(target)
        else:
            raise _UnclearError
        if fits is None:
            raise _UnclearError
        return end
    return ""


def _address(said: str) -> str:
    """Return the address that a packet is sent on to.

    :raises _UnclearError: when there may be several.
    """
    try:
        return str(ipaddress.ip_address(json.loads(said)["addr"]))
    except (KeyError, TypeError, ValueError):
        raise _UnclearError from None


# --- conditions ------------------------------------------------------------------------------------------------------


def _fits(host: Host, each: Rule, packet: _Packet) -> bool | None:
    """Say whether a packet satisfies every condition; None when one may or may not."""
    answers = [_satisfies(host, condition, packet) for condition in each.matches]
    return False if False in answers else None if None in answers else True


def _satisfies(host: Host, condition: Match, packet: _Packet) -> bool | None:
    left = condition.left.removeprefix("!= ")
    first, _, what = left.partition(" ")
    # what looks at a port or an address is about that protocol or family alone, also where it says what they are not
    if (what == "dport" and first not in ("th", packet.protocol)) or (what == "daddr" and first != packet.family):
        return False
    answer = _holds(host, left, condition.values, packet)
    return answer if answer is None or left == condition.left else not answer


def _holds(host: Host, left: str, values: frozenset[str], packet: _Packet) -> bool | None:
    try:
        if left.endswith(" dport"):
            ports = [value.partition("-") for value in values]
            return any(int(low) <= packet.port <= int(high or low) for low, _, high in ports)
        if left.endswith(" daddr"):
            networks = [ipaddress.ip_network(value) for value in values]
            return any(ipaddress.ip_address(packet.address) in each for each in networks)
    except ValueError:  # a set that only has a name
        return None
    if left == "meta l4proto":
        return packet.protocol in values
    if left == "fib daddr type":
        return "local" in {value.lower() for value in values}
    # no other machine is behind a bridge of containers
    return False if left == "meta iifname" and all(_is_inside(host, value) for value in values) else None


def _is_inside(host: Host, name: str) -> bool:
    """Say whether an interface is a bridge without any real network card in it."""
    ports = [path.rpartition("/")[2] for path in host.names(f"/sys/class/net/{name}/brif", "")]
    there = host.exists(f"/sys/class/net/{name}/bridge")
    return there and not any(host.exists(f"/sys/class/net/{port}/device") for port in ports)


# --- reading ---------------------------------------------------------------------------------------------------------


def _of_nft(host: Host) -> Iterator[_Table]:
    """Yield the tables of nft; those of iptables, of which it knows half, are asked of iptables."""
    done = host.run(nft.NFT, "-j", "list", "ruleset")
    for (family, _), items in nft.tables(done.out if done.rc == 0 else '{"nftables": []}').items():
        entries = [
            item["chain"]["name"]
            for item in items
            if item.get("chain", {}).get("type") == "nat" and item["chain"]["hook"] == "prerouting"
        ]
        if entries and not any("xt" in word for item in items for word in item.get("rule", {}).get("expr", ())):
            yield _Table(family, entries, {name: each.rules for name, each in nft.chains(items).items()})


def _of_iptables(host: Host, family: str) -> Iterator[_Table]:
    """Yield what iptables, over whichever of its two ways, has for a family."""
    done = host.run("iptables-save" if family == "ip" else "ip6tables-save")
    _, _, rest = f"\n{done.out if done.rc == 0 else ''}".partition("\n*nat\n")
    lines = rest.partition("\nCOMMIT")[0].split("\n")
    chains: dict[str, list[Rule]] = {line[1:].partition(" ")[0]: [] for line in lines if line.startswith(":")}
    for line in lines:
        if line.startswith("-A "):
            _, name, *words = shlex.split(line)
            chains[name].append(_rule(family, words, chains))
    if chains:
        yield _Table(family, ["PREROUTING"], chains)


def _rule(family: str, words: Sequence[str], chains: Mapping[str, object]) -> Rule:
    """Return a rule of iptables in the words of nft."""
    matches: list[Match] = []
    protocol, negated, rest = "th", "", list(words)
    while rest:
        option = rest.pop(0)
        if option in ("-j", "-g"):
            return Rule(tuple(matches), _target(option, rest, chains))
        if option == "!":
            negated = "!= "
            continue
        value = rest.pop(0) if rest else ""
        if option == "-p":
            protocol = value
        left = {
            "-p": "meta l4proto",
            "-d": f"{family} daddr",
            "-i": "meta iifname",
            "--dport": f"{protocol} dport",
            "--dports": f"{protocol} dport",
            "--dst-type": "fib daddr type",
        }.get(option, option)
        if option not in ("-m", "--comment"):
            values = value.replace(":", "-").split(",") if "dport" in left else [value]
            matches.append(match(negated + left, *values))
        negated = ""
    return Rule(tuple(matches), "")


def _target(option: str, words: Sequence[str], chains: Mapping[str, object]) -> str:
    name = words[0]
    if name == "DNAT" and words[1:2] == ["--to-destination"]:
        return f"dnat {json.dumps({'addr': _without_port(words[2])})}"
    if name in chains:
        return f"{'jump' if option == '-j' else 'goto'} {name}"
    return _IPTABLES.get(name, name)


def _without_port(destination: str) -> str:
    if destination.startswith("["):
        return destination[1:].partition("]")[0]
    return destination if destination.count(":") > 1 else destination.partition(":")[0]
