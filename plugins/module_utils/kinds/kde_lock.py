# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Screen lock of KDE Plasma, in the system-wide defaults, marked immutable."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.desktop import has_kde
from ..engine.errors import NotApplicable
from ..engine.host import Host
from ..engine.rules import EQUALS, LIMIT, Rule
from .base import Kind, fields, integer

PATH = "/etc/xdg/kscreenlockerrc"
_SECTION = "Daemon][$i"
"""The group [Daemon], followed by KDE's mark for "may not be changed by users"."""


class KdeLock(Kind):
    """``kde_lock: {seconds: 600, on_resume: true}``; KDE counts in whole minutes, so the delay is rounded down."""

    schema = fields(seconds=integer(60, 86400), on_resume={"type": "boolean"})
    evidence = "not-exercised"
    needs_root = False

    def rule(self, name: str) -> Rule:
        return LIMIT if name == "seconds" else EQUALS

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if not has_kde(host):
            return dict.fromkeys(names, NotApplicable("no KDE Plasma session is installed"))
        content = host.text(PATH) or ""
        minutes = text.get(content, "Timeout", text.BARE_EQUALS, _SECTION) or ""
        locks = text.get(content, "Autolock", text.BARE_EQUALS, _SECTION) == "true"
        seen: dict[str, Any] = {
            "seconds": int(minutes) * 60 if locks and minutes.isdigit() else None,
            "on_resume": text.get(content, "LockOnResume", text.BARE_EQUALS, _SECTION) == "true",
        }
        return {name: seen[name] for name in names}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(PATH) or text.HEADER
        values = {}
        if "seconds" in wanted:
            values = {"Autolock": "true", "Timeout": str(math.floor(wanted["seconds"] / 60))}
        if "on_resume" in wanted:
            values["LockOnResume"] = "true" if wanted["on_resume"] else "false"
        for key, value in values.items():
            content = text.put(content, key, value, text.BARE_EQUALS, _SECTION)
        host.write(PATH, content)
