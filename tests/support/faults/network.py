# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the network: the firewall, changed by hand in the kernel or before the next boot; the bans of fail2ban."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row, conf, sed

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


_JAIL = "/etc/fail2ban/jail.d/zz-essms.local"
_BANS: dict[str, tuple[str, str, Any]] = {
    "tries": ("maxretry", "50", 50),
    "window_minutes": ("findtime", "1m", 1),
    "ban_minutes": ("bantime", "90", 1.5),
    "journal": ("journalmatch", "_COMM=sshd", False),
    "ports": ("port", "ssh", False),
    "action": ("banaction", "dummy", "dummy"),
}
"""The key that is changed, its new value, and what an audit says of it."""


def _fail2ban(host: str, row: Row, _body: Body) -> Any:
    if row["name"] in ("enabled", "running"):
        engine.must(host, f"systemctl --quiet {'disable' if row['name'] == 'enabled' else 'stop'} fail2ban.service")
        return False
    if row["name"] == "never banned":
        sed(host, "s# 172.16.0.0/12##", _JAIL)
        observed = [each for each in row["expected"] if each != "172.16.0.0/12"]
    else:
        key, value, observed = _BANS[row["name"]]
        conf(host, _JAIL, key, value)
    engine.must(host, "systemctl reset-failed fail2ban.service; systemctl restart fail2ban.service")
    return observed


AREA = Area(
    faults={
        "fail2ban": _fail2ban,
        "firewall": _firewall,
        "firewall_administration": _firewall_administration,
    },
)
