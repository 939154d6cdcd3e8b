# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the network: the firewall, changed by hand in the kernel or before the next boot."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row

_TABLE = "inet essms"


def _delete_rules(host: str, chain: str, words: str) -> None:
    """Delete the rules of a chain whose line holds some words; none is no fault, and fails."""
    listing = f"nft -a list chain {_TABLE} {chain} | grep -F -e '{words}' | sed 's/.*# handle //'"
    handles = engine.must(host, listing).split()
    assert handles, f"no rule of {chain} holds {words!r}"
    for handle in handles:
        engine.must(host, f"nft delete rule {_TABLE} {chain} handle {handle}")


def _never_at_boot(host: str) -> Any:
    engine.must(host, "rm /etc/systemd/system/sysinit.target.d/essms-firewall.conf && systemctl daemon-reload")
    return False


def _firewall(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "default deny":
        engine.must(host, f"nft chain {_TABLE} input '{{ policy accept; }}'")
        return False
    if row["name"] == "allowed services":
        engine.must(host, f"nft add rule {_TABLE} services tcp dport 23 accept comment telnet")
        return sorted([*row["expected"], "telnet: tcp 23 from everywhere"])
    if row["name"] == "drops logged":
        _delete_rules(host, "input", "log prefix")
        return False
    return _never_at_boot(host)


def _firewall_administration(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "administration networks":
        rule = "ip saddr 203.0.113.0/24 accept comment '\"administration networks\"'"
        engine.must(host, f"nft insert rule {_TABLE} administration {rule}")
        return sorted([*row["expected"], "203.0.113.0/24"])
    if row["name"] == "administration ports restricted":
        _delete_rules(host, "administration", " drop")
        return False
    engine.must(host, "rm /etc/essms/firewall.d/10-administration.nft")
    return False


AREA = Area(
    faults={
        "firewall": _firewall,
        "firewall_administration": _firewall_administration,
    },
)
