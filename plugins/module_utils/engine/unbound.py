# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name server unbound: what the one that runs says of itself, and what it is told in a file of ours."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from . import ask_web, firewall, listeners, text
from .errors import SettingError
from .host import Host

UNIT = "unbound.service"
DROP_INS = {"debian": "/etc/unbound/unbound.conf.d/zz-essms.conf", "redhat": "/etc/unbound/conf.d/zz-essms.conf"}
"""Read last of their folder: of an option that stands once, the last one counts."""
ALLOWED = "transparent"
"""The type of zone that looks a name up as if nothing were said of it."""
REFUSING = ("always_nxdomain", "always_nodata", "always_refuse", "always_deny", "always_null")
_SOCKET = "/run/unbound.ctl"
_SECONDS = 3.0
_CHECK = "/usr/sbin/unbound-checkconf"
_WILDCARDS = ("0.0.0.0", "::", "*")  # noqa: S104 - compared, not bound
_TRIED = "essms.invalid"
"""A name that unbound itself answers, without asking anybody."""


class SilentError(Exception):
    """The running service does not say what it does."""


# --- what it does ----------------------------------------------------------------------------------------------------


def runs(host: Host) -> bool:
    """Say whether the service runs."""
    return host.run("systemctl", "is-active", UNIT).out.strip() == "active"


def says(host: Host, *words: str) -> list[str]:
    """Return the lines the running service answers to a question of unbound-control.

    :raises SilentError: when it does not answer.
    """
    if os.path.exists(host.path(_SOCKET)):
        answer = _said(host.path(_SOCKET), *words)
    else:
        done = host.run("unbound-control", *words)
        answer = done.out if done.rc == 0 else f"error {done.err.strip()}"
    if answer.startswith("error"):
        raise SilentError(f"the resolver does not answer its control: {answer.strip()[-120:]}")
    return [line.strip() for line in answer.splitlines() if line.strip()]


def _said(place: str, *words: str) -> str:
    """Return what unbound-control would print: a dozen of its processes would take most of an audit's time."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(_SECONDS)
            link.connect(place)
            link.sendall(f"UBCT1 {' '.join(words)}\n".encode())
            return b"".join(iter(lambda: link.recv(65536), b"")).decode(errors="replace")
    except OSError as error:
        return f"error {error}"


def option(host: Host, name: str) -> Any:
    """Return an option in force, a yes or no as such."""
    found = " ".join(says(host, "get_option", name))
    return {"yes": True, "no": False}.get(found, found)


def addresses(host: Host) -> list[str]:
    """Return the addresses it listens on."""
    return sorted(address(each) for each in says(host, "get_option", "interface"))


def networks(host: Host) -> list[str]:
    """Return the networks that get answers, the host itself left out."""
    words = [line.split() for line in says(host, "get_option", "access-control")]
    found = firewall.plain(line[0] for line in words if len(line) > 1 and line[1].startswith("allow"))
    return [each for each in found if not each.startswith("127.") and each != "::1"]


def zones(host: Host) -> dict[str, str]:
    """Return the type of each zone it answers for by itself, by name."""
    words = [line.split() for line in says(host, "list_local_zones")]
    return {line[0].rstrip(".").lower(): line[1] for line in words if len(line) > 1}


def forwarders(host: Host) -> list[str]:
    """Return the servers it hands every question to."""
    words = [line.split() for line in says(host, "list_forwards")]
    return sorted(address(each) for line in words if line[:1] == ["."] for each in line[3:] if each[:1] != "+")


def checks_signatures(host: Host) -> bool:
    """Say whether it checks signatures, from the key of the root on."""
    return "validator" in str(option(host, "module-config")).split() and bool(option(host, "auto-trust-anchor-file"))


def address(name: str) -> str:
    """Return an address as it is compared; what is none stays as it is."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def silent(wanted: Iterable[str]) -> list[str]:
    """Return the addresses on which nothing answers names."""
    return [each for each in wanted if ask_web.server_answers(_reached(each), _TRIED) is None]


def _reached(each: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(each, each)  # noqa: S104 - compared, not bound


# --- what it is told -------------------------------------------------------------------------------------------------


def path(host: Host) -> str:
    """Return the file of ours."""
    return DROP_INS.get(host.family, DROP_INS["debian"])


def rendered(body: Mapping[str, Any]) -> str:
    """Return the text of the file of ours."""
    lines = ["server:", *(f"    interface: {address(each)}" for each in body["addresses"])]
    # it starts before an address has come, and asks for none that is not there
    lines += ["    ip-freebind: yes", *(f"    access-control: {each} allow" for each in body["networks"])]
    lines += [f"    {name}: {'yes' if value else 'no'}" for name, value in body.get("options", {}).items()]
    if not body["signatures"]:
        lines.append('    module-config: "iterator"')
    lines += [f'    local-zone: "{name}." always_nxdomain' for name in blocked(body)]
    lines += [f'    local-zone: "{name}." {ALLOWED}' for name in allowed(body)]
    if body["forwarders"]:
        lines += ["forward-zone:", '    name: "."', *(f"    forward-addr: {each}" for each in body["forwarders"])]
    return text.HEADER + "\n".join(lines) + "\n"


def blocked(body: Mapping[str, Any]) -> list[str]:
    """Return the names that do not exist, an exception of the very same name taken out."""
    return sorted({name.lower() for name in body["blocked"]} - set(allowed(body)))


def allowed(body: Mapping[str, Any]) -> list[str]:
    """Return the exceptions."""
    return sorted({name.lower() for name in body["allowed"]})


def below(name: str, names: Sequence[str]) -> bool:
    """Say whether a name lies below one of others."""
    return any(name.endswith(f".{each}") for each in names)


def fault(host: Host) -> str:
    """Return what unbound itself finds wrong with its files, or an empty text."""
    if not os.path.exists(host.path(_CHECK)):
        return ""
    done = host.run(_CHECK)
    return "" if done.rc == 0 else (done.err or done.out).strip().replace("\n", "; ")[-300:]


def refuse_what_cannot_work(host: Host, body: Mapping[str, Any]) -> None:
    """Look at what unbound would only fail on once it is started again.

    :raises SettingError: with what to correct.
    """
    firewall.networks(body["networks"])
    wanted = [address(each) for each in body["addresses"]]
    own = listeners.own_addresses(host)
    strangers = [each for each in wanted if each not in {*own, *_WILDCARDS} and not _is_loopback(each)]
    if strangers:
        raise SettingError(f"{', '.join(strangers)} is no address of this host: correct essms_resolver_addresses")
    taken = _taken(host, wanted)
    if taken:
        raise SettingError(f"{taken}: stop that program, or declare other addresses in essms_resolver_addresses")
    mute = [each for each in body["forwarders"] if ask_web.server_answers(each, _TRIED) is None]
    if mute:
        raise SettingError(f"{', '.join(mute)} does not answer: correct essms_resolver_forwarders")
    bare = [each for each in body["forwarders"] if body["signatures"] and not ask_web.server_signs(each)]
    if bare:
        raise SettingError(
            f"{', '.join(bare)} hands out no signatures, and no name would be found:"
            " choose another server, or set essms_resolver_dnssec to false"
        )


def _is_loopback(each: str) -> bool:
    try:
        return ipaddress.ip_address(each).is_loopback
    except ValueError:
        return False


def _taken(host: Host, wanted: Sequence[str]) -> str:
    """Return which other program answers names on an address that is wanted, or an empty text."""
    for line in host.run("ss", "-Hlntup", "sport = :53").out.split("\n"):
        words = line.split()
        program = re.search(r'users:\(\("([^"]+)"', line)
        if len(words) < 5 or not program or program[1] == "unbound":
            continue
        place = words[4].rpartition(":")[0].strip("[]").partition("%")[0]
        if place in wanted or place in _WILDCARDS or any(each in _WILDCARDS for each in wanted):
            return f"{program[1]} answers on port 53 of {place} already"
    return ""
