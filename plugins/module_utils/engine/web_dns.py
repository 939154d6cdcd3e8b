# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which name servers a host asks, and how it is made to ask others without losing names altogether."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from . import ask_web, text
from .errors import SettingError
from .host import Host

RESOLV = "/etc/resolv.conf"
DROP_IN = "/etc/systemd/resolved.conf.d/99-essms.conf"
_RESOLVED = "systemd-resolved.service"
_STUB = "127.0.0.53"
_MANAGERS = ("NetworkManager.service", "systemd-networkd.service", "networking.service", "dhcpcd.service")
_TRIED = "essms.invalid"
"""A name that never exists: any answer shows that the server answers."""


def in_force(host: Host) -> list[str]:
    """Return the name servers that programs ask."""
    servers = _servers(host.text(RESOLV) or "")
    if servers != [_STUB] or not _resolved(host):
        return servers
    # the stub asks the servers of resolved.conf, and with "~." only those: otherwise the networks' own as well
    routed = _of_resolved(host, "domain")
    alone = "~." in routed.get("Global", []) and not any(
        "~." in words for link, words in routed.items() if link != "Global"
    )
    asked = _of_resolved(host, "dns")
    return [word for link, words in asked.items() if link == "Global" or not alone for word in words]


def _of_resolved(host: Host, what: str) -> dict[str, list[str]]:
    """Return the name servers or the routing domains of each link of systemd-resolved, and its global ones."""
    lines = host.run("resolvectl", what).out.splitlines()
    return {link: words.split() for link, _, words in (line.partition(":") for line in lines)}


def _servers(content: str) -> list[str]:
    lines = (line.split() for line in content.splitlines())
    return [words[1] for words in lines if len(words) > 1 and words[0] == "nameserver"]


def _resolved(host: Host) -> bool:
    return host.run("systemctl", "is-active", _RESOLVED).out.strip() == "active"


def write(host: Host, body: Mapping[str, Any]) -> None:
    """Make the host ask the declared servers, once all of them have answered.

    :raises SettingError: when one does not answer, or when a program of the host writes its name servers.
    """
    silent = [server for server in body["servers"] if ask_web.server_answers(server, _TRIED) is None]
    if silent:
        raise SettingError(
            f"{', '.join(silent)} does not answer, and the host would lose names: correct essms_dns_servers"
        )
    if _resolved(host):
        servers = " ".join(body["servers"])
        host.write(DROP_IN, f"{text.HEADER}[Resolve]\nDNS={servers}\nFallbackDNS=\nDomains=~.\n")
        host.activate(45, "systemctl", "try-restart", _RESOLVED)
        return
    owner = _owner(host)
    if owner:
        raise SettingError(f"{owner} writes {RESOLV}: give the name servers there, or to the DHCP server")
    content = host.text(RESOLV) or ""
    kept = [line for line in text.split_lines(content) if line.split()[:1] != ["nameserver"]]
    host.write(RESOLV, "".join(f"nameserver {server}\n" for server in body["servers"]) + "".join(kept))


def _owner(host: Host) -> str:
    """Return what would write the file again behind our back, or nothing."""
    if os.path.islink(RESOLV):
        return os.path.realpath(RESOLV)
    if os.path.ismount(RESOLV):
        return "the machine that runs this container"
    return next((unit for unit in _MANAGERS if host.run("systemctl", "is-active", unit).rc == 0), "")
