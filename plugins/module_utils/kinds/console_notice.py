# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notice that a console shows before anybody logs in (/etc/issue)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.host import Host
from .base import TEXT, Kind, fields

PATH = "/etc/issue"
_LINE = {**TEXT, "maxLength": 120}


class ConsoleNotice(Kind):
    """``console_notice: {lines: [...]}``; no line leaves the file alone.

    A backslash would let agetty print what the system is, so a line's is written twice.
    """

    schema = fields(("lines",), lines={"type": "array", "maxItems": 20, "items": _LINE})
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"lines": list(body["lines"])} if body["lines"] else {}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        content = (host.text(PATH) or "").strip("\n")
        return {"lines": [line.replace("\\\\", "\\") for line in content.split("\n")] if content else None}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        host.write(PATH, "".join(line.replace("\\", "\\\\") + "\n" for line in wanted["lines"]) + "\n")
