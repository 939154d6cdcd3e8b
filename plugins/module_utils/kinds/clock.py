# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the clock is from the time its sources tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import SHARED_KERNEL, NotApplicable, Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST
from .base import Kind, fields, integer
from .time_sync import CHRONY, TIMESYNCD, UNANSWERED, ntp_message, service


class Clock(Kind):
    """``clock: {offset_seconds: 1}``; the service corrects it in its own time, so nothing is changed here."""

    schema = fields(("offset_seconds",), offset_seconds=integer(1, 3600))
    rules = {"offset_seconds": AT_MOST}
    check_only = True
    needs_root = False
    evidence = "not-exercised"

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"offset_seconds": NotApplicable(SHARED_KERNEL) if host.in_container else _offset(host)}


def _offset(host: Host) -> Any:
    unit, _why = service(host)
    if unit in CHRONY:
        fields_of = host.run("chronyc", "-c", "-n", "tracking").out.strip().split(",")
        if len(fields_of) < 5 or fields_of[2] == "0":
            return Unknown("the clock is not synchronised yet: see `chronyc sources`")
        return round(abs(float(fields_of[4])), 3)
    last = ntp_message(host) if unit == TIMESYNCD else None
    if last:
        if not last.packets:
            return Unknown(UNANSWERED)
        return round(abs(last.received - last.sent + last.answered - last.arrived) / 2, 3)
    return Unknown("nothing here says how far the clock is off")
