# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall on hosts of its own: it cuts nobody off, outlives restarts and other tools, and goes without a trace.

What it lets in is proven by the tests of the role; here is what could go wrong around it.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.support import engine, lab, neighbours
from tests.support.neighbours import FOREIGN4, FOREIGN6, NETWORKS, SILENT, TCP, TRUSTED4, TRUSTED6, UDP, Neighbour

pytestmark = pytest.mark.lab
LIKE = ("deb12", "deb13")
ADMIN = {"essms_admin_networks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00:e55::/64"]}
BOTH = ("M02-06", "M02-08")
TABLE = "inet essms"
LISTED = f"nft -s list table {TABLE}"
GUARD_SECONDS = 15
MOUNTED = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}
"""Files of the machine that runs the containers: it writes them anew when one starts, at another address perhaps."""


def wanted(*controls: str, **variables: Any) -> list[engine.Setting]:
    return engine.settings(controls or BOTH, variables={**ADMIN, **variables})


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, str]]:
    """Give a host like each of the lab's, with nftables and nothing applied."""
    with ExitStack() as stack:
        found: dict[str, str] = {}

        def bring(like: str) -> None:
            found[like] = stack.enter_context(lab.throwaway(like))
            engine.install(found[like], ["nftables"])
            engine.save(found[like], "clean")

        engine.everywhere(bring, LIKE)
        yield found


@pytest.fixture(scope="module")
def around(made: Mapping[str, str]) -> Iterator[Mapping[str, Neighbour]]:
    with neighbours.together(list(made.values())) as found:
        yield found


@pytest.fixture(params=LIKE)
def host(request: pytest.FixtureRequest, made: Mapping[str, str]) -> Iterator[str]:
    """Give a host without any firewall."""
    name = made[request.param]
    engine.restore(name, "clean")
    yield name
    engine.restore(name, "clean")


def apply(host: str, asked: list[engine.Setting]) -> engine.Run:
    applied = engine.run(host, "applied", asked)
    assert not applied.wrong(), applied.wrong()
    return applied


def reachable(host: str) -> bool:
    return lab.ssh(host, "sudo -n true").code == 0


# --- nobody is cut off ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "variables", "sentence"),
    [
        ("M02-08", {"essms_admin_networks": ["203.0.113.0/24"]}, "add its network to essms_admin_networks"),
        ("M02-06", {"essms_ssh_port": 2222}, "set essms_ssh_port to the port"),
    ],
)
def test_rules_that_would_cut_the_controller_are_refused(
    host: str, control: str, variables: dict[str, Any], sentence: str
) -> None:
    before = engine.tree(host)
    request = engine.request_for("applied", wanted(control, **variables), guard_seconds=60)
    asked = engine.ask_over_ssh(host, request)
    assert sentence in asked["failed"][control]
    assert "this would cut off the connection it comes over, from " in asked["failed"][control]
    assert asked["transaction"] is None
    assert engine.difference(before, engine.tree(host)) == []
    assert engine.root(host, LISTED).code != 0


def test_without_administration_networks_nothing_is_closed_and_it_is_said(host: str) -> None:
    asked = wanted(essms_admin_networks=[])
    applied = engine.run(host, "applied", asked)
    assert applied["changed"] == ["M02-06"]
    assert applied["failed"] == {}
    audited = engine.run(host, "audited", asked)
    assert {key[0] for key in audited.rows("fail")} == {"M02-08"}
    assert any("no administration network is declared" in row["reason"] for row in audited.rows("fail").values())
    assert "administration" not in engine.must(host, LISTED)
    assert reachable(host)


def test_a_service_that_would_open_an_administration_port_to_all_is_refused(host: str) -> None:
    files = {"name": "files", "port": 445}
    applied = engine.run(host, "applied", wanted("M02-08", essms_firewall_services=[files]))
    assert "the service files opens the administration port 445 to everyone" in applied["failed"]["M02-08"]
    assert engine.root(host, LISTED).code != 0


@contextmanager
def cutting_unit(host: str) -> Iterator[str]:
    """Give a unit whose start drops every packet, as a mistake in somebody's own rules would."""
    chain = "chain input { type filter hook input priority 9; policy drop; }"
    rules = f"table inet cut; delete table inet cut; table inet cut {{ {chain}; }}"
    unit = (
        "[Service]\nType=oneshot\nRemainAfterExit=yes\n"
        f"ExecStart=/usr/sbin/nft '{rules}'\nExecStop=/usr/sbin/nft delete table inet cut\n"
    )
    path = "/run/systemd/system/essms-probe-cut.service"
    engine.must(host, f"cat > {path} && systemctl daemon-reload", stdin=unit)
    try:
        yield "essms-probe-cut.service"
    finally:
        engine.must(host, f"systemctl stop essms-probe-cut.service; rm {path}; systemctl daemon-reload")


def test_the_guard_takes_back_a_firewall_that_drops_everything(host: str) -> None:
    before, tables = engine.tree(host), engine.must(host, "nft list ruleset")
    with cutting_unit(host) as unit:
        asked = [*wanted(), ["M02-06", "service", {"unit": unit, "active": True}]]
        request = engine.request_for("applied", asked, guard_seconds=GUARD_SECONDS)
        with ThreadPoolExecutor() as pool:
            # even the connection that makes the change is mute until the guard has fired
            answer = pool.submit(engine.ask_over_ssh, host, request)
            engine.must(host, "for i in $(seq 150); do nft list table inet cut && exit; sleep 0.2; done; exit 1")
            with pytest.raises(subprocess.TimeoutExpired):
                lab.ssh(host, "true", timeout=3)
            assert answer.result()["armed"]
        engine.must(host, f"for i in $(seq 150); do {LISTED} >/dev/null || exit 0; sleep 0.2; done; exit 1")
        idle = "! systemctl --quiet is-active 'essms-guard*.service'"
        engine.must(host, f"for i in $(seq 50); do {idle} && exit; sleep 0.2; done; exit 1")
    assert reachable(host)
    assert engine.difference(before, engine.tree(host)) == []
    assert engine.must(host, "nft list ruleset") == tables


_STREAM = """
import socket, time
made = socket.create_server(("", 7000))
held = made.accept()[0]
while True:
    held.send(b"x")
    time.sleep(0.2)
"""
_READ = """
import socket, sys
made = socket.create_connection((sys.argv[1], 7000))
made.settimeout(20)
total = 0
while True:
    total += len(made.recv(100))
    open("/run/essms-test-read", "w").write(str(total))
"""


def test_a_connection_older_than_the_table_goes_on(host: str, made: Mapping[str, str]) -> None:
    """Its next packet comes from the other side, so the kernel has never seen it begin."""
    other = next(name for name in made.values() if name != host)
    address = engine.must(other, "hostname -I").split()[0]
    start = "systemd-run --quiet --collect --unit=essms-test-stream python3 -c"
    engine.must(other, ["sh", "-c", f'{start} "$0"', _STREAM])
    engine.must(other, "for i in $(seq 50); do ss -Hltn 'sport = :7000' | grep -q . && exit; sleep 0.1; done; exit 1")
    engine.must(host, ["sh", "-c", f'{start} "$0" {address}', _READ])
    read = "cat /run/essms-test-read"
    try:
        engine.must(host, f"for i in $(seq 50); do {read} && exit; sleep 0.1; done; exit 1")
        apply(host, wanted())
        seen = int(engine.must(host, read))
        time.sleep(2)
        assert int(engine.must(host, read)) > seen
    finally:
        for name in (host, other):
            engine.root(name, "systemctl stop essms-test-stream; rm -f /run/essms-test-read")


def test_nothing_that_answers_is_closed_without_a_decision(host: str) -> None:
    """A service that nobody declared keeps answering until somebody declares it, or says that it is to be closed."""
    start = "systemd-run --quiet --collect --unit=essms-test-web python3 -m http.server 8000"
    engine.must(
        host, f"{start} && for i in $(seq 50); do ss -Hltn 'sport = :8000' | grep -q . && exit; sleep 0.1; done"
    )
    try:
        refused = engine.run(host, "applied", wanted("M02-06"))
        assert "could no longer reach 8000/tcp (python3): declare" in refused["failed"]["M02-06"]
        assert "inet essms" not in engine.must(host, "nft list tables")
        declared = wanted("M02-06", essms_firewall_services=[{"name": "web", "port": 8000}])
        assert not engine.run(host, "applied", declared)["failed"]
        # it answers now, so taking the declaration away is a decision too
        assert "8000/tcp" in engine.run(host, "applied", wanted("M02-06"))["failed"]["M02-06"]
        closed = wanted("M02-06", essms_firewall_closed=["8000/tcp"])
        assert not engine.run(host, "applied", closed)["failed"]
        # a listener that comes later was never reached, so a further apply has nothing to ask
        assert not engine.run(host, "applied", wanted("M02-06"))["failed"]
    finally:
        engine.must(host, "systemctl stop essms-test-web")


def test_a_protocol_in_use_is_not_shut_out_without_a_decision(host: str) -> None:
    hold = "import socket, time; held = socket.socket(socket.AF_INET, socket.SOCK_RAW, 112); time.sleep(600)"
    engine.must(host, ["systemd-run", "--quiet", "--collect", "--unit=essms-test-vrrp", "python3", "-c", hold])
    try:
        engine.must(host, "for i in $(seq 50); do grep -q ':0070 ' /proc/net/raw && exit; sleep 0.1; done; exit 1")
        refused = engine.run(host, "applied", wanted("M02-06"))
        assert "could no longer reach this host by vrrp (python3): name" in refused["failed"]["M02-06"]
        assert "inet essms" not in engine.must(host, "nft list tables")
        apply(host, wanted("M02-06", essms_firewall_protocols=["vrrp"]))
        assert "meta l4proto vrrp accept" in engine.must(host, LISTED)
        assert not engine.run(host, "audited", wanted("M02-06", essms_firewall_protocols=["vrrp"])).wrong()
    finally:
        engine.must(host, "systemctl stop essms-test-vrrp")


# --- it stays, beside others ------------------------------------------------------------------------------------------


def test_it_outlives_a_restart_and_whatever_empties_all_tables(host: str) -> None:
    """Also with Debian's own unit enabled, whose file begins by emptying every table of the host."""
    apply(host, wanted())
    listed = engine.must(host, LISTED)
    engine.must(host, "systemctl --quiet enable --now nftables.service")
    assert "inet filter" in engine.must(host, "nft list tables")
    for verb in ("stop", "start", "restart", "reload"):
        engine.must(host, f"systemctl {verb} nftables.service")
        assert engine.must(host, LISTED) == listed, verb
    lab.restart(host)
    assert engine.must(host, LISTED) == listed
    assert engine.must(host, "systemctl is-active essms-firewall.service").strip() == "active"
    assert not engine.run(host, "audited", wanted()).wrong()
    assert reachable(host)
    engine.must(host, "systemctl --quiet disable --now nftables.service; nft flush ruleset")
    assert {key[2] for key in engine.run(host, "audited", wanted()).rows("fail")} == {
        "default deny",
        "allowed services",
        "drops logged",
        "administration networks",
        "administration ports restricted",
    }
    apply(host, wanted())
    assert engine.must(host, LISTED) == listed


def test_stopping_its_unit_opens_nothing(host: str) -> None:
    apply(host, wanted())
    engine.must(host, "systemctl stop essms-firewall.service")
    assert not engine.run(host, "audited", wanted()).wrong()


def test_a_restart_in_the_middle_puts_it_back(host: str) -> None:
    """A guarded change that nobody confirmed before the host restarted is gone when it comes up."""
    before = engine.tree(host)
    armed = engine.run(host, "applied", wanted(), guard_seconds=60)
    assert armed["armed"]
    lab.restart(host)
    assert engine.root(host, LISTED).code != 0
    changed = engine.difference(before, engine.tree(host))
    assert [line for line in changed if line.partition(":")[0] not in MOUNTED] == []
    again = engine.run(host, "audited", wanted())
    assert not again["problem"]


@pytest.mark.parametrize("other", ["ufw", "firewalld"])
def test_another_tool_is_left_alone_and_named(host: str, other: str) -> None:
    if other == "ufw":
        engine.must(host, "mkdir -p /etc/ufw && echo ENABLED=yes > /etc/ufw/ufw.conf")
    else:
        engine.must(host, "ln -s /bin/true /usr/sbin/firewalld")
        engine.must(host, "systemd-run --quiet --collect --unit=firewalld.service sleep 600")
    try:
        asked = engine.run(host, "applied", wanted())
        assert asked["changed"] == []
        rows = asked.rows("unknown")
        assert {key[0] for key in rows} == set(BOTH)
        assert all(f"{other} keeps the firewall of this host" in row["reason"] for row in rows.values())
        assert engine.root(host, LISTED).code != 0
    finally:
        engine.root(host, "rm -f /etc/ufw/ufw.conf /usr/sbin/firewalld; systemctl stop firewalld.service")


# --- it goes without a trace ------------------------------------------------------------------------------------------


def test_a_rollback_leaves_no_table_and_no_unit(host: str) -> None:
    rules = "table ip mine { chain input { type filter hook input priority 0; tcp dport 9 counter drop; }; }"
    engine.must(host, ["nft", rules])
    try:
        before, tables = engine.tree(host), engine.must(host, "nft list ruleset")
        apply(host, wanted())
        assert engine.must(host, "nft list table ip mine") in tables
        back = engine.run(host, "reverted", wanted())
        assert not back["problem"]
        assert engine.must(host, "nft list ruleset") == tables
        assert engine.difference(before, engine.tree(host)) == []
        assert engine.must(host, "systemctl list-units --all --plain --no-legend 'essms-firewall*'") == ""
    finally:
        engine.must(host, "nft delete table ip mine")


def test_each_control_stands_and_goes_alone(host: str, around: Mapping[str, Neighbour]) -> None:
    """M02-08 alone only takes administration away; M02-06 alone lets SSH in from everywhere."""
    look = around[host]
    ssh_only_trusted = {TRUSTED4: "open", TRUSTED6: "open", FOREIGN4: SILENT, FOREIGN6: SILENT}
    everywhere, nowhere = dict.fromkeys(NETWORKS, "open"), dict.fromkeys(NETWORKS, SILENT)
    assert (look.tries("tcp", 22), look.tries("tcp", 9999)) == (everywhere, everywhere)
    refused = engine.run(host, "applied", wanted("M02-08"))
    assert "could no longer reach 445/tcp (python3), 3389/tcp (python3): declare" in refused["failed"]["M02-08"]
    closed = [*(f"{port}/tcp" for port in TCP), *(f"{port}/udp" for port in UDP)]
    apply(host, wanted("M02-08", essms_firewall_closed=closed))
    assert (look.tries("tcp", 22), look.tries("tcp", 9999)) == (ssh_only_trusted, everywhere)
    apply(host, wanted("M02-06", essms_firewall_closed=closed))
    assert (look.tries("tcp", 22), look.tries("tcp", 9999)) == (ssh_only_trusted, nowhere)
    back = engine.run(host, "reverted", wanted(), ["M02-08"])
    assert not back["problem"]
    assert (look.tries("tcp", 22), look.tries("tcp", 9999)) == (everywhere, nowhere)
