# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that guess SSH passwords are kept from the SSH server for a while: fail2ban.

Only SSH's ports are closed to them, in a table of fail2ban's own: a whole site may sit behind one address.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import fail2ban, firewall, listeners, sshd_service, text
from ..engine.errors import NotApplicable, Seen, SettingError, Unknown
from ..engine.fail2ban import JAIL, UNIT, Jail, SilentError
from ..engine.host import Host
from ..engine.rules import AT_LEAST, EQUALS, INCLUDES, LIMIT, Rule
from ..engine.sshd_service import SSHD
from .base import Kind, fields, integer
from .service import Service
from .sshd import answers

DROP_IN = "/etc/fail2ban/jail.d/zz-essms.local"
"""Read last: after jail.conf, jail.d/*.conf and jail.local."""
DEFAULTS = "/etc/fail2ban/paths-overrides.local"
"""Read first, before jail.conf: what stands here gives way to whatever anybody says."""
TRIES, WINDOW, BAN, NEVER = "tries", "window_minutes", "ban_minutes", "never banned"
JOURNAL, PORTS, ACTION, ENABLED, RUNNING = "journal", "ports", "action", "enabled", "running"
PACKAGES = ("fail2ban", "python3-systemd", "nftables")
_BAN_ACTION = "nftables-multiport"
_ITSELF = ("127.0.0.0/8", "::1")
_MATCH = ["_UID=0", "_COMM=sshd", "_COMM=sshd-session"]
"""What the SSH server says as root, by either of its names: any service may call a program so, to get others banned."""
_PATIENCE = 10
"""Seconds after its start in which the server may still be reading its files."""
_SERVICE = {"unit": UNIT, "enabled": True, "active": True}
_STOPPED = "fail2ban does not run: this is what its files say"
_ALL = "everybody is never banned: take 0.0.0.0/0 and ::/0 out of ignoreip"


def _lasts(expected: Any, observed: Any) -> bool:
    return bool(AT_LEAST.test(expected, observed) or observed == -1)


class Fail2ban(Kind):
    """``fail2ban: {tries: 5, window_minutes: 15, ban_minutes: 60, never: [192.0.2.0/24]}``.

    The host itself is never banned, nor is the address the change comes from.
    """

    schema = fields(
        (TRIES, WINDOW, BAN, "never"),
        tries=integer(1, 1000),
        window_minutes=integer(1, 525600),
        ban_minutes=integer(1, 525600),
        never=firewall.NETWORKS,
    )
    rules = {TRIES: LIMIT, WINDOW: AT_LEAST, BAN: Rule("at_least", _lasts), NEVER: INCLUDES}

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {
            TRIES: body[TRIES],
            WINDOW: body[WINDOW],
            BAN: body[BAN],
            NEVER: firewall.plain([*body["never"], *_ITSELF]),
            JOURNAL: True,
            ACTION: _BAN_ACTION,
            PORTS: True,
            ENABLED: True,
            RUNNING: True,
        }

    def rule(self, name: str) -> Rule:
        return self.rules.get(name, EQUALS)

    def packages(self, host: Host) -> tuple[str, ...]:
        return () if _without_object(host) else PACKAGES

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        wanted = self.expand(bodies[0])
        why = _without_object(host)
        if why:
            return dict.fromkeys(wanted, NotApplicable(why))
        unit = Service().observe(host, [_SERVICE])
        state = {ENABLED: unit[f"{UNIT} enabled"], RUNNING: unit[f"{UNIT} active"]}
        if not fail2ban.is_installed(host):
            return {**dict.fromkeys(wanted), **state}
        try:
            jail = _answered(host) if state[RUNNING] is True else fail2ban.on_disk(host)
        except SilentError as error:
            return {**dict.fromkeys(wanted, Unknown(str(error))), **state}
        if jail is None:
            return {**dict.fromkeys(wanted), **state, RUNNING: Seen(False, "fail2ban watches over no SSH server")}
        found = _seen(host, jail, wanted[NEVER])
        if state[RUNNING] is not True:
            found = {name: _of_files(value) for name, value in found.items()}
        return {**found, **state}

    def precheck(self, host: Host) -> str:
        fault = fail2ban.fault(host)
        return f"the configuration of fail2ban is already invalid, before any change: {fault}" if fault else ""

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(DROP_IN) or text.HEADER
        for key, value in _written(host, body, wanted).items():
            content = text.put(content, key, value, text.EQUALS_SIGN, JAIL)
        host.write(DROP_IN, content)
        _have_a_default(host)
        Service().edit(host, _SERVICE, {f"{UNIT} {_STATES[name]}": True for name in wanted if name in _STATES})
        if host.run("systemctl", "is-active", UNIT).out.strip() == "active":
            # who is banned is kept across a restart; a reload would keep reading the files where it read files
            host.start_again(45, UNIT)

    def validate(self, host: Host) -> str:
        return fail2ban.fault(host)

    def explain(self, host: Host, name: str) -> str:
        return f"a file of fail2ban that is read later says otherwise, or `journalctl -u {UNIT}` tells why"


_STATES = {ENABLED: "enabled", RUNNING: "active"}


def _without_object(host: Host) -> str:
    """Return why there is nothing to do on this host, or an empty text."""
    if host.family != "debian":
        return "this distribution does not bring fail2ban itself"
    return "" if os.path.exists(host.path(SSHD)) else "no OpenSSH server is installed"


# --- what is in force ------------------------------------------------------------------------------------------------


def _answered(host: Host) -> Jail | None:
    """Return what the server says, once it has read its files.

    :raises SilentError: when it goes on saying nothing.
    """
    while True:
        try:
            jail = fail2ban.in_force(host)
        except SilentError:
            if not _just_started(host):
                raise
        else:
            if jail is not None or not _just_started(host):
                return jail
        time.sleep(0.1)


def _just_started(host: Host) -> bool:
    since = host.run("systemctl", "show", "--value", "-p", "ExecMainStartTimestampMonotonic", UNIT).out.strip()
    return since.isdigit() and time.monotonic() - int(since) / 1_000_000 < _PATIENCE


def _seen(host: Host, jail: Jail, never: Sequence[str]) -> dict[str, Any]:
    blocking = fail2ban.blocking(host, jail)
    named = next(iter([*blocking, *jail.actions]), None)
    ports = _ports(host)
    still_open = [port for port in ports if not any(fail2ban.closes(jail, name, port) for name in blocking)]
    return {
        TRIES: jail.tries,
        WINDOW: _minutes(jail.window),
        BAN: -1 if jail.ban < 0 else _minutes(jail.ban),
        NEVER: _never(jail, never),
        JOURNAL: jail.matches == [_MATCH],
        ACTION: Seen(named, "" if blocking else "it closes no port of this host", satisfied=bool(blocking)),
        PORTS: _closed(ports, still_open),
    }


def _of_files(value: Any) -> Any:
    return value if isinstance(value, (Seen, Unknown)) else Seen(value, _STOPPED)


def _closed(ports: Sequence[int], still_open: Sequence[int]) -> Any:
    if not ports:
        return Unknown("no port of the SSH server is known: `sshd -T` names none and none is open")
    if still_open:
        return Seen(False, f"open to banned addresses: {', '.join(map(str, still_open))}")
    return True


def _minutes(seconds: int) -> int | float:
    return seconds // 60 if seconds % 60 == 0 else round(seconds / 60, 2)


def _never(jail: Jail, wanted: Sequence[str]) -> Any:
    """Return those of the wanted networks that are never banned; whoever else is, is nobody's business."""
    ignored = [network for network in map(_network, jail.ignored) if network is not None]
    found = [name for name in wanted if any(_inside(_network(name), network) for network in ignored)]
    return Seen(found, _ALL, satisfied=False) if any(each.prefixlen == 0 for each in ignored) else found


def _network(name: str) -> firewall.Network | None:
    try:
        return ipaddress.ip_network(name, strict=False)
    except ValueError:  # a name
        return None


def _inside(inner: Any, outer: Any) -> bool:
    return inner is not None and inner.version == outer.version and bool(inner.subnet_of(outer))


def _ports(host: Host) -> list[int]:
    """Return the ports on which the SSH server answers, and those on which it will once it starts again."""
    waiting = [each for each in listeners.waiting(host) if each.protocol == "tcp"]
    programs = listeners.programs({each.inode for each in waiting})
    now = {each.port for each in waiting if programs.get(each.inode) == "sshd"}
    options = sshd_service.options(host)
    # where its start is not understood, what is open now is all that is known
    told = "" if isinstance(options, Unknown) else answers(host.run(SSHD, "-T", *options).out).get("port", "")
    return sorted(now.union(map(int, told.split())))


# --- what is written -------------------------------------------------------------------------------------------------


def _written(host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of the jail; those that are in order already, or stricter, are left to whoever set them."""
    values = {
        TRIES: {"maxretry": str(body[TRIES])},
        WINDOW: {"findtime": f"{body[WINDOW]}m"},
        BAN: {"bantime": f"{body[BAN]}m"},
        JOURNAL: {"backend": "systemd", "journalmatch": " ".join(_MATCH)},
        ACTION: {"banaction": _BAN_ACTION},
    }
    # what others ignore stays, also what they will add one day; where this change comes from may differ each time
    found = {"enabled": "true", "ignoreip": " ".join(["%(known/ignoreip)s", *_spared(body)])}
    for name in wanted:
        found.update(values.get(name, {}))
    if PORTS in wanted:
        # numbers: without /etc/services a ban of the port "ssh" is reported, and closes nothing
        found["port"] = ",".join(map(str, _ports(host)))
    return found


def _spared(body: Mapping[str, Any]) -> list[str]:
    """Return who is never banned by our own doing.

    :raises SettingError: when a network is none.
    """
    names = [firewall.name_of(each) for each in firewall.networks([*body["never"], *_ITSELF])]
    if any(name in ("0.0.0.0/0", "::/0") for name in names):
        raise SettingError("essms_admin_networks holds the whole world, so nobody would be banned: name the networks")
    here = firewall.connection()
    return names if here is None or firewall.within(here[0], names) else [*names, here[0]]


def _have_a_default(host: Host) -> None:
    """Let %(known/ignoreip)s mean something where nobody ignores anything: without, fail2ban would not start."""
    content = host.text(DEFAULTS) or text.HEADER
    if text.get(content, "ignoreip", text.EQUALS_SIGN, "DEFAULT") is None:
        host.write(DEFAULTS, text.put(content, "ignoreip", " ".join(_ITSELF), text.EQUALS_SIGN, "DEFAULT"))
