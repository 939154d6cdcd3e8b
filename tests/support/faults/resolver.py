# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the filtering resolver: each in its file, and read by the service."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row, sed

PATH = "/etc/unbound/unbound.conf.d/zz-essms.conf"
READ_AGAIN = "systemctl reset-failed unbound && systemctl restart unbound"


def _resolver(host: str, row: Row, _body: Body) -> Any:
    name, expected = row["name"], row["expected"]
    faults: dict[str, tuple[str, Any]] = {
        "addresses": ("s/interface: 127.0.0.1$/interface: 127.0.0.3/", ["127.0.0.3"]),
        "networks": ("s#access-control: 10.0.0.0/8 allow#access-control: 0.0.0.0/0 allow#", ["0.0.0.0/0", "fd00::/8"]),
        "blocked names": ('/"blocked.example."/d', expected[1:] if isinstance(expected, list) else None),
        # while its domain is no longer blocked only what is declared counts as one
        "exceptions": ('/"fine.blocked.example."/d', []),
        "forwarders": ("s/forward-addr: .*/forward-addr: 192.0.2.1/", ["192.0.2.1"]),
        "kept after a restart": ("$a # by hand", False),
    }
    script, value = faults.get(name, (f"s/{name}: yes/{name}: no/", False))
    sed(host, script, PATH)
    engine.must(host, READ_AGAIN)
    return value


AREA = Area(
    faults={"resolver": _resolver},
    # a service that does not run has nothing in force
    first=("resolver",),
)
