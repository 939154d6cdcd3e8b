# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filtering resolver says of itself, what it is told, and what it is never told."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import ask_web, unbound
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen, SettingError, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load

from tests.support.fixture_host import FixtureHost

KIND = KINDS["resolver"]
BODY: dict[str, Any] = {
    "addresses": ["::0", "192.0.2.53"],
    "networks": ["192.0.2.0/24"],
    "blocked": ["Bad.example", "worse.example"],
    "allowed": ["good.bad.example", "worse.example"],
    "forwarders": [],
    "signatures": True,
    "options": {"hide-version": True},
}
IN_FORCE = {
    "systemctl is-active unbound.service": "active\n",
    "ip -o addr show": "2: eth0 inet 192.0.2.53/24 brd 192.0.2.255\n",
    "unbound-control get_option interface": "192.0.2.53\n::0\n",
    "unbound-control get_option access-control": "127.0.0.0/8 allow\n10.0.0.0/8 refuse\n192.0.2.0/24 allow\n",
    "unbound-control get_option hide-version": "yes\n",
    "unbound-control get_option module-config": "subnetcache validator iterator\n",
    "unbound-control get_option auto-trust-anchor-file": "/var/lib/unbound/root.key\n",
    "unbound-control list_forwards": ". IN forward 192.0.2.2 192.0.2.1\nlan. IN forward 192.0.2.9\n",
    "unbound-control list_local_zones": (
        "bad.example. always_nxdomain\ngood.bad.example. transparent\nworse.example. transparent\ntest. static\n"
    ),
}


def seen(root: Path, body: dict[str, Any] = BODY, **answers: str) -> dict[str, Any]:
    told = {line: text for line, text in {**IN_FORCE, **answers}.items() if text}
    return KIND.observe(FixtureHost(root, {unbound.DROP_INS["debian"]: unbound.rendered(body)}, told), [body])


@pytest.fixture(autouse=True)
def _answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_web, "server_answers", lambda _server, _name: (3, []))
    monkeypatch.setattr(ask_web, "server_signs", lambda server: server == "192.0.2.1")


def test_what_is_in_force_is_what_was_asked_for(tmp_path: Path) -> None:
    assert seen(tmp_path) == KIND.expand(BODY)


def test_an_exception_of_the_very_name_takes_the_block_away() -> None:
    rows = KIND.expand(BODY)
    assert rows["blocked names"] == ["bad.example"]
    assert rows["exceptions"] == ["good.bad.example", "worse.example"]


def test_a_name_that_somebody_opened_is_an_exception_too(tmp_path: Path) -> None:
    zones = IN_FORCE["unbound-control list_local_zones"] + "x.bad.example. redirect\nother.example. transparent\n"
    found = seen(tmp_path, **{"unbound-control list_local_zones": zones})
    assert found["exceptions"] == ["good.bad.example", "worse.example", "x.bad.example"]


def test_forwarders_of_everything_count_alone(tmp_path: Path) -> None:
    body = {**BODY, "forwarders": ["192.0.2.1", "192.0.2.2"]}
    assert seen(tmp_path, body)["forwarders"] == ["192.0.2.1", "192.0.2.2"]


def test_signatures_need_a_key_to_begin_with(tmp_path: Path) -> None:
    found = seen(tmp_path, **{"unbound-control get_option auto-trust-anchor-file": "\n"})
    assert found["signatures checked"] is False


def test_an_address_on_which_nothing_answers_is_not_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ask_web, "server_answers", lambda server, _name: None if server == "::1" else (5, []))
    found = seen(tmp_path)["addresses"]
    assert isinstance(found, Seen)
    assert (found.note, found.satisfied) == (":: does not answer", False)


def test_a_service_that_does_not_run_or_does_not_say(tmp_path: Path) -> None:
    stopped = seen(tmp_path, **{"systemctl is-active unbound.service": "inactive\n"})
    assert isinstance(stopped["networks"], Seen)
    assert stopped["networks"].value is None
    assert stopped["kept after a restart"] is True
    mute = seen(tmp_path, **{"unbound-control list_local_zones": ""})
    assert isinstance(mute["networks"], Unknown)


@pytest.mark.parametrize("name", ["addresses", "networks"])
def test_for_whom_it_answers_is_a_persons_decision(name: str, tmp_path: Path) -> None:
    body = {**BODY, name: []}
    assert KIND.undecided(body)
    assert not KIND.undecided(BODY)
    assert list(seen(tmp_path, body)) == ["resolver declared"]


def test_the_file_names_everything_once() -> None:
    lines = unbound.rendered({**BODY, "forwarders": ["192.0.2.1"], "signatures": False}).splitlines()
    for line in (
        "    interface: ::",
        "    access-control: 192.0.2.0/24 allow",
        "    hide-version: yes",
        '    module-config: "iterator"',
        '    local-zone: "bad.example." always_nxdomain',
        '    local-zone: "worse.example." transparent',
        "    forward-addr: 192.0.2.1",
    ):
        assert lines.count(line) == 1, line
    assert "iterator" not in unbound.rendered(BODY)


@pytest.mark.parametrize(
    ("change", "answers", "sentence"),
    [
        ({"addresses": ["192.0.2.54"]}, {}, "192.0.2.54 is no address of this host"),
        ({"networks": ["192.0.2.0/240"]}, {}, "is not a network"),
        ({"forwarders": ["192.0.2.1", "192.0.2.2"]}, {}, "^192.0.2.2 hands out no signatures"),
        (
            {},
            {"ss -Hlntup sport = :53": 'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=9))'},
            "systemd-resolve answers on port 53 of 127.0.0.53 already",
        ),
    ],
)
def test_what_cannot_work_is_refused(
    change: dict[str, Any], answers: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    host = FixtureHost(tmp_path, {}, {**IN_FORCE, **answers})
    with pytest.raises(SettingError, match=sentence):
        unbound.refuse_what_cannot_work(host, {**BODY, **change})


def test_a_program_on_another_address_is_none_of_our_business(tmp_path: Path) -> None:
    other = {"ss -Hlntup sport = :53": 'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=9))'}
    host = FixtureHost(tmp_path, {}, {**IN_FORCE, **other})
    unbound.refuse_what_cannot_work(host, {**BODY, "addresses": ["192.0.2.53", "127.0.0.1"]})


@pytest.mark.parametrize("network", ["0.0.0.0/0", "::/0", "192.0.2.0/024"])
def test_nobody_can_declare_the_whole_world(network: str) -> None:
    pattern = load().parameters["essms_resolver_networks"].bounds["items"]["pattern"]
    assert not re.fullmatch(pattern, network)
    assert re.fullmatch(pattern, "192.0.2.0/24")
