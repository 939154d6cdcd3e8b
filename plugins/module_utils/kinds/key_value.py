# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A key of a configuration file or drop-in, for services that have no kind of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.host import Host
from .base import TEXT, Kind, fields

_PATH = {"type": "string", "pattern": r"^/etc/(?!.*\.\.)[A-Za-z0-9._/\-]{1,200}$"}
_KEY = {"type": "string", "pattern": r"^[A-Za-z0-9_.\-]{1,100}$"}
_SECTION = {"type": "string", "pattern": r"^[A-Za-z0-9_. $\]\[\-]{1,100}$"}
_STYLES = {" = ": text.EQUALS_SIGN, "=": text.BARE_EQUALS, " ": text.BLANKS._replace(separator=" ")}


class KeyValue(Kind):
    """``key_value: {path: /etc/x.conf, key: …, value: …, section: …, separator: "="}``."""

    schema = fields(
        ("path", "key", "value"),
        path=_PATH,
        key=_KEY,
        value=TEXT,
        section=_SECTION,
        separator={"enum": sorted(_STYLES)},
    )
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {_name(body): body["value"]}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            _name(body): text.get(host.text(body["path"]) or "", body["key"], _style(body), body.get("section"))
            for body in bodies
        }

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        before = host.text(body["path"])
        start = text.HEADER if before is None else before
        host.write(body["path"], text.put(start, body["key"], body["value"], _style(body), body.get("section")))


def _name(body: Mapping[str, Any]) -> str:
    section = f"[{body['section']}]" if "section" in body else ""
    return f"{body['path']}{section} {body['key']}"


def _style(body: Mapping[str, Any]) -> text.Style:
    return _STYLES[body.get("separator", "=")]
