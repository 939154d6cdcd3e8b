# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""State of systemd units: services and timers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import SettingError, Unknown
from ..engine.host import Host
from .base import Kind, fields

_UNIT = {"type": "string", "pattern": r"^[A-Za-z0-9:_.@\-]{1,100}\.(service|timer|socket)$"}
_BOOLEAN = {"type": "boolean"}
ON = {"enabled", "enabled-runtime", "static", "alias", "indirect", "generated"}


class Service(Kind):
    """``service: {unit: name.service, enabled: true, active: true}``."""

    schema = fields(("unit",), unit=_UNIT, enabled=_BOOLEAN, active=_BOOLEAN)
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {f"{body['unit']} {key}": body[key] for key in ("enabled", "active") if key in body}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for unit in dict.fromkeys(body["unit"] for body in bodies):
            found.update(self._observe_unit(host, unit))
        return found

    def _observe_unit(self, host: Host, unit: str) -> dict[str, Any]:
        done = host.run("systemctl", "show", "-p", "LoadState,UnitFileState,ActiveState", unit)
        facts = dict(line.partition("=")[::2] for line in done.out.splitlines())
        seen: dict[str, Any] = {
            "enabled": facts.get("UnitFileState") in ON,
            "active": facts.get("ActiveState") == "active",
        }
        if done.rc != 0:
            seen = dict.fromkeys(seen, Unknown(f"systemctl show failed: {done.err.strip()[:120]}"))
        elif facts.get("LoadState") == "not-found":
            seen = {"enabled": False, "active": False}
        return {f"{unit} {key}": value for key, value in seen.items()}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        unit = body["unit"]
        facts = dict(
            line.partition("=")[::2]
            for line in host.systemctl("show", "-p", "LoadState,UnitFileState,ActiveState", unit).splitlines()
        )
        if not facts.get("LoadState") or "UnitFileState" not in facts:
            raise SettingError(f"systemctl does not say what state {unit} is in: look at `systemctl status {unit}`")
        if facts["LoadState"] == "not-found":
            raise SettingError(f"the unit {unit} does not exist: install the package that brings it")
        state = facts["UnitFileState"]
        if f"{unit} enabled" in wanted:
            verb = "enable" if body["enabled"] else "disable"
            if state == "masked":
                host.operate(_run(["unmask", unit], ["mask", unit]))
            back = "enable" if state in ON else "disable"
            host.operate(_run([verb, unit], [back, unit]))
        if f"{unit} active" in wanted:
            verb = "start" if body["active"] else "stop"
            back = "start" if facts.get("ActiveState") == "active" else "stop"
            host.operate(_run([verb, unit], [back, unit]))


def _run(do: list[str], undo: list[str]) -> dict[str, Any]:
    return {"op": "run", "do": ["systemctl", *do], "undo": ["systemctl", *undo]}
