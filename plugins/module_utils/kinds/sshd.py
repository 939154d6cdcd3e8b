# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenSSH server, as `sshd -T` says it really runs, Match blocks included."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import shown, sshd_config, sshd_service
from ..engine.errors import NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import EQUALS, LIMIT, WITHIN, Rule, ranked
from ..engine.ssh_lockout import PASSWORDS, refuse_to_lock_out
from ..engine.sshd_config import Directive, directives
from ..engine.sshd_service import SSHD
from .base import TEXT, Kind, fields, integer

BANNER = "/etc/issue.net"
_TIME_PART = re.compile(r"(\d+)([smhdwSMHDW]?)", re.ASCII)
_TIME = re.compile(rf"(?:{_TIME_PART.pattern})+", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SYNONYMS = {"without-password": "prohibit-password", "true": "yes", "false": "no"}
_UNANSWERED = ("Missing privilege separation directory", "no hostkeys available", "Permission denied")
_QUERIES = {
    "Ciphers": "cipher",
    "MACs": "mac",
    "KexAlgorithms": "kex",
    "HostKeyAlgorithms": "HostKeyAlgorithms",
    "PubkeyAcceptedAlgorithms": "PubkeyAcceptedAlgorithms",
}
"""Lists of algorithms, and what `ssh -Q` calls what the installed version knows of each."""
_ALGORITHMS = {"type": "array", "minItems": 1, "items": {"type": "string", "pattern": r"^[a-z0-9@.\-]{1,80}$"}}
_GROUPS = {"type": "array", "items": {"type": "string", "pattern": r"^[A-Za-z_][A-Za-z0-9_.\-]{0,31}$"}}


def _switch(*order: str) -> Rule:
    """Return a rule over words from weakest to strongest; what is stricter than asked for stays."""
    return ranked(order)._replace(label="equals")


_OFF = _switch("yes", "no")
_ON = _switch("no", "yes")
_SWITCHES = {
    "AllowAgentForwarding": _OFF,
    "Compression": _switch("yes", "delayed", "no"),
    "GatewayPorts": _switch("yes", "clientspecified", "no"),
    "HostbasedAuthentication": _OFF,
    "IgnoreRhosts": _switch("no", "shosts-only", "yes"),
    "KbdInteractiveAuthentication": _OFF,
    "PasswordAuthentication": _OFF,
    "PermitTunnel": _OFF,
    "PermitUserEnvironment": _OFF,
    "StrictModes": _ON,
    "TCPKeepAlive": _OFF,
    "UsePAM": _ON,
    "X11Forwarding": _OFF,
}
_PER_NAME: dict[str, Any] = {
    **{name: {"type": "boolean"} for name in _SWITCHES if name != "KbdInteractiveAuthentication"},
    **dict.fromkeys(_QUERIES, _ALGORITHMS),
}
_ROOT = _switch("yes", "prohibit-password", "forced-commands-only", "no")
_FORWARDING = Rule("equals", lambda expected, observed: observed in (expected, "no") or expected == "yes")
_LEVEL = _switch("SILENT", "QUIET", "FATAL", "ERROR", "INFO", "VERBOSE")


def _fewer_starts(expected: Any, observed: Any) -> bool:
    """Compare two MaxStartups: begin to refuse no later, refuse no less, refuse all no later."""
    wanted, seen = ([int(part) for part in str(value).split(":") if part.isdigit()] for value in (expected, observed))
    return len(seen) == 3 and 0 < seen[0] <= wanted[0] and seen[1] >= wanted[1] and 0 < seen[2] <= wanted[2]


class Sshd(Kind):
    """``sshd: {ClientAliveInterval: 300, PermitEmptyPasswords: "no", X11Forwarding: false, Ciphers: […]}``.

    ``PasswordAuthentication: false`` closes both ways a password can be asked for, once a key has been proven to do.
    ``Banner`` is a text by lines; ``AllowGroups`` and ``Banner`` ask for nothing when they are empty.
    """

    schema = fields(
        ClientAliveInterval=integer(1, 86400),
        ClientAliveCountMax=integer(1, 100),
        LoginGraceTime=integer(1, 3600),
        MaxAuthTries=integer(1, 100),
        MaxSessions=integer(1, 1000),
        MaxStartups={"type": "string", "pattern": r"^\d{1,4}:\d{1,3}:\d{1,4}$"},
        PermitEmptyPasswords={"enum": ["no"]},
        PermitRootLogin={"enum": ["no", "forced-commands-only", "prohibit-password"]},
        AllowTcpForwarding={"enum": ["no", "local", "remote", "yes"]},
        LogLevel={"enum": ["INFO", "VERBOSE"]},
        AllowGroups=_GROUPS,
        Banner={"type": "array", "items": TEXT},
        **_PER_NAME,
    )
    rules = {
        "ClientAliveInterval": LIMIT,
        "ClientAliveCountMax": LIMIT,
        "LoginGraceTime": LIMIT,
        "MaxAuthTries": LIMIT,
        "MaxSessions": LIMIT,
        "MaxStartups": Rule("at_most", _fewer_starts),
        "PermitRootLogin": _ROOT,
        "AllowTcpForwarding": _FORWARDING,
        "LogLevel": _LEVEL,
        "AllowGroups": WITHIN,
        **_SWITCHES,
        **dict.fromkeys(_QUERIES, WITHIN),
    }

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in body.items():
            if isinstance(value, bool):
                found.update(dict.fromkeys(PASSWORDS if name in PASSWORDS else [name], "yes" if value else "no"))
            elif name == "Banner":
                found.update({name: "\n".join(value)} if value else {})
            elif value != []:
                found[name] = value
        return found

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        wanted = {name: value for body in bodies for name, value in self.expand(body, host.family).items()}
        if not os.path.exists(host.path(SSHD)):
            return dict.fromkeys(wanted, NotApplicable("no OpenSSH server is installed"))
        options = sshd_service.options(host)
        if isinstance(options, Unknown):
            return dict.fromkeys(wanted, options)
        done = host.run(SSHD, "-T", *options)
        if done.rc != 0:
            return dict.fromkeys(wanted, Unknown(f"sshd -T failed: {done.err.strip()[:160]}"))
        in_force = answers(done.out)
        main = sshd_service.main_file(options)
        exceptions = [line for line in directives(host, main) if line.block and line.words]
        return {name: self._seen(name, in_force, exceptions, wanted[name], host) for name in wanted}

    def _seen(
        self,
        name: str,
        in_force: Mapping[str, str],
        exceptions: Sequence[Directive],
        expected: Any,
        host: Host,
    ) -> Any:
        if name == "Banner":
            path = in_force.get("banner", "none")
            return None if path == "none" else (host.text(path) or "").rstrip("\n")
        if name.lower() not in in_force:
            return None if name == "AllowGroups" else NotApplicable("this version of sshd does not know it")
        for exception in exceptions:
            if exception.keyword != name.lower():
                continue
            value = _typed(name, " ".join(exception.words) if name == "AllowGroups" else exception.words[0])
            if not self.rule(name).test(expected, value):
                # the Match itself is not shown: it may hold a person's login name
                return Seen(
                    value, f"set for some connections by the Match block at {shown.paths(host, [exception.block])}"
                )
        value = _typed(name, in_force[name.lower()])
        if name in PASSWORDS and value != expected and _after_a_key(in_force, exceptions):
            return Seen(value, "asked only after a key: AuthenticationMethods demands one", satisfied=True)
        return value

    def rule(self, name: str) -> Rule:
        return self.rules.get(name, EQUALS)

    def precheck(self, host: Host) -> str:
        fault = self.validate(host)
        return f"the configuration of sshd is already invalid, before any change: {fault}" if fault else ""

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        options = sshd_service.options(host)
        if isinstance(options, Unknown):
            raise SettingError(options.reason)
        in_force = answers(host.run(SSHD, "-T", *options).out)
        refuse_to_lock_out(host, wanted, in_force)
        values = {name: _written(host, name, value, in_force) for name, value in wanted.items()}
        if "Banner" in wanted:
            host.write(BANNER, wanted["Banner"] + "\n")
        sshd_config.put(host, values, sshd_service.main_file(options))
        unit = sshd_service.unit(host)
        if host.run("systemctl", "is-active", unit).out.strip() == "active":
            host.activate(60, "systemctl", "reload", unit)

    def validate(self, host: Host) -> str:
        options = sshd_service.options(host)
        done = host.run(SSHD, "-t", *([] if isinstance(options, Unknown) else options))
        if done.rc == 0 or any(known in done.err for known in _UNANSWERED):
            return ""
        return done.err.strip().replace("\r", "")[:300] or f"sshd -t ended with {done.rc}"

    def explain(self, host: Host, name: str) -> str:
        service = sshd_service.unit(host)
        return (
            f"another file, a Match block or an option of {service} sets {name}: `grep -rni {name} /etc/ssh` and "
            f"`systemctl cat {service}` show it"
        )


def answers(printed: str) -> dict[str, str]:
    """Return what `sshd -T` printed; a key that has several lines gets all their words."""
    found: dict[str, str] = {}
    for line in printed.splitlines():
        key, _, value = line.partition(" ")
        found[key] = f"{found[key]} {value}" if key in found else value
    return found


def _typed(name: str, value: str) -> Any:
    value = _SYNONYMS.get(value.strip().lower(), value.strip())
    if name in _QUERIES:
        return value.split(",")
    if name == "AllowGroups":
        return value.split()
    if name in ("ClientAliveInterval", "LoginGraceTime") and _TIME.fullmatch(value):
        return sum(int(number) * _SECONDS[unit.lower()] for number, unit in _TIME_PART.findall(value))
    return int(value) if value.isascii() and value.isdigit() else value


def _after_a_key(in_force: Mapping[str, str], exceptions: Sequence[Directive]) -> bool:
    """Say whether every way to log in begins with a key, for every connection."""
    if any(exception.keyword == "authenticationmethods" for exception in exceptions):
        return False
    return all(way.startswith("publickey") for way in in_force.get("authenticationmethods", "any").split())


def _written(host: Host, name: str, value: Any, in_force: Mapping[str, str]) -> str:
    """Return a value as sshd reads it.

    :raises SettingError: when the installed version knows none of the algorithms.
    """
    if name == "Banner":
        return BANNER
    if name == "AllowGroups":
        return " ".join(value)
    if name not in _QUERIES:
        return str(value)
    asked = host.run("ssh", "-Q", _QUERIES[name])
    known = asked.out.split() if asked.rc == 0 else in_force.get(name.lower(), "").split(",")
    chosen = [algorithm for algorithm in value if algorithm in known]
    if not chosen:
        raise SettingError(f"this version of sshd knows none of the {name} asked for: allow one that `ssh -Q` names")
    return ",".join(chosen)
