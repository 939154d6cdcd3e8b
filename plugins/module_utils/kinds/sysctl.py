# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parameters of the running kernel, and what the next start of the host would set them to."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..engine import network, text
from ..engine.errors import SHARED_KERNEL, EngineError, NotApplicable, Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST, AT_MOST, EQUALS, Rule
from .base import Kind, fields

DROP_IN = "/etc/sysctl.d/99-zz-essms.conf"
"""Sorted after 99-sysctl.conf, by which Debian 12 reads /etc/sysctl.conf."""
_FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
_KEY = r"^(dev|fs|kernel|net|vm)(\.[a-z0-9_\-]+)+$"
_AT_LEAST = (
    "fs.protected_fifos", "fs.protected_regular", "fs.protected_hardlinks", "fs.protected_symlinks",
    "kernel.dmesg_restrict", "kernel.kptr_restrict", "kernel.perf_event_paranoid", "kernel.randomize_va_space",
    "kernel.yama.ptrace_scope", "net.core.bpf_jit_harden", "vm.mmap_min_addr",
)  # fmt: skip
_AT_MOST = ("dev.tty.ldisc_autoload", "kernel.perf_cpu_time_max_percent", "kernel.perf_event_max_sample_rate")
_ONE_WAY = "kernel.unprivileged_bpf_disabled"
"""Once it is 1 only a restart changes it; 2 refuses ordinary users just as well and can be taken back."""
_FORWARD = "net.ipv4.ip_forward"
_ROUTES = "this host routes for its containers, its virtual machines or others behind it"
_SEVERAL = "this host has several networks: loose filtering lets the answers of each in"
_REDIRECTS = "net.ipv4.conf.all.accept_redirects"
_FROM_ROUTER = "the network's router gives this host its IPv6 address"
_ADVERTISED = ("accept_ra", "autoconf", "max_addresses", "router_solicitations")
"""Beginnings of the IPv6 keys that say what is taken from a router's advertisements."""
_RTF_ADDRCONF = 0x00040000
_SPECIAL = ("all", "default", "lo")


class _Boot(NamedTuple):
    """What the files of sysctl.d set: keys, and patterns for the keys that nothing else names; each with its file."""

    keys: dict[str, tuple[str, str]]
    patterns: dict[str, tuple[str, str]]

    def value(self, key: str) -> tuple[str, str] | None:
        """Return value and file of a key, or None when no file sets it."""
        if key in self.keys:
            return self.keys[key]
        matching = [found for pattern, found in self.patterns.items() if fnmatch.fnmatchcase(key, pattern)]
        return matching[-1] if matching else None


class Sysctl(Kind):
    """``sysctl: {values: {kernel.dmesg_restrict: 1}, exclude: [kernel.sysrq]}``."""

    schema = fields(
        ("values",),
        values={
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": _KEY},
            "additionalProperties": {
                "anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^[\w .\-]{1,60}$"}]
            },
        },
        exclude={"type": "array", "items": {"type": "string", "pattern": _KEY}},
    )

    def shown(self, name: str) -> str:
        # a container has a network of its own, and the rest of the kernel only an emulated machine
        return "proven" if name.startswith("net.ipv") else "simulated"

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {key: value for key, value in body["values"].items() if key not in body.get("exclude", ())}

    def rule(self, name: str) -> Rule:
        return AT_LEAST if name in _AT_LEAST else AT_MOST if name in _AT_MOST else EQUALS

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        boot = _at_boot(host)
        wanted = {name: value for body in bodies for name, value in self.expand(body, host.family).items()}
        return {name: self._look(host, boot, name, value) for name, value in wanted.items()}

    def _look(self, host: Host, boot: _Boot, name: str, expected: Any) -> Any:
        running = _running(host, name)
        if host.in_container and (running is None or not name.startswith("net.")):
            return NotApplicable(SHARED_KERNEL)
        try:
            why_not = "this kernel does not know it" if running is None else _needed(host, boot, name)
        except EngineError as error:
            return Unknown(str(error))
        if why_not:
            return NotApplicable(why_not)
        accepted = _accepted(host, name, expected)
        others = {where: value for where, value in _worse(host, name, expected).items() if value not in accepted}
        if not self._right(name, accepted, running):
            return running
        for interface, value in others.items():
            return Seen(value, f"set for the interface {interface}", satisfied=False)
        return self._kept(boot, name, expected, accepted, running)

    def _kept(self, boot: _Boot, name: str, expected: Any, accepted: list[Any], running: Any) -> Any:
        """Return what is seen of a value that is right now: whether it outlives a restart."""
        kept = boot.value(name)
        if kept is None:
            return Seen(running, "only until the next restart: no file of sysctl.d sets it", satisfied=False)
        if not self._right(name, accepted, _typed(kept[0])):
            return Seen(_typed(kept[0]), f"from the next restart on, because of {kept[1]}", satisfied=False)
        if self.rule(name).test(expected, running):
            return running
        return Seen(running, _SEVERAL if name.endswith("rp_filter") else "", satisfied=True)

    def _right(self, name: str, accepted: list[Any], value: Any) -> bool:
        return any(self.rule(name).test(each, value) for each in accepted)

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(DROP_IN) or text.HEADER
        after: dict[str, Any] = {}
        before: dict[str, Any] = {}
        for name, expected in wanted.items():
            running = _running(host, name)
            own, accepted = _worse(host, name, expected, keys=True), _accepted(host, name, expected)
            loose = [key for key, each in own.items() if each in accepted]
            # what is stricter already stays, and is kept across a restart
            value = running if self.rule(name).test(expected, running) else accepted[-1]
            content = text.put(content, name, str(value), text.EQUALS_SIGN)
            every = name.replace(".all.", ".*.")
            if loose:
                # what an administrator loosened stays, also at the next start
                content = text.drop(content, f"-{every}", text.EQUALS_SIGN)
            elif every != name:
                # a distribution's own pattern (Debian 13: rp_filter) would loosen every interface again
                content = text.put(content, f"-{every}", str(value), text.EQUALS_SIGN)
            now: dict[str, Any] = dict.fromkeys([*(key for key in own if key not in loose), name], value)
            if name == _ONE_WAY:
                now = {name: 2} if running == 0 else {}
            elif name == _FORWARD:
                # the kernel turns this one over along with it
                now[_REDIRECTS] = _running(host, _REDIRECTS)
            if now:
                before.update(
                    {**_interfaces(host, name), **{key: _running(host, key) for key in now if "/" not in key}}
                )
                after.update(now)
        host.write(DROP_IN, content)
        if after:
            # what the kernel copies from "default" to interfaces is given back after it
            host.operate({"op": "run", "do": _assign(after), "undo": _assign(_ordered(before))})

    def explain(self, host: Host, name: str) -> str:
        return (
            f"the kernel or a program sets {name} again: `sysctl {name}` and `grep -rs {name} /etc /usr/lib/sysctl.d`"
        )


def _needed(host: Host, boot: _Boot, name: str) -> str:
    """Return why a key has to stay as it is on this host, or an empty text.

    :raises EngineError: when the host does not tell.
    """
    if name == _FORWARD or name.endswith(".route_localnet"):
        return _ROUTES if _routes(host, boot) else ""
    if name.endswith((".arp_ignore", ".arp_filter")):
        found = network.interfaces(host)
        hidden = network.unheard(host, found)
        return hidden or (network.unanswered(found) if name.endswith("ignore") else "")
    if name.startswith("net.ipv6.conf.") and name.rpartition(".")[2].startswith(_ADVERTISED):
        routes = [line.split() for line in (host.text("/proc/net/ipv6_route") or "").splitlines()]
        return _FROM_ROUTER if any(int(route[8], 16) & _RTF_ADDRCONF for route in routes if len(route) > 8) else ""
    return ""


def _routes(host: Host, boot: _Boot) -> bool:
    """Say whether this host routes: somebody has written it down, or it forwards and there is something behind it."""
    declared = [boot.value(key) for key in (_FORWARD, "net.ipv4.conf.all.forwarding")]
    if any(found and found[0] == "1" and found[1] != DROP_IN for found in declared):
        return True
    return network.has_router(host) or (_running(host, _FORWARD) == 1 and network.routes(host))


def _accepted(host: Host, name: str, expected: Any) -> list[Any]:
    """Return the values that are right on this host, the one to write last."""
    if name == _ONE_WAY:
        return [2, expected]
    if name.endswith(".rp_filter") and expected == 1 and _networks(host) > 1:
        return [1, 2]
    return [expected]


def _networks(host: Host) -> int:
    """Count the interfaces with routes: each address brings one, and "*" stands for routes that refuse."""
    lines = (host.text("/proc/net/route") or "").splitlines()[1:]
    return len({line.split()[0] for line in lines if line.strip()} - {"lo", "*"})


def _interfaces(host: Host, name: str) -> dict[str, Any]:
    """Return key and value of every interface for a key of "all" or "default", as far as the kernel has them."""
    head, scope, tail = name.partition(".all.") if ".all." in name else name.partition(".default.")
    folder = "/proc/sys/" + head.replace(".", "/")
    if not scope or not os.path.isdir(host.path(folder)):
        return {}
    names = [entry for entry in sorted(os.listdir(host.path(folder))) if entry not in _SPECIAL]
    # a key with slashes: the name of an interface may hold a dot
    keys = {entry: "/".join([head.replace(".", "/"), entry, tail.replace(".", "/")]) for entry in names}
    found = {key: host.text(f"{folder}/{entry}/{tail}") for entry, key in keys.items()}
    return {key: _typed(value) for key, value in found.items() if value is not None}


def _worse(host: Host, name: str, expected: Any, keys: bool = False) -> dict[str, Any]:
    """Return the interfaces (their keys, when asked) whose own value undoes what is set for all of them.

    The kernel asks both values: any non-zero one counts for IPv4, the greater one for rp_filter; accept_source_route
    needs both, and IPv6 mostly asks the interface alone.
    """
    if ".all." not in name or (name.startswith("net.ipv4.") and name.endswith(".accept_source_route")):
        return {}
    alone = name.startswith("net.ipv6.")
    found = {
        key: value
        for key, value in _interfaces(host, name).items()
        if (value != expected if alone else isinstance(value, int) and isinstance(expected, int) and value > expected)
    }
    return found if keys else {key.split("/")[-2]: value for key, value in found.items()}


def _ordered(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of "all" and "default" before those of interfaces, which they are copied to."""
    return dict(sorted(values.items(), key=lambda item: ("/" in item[0], ".default." not in item[0])))


def _assign(values: Mapping[str, Any]) -> list[str]:
    # an interface may be gone by the time this is taken back, after a restart for one: that hinders nothing
    return ["sysctl", "-q", "-e", "-w", *(f"{key}={value}" for key, value in values.items())]


def _running(host: Host, name: str) -> int | str | None:
    value = host.text("/proc/sys/" + name.replace(".", "/"))
    return None if value is None else _typed(value)


def _typed(value: str) -> int | str:
    words = " ".join(value.split())
    return int(words) if words.lstrip("-").isdigit() and words.isascii() else words


def _at_boot(host: Host) -> _Boot:
    """Return what systemd-sysctl would set: files by name, those of /etc hiding those of /usr, later ones winning."""
    files: dict[str, str] = {}
    for folder in reversed(_FOLDERS):
        files.update({os.path.basename(path): folder for path in host.names(folder, ".conf")})
    boot = _Boot({}, {})
    for name in sorted(files):
        path = f"{files[name]}/{name}"
        if host.path(path) == "/dev/null":
            continue
        for entry in text.entries(host.text(path) or "", text.EQUALS_SIGN):
            key = entry.key.lstrip("-")
            first = min((mark for mark in "./" if mark in key), key=key.index, default=".")
            key = key.replace("/", ".") if first == "/" else key
            place = boot.patterns if set("*?[") & set(key) else boot.keys
            place.pop(key, None)
            place[key] = (entry.value, path)
    return boot
