# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose router is in none of its networks, as hosting companies have them: M06-06 must not lose it.

The router of the test sits behind one more interface of the host; it asks for the host's address once its table is
empty, which on a real network is minutes after the guard has confirmed the change.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.engine.conftest import everything
from tests.support import engine

pytestmark = pytest.mark.lab
ARP = [setting for setting in everything() if setting[0] == "M06-06"]
_UNIT = "essms-test-router"
_ROUTER = f"nsenter -t $(systemctl show -p MainPID --value {_UNIT}) -n"
_OWN, _GATEWAY = "203.0.113.7", "203.0.113.1"
_TRY = f"import socket; socket.create_connection(('{_OWN}', 22), 3)"
_ASK = f'{_ROUTER} ip neighbour flush dev router0; {_ROUTER} python3 -c "{_TRY}"'


@contextmanager
def router(host: str, length: int) -> Iterator[None]:
    """Give the host a second way out, whose router is a namespace of its own.

    :param length: of the network the host believes its own address to be in.
    """
    ways = f"ip route add {_GATEWAY} dev host0 scope link; ip route add 198.51.100.128/25 via {_GATEWAY} dev host0"
    try:
        engine.must(
            host,
            f"systemd-run -q --unit={_UNIT} unshare -n sleep 600; sleep 0.5; "
            "ip link add host0 type veth peer name router0; "
            f"ip link set router0 netns $(systemctl show -p MainPID --value {_UNIT}); "
            f"ip address add {_OWN}/{length} dev host0; ip link set host0 up; {ways}; "
            f"{_ROUTER} ip address add {_GATEWAY}/24 dev router0; {_ROUTER} ip link set router0 up",
        )
        yield
    finally:
        engine.root(host, f"ip link del host0; systemctl stop {_UNIT}")


def answers(host: str) -> bool:
    return engine.root(host, _ASK).code == 0


@pytest.mark.parametrize("length", [24, 32])
def test_a_router_outside_of_the_network_still_finds_the_host(length: int, hosts: dict[str, str]) -> None:
    host = hosts["deb12"]
    engine.restore(host, "clean")
    with router(host, length):
        assert answers(host)
        applied = engine.run(host, "applied", ARP)
        assert not applied.wrong()
        assert answers(host)
        left = {name for _control, _kind, name in applied.rows("not_applicable")}
        assert ("net.ipv4.conf.all.arp_ignore" in left) == (length == 32)
        # and it is this setting that would have cut it
        engine.must(host, "sysctl -q -w net.ipv4.conf.all.arp_ignore=2")
        assert answers(host) == (length == 24)
    # the interface is gone now, and what was set on it cannot be given back
    back = engine.run(host, "reverted", ARP)
    assert not back["problem"], back["problem"]
    assert any("host0" in note and "gone since" in note for note in back["notes"])
    assert "nothing to roll back" in engine.run(host, "reverted", ARP)["notes"][-1]
