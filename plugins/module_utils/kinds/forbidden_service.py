# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that nobody asked for: not running, and unable to start again until somebody allows them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from .base import Kind, fields

_NAME = {"type": "string", "pattern": r"^[A-Za-z0-9:_.@\-]{1,100}$"}
_TYPES = (".socket", ".service")
"""What can start a service comes before it, so that stopping it is not undone at once."""
_QUEUES = "/etc/cups/printers.conf"
_FACTS = "Id,LoadState,UnitFileState,ActiveState,FragmentPath"


class ForbiddenService(Kind):
    """``forbidden_service: {services: [telnet, rpcbind], allowed: []}``: names without their type of unit."""

    schema = fields(
        ("services",), services={"type": "array", "items": _NAME}, allowed={"type": "array", "items": _NAME}
    )
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {name: False for name in body["services"] if name not in body.get("allowed", ())}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        units = _units(host, names)
        if units is None:
            return dict.fromkeys(names, Unknown("systemd does not answer: look at `systemctl status`"))
        found = {name: _look([unit for unit in units if unit["Id"].rpartition(".")[0] == name]) for name in names}
        if "rpcbind" in found and _uses_nfs(host):
            found["rpcbind"] = NotApplicable("NFS of this host needs it")
        if found.get("cups-browsed"):
            found["cups-browsed"] = _without_queues(host, found["cups-browsed"])
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        units = _units(host, list(wanted)) or []
        here = [unit for unit in units if unit["UnitFileState"] not in ("masked", "masked-runtime")]
        own = [unit["FragmentPath"] for unit in here if unit["FragmentPath"].startswith("/etc/systemd/system/")]
        if own:
            raise SettingError(f"{', '.join(own)} is a unit made by hand: remove it, or allow the service")
        running = [unit["Id"] for unit in units if _runs(unit)]
        masked = [unit["Id"] for unit in here]
        if running:
            host.operate(_run(["stop", *running], ["start", *reversed(running)]))
        if masked:
            host.operate(_run(["mask", *masked], ["unmask", *masked]))


def _units(host: Host, names: Sequence[str]) -> list[dict[str, str]] | None:
    """Return the units of these names that exist, what starts a service before it; None when systemd is silent."""
    wanted = [f"{name}{kind}" for kind in _TYPES for name in names]
    done = host.run("systemctl", "show", "-p", _FACTS, *wanted)
    if done.rc != 0:
        return None
    found = [dict(line.partition("=")[::2] for line in block.splitlines()) for block in done.out.split("\n\n")]
    # an alias answers under the name of the unit it stands for
    units = {unit["Id"]: unit for unit in found if unit.get("LoadState", "not-found") != "not-found"}
    return [unit for unit in units.values() if unit["Id"] in wanted]


def _look(units: Sequence[Mapping[str, str]]) -> Any:
    startable = [unit["Id"] for unit in units if _runs(unit) or unit["LoadState"] != "masked"]
    if not startable:
        return False
    running = [unit["Id"] for unit in units if _runs(unit)]
    return Seen(True, f"running: {', '.join(running)}" if running else f"can be started: {', '.join(startable)}")


def _without_queues(host: Host, seen: Any) -> Any:
    """Return what was seen of cups-browsed, or why it stays: print queues that it made end with it."""
    try:
        queues = "implicitclass:" in (host.text(_QUEUES) or "")
    except PermissionError:
        return Unknown(f"{_QUEUES} is for root alone, and tells whether its print queues are in use")
    return NotApplicable("print queues of this host come from it") if queues else seen


def _uses_nfs(host: Host) -> bool:
    """Say whether the host has folders of others by NFS, or shares its own."""
    # what else may stand in the name of a mount (a form feed, say) separates nothing
    tables = [re.split(r"[ \t]+", line) for path in ("/etc/fstab", "/proc/self/mounts") for line in _lines(host, path)]
    shared = any(_lines(host, path) for path in ("/etc/exports", *host.names("/etc/exports.d", ".exports")))
    return shared or any(len(words) > 2 and words[2] in ("nfs", "nfs4") for words in tables)


def _lines(host: Host, path: str) -> list[str]:
    return [line for line in (host.text(path) or "").split("\n") if line.strip() and not line.startswith("#")]


def _runs(unit: Mapping[str, str]) -> bool:
    return unit["ActiveState"] in ("active", "activating", "reloading")


def _run(do: list[str], undo: list[str]) -> dict[str, Any]:
    return {"op": "run", "do": ["systemctl", *do], "undo": ["systemctl", *undo]}
