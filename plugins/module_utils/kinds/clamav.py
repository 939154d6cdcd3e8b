# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ClamAV: its daemon, what updates its signatures, and the options both run with."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import EQUALS, INCLUDES, Rule
from .base import Kind

FILES = {
    "debian": {"clamd": "/etc/clamav/clamd.conf", "freshclam": "/etc/clamav/freshclam.conf"},
    "redhat": {"clamd": "/etc/clamd.d/scan.conf", "freshclam": "/etc/freshclam.conf"},
}
UNITS = {
    "debian": {"clamd": "clamav-daemon.service", "freshclam": "clamav-freshclam.service"},
    "redhat": {"clamd": "clamd@scan.service", "freshclam": "clamav-freshclam.service"},
}
USERS = {"debian": "clamav", "redhat": "clamscan"}
DATABASES = "/var/lib/clamav"
NO_DATABASE = "clamd cannot start before the first signatures have come"
_STATES = ("enabled", "running")
_STYLE = text.BLANKS._replace(separator=" ")
_LISTS = ("DatabaseMirror", "ExcludePath", "OnAccessExcludeUname", "OnAccessIncludePath")
"""Options that may stand in several lines."""
_ADDING_UP = _LISTS[1:]
"""Those of which a host may have more than was asked for."""
_WORDS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_ITEM = {"type": "string", "pattern": r"^[A-Za-z0-9._/^$:@\-]{1,200}$"}
_OPTIONS = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Z][A-Za-z0-9]{1,60}$"},
    "additionalProperties": {
        "anyOf": [{"type": "boolean"}, {"type": "integer"}, _ITEM, {"type": "array", "items": _ITEM}]
    },
}


class Clamav(Kind):
    """``clamav: {clamd: {OnAccessPrevention: true}, freshclam: {DatabaseMirror: [...]}, proxy: "", running: [clamd]}``.

    An empty list and an empty proxy leave the host's own choice as it is.
    """

    schema = {
        "type": "object",
        "properties": {
            "clamd": _OPTIONS,
            "freshclam": _OPTIONS,
            "proxy": {"type": "string", "pattern": r"^$|^[A-Za-z0-9.\-]{1,200}:[0-9]{1,5}$"},
            "exclude_itself": {"enum": [True]},
            "running": {"type": "array", "items": {"enum": ["clamd", "freshclam"]}},
        },
        "additionalProperties": False,
        "minProperties": 1,
    }

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        server, _, port = body.get("proxy", "").partition(":")
        proxy = {"HTTPProxyServer": server, "HTTPProxyPort": int(port)} if server else {}
        rows = {f"clamd {key}": value for key, value in body.get("clamd", {}).items()}
        rows.update({f"freshclam {key}": value for key, value in {**body.get("freshclam", {}), **proxy}.items()})
        rows = {name: value for name, value in rows.items() if value != []}
        if body.get("exclude_itself"):
            # the daemon opens every file it examines: examined itself, it would wait for itself
            rows["clamd OnAccessExcludeUname"] = [USERS.get(family, USERS["debian"])]
        return {**rows, **{f"{program} {state}": True for program in body.get("running", ()) for state in _STATES}}

    def rule(self, name: str) -> Rule:
        return INCLUDES if name.split()[1] in _ADDING_UP else EQUALS

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        units = dict(_units(host))
        found: dict[str, Any] = {}
        for name in self.names(host, bodies):
            program, option = name.split()
            if option in _STATES:
                found[name] = _state(host, program, option, units.get(program, {}))
            else:
                found[name] = _stale(host, program, units.get(program, {}), _option(host, program, option))
            if option == "ExcludePath":
                found[name] = _blind(host, program) or found[name]
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        programs = dict.fromkeys(name.split()[0] for name in wanted)
        for program in programs:
            path, unit = FILES[host.family][program], UNITS[host.family][program]
            content = host.text(path)
            if content is None:
                raise SettingError(f"{path} does not exist: install ClamAV, then run apply again")
            for name, value in wanted.items():
                owner, option = name.split()
                if owner == program and option not in _STATES:
                    content = put(content, option, value)
            host.write(path, content)
            if f"{program} enabled" in wanted:
                _enable(host, unit)
            # clamd without signatures is not started and that is no failure: a condition of its unit says so
            host.activate(55, "systemctl", "restart", unit)

    def explain(self, host: Host, name: str) -> str:
        return f"look at `systemctl status {UNITS[host.family][name.split(maxsplit=1)[0]]}`"


def has_database(host: Host) -> bool:
    """Say whether both sets of signatures are there, without which the daemon does not start."""
    endings = (".cvd", ".cld", ".inc")
    folder = host.path(DATABASES)
    return all(any(os.path.exists(f"{folder}/{name}{end}") for end in endings) for name in ("main", "daily"))


def values(content: str, option: str) -> list[str]:
    """Return every value of an option, in order."""
    return [entry.value for entry in text.entries(content, _STYLE) if entry.key == option]


def put(content: str, option: str, value: Any) -> str:
    """Return the text with the option set; values that add up join those that are there."""
    if option not in _LISTS:
        return text.put(content, option, _word(value), _STYLE)
    if option in _ADDING_UP:
        missing = [each for each in value if each not in values(content, option)]
    else:
        content, missing = text.drop(content, option, _STYLE), list(value)
    end = "" if content.endswith("\n") or not content else "\n"
    return content + end + "".join(f"{option} {each}\n" for each in missing)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _option(host: Host, program: str, option: str) -> Any:
    found = values(host.text(FILES[host.family][program]) or "", option)
    if option in _LISTS:
        return found
    if not found:
        return None
    last = found[-1]
    return int(last) if last.isdigit() and last not in ("0", "1") else _WORDS.get(last.lower(), last)


def _units(host: Host) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield what systemd says of each program's unit."""
    programs = UNITS.get(host.family, {})
    wanted = "Id,UnitFileState,ActiveState,ActiveEnterTimestamp"
    done = host.run("systemctl", "show", "--timestamp=unix", "-p", wanted, *programs.values())
    for block in done.out.split("\n\n"):
        facts = dict(line.partition("=")[::2] for line in block.splitlines())
        for program, unit in programs.items():
            if facts.get("Id") == unit:
                yield program, facts


def _state(host: Host, program: str, state: str, facts: Mapping[str, str]) -> Any:
    if not facts:
        return Unknown("systemd does not say whether it runs")
    if state == "enabled":
        return facts["UnitFileState"] == "enabled"
    active = facts["ActiveState"] == "active"
    return Unknown(NO_DATABASE) if program == "clamd" and not active and not has_database(host) else active


def _stale(host: Host, program: str, facts: Mapping[str, str], value: Any) -> Any:
    """Return the value, with a word when the program was started before the file was last written."""
    started = facts.get("ActiveEnterTimestamp", "").lstrip("@")
    path = host.path(FILES[host.family][program])
    if value is None or facts.get("ActiveState") != "active" or not started.isdigit() or not os.path.exists(path):
        return value
    if os.path.getmtime(path) < int(started) + 1:
        return value
    return Seen(value, "written, but not read by the running program", satisfied=False)


def _blind(host: Host, program: str) -> Seen | None:
    """Return what is excluded, when a pattern of it covers a folder that is to be examined."""
    excluded = _option(host, program, "ExcludePath")
    watched = [f"{folder.rstrip('/')}/x" for folder in _option(host, program, "OnAccessIncludePath")]
    for pattern in excluded:
        try:
            if any(re.search(pattern, path) for path in watched or ["/srv/x", "/home/x"]):
                return Seen(excluded, f"ExcludePath {pattern} covers a folder that is to be examined", satisfied=False)
        except re.error:
            return Seen(excluded, f"ExcludePath {pattern} cannot be read: correct it", satisfied=False)
    return None


def _enable(host: Host, unit: str) -> None:
    enable, disable = (["systemctl", "--quiet", verb, unit] for verb in ("enable", "disable"))
    host.operate({"op": "run", "do": enable, "undo": disable})
