# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the web: a proxy or name servers that filter, declared and in force."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import ask_web, firewall, web_dns, web_proxy
from ..engine.errors import NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from .base import Kind, fields

DECLARED, SERVERS = "filter declared", "name servers"
PACKAGES, SESSIONS, SERVICES = "proxy of packages", "proxy of sessions", "proxy of services"
BLOCKED = "direct web blocked"
_WHERE = {
    PACKAGES: web_proxy.write_packages,
    SESSIONS: web_proxy.write_sessions,
    SERVICES: web_proxy.write_services,
}
URL = {"type": "string", "pattern": r"^$|^http://[A-Za-z0-9.\-]{1,200}:[0-9]{1,5}$"}
LIST = {"type": "array", "items": {"type": "string", "pattern": r"^[A-Za-z0-9.:/*\-]{1,100}$"}}


class WebFilter(Kind):
    """``web_filter: {filter: proxy, url: "http://192.0.2.1:3128", exceptions: [], servers: []}``."""

    schema = fields(
        ("filter", "url", "exceptions", "servers"),
        filter={"enum": ["aucun", "proxy", "dns"]},
        url=URL,
        exceptions=LIST,
        servers=LIST,
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        if body["filter"] == "proxy" and body["url"]:
            told = dict.fromkeys(_WHERE, body["url"])
            return {**told, BLOCKED: True, firewall.BOOT + " (web)": True}
        if body["filter"] == "dns" and body["servers"]:
            return {SERVERS: list(body["servers"])}
        return {DECLARED: True}

    def undecided(self, body: Mapping[str, Any]) -> bool:
        return DECLARED in self.expand(body)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        body = bodies[0]
        wanted = self.expand(body)
        if DECLARED in wanted:
            note = "no filter of the web is declared: set essms_web_filter, and where it is"
            return {DECLARED: Seen(False, note)}
        if SERVERS in wanted:
            return {SERVERS: web_dns.in_force(host)}
        found = {PACKAGES: web_proxy.in_packages(host), SESSIONS: web_proxy.in_sessions(host, body)}
        return {**found, SERVICES: web_proxy.in_services(host, body), **_direct(host, body)}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if SERVERS in wanted:
            web_dns.write(host, body)
            return
        if ask_web.proxy_refuses(body["url"], "essms.invalid") is None:
            raise SettingError(f"the proxy {body['url']} does not answer, and the host would lose the web: look at it")
        blocks = BLOCKED in wanted or firewall.BOOT + " (web)" in wanted
        if blocks:
            web_proxy.refuse_unreachable(body)
        for name, write in _WHERE.items():
            if name in wanted:
                write(host, body)
        if blocks:
            firewall.write(host, web_proxy.PART, web_proxy.chains(body))

    def validate(self, host: Host) -> str:
        return firewall.fault(host) if host.exists(firewall.part(web_proxy.PART)) else ""

    def explain(self, host: Host, name: str) -> str:
        return "something else on the host overrides it"


def _direct(host: Host, body: Mapping[str, Any]) -> dict[str, Any]:
    boot = firewall.BOOT + " (web)"
    other = firewall.manager(host)
    if other:
        return dict.fromkeys((BLOCKED, boot), Unknown(firewall.managed(other)))
    try:
        if web_proxy.here(host, body["url"]):
            why = "the proxy is this host, which has to reach the web itself"
            return dict.fromkeys((BLOCKED, boot), NotApplicable(why))
        chains = web_proxy.chains(body)
    except SettingError as error:
        return dict.fromkeys((BLOCKED, boot), Unknown(str(error)))
    return {BLOCKED: web_proxy.blocked(host, body), boot: firewall.on_disk(host, web_proxy.PART, chains)}
