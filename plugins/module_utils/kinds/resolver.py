# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server for a small site, which says of chosen names that they do not exist: unbound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import firewall, unbound
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from .base import Kind, fields

DECLARED, ADDRESSES, NETWORKS = "resolver declared", "addresses", "networks"
BLOCKED, EXCEPTIONS, FORWARDERS = "blocked names", "exceptions", "forwarders"
SIGNATURES, KEPT = "signatures checked", "kept after a restart"
_STOPPED = "the resolver does not run"
_ADDRESSES = {"type": "array", "maxItems": 20, "items": {"type": "string", "pattern": r"^[0-9A-Fa-f.:]{2,45}$"}}
_NAME = r"^(?=.{1,253}$)[A-Za-z0-9_\-]{1,63}(\.[A-Za-z0-9_\-]{1,63})*$"
_NAMES = {"type": "array", "maxItems": 2000, "items": {"type": "string", "pattern": _NAME}}
_OPTIONS = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z][a-z0-9-]{1,60}$"},
    "additionalProperties": {"type": "boolean"},
}


class Resolver(Kind):
    """``resolver: {addresses: [192.0.2.53], networks: [192.0.2.0/24], blocked: [bad.example], allowed: [], …}``.

    ``forwarders`` are asked instead of the root servers; ``signatures: false`` does without DNSSEC.
    """

    schema = fields(
        ("addresses", "networks", "blocked", "allowed", "forwarders", "signatures"),
        addresses=_ADDRESSES,
        networks=firewall.NETWORKS,
        blocked=_NAMES,
        allowed=_NAMES,
        forwarders=_ADDRESSES,
        signatures={"type": "boolean"},
        options=_OPTIONS,
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        if not body["addresses"] or not body["networks"]:
            return {DECLARED: True}
        rows = {
            ADDRESSES: sorted(unbound.address(each) for each in body["addresses"]),
            NETWORKS: firewall.plain(body["networks"]),
            BLOCKED: unbound.blocked(body),
            EXCEPTIONS: unbound.allowed(body),
            **body.get("options", {}),
        }
        if body["forwarders"]:
            rows[FORWARDERS] = sorted(unbound.address(each) for each in body["forwarders"])
        if body["signatures"]:
            rows[SIGNATURES] = True
        return {**rows, KEPT: True}

    def undecided(self, body: Mapping[str, Any]) -> bool:
        return DECLARED in self.expand(body)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        body = bodies[0]
        wanted = self.expand(body)
        if DECLARED in wanted:
            note = "for whom it answers is not declared: set essms_resolver_addresses and essms_resolver_networks"
            return {DECLARED: Seen(False, note)}
        kept = {KEPT: host.text(unbound.path(host)) == unbound.rendered(body)}
        if not unbound.runs(host):
            return {**dict.fromkeys(wanted, Seen(None, _STOPPED)), **kept}
        try:
            return {**_in_force(host, body, wanted), **kept}
        except unbound.SilentError as error:
            return {**dict.fromkeys(wanted, Unknown(str(error))), **kept}

    def precheck(self, host: Host) -> str:
        fault = unbound.fault(host)
        return f"the configuration of unbound is already invalid, before any change: {fault}" if fault else ""

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        unbound.refuse_what_cannot_work(host, body)
        host.write(unbound.path(host), unbound.rendered(body))
        # a reload opens no new address
        host.start_again(43, unbound.UNIT)

    def validate(self, host: Host) -> str:
        return unbound.fault(host)

    def explain(self, host: Host, name: str) -> str:
        return f"another file of unbound says otherwise, or `journalctl -u {unbound.UNIT}` tells why"


def _in_force(host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the running service says of itself, and whether it really answers."""
    zones = unbound.zones(host)
    names = wanted[BLOCKED]
    passing = [name for name, kind in zones.items() if kind not in unbound.REFUSING]
    open_by_intent = {name for name in wanted[EXCEPTIONS] if name in passing}
    return {
        ADDRESSES: _answering(host, wanted[ADDRESSES]),
        NETWORKS: unbound.networks(host),
        BLOCKED: [name for name in names if zones.get(name) in unbound.REFUSING],
        # what opens a name below a blocked one is an exception, whoever made it
        EXCEPTIONS: sorted(open_by_intent.union(name for name in passing if unbound.below(name, names))),
        **{name: unbound.option(host, name) for name in body.get("options", {})},
        **({FORWARDERS: unbound.forwarders(host)} if FORWARDERS in wanted else {}),
        **({SIGNATURES: unbound.checks_signatures(host)} if SIGNATURES in wanted else {}),
    }


def _answering(host: Host, wanted: Sequence[str]) -> Any:
    found = unbound.addresses(host)
    mute = unbound.silent(each for each in wanted if each in found)
    return Seen(found, f"{', '.join(mute)} does not answer", satisfied=False) if mute else found
