# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a name server answers, and the rules that leave only the proxy."""

from __future__ import annotations

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import ask_web, web_proxy
from ansible_collections.essms.hardening.plugins.module_utils.engine.nft import match, rule
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

BODY = {"filter": "proxy", "url": "http://192.0.2.1:3128", "exceptions": ["localhost", "10.1.0.0/16"], "servers": []}


def answer(*records: bytes) -> bytes:
    return bytes(6) + bytes([0, len(records)]) + bytes(4) + b"".join(records)


def test_addresses_of_an_answer_are_read_past_other_records() -> None:
    alias = bytes([0xC0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 2, 0xC0, 12])
    address = b"\3www\0" + bytes([0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 7])
    assert ask_web.addresses(answer(alias, address), 12) == ["192.0.2.7"]
    assert ask_web.addresses(answer(), 12) == []


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ((3, []), True),
        ((5, []), True),
        ((0, []), True),
        ((0, ["0.0.0.0"]), True),
        ((0, ["192.0.2.7"]), False),
        ((2, []), None),
    ],
)
def test_what_counts_as_refused(
    monkeypatch: pytest.MonkeyPatch, said: tuple[int, list[str]], refused: bool | None
) -> None:
    monkeypatch.setattr(ask_web, "server_answers", lambda _server, _name: said)
    assert ask_web.server_refuses("192.0.2.53", "x.example") is refused


def test_only_the_proxys_own_port_and_the_exceptions_are_left() -> None:
    rules = web_proxy.chains(BODY)[web_proxy.CHAIN].rules
    assert rule("accept", match("ip daddr", "192.0.2.1"), match("tcp dport", 3128)) in rules
    assert rule("accept", match("ip daddr", "10.1.0.0/16", "127.0.0.0/8")) in rules
    assert rules[-2:] == (rule("drop", match("tcp dport", 80, 443)), rule("drop", match("udp dport", 443)))


def test_a_filter_without_an_address_is_left_to_a_person() -> None:
    kind = KINDS["web_filter"]
    assert kind.undecided({**BODY, "filter": "aucun"})
    assert kind.undecided({**BODY, "url": ""})
    assert kind.undecided({**BODY, "filter": "dns"})
    assert not kind.undecided(BODY)
