# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What answers other machines today is not closed before somebody has decided about it: others may live by it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from . import forwarding, listeners, nft
from .errors import SettingError, Unknown
from .host import Host
from .listeners import Listener
from .nft import Chain, Rule

INPUT = ("input", 0, "drop")
"""The base of the chain that lets in what its chain of services names, and nothing else."""


def before(host: Host) -> dict[str, Chain]:
    """Return our chains as the kernel has them before the change."""
    chains = nft.in_force(host)
    return {} if isinstance(chains, Unknown) else chains


def is_shut(chains: Mapping[str, Chain]) -> bool:
    """Say whether nothing comes in but what the chain of services names."""
    return chains.get("input", Chain(None, ())).base == INPUT


def answering(host: Host, chains: Mapping[str, Chain]) -> list[Listener]:
    """Return what waits for other machines and is reached: without our input chain, all but ports of containers."""
    services = chains.get("services", Chain(None, ())).rules
    found = [each for each in listeners.waiting(host) if not is_shut(chains) or is_in(services, "accept", each)]
    elsewhere = forwarding.published(host, found)
    return [each for each in found if each not in elsewhere]


def is_in(rules: Sequence[Rule], verdict: str, listener: Listener) -> bool:
    """Say whether one of the rules is about the port of a listener and decides so."""
    found = [each for each in rules if each.verdict == verdict]
    return any(listener.is_in(*ports) for ports in _ports(found))


def refuse(cut: Sequence[Listener], closed: Iterable[str]) -> None:
    """Refuse to close what is not named as to be closed.

    :raises SettingError: with the ports and their programs.
    """
    decided = set(closed)
    undecided = [each for each in cut if each.name not in decided]
    if undecided:
        raise SettingError(
            f"other machines could no longer reach {listeners.described(undecided)}: declare in "
            "essms_firewall_services what they need, and name the others in essms_firewall_closed"
        )


def _ports(rules: Sequence[Rule]) -> Iterator[tuple[str, int, int]]:
    """Yield protocol, first and last port of each rule."""
    for each in rules:
        for condition in each.matches:
            protocol, _, what = condition.left.partition(" ")
            for port in condition.values if what == "dport" else ():
                low, _, high = str(port).partition("-")
                yield protocol, int(low), int(high or low)
