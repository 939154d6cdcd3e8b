# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel modules that nobody on this host needs: not loaded, and refused to whoever asks for them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen, SettingError
from ..engine.host import Host
from .base import Kind, fields

DROP_IN = "/etc/modprobe.d/essms.conf"
_FOLDERS = ("/lib/modprobe.d", "/usr/lib/modprobe.d", "/usr/local/lib/modprobe.d", "/run/modprobe.d", "/etc/modprobe.d")
_NAME = {"type": "string", "pattern": r"^[a-z0-9_\-]{1,60}$"}
_REFUSAL = "/bin/false"
_INSTALL = re.compile(r"^\s*install\s+(?P<module>\S+)\s+(?P<command>.*?)\s*$", re.MULTILINE)
_REFUSES = re.compile(r"(?:/usr)?/bin/(?:false|true)")


class KernelModule(Kind):
    """``kernel_module: {blocked: [dccp, sctp], allowed: []}``."""

    schema = fields(("blocked",), blocked={"type": "array", "items": _NAME}, allowed={"type": "array", "items": _NAME})
    needs_root = False
    evidence = "simulated"

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        allowed = {_plain(name) for name in body.get("allowed", ())}
        return {name: True for name in body["blocked"] if _plain(name) not in allowed}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if host.in_container:
            return dict.fromkeys(names, NotApplicable(SHARED_KERNEL))
        refused = refusals(host)
        in_use = _loaded(host)
        return {name: _look(host, _plain(name), refused, in_use) for name in names}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        block(host, DROP_IN, wanted)

    def explain(self, host: Host, name: str) -> str:
        return f"another file of modprobe.d says how {name} is loaded: `modprobe --showconfig | grep {name}` shows it"


def block(host: Host, path: str, names: Iterable[str]) -> None:
    """Write the refusal of modules into a file of modprobe.d, and unload those that are loaded.

    :raises SettingError: for a module that something uses now.
    """
    content = host.text(path) or text.HEADER
    in_use = _loaded(host)
    for name in names:
        plain = _plain(name)
        if in_use.get(plain):
            raise SettingError(f"the module {name} is in use: stop what uses it ({in_use[plain]}), or allow it")
        for line in (f"install {plain} {_REFUSAL}\n", f"blacklist {plain}\n"):
            content += "" if line in content else line
        if plain in in_use:
            # once the file is there, only this way of loading does not ask it
            host.operate({"op": "run", "do": ["rmmod", plain], "undo": ["modprobe", "--ignore-install", plain]})
    host.write(path, content)


def refusals(host: Host) -> dict[str, bool]:
    """Return for each module that modprobe has a command for, whether that command refuses it."""
    files: dict[str, str] = {}
    for folder in _FOLDERS:
        files.update({os.path.basename(path): folder for path in host.names(folder, ".conf")})
    found: dict[str, bool] = {}
    for name, folder in sorted(files.items()):
        for match in _INSTALL.finditer(host.text(f"{folder}/{name}") or ""):
            # the first one counts
            found.setdefault(_plain(match["module"]), bool(_REFUSES.fullmatch(match["command"])))
    return found


def _look(host: Host, name: str, refused: Mapping[str, bool], in_use: Mapping[str, str]) -> Any:
    if name in _built_in(host):
        return NotApplicable("it is built into this kernel: only another kernel is without it")
    if name == "squashfs" and host.exists("/usr/bin/snap"):
        return NotApplicable("the snap packages of this host need it")
    if name in in_use:
        users = in_use[name]
        return Seen(False, f"loaded, and used by {users}" if users else "loaded")
    return refused.get(name, False)


def _loaded(host: Host) -> dict[str, str]:
    """Return the loaded modules, each with what uses it: modules, or a count when it is something else."""
    found = {}
    for line in (host.text("/proc/modules") or "").splitlines():
        name, _size, count, users = line.split()[:4]
        found[name] = users.rstrip(",") if users != "-" else "" if count == "0" else f"{count} processes or mounts"
    return found


def _built_in(host: Host) -> set[str]:
    listing = host.text(f"/lib/modules/{os.uname().release}/modules.builtin") or ""
    return {_plain(os.path.basename(line).partition(".")[0]) for line in listing.splitlines()}


def _plain(name: str) -> str:
    return name.replace("-", "_")
