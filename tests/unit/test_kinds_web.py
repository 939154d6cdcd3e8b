# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a name server answers, and the rules that leave only the proxy."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import ask_web, web_dns, web_proxy
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import SettingError
from ansible_collections.essms.hardening.plugins.module_utils.engine.nft import match, rule
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

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
        # it refuses the name that nobody has as well: it serves nobody here
        ((5, []), None),
        # a name without an address proves nothing
        ((0, []), None),
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


def test_a_server_that_refuses_one_name_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_web, "server_answers", lambda _server, name: (5 if name == "x.example" else 3, []))
    assert ask_web.server_refuses("192.0.2.53", "x.example") is True


@pytest.mark.parametrize(
    ("domains", "asked"),
    [
        ("Global: ~.\nLink 2 (eth0):\n", ["192.0.2.53"]),
        ("Global:\nLink 2 (eth0):\n", ["192.0.2.53", "198.51.100.8"]),
        ("Global: ~.\nLink 2 (eth0): ~.\n", ["192.0.2.53", "198.51.100.8"]),
    ],
)
def test_the_networks_own_servers_are_asked_unless_all_names_go_elsewhere(
    tmp_path: Path, domains: str, asked: list[str]
) -> None:
    answers = {
        "systemctl is-active systemd-resolved.service": "active\n",
        "resolvectl dns": "Global: 192.0.2.53\nLink 2 (eth0): 198.51.100.8\n",
        "resolvectl domain": domains,
    }
    host = FixtureHost(tmp_path, {"/etc/resolv.conf": "nameserver 127.0.0.53\n"}, answers)
    assert web_dns.in_force(host) == asked


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


@pytest.mark.parametrize(
    ("exceptions", "mute"),
    [
        (["localhost", "127.0.0.1"], ""),
        (["records.example", "10.1.0.0/16"], ""),
        (["records.example:8080", "10.1.2.3"], ""),
        (["records.example", "10.2.0.0/16"], "records.example"),
        (["records.example", "localhost"], "records.example"),
        # both of its addresses are asked
        (["both.example", "10.1.0.0/16"], "both.example"),
        (["both.example", "10.1.0.0/16", "2001:db8::/64"], ""),
        # nobody can say which servers a domain has
        ([".domain.example", "*.domain.example", "127.0.0.1"], ".domain.example, *.domain.example"),
        ([".domain.example", "*.domain.example", "10.1.0.0/16"], ""),
    ],
)
def test_an_exception_that_the_firewall_would_drop_is_refused(
    monkeypatch: pytest.MonkeyPatch, exceptions: list[str], mute: str
) -> None:
    known = {"records.example": ["10.1.2.3"], "both.example": ["10.1.2.3", "2001:db8::7"]}

    def look_up(name: str, _port: None, **_kind: Any) -> list[Any]:
        if name not in known:
            raise socket.gaierror
        return [(0, 0, 0, "", (address, 0)) for address in known[name]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    body = {**BODY, "exceptions": exceptions}
    if mute:
        with pytest.raises(SettingError) as refused:
            web_proxy.refuse_unreachable(body)
        assert f"what asks {mute} without the proxy: name" in str(refused.value)
    else:
        web_proxy.refuse_unreachable(body)


def test_a_refused_exception_leaves_the_host_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(ask_web, "proxy_refuses", lambda _url, _name: True)
    body = {**BODY, "exceptions": ["*.domain.example"]}
    kind, host = KINDS["web_filter"], FixtureHost(tmp_path, {})
    with pytest.raises(SettingError, match="the firewall would drop"):
        kind.edit(host, body, kind.expand(body))
    assert host.text(web_proxy.ENVIRONMENT) is None
