# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of a program's memory that a crash leaves on disk: none for sessions, none kept by systemd."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import Seen
from ..engine.host import Host
from .base import Kind, fields

LIMITS = "/etc/security/limits.d/99-essms.conf"
_LIMIT_FILES = "/etc/security/limits.d"
_WHO = {"users": "*", "root": "root"}
"""An asterisk in limits.conf stands for everybody but root."""
COREDUMP = "/etc/systemd/coredump.conf.d/99-essms.conf"
_FOLDERS = ("/usr/lib/systemd", "/usr/local/lib/systemd", "/run/systemd", "/etc/systemd")
_STORED = {"Storage": "none", "ProcessSizeMax": "0"}
_LINE = re.compile(r"^\s*(?P<who>[^#\s]+)\s+(?P<type>soft|hard|-)\s+core\s+(?P<value>\S+)", re.MULTILINE)


class CoreDump(Kind):
    """``core_dump: {allowed: false}``."""

    schema = fields(("allowed",), allowed={"const": False})

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return dict.fromkeys((*_WHO, "systemd"), False)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {who: _limit(host, mark) != "0" for who, mark in _WHO.items()}
        exempt = _exempt(host)
        if exempt and not found["users"]:
            found["users"] = Seen(True, f"{exempt} allows them to some accounts or groups")
        in_force = _stored(host)
        found["systemd"] = any(in_force.get(key) != value for key, value in _STORED.items())
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for who in [mark for name, mark in _WHO.items() if name in wanted]:
            limits = host.text(LIMITS) or text.HEADER
            line = f"{who} hard core 0\n"
            host.write(LIMITS, limits + ("" if line in limits else line))
        if "systemd" in wanted:
            content = host.text(COREDUMP) or text.HEADER
            for key, value in _STORED.items():
                content = text.put(content, key, value, text.BARE_EQUALS, "Coredump")
            host.write(COREDUMP, content)

    def explain(self, host: Host, name: str) -> str:
        return f"a file read after {LIMITS} or {COREDUMP} allows it again"


def _hard_limits(host: Host) -> Iterator[tuple[str, str, str]]:
    """Yield file, for whom and value of each hard limit, in the order pam_limits reads them."""
    names = [f"{_LIMIT_FILES}/{os.path.basename(path)}" for path in host.names(_LIMIT_FILES, ".conf")]
    for path in ("/etc/security/limits.conf", *names):
        for line in _LINE.finditer(host.text(path) or ""):
            if line["type"] != "soft":
                yield path, line["who"], line["value"]


def _limit(host: Host, who: str) -> str:
    """Return the hard limit that pam_limits gives: the last line for root, or for everybody."""
    return ([""] + [value for _path, whose, value in _hard_limits(host) if whose == who])[-1]


def _exempt(host: Host) -> str:
    """Return the first file that gives one account or group more than everybody: it counts wherever it stands."""
    more = (path for path, who, value in _hard_limits(host) if who not in _WHO.values() and value != "0")
    return next(more, "")


def _stored(host: Host) -> dict[str, str]:
    """Return what systemd-coredump reads: the main file, then the drop-ins by name."""
    paths = ["/etc/systemd/coredump.conf"]
    drop_ins: dict[str, str] = {}
    for folder in _FOLDERS:
        own = f"{folder}/coredump.conf.d"
        drop_ins.update({os.path.basename(path): own for path in host.names(own, ".conf")})
    paths += [f"{folder}/{name}" for name, folder in sorted(drop_ins.items())]
    found: dict[str, str] = {}
    for path in paths:
        found.update(
            {entry.key: entry.value for entry in text.entries(host.text(path) or "", text.BARE_EQUALS, "Coredump")}
        )
    return found
