# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A message shown after each login at a console or over SSH."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import Seen
from ..engine.host import Host
from .base import TEXT, Kind, fields

PATH = "/etc/motd.d/essms"


_SERVICES = ("/etc/pam.d/sshd", "/etc/pam.d/login", "/etc/pam.d/postlogin")


class LoginMessage(Kind):
    """``login_message: {text: …}``."""

    schema = fields(("text",), text=TEXT)
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        content = host.text(PATH)
        if content is None:
            return {"text": None}
        shown = any(_shows(host.text(service) or "") for service in _SERVICES)
        said = content.rstrip("\n")
        return {
            "text": said if shown else Seen(said, "pam_motd is missing from PAM, so nobody sees it", satisfied=False)
        }

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        host.write(PATH, body["text"] + "\n")

    def explain(self, host: Host, name: str) -> str:
        return "pam_motd is missing from /etc/pam.d/sshd and /etc/pam.d/login: put it back"


def _shows(content: str) -> bool:
    return any("pam_motd.so" in line.partition("#")[0] for line in content.split("\n"))
