# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd timers of the distribution: whether they run, and when."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST, EQUALS, Rule
from .base import Kind, fields, integer
from .service import ON, Service

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_UNIT = {"type": "string", "pattern": r"^[A-Za-z0-9:_.@\-]{1,100}\.timer$"}
_BY_FAMILY = {"type": "object", "properties": {"debian": _UNIT, "redhat": _UNIT}, "additionalProperties": False}
_CALENDAR = re.compile(r"(?:(?P<days>[A-Za-z.,]+) )?\*-\*-\* (?P<hour>\d\d):(?P<minute>\d\d):00")
_SPAN = re.compile(r"(\d+)(min|month|[a-z]+)")
_MINUTES = {"s": 1 / 60, "min": 1, "h": 60, "d": 1440, "w": 10080}
_SCHEDULE, _SPREAD, _MISSED = "schedule", "spread (minutes)", "catches up"
_PROPERTIES = (
    "LoadState",
    "UnitFileState",
    "ActiveState",
    "TimersCalendar",
    "TimersMonotonic",
    "RandomizedDelayUSec",
    "Persistent",
)
_service = Service()


class Timer(Kind):
    """``timer: {unit: {debian: x.timer}, days: [Mon], hour: 3, spread_minutes: 30}``; without days only that it runs.

    A run that was missed, because the host was off, is made up for at its next start, unless ``catch_up`` is false.
    """

    schema = fields(
        ("unit",),
        unit={"anyOf": [_UNIT, _BY_FAMILY]},
        days={"type": "array", "items": {"enum": list(DAYS)}, "minItems": 1, "uniqueItems": True},
        hour=integer(0, 23),
        spread_minutes=integer(0, 720),
        catch_up={"type": "boolean"},
    )
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        unit = _unit(body, family)
        if not unit:
            return {}
        wanted: dict[str, Any] = {f"{unit} enabled": True, f"{unit} active": True}
        if "days" in body:
            wanted[f"{unit} {_SCHEDULE}"] = _said(body["days"], body.get("hour", 0))
            wanted[f"{unit} {_SPREAD}"] = body.get("spread_minutes", 0)
            wanted[f"{unit} {_MISSED}"] = body.get("catch_up", True)
        return wanted

    def rule(self, name: str) -> Rule:
        return AT_MOST if name.endswith(_SPREAD) else EQUALS

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        units = [unit for unit in dict.fromkeys(_unit(body, host.family) for body in bodies) if unit]
        done = host.run("systemctl", "show", "-p", ",".join(_PROPERTIES), *units)
        blocks = [block.splitlines() for block in done.out.strip("\n").split("\n\n")]
        if done.rc != 0 or len(blocks) != len(units):
            unknown = Unknown(f"systemctl show failed: {done.err.strip()[:120]}")
            return dict.fromkeys(self.names(host, bodies), unknown)
        return {f"{unit} {name}": value for unit, lines in zip(units, blocks) for name, value in _times(lines).items()}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        unit = _unit(body, host.family)
        if any(not name.endswith((" enabled", " active")) for name in wanted):
            path = f"/etc/systemd/system/{unit}.d/essms.conf"
            days = "" if set(body["days"]) == set(DAYS) else ",".join(_in_order(body["days"])) + " "
            host.write(
                path,
                # an empty value takes the distribution's own times away
                f"{text.HEADER}[Timer]\nOnCalendar=\nOnCalendar={days}{body.get('hour', 0):02d}:00\n"
                f"RandomizedDelaySec={body.get('spread_minutes', 0)}m\n"
                f"Persistent={'true' if body.get('catch_up', True) else 'false'}\n",
            )
            host.activate(10, "systemctl", "daemon-reload")
        running = {name: value for name, value in wanted.items() if name.endswith((" enabled", " active"))}
        if running:
            _service.edit(host, {"unit": unit, "enabled": True, "active": True}, running)

    def explain(self, host: Host, name: str) -> str:
        return f"`systemctl cat {name.partition(' ')[0]}` shows what else sets it"


def _unit(body: Mapping[str, Any], family: str) -> str:
    unit = body["unit"]
    return str(unit.get(family, "") if isinstance(unit, dict) else unit)


def _times(lines: Sequence[str]) -> dict[str, Any]:
    """Return what `systemctl show` says of one timer, by the names of our rows."""
    pairs = [line.partition("=")[::2] for line in lines]
    facts = dict(pairs)
    times = [_calendar(value) for key, value in pairs if key == "TimersCalendar"]
    times += [value for key, value in pairs if key == "TimersMonotonic"]
    spread = _SPAN.findall(facts.get("RandomizedDelayUSec", ""))
    return {
        "enabled": facts.get("UnitFileState") in ON,
        "active": facts.get("ActiveState") == "active",
        _SCHEDULE: "; ".join(times) or None,
        _SPREAD: round(sum(int(number) * _MINUTES.get(unit, 43200) for number, unit in spread)),
        _MISSED: facts.get("Persistent") == "yes",
    }


def _calendar(value: str) -> str:
    """Return a time of a timer as we say it, or as systemd says it when it is not that simple."""
    said = value.partition("OnCalendar=")[2].partition(" ;")[0]
    parsed = _CALENDAR.fullmatch(said)
    if not parsed or parsed["minute"] != "00":
        return said
    days: list[str] = []
    for part in (parsed["days"] or "Mon..Sun").split(","):
        first, _, last = part.partition("..")
        days += DAYS[DAYS.index(first) : DAYS.index(last or first) + 1]
    return _said(days, int(parsed["hour"]))


def _said(days: Sequence[str], hour: int) -> str:
    return f"{'daily' if set(days) == set(DAYS) else ','.join(_in_order(days))} {hour:02d}:00"


def _in_order(days: Sequence[str]) -> list[str]:
    return [day for day in DAYS if day in days]
