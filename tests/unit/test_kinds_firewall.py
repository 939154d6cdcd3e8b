# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules as nft lists them, and as we write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import firewall, nft
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import SettingError
from ansible_collections.essms.hardening.plugins.module_utils.engine.nft import match, rule
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}


def listed(*expr: dict[str, Any]) -> nft.Rule:
    chain = {"chain": {"name": "input", "hook": "input", "prio": 0, "policy": "drop"}}
    found = nft.parse(json.dumps({"nftables": [chain, {"rule": {"chain": "input", "expr": list(expr)}}]}))
    assert found["input"].base == ("input", 0, "drop")
    return found["input"].rules[0]


def test_networks_ports_and_ranges() -> None:
    networks = {"set": [{"prefix": {"addr": "10.0.0.0", "len": 8}}, "192.0.2.1"]}
    found = listed(
        {"match": {"op": "==", "left": SADDR, "right": networks}},
        {"match": {"op": "==", "left": DPORT, "right": {"range": [80, 90]}}},
        {"counter": {"packets": 3, "bytes": 9}},
        {"accept": None},
    )
    assert found == rule("accept", match("ip saddr", "192.0.2.1", "10.0.0.0/8"), match("tcp dport", "80-90"))


@pytest.mark.parametrize("mask", [["syn", "rst", "ack"], {"|": [{"|": ["syn", "rst"]}, "ack"]}])
def test_a_mask_in_either_shape(mask: Any) -> None:
    found = listed({"match": {"op": "==", "left": {"&": [FLAGS, mask]}, "right": "ack"}}, {"accept": None})
    assert found == rule("accept", match("tcp flags & (ack | rst | syn)", "ack"))


def test_a_negated_rule_is_another_one() -> None:
    found = listed({"match": {"op": "!=", "left": DPORT, "right": 22}}, {"accept": None})
    assert found != rule("accept", match("tcp dport", 22))


def test_networks_inside_one_another_are_one() -> None:
    assert firewall.plain(["10.1.0.0/16", "10.0.0.0/8", "192.0.2.7/32"]) == ["10.0.0.0/8", "192.0.2.7"]
    with pytest.raises(SettingError, match="is not a network"):
        firewall.networks(["999.0.0.0/8"])


def test_services_are_shown_as_they_are_written() -> None:
    services = [{"name": "web", "port": 80, "last_port": 81, "sources": ["fd00::/8", "10.0.0.0/8"]}]
    shown = KINDS["firewall"].expand({"ssh_port": 22, "services": services})["allowed services"]
    assert shown == ["ssh: tcp 22 from everywhere", "web: tcp 80-81 from 10.0.0.0/8, fd00::/8"]


def test_administration_without_networks_waits_for_a_decision() -> None:
    body = {"ssh_port": 22, "ports": [], "networks": [], "services": []}
    assert KINDS["firewall_administration"].undecided(body)
    assert not KINDS["firewall_administration"].undecided({**body, "networks": ["10.0.0.0/8"]})
