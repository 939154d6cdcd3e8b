# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the filter of the web really refuses something: it is asked, as any client would."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import ask_web
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from .base import Kind, fields
from .web_filter import LIST, URL

REFUSED = "test name refused"
_NAME = {"type": "string", "pattern": r"^$|^[A-Za-z0-9.\-]{1,200}$"}


class WebRefusal(Kind):
    """``web_refusal: {filter: proxy, url: "http://192.0.2.1:3128", servers: [], test_name: x.example}``."""

    schema = fields(
        ("filter", "url", "servers", "test_name"),
        filter={"enum": ["aucun", "proxy", "dns"]},
        url=URL,
        servers=LIST,
        test_name=_NAME,
    )
    check_only = True
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {REFUSED: True}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {REFUSED: _refused(bodies[0])}


def _refused(body: Mapping[str, Any]) -> Any:
    if body["filter"] == "aucun":
        return Seen(False, "nothing filters the web")
    if not body["test_name"]:
        return Unknown("no name to try: set essms_web_filter_test_name to one that the filter refuses")
    if body["filter"] == "proxy":
        answers = [ask_web.proxy_refuses(body["url"], body["test_name"])]
    else:
        answers = [ask_web.server_refuses(server, body["test_name"]) for server in body["servers"]]
    if None in answers or not answers:
        return Unknown(
            "the filter gives no clear answer: it is silent, refuses all, or has no address for the test name"
        )
    return all(answers)
