# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's own firewall: nothing comes in but what is declared, in a table of ours that touches no other.

Only what the host itself receives is filtered. What it forwards, to containers and virtual machines above all, is the
affair of those that set it up.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from typing import Any

from ..engine import closing, firewall, listeners, nft, protocols
from ..engine.errors import Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.listeners import Listener
from ..engine.nft import Chain, Rule, match, rule
from .base import Kind, fields

PART = "20-input"
DENY, ALLOWED, LOGGED = "default deny", "allowed services", "drops logged"
_BRIDGES = ("podman*", "cni-podman*", "virbr*", "lxcbr*", "lxdbr*", "incusbr*")
_ASKED = (
    rule("accept", match("meta iifname", *_BRIDGES), match("udp dport", 53, 67, 547)),
    rule("accept", match("meta iifname", *_BRIDGES), match("tcp dport", 53)),
)
"""Bridges whose containers or machines ask the host itself for names and addresses, and those questions."""
_ALWAYS = (
    rule("accept", match("meta iifname", "lo")),
    *firewall.KEPT,
    rule(
        "accept",
        match("icmp type", "echo-request", "destination-unreachable", "time-exceeded", "parameter-problem"),
    ),
    # without neighbour discovery there is no IPv6
    rule(
        "accept",
        match(
            "icmpv6 type",
            *("echo-request", "destination-unreachable", "packet-too-big", "time-exceeded", "parameter-problem"),
            *("nd-router-advert", "nd-neighbor-solicit", "nd-neighbor-advert"),
            *("mld-listener-query", "mld-listener-report", "mld-listener-done", "mld2-listener-report"),
        ),
    ),
    rule("accept", match("meta l4proto", "igmp")),
    # answers to a DHCP client: they come to an address the host does not have yet, or from one it did not ask
    rule("accept", match("udp sport", 67), match("udp dport", 68)),
    rule("accept", match("ip6 saddr", "fe80::/10"), match("udp sport", 547), match("udp dport", 546)),
    *_ASKED,
    rule("jump services"),
    # every network is full of them; in the log they would hide the rest
    rule("drop", match("meta pkttype", "broadcast", "multicast")),
)
_LIMIT, _LOG = nft.log("essms-drop")
_LOGGED = rule(_LOG, _LIMIT)


class Firewall(Kind):
    """``firewall: {ssh_port: 22, services: [{name: web, port: 443, protocol: tcp, sources: [192.0.2.0/24]}]}``.

    ``closed: [8000/tcp]`` names ports that something listens on and that are closed all the same. ``protocols: [vrrp]``
    names what comes in beside TCP and UDP.
    """

    schema = fields(
        ("ssh_port", "services"),
        ssh_port=firewall.PORT,
        services=firewall.SERVICES,
        closed=firewall.CLOSED,
        protocols=protocols.LIST,
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        try:
            allowed = sorted(_listed(_chains(body)["services"].rules))
        except SettingError as error:
            allowed = [str(error)]
        return {DENY: True, ALLOWED: allowed, LOGGED: True, firewall.BOOT: True}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        other = firewall.manager(host)
        if other:
            return dict.fromkeys(names, Unknown(firewall.managed(other)))
        chains = nft.in_force(host)
        if isinstance(chains, Unknown):
            return dict.fromkeys(names, chains)
        entry = chains.get("input", Chain(None, ()))
        rules = nft.without_logs(entry.rules)
        try:
            boots: Any = firewall.on_disk(host, PART, _chains(bodies[0]))
        except SettingError as error:
            boots = Seen(False, str(error))
        return {
            DENY: entry.base == closing.INPUT and firewall.same(rules, _ALWAYS),
            ALLOWED: sorted(_listed(chains["services"].rules)) if "services" in chains else [],
            LOGGED: bool(entry.rules) and entry.rules[-1] == _LOGGED,
            firewall.BOOT: boots,
        }

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        _keep_access(body)
        _keep_services(host, body)
        firewall.write(host, PART, _chains(body))

    def validate(self, host: Host) -> str:
        return firewall.fault(host)

    def explain(self, host: Host, name: str) -> str:
        return f"something else changes the table {nft.TABLE}: `nft list table {nft.TABLE}` shows it"


def _open(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what answers: SSH, and the services that are declared."""
    return [{"name": "ssh", "port": body["ssh_port"]}, *body["services"]]


def _chains(body: Mapping[str, Any]) -> dict[str, Chain]:
    services = [each for service in _open(body) for each in firewall.service_rules(service)]
    services += protocols.rules(body.get("protocols", []))
    return {"services": Chain(None, tuple(services)), "input": Chain(closing.INPUT, (*_ALWAYS, _LOGGED))}


def _listed(rules: Sequence[Rule]) -> Iterator[str]:
    """Yield what the rules in force let in, in the words of `expand`; what is none of ours in nft's own."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in rules:
        if protocols.let_in(each):
            yield f"{protocols.let_in(each)} from everywhere"
            continue
        conditions = {condition.left: sorted(condition.values) for condition in each.matches}
        origin = conditions.pop("ip saddr", []) + conditions.pop("ip6 saddr", [])
        ((left, ports),) = conditions.items() if len(conditions) == 1 else (("", []),)
        if each.verdict != "accept" or left not in ("tcp dport", "udp dport") or len(ports) != 1:
            yield f"{each.name or 'unknown'}: {each.verdict} {' '.join(sorted(conditions))}".strip()
            continue
        found.setdefault((each.name, f"{left.split()[0]} {ports[0]}"), []).extend(origin or ["everywhere"])
    for (name, port), origins in found.items():
        yield f"{name}: {port} from {', '.join(sorted(origins))}"


def _answers(body: Mapping[str, Any], protocol: str, port: int) -> bool:
    return any(firewall.covers(service, port, protocol) for service in _open(body))


def _for_guests(host: Host, listener: Listener) -> bool:
    """Say whether a socket only answers what our rules let in from the bridges of containers and machines."""
    if not closing.is_in(_ASKED, "accept", listener):
        return False
    name = listeners.interface(host, listener)
    return any(fnmatch(name, pattern) for pattern in _BRIDGES)


def _keep_access(body: Mapping[str, Any]) -> None:
    """Refuse rules that would cut off the connection this very change comes over.

    :raises SettingError: with what to declare.
    """
    here = firewall.connection()
    if here is None:
        return
    address, port = here
    for service in _open(body):
        origins = service.get("sources", ())
        if firewall.covers(service, port) and (not origins or firewall.within(address, origins)):
            return
    raise SettingError(
        f"this would cut off the connection it comes over, from {address} to port {port}: "
        f"set essms_ssh_port to the port the SSH server answers on"
    )


def _keep_services(host: Host, body: Mapping[str, Any]) -> None:
    """Refuse to close what answers other machines today and nobody has decided about.

    :raises SettingError: with the ports and protocols, and their programs.
    """
    chains = closing.before(host)
    found = closing.answering(host, chains)
    cut = [each for each in found if not _answers(body, each.protocol, each.port) and not _for_guests(host, each)]
    closing.refuse(cut, body.get("closed", ()))
    protocols.refuse(host, chains, body.get("protocols", []), shut=closing.is_shut(chains))
