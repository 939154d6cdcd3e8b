# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Administration ports, closed to every network but those of the administrators.

A chain of its own before the host's other rules: it only takes away, and works with or without them. There is no limit
on new connections: other networks get none at all, and one on the administrators' would hit the automation first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import closing, firewall, forwarding, listeners, nft
from ..engine.errors import Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.nft import Chain, Rule, match, rule
from .base import Kind, fields

PART = "10-administration"
NETWORKS, RESTRICTED = "administration networks", "administration ports restricted"
_BASE = ("input", -5, "accept")
_PORTS: dict[str, Any] = {"type": "array", "items": firewall.PORT, "maxItems": 50}
_NONE = "no administration network is declared, so every network reaches them: fill essms_admin_networks in"
_LIMIT, _LOG = nft.log("essms-admin")


class FirewallAdministration(Kind):
    """``firewall_administration: {ssh_port: 22, ports: [3389], networks: [192.0.2.0/24], services: []}``.

    A declared service on one of the ports answers to its own sources too. ``closed: [445/tcp]`` names ports that
    something listens on and that are closed to the other networks all the same.
    """

    schema = fields(
        ("ssh_port", "ports", "networks", "services"),
        ssh_port=firewall.PORT,
        ports=_PORTS,
        networks=firewall.NETWORKS,
        services=firewall.SERVICES,
        closed=firewall.CLOSED,
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {NETWORKS: firewall.plain(body["networks"]), RESTRICTED: True, firewall.BOOT: True}

    def undecided(self, body: Mapping[str, Any]) -> bool:
        return not body["networks"]

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        body = bodies[0]
        other = firewall.manager(host)
        if other:
            return dict.fromkeys(names, Unknown(firewall.managed(other)))
        if not body["networks"]:
            return {NETWORKS: Seen([], _NONE, satisfied=False), RESTRICTED: False, firewall.BOOT: False}
        chains = nft.in_force(host)
        if isinstance(chains, Unknown):
            return dict.fromkeys(names, chains)
        chain = chains.get("administration", Chain(None, ()))
        try:
            wanted = _chains(body)
        except SettingError as error:
            return dict.fromkeys(names, Seen(None, str(error), satisfied=False))
        trusted = [each for each in chain.rules if each.name == NETWORKS]
        rest = [each for each in chain.rules if each.name != NETWORKS]
        expected = [each for each in wanted["administration"].rules if each.name != NETWORKS]
        return {
            NETWORKS: sorted(_sources(trusted)),
            RESTRICTED: _beyond(host, body) or (chain.base == _BASE and firewall.same(rest, expected)),
            firewall.BOOT: firewall.on_disk(host, PART, wanted),
        }

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        chains = _chains(body)
        here = firewall.connection()
        if here is not None and not _lets_in(body, *here):
            raise SettingError(
                f"this would cut off the connection it comes over, from {here[0]} to port {here[1]}: "
                "add its network to essms_admin_networks"
            )
        beyond = _beyond(host, body)
        if beyond:
            raise SettingError(beyond.note)
        _keep_services(host, body)
        firewall.write(host, PART, chains)

    def validate(self, host: Host) -> str:
        return firewall.fault(host)

    def explain(self, host: Host, name: str) -> str:
        return f"something else changes the table {nft.TABLE}: `nft list table {nft.TABLE}` shows it"


def _ports(body: Mapping[str, Any]) -> list[int]:
    return sorted({body["ssh_port"], *body["ports"]})


def _exceptions(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the declared services on an administration port: whoever declared them has decided for whom.

    :raises SettingError: when one names no source, which would open the port to everyone.
    """
    found = [each for each in body["services"] if any(_is_on(each, port) for port in _ports(body))]
    for service in found:
        if not service.get("sources"):
            raise SettingError(
                f"the service {service['name']} opens the administration port {firewall.ports(service)} to everyone: "
                "give it sources, or take the port out of essms_admin_ports"
            )
    return found


def _is_on(service: Mapping[str, Any], port: int) -> bool:
    return firewall.covers(service, port, "tcp") or firewall.covers(service, port, "udp")


def _chains(body: Mapping[str, Any]) -> dict[str, Chain]:
    rules = [rule("accept", match("meta iifname", "lo")), *firewall.KEPT]
    rules += [rule("accept", *origin, name=NETWORKS) for origin in firewall.sources(body["networks"])]
    rules += [each for service in _exceptions(body) for each in firewall.service_rules(service)]
    for protocol in ("tcp", "udp"):
        asked = match(f"{protocol} dport", *_ports(body))
        rules += [rule(_LOG, asked, _LIMIT), rule("drop", asked)]
    return {"administration": Chain(_BASE, tuple(rules))}


def _sources(rules: Sequence[Rule]) -> set[str]:
    """Return the networks that rules in force trust; of any other rule, the words."""
    found: set[str] = set()
    for each in rules:
        lefts = [condition.left for condition in each.matches]
        if each.verdict == "accept" and lefts in (["ip saddr"], ["ip6 saddr"]):
            found |= each.matches[0].values
        else:
            found.add(" ".join([*lefts, each.verdict]))
    return found


def _lets_in(body: Mapping[str, Any], address: str, port: int) -> bool:
    if port not in _ports(body):
        return True
    exceptions = [network for each in _exceptions(body) if _is_on(each, port) for network in each["sources"]]
    return firewall.within(address, [*body["networks"], *exceptions])


def _beyond(host: Host, body: Mapping[str, Any]) -> Seen | None:
    """Return the administration ports that containers publish: no rule about the host itself closes them to anybody."""
    found = [each for each in listeners.waiting(host) if each.port in body["ports"]]
    passed = forwarding.published(host, found)
    if not passed:
        return None
    return Seen(
        False,
        f"{listeners.described(passed)}: published by a container, and open to every network whatever the rules of the "
        "host say: publish it on 127.0.0.1, or take the port out of essms_admin_ports",
    )


def _keep_services(host: Host, body: Mapping[str, Any]) -> None:
    """Refuse to close an administration port that answers today and that nobody has decided about; SSH is decided.

    :raises SettingError: with the ports and their programs.
    """
    chains = closing.before(host)
    shut = chains.get("administration", Chain(None, ())).rules
    decided = [{"name": "ssh", "port": body["ssh_port"]}, *body["services"]]
    cut = [
        each
        for each in closing.answering(host, chains)
        if each.port in _ports(body)
        and not any(firewall.covers(service, each.port, each.protocol) for service in decided)
        and not closing.is_in(shut, "drop", each)
    ]
    closing.refuse(cut, body.get("closed", ()))
