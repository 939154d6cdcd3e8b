# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M02-06, M02-08: what the firewall refuses leaves a trace in the journal, which a container has none of."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support import engine

pytestmark = pytest.mark.lab

ADMINISTRATION, OTHERS = "essms-admin: ", "essms-drop: "
_STRANGER, _HOST = "198.51.100.2", "198.51.100.1"
_NETWORK = f"""
ip netns add probe-log && ip link add probe-log0 type veth peer name probe-log1 netns probe-log
ip addr add {_HOST}/24 dev probe-log0 && ip link set probe-log0 up
ip -n probe-log addr add {_STRANGER}/24 dev probe-log1 && ip -n probe-log link set probe-log1 up
"""
_SEND = "ip netns exec probe-log python3 -c"
_DATAGRAMS = f"""
import socket, sys
made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range(int(sys.argv[1])):
    made.sendto(b"x", ("{_HOST}", 5003))
"""
_CONNECT = f"import socket; socket.create_connection(('{_HOST}', 22), timeout=2)"


@pytest.fixture(scope="module")
def walled(hardened: str) -> Iterator[str]:
    """Give the machine with the firewall, and with a network of strangers beside it."""
    asked = engine.settings(["M02-06", "M02-08"], variables={"essms_admin_networks": ["10.0.2.0/24"]})
    engine.must(hardened, _NETWORK)
    applied = engine.run(hardened, "applied", asked, packages=True)
    assert not applied.wrong(), applied.wrong()
    yield hardened
    back = engine.run(hardened, "reverted", asked, packages=True)
    assert not back["problem"], back["problem"]
    engine.must(hardened, "ip netns delete probe-log")


def logged(machine: str, prefix: str) -> list[str]:
    """Return what the journal has of the kernel with this prefix."""
    return engine.must(
        machine, f"journalctl --sync; journalctl -k -o cat --no-pager | grep '^{prefix}' || true"
    ).splitlines()


def test_a_refused_packet_is_in_the_journal(walled: str) -> None:
    """M02-06: with where it came from and what it wanted."""
    before = logged(walled, OTHERS)
    engine.must(walled, [*_SEND.split(), _DATAGRAMS, "1"])
    wanted = {"IN=probe-log0", f"SRC={_STRANGER}", f"DST={_HOST}", "PROTO=UDP", "DPT=5003"}
    assert any(wanted <= set(line.split()) for line in logged(walled, OTHERS)[len(before) :])


def test_refused_administration_is_in_the_journal(walled: str) -> None:
    """M02-08: who tries SSH from elsewhere is named."""
    assert "timed out" in engine.root(walled, [*_SEND.split(), _CONNECT]).text
    found = logged(walled, ADMINISTRATION)
    assert found
    assert all({f"SRC={_STRANGER}", "PROTO=TCP", "DPT=22"} <= set(line.split()) for line in found)


def test_a_flood_does_not_fill_the_journal(walled: str) -> None:
    """M02-06: ten lines a minute and five at once, whatever comes."""
    begun, before = time.monotonic(), len(logged(walled, OTHERS))
    engine.must(walled, [*_SEND.split(), _DATAGRAMS, "5000"])
    after = len(logged(walled, OTHERS))
    assert 1 <= after - before <= 5 + 10 * (time.monotonic() - begun) / 60 + 1
