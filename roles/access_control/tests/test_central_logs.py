# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-17: messages reach the central log server and no one else, unread on the way, and wait while it is away."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.support import engine, lab
from tests.support.log_server import DECLARED, STORE, answer_as, introduce, log_server

_HANDSHAKE = 22
"""The first byte of TLS."""
# a server that listens and says nothing: it keeps what it is sent first
_LISTENER = """
import socket
connection = socket.create_server(("", 6514)).accept()[0]
open("/tmp/wire", "wb").write(connection.recv(65536))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give a host that receives logs over TLS."""
    with log_server() as made:
        yield made


@pytest.fixture(scope="module")
def sender(name: str, server: str) -> Iterator[str]:
    """Give a new host like the one under test, told by the control to send its logs to the server."""
    with lab.throwaway(name) as made:
        introduce(made, server)
        before = engine.tree(made)
        applied = engine.run(made, "applied", engine.settings(["M04-17"], variables=DECLARED), packages=True)
        assert not applied.wrong(), applied.wrong()
        yield made
        back = engine.run(made, "reverted", [], packages=True)
        assert not back["problem"], back["problem"]
        assert engine.difference(before, engine.tree(made)) == []


def _say(sender: str, count: int = 1) -> list[str]:
    words = [f"said-{uuid.uuid4().hex}" for _number in range(count)]
    lab.must(sender, "logger", stdin="".join(f"{word}\n" for word in words))
    return words


def _arrived(server: str, words: list[str], seconds: int = 40) -> bool:
    """Say whether all the words come to the server in time."""
    count = f"grep -oFf /tmp/words {STORE} 2>/dev/null | sort -u | wc -l"
    look = f"for n in $(seq {seconds}); do [ $({count}) = {len(words)} ] && exit 0; sleep 1; done; exit 1"
    return (
        lab.root(
            server, f"cat > /tmp/words; {look}", stdin="".join(f"{word}\n" for word in words), timeout=seconds + 60
        ).code
        == 0
    )


def test_messages_arrive(server: str, sender: str) -> None:
    """M04-17: what is said on the host is on the server a moment later."""
    assert _arrived(server, _say(sender))


def test_nothing_is_lost_while_the_server_is_away(server: str, sender: str) -> None:
    """M04-17: the host keeps its messages, even across a restart of its own service, until the server is back."""
    lab.must(server, "systemctl stop rsyslog.service syslog.socket")
    _say(sender)  # on its way when the service restarts: this one may be lost
    words = _say(sender, 300)
    lab.must(sender, "sleep 2; systemctl restart rsyslog", timeout=90)
    words += _say(sender, 300)
    lab.must(server, "systemctl start rsyslog")
    assert _arrived(server, words, 240)


@pytest.mark.parametrize("certificate", ["stranger", "misnamed"])
def test_another_server_gets_nothing(server: str, sender: str, certificate: str) -> None:
    """M04-17: a server with another authority's certificate, or another's name, is refused; the messages wait."""
    answer_as(server, certificate)
    words = _say(sender)
    assert not _arrived(server, words, 12)
    answer_as(server, "good")
    assert _arrived(server, words, 240)


def test_nothing_is_sent_in_clear(server: str, sender: str) -> None:
    """M04-17: a server that does not speak TLS receives no message."""
    lab.must(server, "systemctl stop rsyslog.service syslog.socket")
    lab.must(server, ["systemd-run", "--quiet", "--unit=wire", "python3", "-c", _LISTENER])
    words = _say(sender)
    lab.must(server, "for n in $(seq 80); do [ -s /tmp/wire ] && exit 0; sleep 0.5; done; exit 1")
    wire = bytes.fromhex(lab.must(server, "od -An -v -tx1 /tmp/wire"))
    lab.root(server, "systemctl stop wire.service")
    answer_as(server, "good")
    assert wire[0] == _HANDSHAKE
    assert words[0].encode() not in wire
    assert _arrived(server, words, 240)
