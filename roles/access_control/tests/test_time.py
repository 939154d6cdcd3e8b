# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-13: the time service asks the sources it was told to, and a source that dies is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support import engine, lab
from tests.support.faults import logs


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    """Give two hosts that tell the time, by address; they never set it."""
    with lab.throwaway("deb12") as one, lab.throwaway("deb13") as two:
        yield {logs.tell_time(host): host for host in (one, two)}


@pytest.fixture(scope="module")
def client(name: str) -> Iterator[str]:
    """Give a host like the one under test that has a time service, with the sources of its distribution."""
    with lab.throwaway(name) as made:
        logs.install_chrony(made)
        yield made


def _wait_for(condition: str) -> str:
    """Return shell text that waits until a condition holds."""
    return f"for n in $(seq 100); do {condition} && exit 0; sleep 1; done; exit 1"


@contextmanager
def _silent(server: str) -> Iterator[None]:
    """Let a server's time service say nothing for a while, as a machine that hangs; others still need it later."""
    lab.must(server, "systemctl kill --signal=STOP chrony.service")
    try:
        yield
    finally:
        lab.must(server, "systemctl kill --signal=CONT chrony.service")


def test_sources_are_asked_and_a_dead_one_is_noticed(client: str, servers: dict[str, str]) -> None:
    """M04-13: both are really followed; when one no longer answers the audit says so; a rollback forgets both."""
    before = engine.tree(client)
    sources = list(servers)
    asked = engine.settings(["M04-13"], variables={"essms_ntp_servers": sources})
    assert engine.run(client, "audited", asked).rows("fail")
    applied = engine.run(client, "applied", asked)
    assert not applied.wrong(), applied.wrong()
    assert applied["changed"] == ["M04-13"]
    lab.must(client, _wait_for("[ $(chronyc -c -n sources | grep -c '^^,[*+-],') = 2 ]"), timeout=150)
    assert not engine.run(client, "audited", asked).wrong()

    # one no longer answers, and the service asks often enough for the test to see it; it also has had time to find out
    for source in sources:
        lab.must(client, f"chronyc minpoll {source} 0 && chronyc maxpoll {source} 0 && chronyc burst 1/1 {source}")
    with _silent(servers[sources[1]]):
        lab.must(client, _wait_for(f"chronyc -c -n sources | grep -q ',{sources[1]},[0-9]*,[0-9]*,0,'"), timeout=150)
        lab.must(client, "touch -d '1 hour ago' /run/chrony/chronyd.pid")
        noticed = engine.run(client, "audited", asked).rows("fail")
    assert list(noticed) == [("M04-13", "time_sync", "sources")]
    assert noticed["M04-13", "time_sync", "sources"]["observed"] == 1

    back = engine.run(client, "reverted", [])
    assert not back["problem"], back["problem"]
    assert engine.difference(before, engine.tree(client)) == []
    assert sources[0] not in lab.must(client, "chronyc -c -n sources")


def test_another_time_service_is_left_alone(name: str) -> None:
    """M04-13: a host whose time another service keeps is not given a second one; what that one asks is not verified."""
    with lab.throwaway(name) as other:
        unit = "[Service]\nExecStart=/usr/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
        lab.must(other, "cat > /etc/systemd/system/ntpsec.service && systemctl enable --now ntpsec", stdin=unit)
        asked = engine.settings(["M04-13"], variables={"essms_ntp_servers": ["192.0.2.1", "192.0.2.2"]})
        before = engine.tree(other)
        applied = engine.run(other, "applied", asked, packages=True)
        assert applied["changed"] == []
        assert {key[2] for key in applied.rows("unknown")} == {"servers", "sources"}
        assert engine.difference(before, engine.tree(other)) == []


def test_a_container_without_a_clock_of_its_own_is_left_alone(name: str) -> None:
    """M04-13: where the kernel is the machine's, no time service is installed and nothing is judged."""
    with lab.throwaway(name) as bare:
        asked = engine.settings(["M04-13"], variables={"essms_ntp_servers": ["192.0.2.1", "192.0.2.2"]})
        applied = engine.run(bare, "applied", asked, packages=True)
        assert not applied["transaction"]
        assert set(applied.rows()) == set(applied.rows("not_applicable"))
