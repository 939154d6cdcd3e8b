# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message shown after each login at a console or over SSH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.host import Host
from .base import TEXT, Kind, fields

PATH = "/etc/motd.d/essms"


class LoginMessage(Kind):
    """``login_message: {text: …}``."""

    schema = fields(("text",), text=TEXT)
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        content = host.text(PATH)
        return {"text": None if content is None else content.rstrip("\n")}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        host.write(PATH, body["text"] + "\n")
