# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the system still gets security updates; the dates are data of the control."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST
from .base import TEXT, Kind, fields, integer

_DATE = {"type": "string", "pattern": r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}$"}
_RELEASE = {
    "type": "object",
    "required": ["release", "until", "source"],
    "properties": {"release": TEXT, "until": _DATE, "lts": _DATE, "source": TEXT},
    "additionalProperties": False,
}
_RELEASES = {"type": "array", "items": _RELEASE}
_ROW = "days left"
_STALE_DAYS = 365
"""Age from which the table itself deserves a word."""


class SupportEnd(Kind):
    """``support_end: {releases: [{release: debian 12, until: …, lts: …, source: …}], as_of: …, lts: true}``.

    ``own`` are entries of the establishment, such as a paid extension; they come before the table's.
    """

    schema = fields(
        ("releases", "as_of"),
        releases=_RELEASES,
        own=_RELEASES,
        as_of=_DATE,
        lts={"type": "boolean"},
        warn_days=integer(0, 1000),
    )
    rules = {_ROW: AT_LEAST}
    check_only = True
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {_ROW: 0}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        body = bodies[0]
        system = host.release()
        name = f"{system['id']} {system['version']}"
        until, source = _until(body, name) or _announced(host) or ("", "")
        if not until:
            return {_ROW: Unknown(f"the end of support of {name} is not known here: add it to essms_eol_table")}
        today = dt.datetime.now(dt.timezone.utc).date()
        left = (dt.date.fromisoformat(until) - today).days
        note = f"{name}: until {until} ({source})"
        if 0 <= left <= body.get("warn_days", 0):
            note += "; plan its replacement now"
        if (today - dt.date.fromisoformat(body["as_of"])).days > _STALE_DAYS:
            note += f"; the table is of {body['as_of']}"
        return {_ROW: Seen(left, note)}


def _until(body: Mapping[str, Any], name: str) -> tuple[str, str] | None:
    """Return the date and its source: of the whole version first, then of its major number."""
    major = name.partition(".")[0]
    for entry in (*body.get("own", ()), *body["releases"]):
        if entry["release"] in (name, major):
            return entry["lts"] if body.get("lts") and "lts" in entry else entry["until"], entry["source"]
    return None


def _announced(host: Host) -> tuple[str, str] | None:
    """Return what the system itself says in os-release(5)."""
    content = host.text("/etc/os-release") or host.text("/usr/lib/os-release") or ""
    until = (text.get(content, "SUPPORT_END", text.BARE_EQUALS) or "").strip("\"'")
    try:
        dt.date.fromisoformat(until)
    except ValueError:
        return None
    return until, "os-release"
