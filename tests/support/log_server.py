# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that receives the logs of others over TLS, with a certificate of an authority made for the test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support import engine, lab
from tools.lab import hosts as lab_hosts

SERVER = "logs.essms.test"
STORE = "/var/log/central.log"
AUTHORITY = "/etc/ssl/certs/essms-test-authority.pem"
DECLARED = {"essms_log_server": SERVER, "essms_log_ca_file": AUTHORITY}
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
ruleset(name="central") {{ action(type="omfile" file="{STORE}") }}
input(type="imtcp" port="6514" ruleset="central")
"""


@contextmanager
def log_server() -> Iterator[str]:
    """Give the name of such a host, removed at the end."""
    with lab.throwaway("deb12") as made:
        engine.install(made, ["rsyslog", "rsyslog-gnutls", "openssl"])
        lab.must(made, _CERTIFICATES)
        lab.must(made, "cat > /etc/rsyslog.d/central.conf", stdin=_RECEIVER)
        answer_as(made, "good")
        yield made


def answer_as(server: str, certificate: str) -> None:
    """Let the log server start with one of its certificates: good, stranger or misnamed."""
    files = f"cd /etc/logs && cp {certificate}.pem now.pem && cp {certificate}.key now.key"
    lab.must(server, f"{files} && systemctl restart rsyslog")


def introduce(sender: str, server: str) -> None:
    """Let a host know the log server's address and its authority, as the establishment would have done."""
    address = lab_hosts.inspect([lab_hosts.Host(server, "bookworm")])[server]["address"]
    lab.must(sender, f"cat > {AUTHORITY}", stdin=lab.must(server, "cat /etc/logs/ca.pem"))
    lab.must(sender, f"echo '{address} {SERVER}' >> /etc/hosts")
