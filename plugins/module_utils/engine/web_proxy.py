# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host is told of its web proxy, and the rules that leave no other way to the web."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from . import firewall, listeners, nft, text
from .errors import SettingError
from .host import Host
from .nft import Chain, Match, match, rule

PART = "30-web"
CHAIN = "web"
BASE = ("output", 0, "accept")
ENVIRONMENT = "/etc/environment"
SERVICES = "/etc/systemd/system.conf.d/99-essms-proxy.conf"
APT = "/etc/apt/apt.conf.d/99essms-proxy"
DNF = "/etc/dnf/dnf.conf"
_NAMES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
_EXCEPTIONS = ("no_proxy", "NO_PROXY")
_OWN = ("127.0.0.0/8", "::1")
"""Where the host reaches itself, which needs no exception."""


def variables(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables programs look for, in both spellings: each program knows only one."""
    url, exceptions = body["url"], ",".join(body["exceptions"])
    found = dict.fromkeys(_NAMES, url)
    return {**found, **dict.fromkeys(_EXCEPTIONS, exceptions)} if exceptions else found


def in_packages(host: Host) -> str | None:
    """Return the proxy that apt itself, or dnf's file, names."""
    if host.family == "redhat":
        return text.get(host.text(DNF) or "", "proxy", text.BARE_EQUALS, "main")
    found = {}
    for line in host.run("apt-config", "dump", "Acquire::http::Proxy", "Acquire::https::Proxy").out.splitlines():
        key, _, value = line.partition(" ")
        found[key] = value.strip('";')
    first, second = (found.get(f"Acquire::{scheme}::Proxy") for scheme in ("http", "https"))
    return first if first == second else None


def in_sessions(host: Host, body: Mapping[str, Any]) -> str | None:
    """Return the proxy that sessions get, None unless every variable is as wanted or stricter."""
    return _told(lambda name: _unquoted(text.get(host.text(ENVIRONMENT) or "", name, text.BARE_EQUALS)), body)


def in_services(host: Host, body: Mapping[str, Any]) -> str | None:
    """Return the proxy that the running manager hands to the services it starts."""
    shown = host.run("systemctl", "show", "-p", "DefaultEnvironment,Environment").out
    words = shown.replace("DefaultEnvironment=", " ").replace("Environment=", " ").split()
    found = dict(word.strip('"').partition("=")[::2] for word in words)
    return _told(found.get, body)


def _told(value: Any, body: Mapping[str, Any]) -> str | None:
    wanted = variables(body)
    seen = {name: value(name) for name in wanted}
    if seen == wanted:
        return str(body["url"])
    return next((seen[name] for name in _NAMES if seen[name] != wanted[name]), None)


def _unquoted(value: str | None) -> str | None:
    return None if value is None else value.strip("\"'")


def write_packages(host: Host, body: Mapping[str, Any]) -> None:
    """Tell apt or dnf."""
    if host.family == "redhat":
        host.write(DNF, text.put(host.text(DNF) or "", "proxy", body["url"], text.BARE_EQUALS, "main"))
        return
    lines = [f'Acquire::{scheme}::Proxy "{body["url"]}";\n' for scheme in ("http", "https")]
    host.write(APT, text.HEADER.replace("#", "//", 1) + "".join(lines))


def write_sessions(host: Host, body: Mapping[str, Any]) -> None:
    """Tell what logs in; whatever else the file says stays."""
    content = host.text(ENVIRONMENT) or ""
    for name, value in variables(body).items():
        content = text.put(content, name, value, text.BARE_EQUALS)
    host.write(ENVIRONMENT, content)


def write_services(host: Host, body: Mapping[str, Any]) -> None:
    """Tell the manager, which hands it to services when it starts them next."""
    words = " ".join(f"{name}={value}" for name, value in variables(body).items())
    host.write(SERVICES, f"{text.HEADER}[Manager]\nDefaultEnvironment={words}\n")
    host.activate(41, "systemctl", "daemon-reload")


def here(host: Host, url: str) -> bool:
    """Say whether the proxy is this very host, which then must reach the web itself."""
    local = listeners.own_addresses(host)
    return any(address in local or ipaddress.ip_address(address).is_loopback for address in proxy_addresses(url))


def proxy_addresses(url: str) -> list[str]:
    """Return the addresses of the proxy.

    :raises SettingError: when its name cannot be found.
    """
    proxy = urlsplit(url)
    try:
        found = socket.getaddrinfo(proxy.hostname, proxy.port or 80, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise SettingError(f"the proxy of essms_proxy_url cannot be found: {error}") from error
    return sorted({str(entry[4][0]) for entry in found})


def chains(body: Mapping[str, Any]) -> dict[str, Chain]:
    """Return the rules: the web only through the proxy, to the exceptions that are networks, and to the host itself."""
    port = match("tcp dport", urlsplit(body["url"]).port)
    rules = [
        *firewall.KEPT,
        *(rule("accept", where, port) for where in _towards(proxy_addresses(body["url"]))),
        *(rule("accept", where) for where in _towards([*_OWN, *_networks(body["exceptions"])])),
    ]
    rules += [rule("drop", match("tcp dport", 80, 443)), rule("drop", match("udp dport", 443))]
    return {CHAIN: Chain(BASE, tuple(rules))}


def refuse_unreachable(body: Mapping[str, Any]) -> None:
    """Refuse exceptions that programs would ask directly while the rules, which know networks only, drop it.

    :raises SettingError: with their names.
    """
    allowed = [ipaddress.ip_network(each) for each in [*_OWN, *_networks(body["exceptions"])]]
    beyond = any(not each.is_loopback for each in allowed)
    mute = []
    for name in body["exceptions"]:
        if name == "localhost" or _networks([name]):
            continue
        found = [ipaddress.ip_address(address) for address in _addresses(name)]
        # a domain has no addresses of its own: that its servers are in a declared network can only be hoped
        if not (all(any(address in each for each in allowed) for address in found) if found else beyond):
            mute.append(name)
    if mute:
        raise SettingError(
            f"the firewall would drop what asks {', '.join(mute)} without the proxy: name the addresses or networks of "
            "these servers in essms_proxy_exceptions too"
        )


def _addresses(name: str) -> set[str]:
    """Return the addresses of a name, none when it has none or stands for many."""
    if "*" in name:
        return set()
    try:
        found = socket.getaddrinfo(name.partition(":")[0], None, type=socket.SOCK_STREAM)
    except (OSError, ValueError):
        return set()
    return {str(entry[4][0]).partition("%")[0] for entry in found}


def _towards(names: Iterable[str]) -> list[Match]:
    """Return the conditions on where a packet goes: one for each family that has a network."""
    return [Match(each.left.replace("saddr", "daddr"), each.values) for (each,) in firewall.sources(names)]


def _networks(exceptions: Iterable[str]) -> list[str]:
    found = []
    for each in exceptions:
        try:
            found.append(str(ipaddress.ip_network(each, strict=False)))
        except ValueError:
            continue
    return found


def blocked(host: Host, body: Mapping[str, Any]) -> Any:
    """Say whether the kernel has these rules."""
    found = nft.in_force(host)
    if not isinstance(found, dict):
        return found
    wanted = chains(body)[CHAIN]
    chain = found.get(CHAIN, Chain(None, ()))
    return chain.base == wanted.base and firewall.same(chain.rules, wanted.rules)
