# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-17: messages reach the central log server and no one else, unread on the way, and wait while it is away."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.support import engine, lab
from tools.lab import hosts as lab_hosts

SERVER = "logs.essms.test"
_STORE = "/var/log/central.log"
_AUTHORITY = "/etc/ssl/certs/essms-test-authority.pem"
_HANDSHAKE = 22
"""The first byte of TLS."""
_CERTIFICATES = f"""
umask 077; mkdir -p /etc/logs && cd /etc/logs
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.pem -subj '/CN=test authority' 2>/dev/null
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout other.key -out other.pem -subj '/CN=stranger' 2>/dev/null
for who in "good ca {SERVER}" "stranger other {SERVER}" "misnamed ca elsewhere.essms.test"; do
    set -- $who
    openssl req -newkey rsa:2048 -nodes -keyout $1.key -out $1.csr -subj "/CN=$3" 2>/dev/null
    printf "subjectAltName=DNS:$3\\nextendedKeyUsage=serverAuth\\n" > extensions
    openssl x509 -req -in $1.csr -CA $2.pem -CAkey $2.key -CAcreateserial -days 2 -extfile extensions -out $1.pem \\
        2>/dev/null
done
"""
_RECEIVER = f"""
global(DefaultNetstreamDriverCAFile="/etc/logs/ca.pem" DefaultNetstreamDriverCertFile="/etc/logs/now.pem"
       DefaultNetstreamDriverKeyFile="/etc/logs/now.key")
module(load="imtcp" StreamDriver.Name="gtls" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
ruleset(name="central") {{ action(type="omfile" file="{_STORE}") }}
input(type="imtcp" port="6514" ruleset="central")
"""
# a server that listens and says nothing: it keeps what it is sent first
_LISTENER = """
import socket
connection = socket.create_server(("", 6514)).accept()[0]
open("/tmp/wire", "wb").write(connection.recv(65536))
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Give a host that receives logs over TLS, with a certificate of an authority made for the test."""
    with lab.throwaway("deb12") as made:
        engine.install(made, ["rsyslog", "rsyslog-gnutls", "openssl"])
        lab.must(made, _CERTIFICATES)
        lab.must(made, "cat > /etc/rsyslog.d/central.conf", stdin=_RECEIVER)
        _answer_as(made, "good")
        yield made


@pytest.fixture(scope="module")
def sender(name: str, server: str) -> Iterator[str]:
    """Give a new host like the one under test, told by the control to send its logs to the server."""
    with lab.throwaway(name) as made:
        address = lab_hosts.inspect([lab_hosts.Host(server, "bookworm")])[server]["address"]
        authority = lab.must(server, "cat /etc/logs/ca.pem")
        lab.must(made, f"cat > {_AUTHORITY}", stdin=authority)
        lab.must(made, f"echo '{address} {SERVER}' >> /etc/hosts")
        variables = {"essms_log_server": SERVER, "essms_log_ca_file": _AUTHORITY}
        before = engine.tree(made)
        asked = engine.settings(["M04-17"], variables=variables)
        applied = engine.run(made, "applied", asked, packages=True)
        assert not applied.wrong(), applied.wrong()
        yield made
        back = engine.run(made, "reverted", [], packages=True)
        assert not back["problem"], back["problem"]
        assert engine.difference(before, engine.tree(made)) == []


def _answer_as(server: str, certificate: str) -> None:
    """Let the log server start with one of its certificates."""
    files = f"cd /etc/logs && cp {certificate}.pem now.pem && cp {certificate}.key now.key"
    lab.must(server, f"{files} && systemctl restart rsyslog")


def _say(sender: str, count: int = 1) -> list[str]:
    words = [f"said-{uuid.uuid4().hex}" for _number in range(count)]
    lab.must(sender, "logger", stdin="".join(f"{word}\n" for word in words))
    return words


def _arrived(server: str, words: list[str], seconds: int = 40) -> bool:
    """Say whether all the words come to the server in time."""
    count = f"grep -oFf /tmp/words {_STORE} 2>/dev/null | sort -u | wc -l"
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
    _answer_as(server, certificate)
    words = _say(sender)
    assert not _arrived(server, words, 12)
    _answer_as(server, "good")
    assert _arrived(server, words, 240)


def test_nothing_is_sent_in_clear(server: str, sender: str) -> None:
    """M04-17: a server that does not speak TLS receives no message."""
    lab.must(server, "systemctl stop rsyslog.service syslog.socket")
    lab.must(server, ["systemd-run", "--quiet", "--unit=wire", "python3", "-c", _LISTENER])
    words = _say(sender)
    lab.must(server, "for n in $(seq 80); do [ -s /tmp/wire ] && exit 0; sleep 0.5; done; exit 1")
    wire = bytes.fromhex(lab.must(server, "od -An -v -tx1 /tmp/wire"))
    lab.root(server, "systemctl stop wire.service")
    _answer_as(server, "good")
    assert wire[0] == _HANDSHAKE
    assert words[0].encode() not in wire
    assert _arrived(server, words, 240)
