# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service that keeps the clock right, and the sources it really asks."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST, EQUALS, INCLUDES, Rule
from .base import Kind, fields, integer

SERVERS = {"type": "array", "maxItems": 16, "items": {"type": "string", "pattern": r"^[A-Za-z0-9.:\-]{1,253}$"}}
CHRONY = ("chrony.service", "chronyd.service")
TIMESYNCD = "systemd-timesyncd.service"
_OTHERS = ("ntpsec.service", "ntp.service", "ntpd.service", "openntpd.service")
_CONF = {"debian": "/etc/chrony/chrony.conf", "redhat": "/etc/chrony.conf"}
_SOURCES = "/etc/chrony/sources.d/essms.sources"
_TIMESYNCD_DROP_IN = "/etc/systemd/timesyncd.conf.d/99-essms.conf"
UNANSWERED = "no time server has answered yet: see `timedatectl timesync-status`"
_FRESH = 3 * 2048
"""Age of an answer in seconds from which on its server counts as dead: timesyncd asks every 2048 seconds at least."""
TIMESYNC1 = ("org.freedesktop.timesync1", "/org/freedesktop/timesync1", "org.freedesktop.timesync1.Manager")
_PROPERTIES = "LoadState,ActiveState,UnitFileState,ConditionResult,ActiveEnterTimestampMonotonic"
_PID = "/run/chrony/chronyd.pid"
_PATIENCE = 120
"""Seconds after its start in which a source that has not answered yet is not taken for dead."""
ONE_AT_A_TIME = "systemd-timesyncd follows one server at a time"
_REPLACE = "install chrony, which takes its place (`apt install chrony`), then apply again"
_TO_BE_REPLACED = "apply installs chrony, which takes its place"
_LINE = re.compile(r"^\s*(?:server|pool|peer)\s+(\S+)", re.IGNORECASE)
_RULES: dict[str, Rule] = {"sources": AT_LEAST, "servers": INCLUDES}


class TimeSync(Kind):
    """``time_sync: {sources: 2, servers: [time.example.org]}``; without servers those of the distribution stay."""

    schema = fields(("sources",), sources=integer(1, 16), servers=SERVERS)
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        servers = {"servers": list(body["servers"])} if body.get("servers") else {}
        return {"sources": body["sources"], **servers, "service": True}

    def rule(self, name: str) -> Rule:
        return _RULES.get(name, EQUALS)

    def needs(self, host: Host, body: Mapping[str, Any]) -> tuple[str, ...]:
        there = {unit for unit, facts in _units(host).items() if facts}
        # Debian's own service asks one server at a time; whoever chose another one is left alone
        enough = TIMESYNCD in there and body["sources"] < 2
        return () if host.in_container or there & set(_OTHERS) or enough else ("chrony",)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        unit, why = service(host)
        if not unit:
            return dict.fromkeys(names, NotApplicable(why)) if why else {"service": False, "sources": 0, "servers": []}
        running = _units(host)[unit]["ActiveState"] == "active"
        if unit in _OTHERS:
            unknown = Unknown(f"{unit} keeps the time here: see which sources it asks with its own tools")
            return {"service": running, "sources": unknown, "servers": unknown}
        wanted = max(body["sources"] for body in bodies)
        return {
            "service": running,
            "sources": _answering(host, unit, wanted, running),
            "servers": sorted(configured(host, unit)),
        }

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        unit, _why = service(host)
        if not unit or unit in _OTHERS:
            raise SettingError(f"{unit or 'nothing'} keeps the time here and is left alone: set it up by hand")
        if unit == TIMESYNCD and body["sources"] > 1:
            # the package was to be installed before, and was not
            raise SettingError(f"{ONE_AT_A_TIME} and {body['sources']} sources are asked for: {_REPLACE}")
        if unit == TIMESYNCD and "sources" in wanted:
            raise SettingError(f"no time server answers systemd-timesyncd: let NTP (UDP 123) out, or {_REPLACE}")
        before = _units(host)[unit]
        if "servers" in wanted:
            _write(host, unit, body["servers"])
        elif "sources" in wanted and "service" not in wanted:
            raise SettingError("too few sources answer: declare at least two in essms_ntp_servers, or let NTP out")
        if "service" in wanted:
            for verb, undo in (("enable", "disable"), ("start", "stop")):
                was_on = before["UnitFileState" if verb == "enable" else "ActiveState"] in ("enabled", "active")
                back = ["systemctl", verb if was_on else undo, unit]
                host.operate({"op": "run", "do": ["systemctl", verb, unit], "undo": back})
        host.activate(55, "systemctl", "try-restart", unit)

    def explain(self, host: Host, name: str) -> str:
        return "its own log says why: `journalctl -u chrony -u chronyd -u systemd-timesyncd`"


def _units(host: Host) -> dict[str, dict[str, str]]:
    """Return state of each known time service; empty for those that are not installed."""
    known = (*CHRONY, TIMESYNCD, *_OTHERS)
    done = host.run("systemctl", "show", "-p", _PROPERTIES, *known)
    parts = [dict(line.partition("=")[::2] for line in part.splitlines()) for part in done.out.split("\n\n")]
    return {unit: facts if facts.get("LoadState") == "loaded" else {} for unit, facts in zip(known, parts)}


def service(host: Host) -> tuple[str, str]:
    """Return the unit that keeps the time, running or only installed; empty with why none has to in a container."""
    units = {unit: facts for unit, facts in _units(host).items() if facts}
    running = [unit for unit, facts in units.items() if facts["ActiveState"] == "active"]
    chosen = (running or list(units) or [""])[0]
    refused = not chosen or (not running and units[chosen]["ConditionResult"] == "no")
    if refused and host.in_container:
        return "", SHARED_KERNEL
    return chosen, ""


def _answering(host: Host, unit: str, wanted: int, running: bool) -> Any:
    """Return how many sources a service has an answer from."""
    if unit in CHRONY:
        return _asked(host) if running else 0
    if not running:
        # with one source asked for, starting it is all that can be done, and what answers then shows later
        return 0 if wanted > 1 else Unknown(f"{unit} does not run")
    message = ntp_message(host)
    if message and message.packets and time.time() - message.arrived < _FRESH:
        return Seen(1, f"{ONE_AT_A_TIME}: {_TO_BE_REPLACED}") if wanted > 1 else 1
    if wanted == 1 and _age(host, unit) < _PATIENCE:
        return Unknown("it has only just been started and waits for its first answer: audit again in a minute")
    return Seen(0, UNANSWERED)


class Answer(NamedTuple):
    """The last answer that timesyncd took: times in seconds, and how many have come from this server."""

    sent: float
    received: float
    answered: float
    arrived: float
    packets: int


def ntp_message(host: Host) -> Answer | None:
    """Return the last answer of the server timesyncd follows, None where timesyncd says nothing over D-Bus."""
    done = host.run("busctl", "--json=short", "get-property", *TIMESYNC1, "NTPMessage")
    if done.rc != 0:
        return None
    sent, received, answered, arrived, _spike, packets = json.loads(done.out)["data"][8:14]
    return Answer(sent / 1e6, received / 1e6, answered / 1e6, arrived / 1e6, packets)


def _age(host: Host, unit: str) -> float:
    """Return the seconds for which a unit has been running."""
    uptime = (host.text("/proc/uptime") or "0").split()[0]
    return float(uptime) - int(_units(host)[unit].get("ActiveEnterTimestampMonotonic") or 0) / 1e6


def _asked(host: Host) -> Any:
    """Return how many sources chronyd may rely on: those that answer, and those it has only just begun to ask."""
    done = host.run("chronyc", "-c", "-n", "sources")
    if done.rc != 0:
        return Unknown(f"chronyd did not answer: {(done.err or done.out).strip()[:120]}")
    lines = [line.split(",") for line in done.out.splitlines() if line.count(",") > 4]
    # chronyc says mode, state, name, stratum, poll, reach…; x is a source that the others contradict
    alive = [line for line in lines if line[1] != "x" and (int(line[5], 8) or _just_started(host))]
    if len(alive) < len(lines):
        return Seen(len(alive), f"{len(lines) - len(alive)} of {len(lines)} sources do not answer or tell another time")
    return len(alive)


def _just_started(host: Host) -> bool:
    try:
        return time.time() - os.stat(host.path(_PID)).st_mtime < _PATIENCE
    except OSError:
        return False


def _of_timesyncd(host: Host) -> list[str]:
    names = ("SystemNTPServers", "LinkNTPServers", "FallbackNTPServers")
    done = host.run("busctl", "--json=short", "get-property", *TIMESYNC1, *names)
    lists = [json.loads(line)["data"] for line in done.out.splitlines()] if done.rc == 0 else []
    own = [server for servers in lists[:2] for server in servers]
    return own or (lists[2] if len(lists) > 2 else [])


def configured(host: Host, unit: str) -> set[str]:
    """Return the servers that a service was told to ask."""
    if unit == TIMESYNCD:
        return set(_of_timesyncd(host))
    return {
        found[1]
        for path in _chrony_files(host)
        for line in (host.text(path) or "").splitlines()
        if (found := _LINE.match(line))
    }


def _chrony_files(host: Host) -> Iterator[str]:
    main = _CONF.get(host.family, "")
    yield main
    for line in (host.text(main) or "").splitlines():
        word, _, folder = line.strip().partition(" ")
        if word in ("confdir", "sourcedir") and folder.startswith("/"):
            suffix = ".conf" if word == "confdir" else ".sources"
            for name in map(os.path.basename, host.names(folder.split()[0], suffix)):
                yield os.path.join(folder.split()[0], name)


def _write(host: Host, unit: str, servers: Sequence[str]) -> None:
    missing = [server for server in servers if server not in configured(host, unit)]
    if unit == TIMESYNCD:
        content = host.text(_TIMESYNCD_DROP_IN) or text.HEADER
        content = text.put(content, "NTP", " ".join(servers), text.BARE_EQUALS, "Time")
        host.write(_TIMESYNCD_DROP_IN, content)
        return
    main = _CONF[host.family]
    lines = "".join(f"server {server} iburst\n" for server in missing)
    folder = os.path.dirname(_SOURCES)
    reads = any(line.split()[:2] == ["sourcedir", folder] for line in (host.text(main) or "").splitlines())
    path = _SOURCES if reads else main
    host.write(path, (host.text(path) or text.HEADER) + lines)
