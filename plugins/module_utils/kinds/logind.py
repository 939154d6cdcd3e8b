# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd-logind does with idle sessions, read from the running service."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import Unknown
from ..engine.host import Host
from ..engine.rules import LIMIT
from .base import Kind, fields, integer

DROP_IN = "/etc/systemd/logind.conf.d/99-essms.conf"
_PROPERTIES = {"IdleAction": "IdleAction", "IdleActionSec": "IdleActionUSec"}
_MANAGER = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


class Logind(Kind):
    """``logind: {IdleAction: lock, IdleActionSec: 600}``."""

    schema = fields(IdleAction={"enum": ["lock"]}, IdleActionSec=integer(1, 86400))
    rules = {"IdleActionSec": LIMIT}
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        properties = [_PROPERTIES[name] for name in names]
        done = host.run("busctl", "--json=short", "get-property", *_MANAGER, *properties)
        lines = done.out.splitlines()
        if done.rc != 0 or len(lines) != len(names):
            return dict.fromkeys(names, Unknown(f"systemd-logind did not answer: {done.err.strip()[:120]}"))
        found = {name: json.loads(line)["data"] for name, line in zip(names, lines)}
        if "IdleActionSec" in found:
            found["IdleActionSec"] //= 1_000_000
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(DROP_IN) or text.HEADER
        for key, value in wanted.items():
            content = text.put(content, key, str(value), text.BARE_EQUALS, "Login")
        host.write(DROP_IN, content)
        # SIGHUP makes every version read its files again without ending a session; "reload" exists only since 256
        host.activate(50, "systemctl", "kill", "--signal=SIGHUP", "--kill-who=main", "systemd-logind.service")

    def explain(self, host: Host, name: str) -> str:
        return f"a file read after {DROP_IN} sets {name}: `systemd-analyze cat-config systemd/logind.conf` shows it"
