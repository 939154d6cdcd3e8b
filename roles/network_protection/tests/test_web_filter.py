# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M02-09: a host with a neighbour that is a proxy, a filtering name server and a web site, all at one address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import engine, lab, neighbours
from tests.support.faults import web
from tests.support.neighbours import OPEN, REFUSED, SILENT

ALLOWED = "allowed.example"
DECLARED = {
    "essms_web_filter": "proxy",
    "essms_proxy_url": f"http://{web.ADDRESS}:{web.PORT}",
    "essms_web_filter_test_name": web.REFUSED_NAME,
}
_ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
SIX = "fd00:80::7"
# The site of the neighbour answers over both families, and over QUIC's port too.
_SITE = f"""
for place in /proc/sys/net/ipv6/conf/probe-web0 /proc/sys/net/ipv6/conf/all; do echo 0 > $place/disable_ipv6; done
ip netns exec probe-web sysctl -q net.ipv6.conf.all.disable_ipv6=0
ip addr add fd00:80::1/64 dev probe-web0 nodad && ip -n probe-web addr add {SIX}/64 dev probe-web1 nodad
systemctl stop essms-probe-proxy-site
systemd-run --quiet --unit=essms-probe-web-site ip netns exec probe-web python3 -c "$0" '[[80, 443], [443]]'
ready() {{ [ $(ip netns exec probe-web ss -Hltun | grep -c -e :80 -e :443) = 3 ]; }}
for n in $(seq 100); do ready && exit 0; sleep 0.1; done; exit 1
"""
WAYS = {
    (protocol, address, port): answer
    for protocol, port, answer in (("tcp", 80, SILENT), ("tcp", 443, SILENT), ("udp", 443, REFUSED))
    for address in (web.ADDRESS, SIX)
}
"""Every way to the web without the proxy, and how it is closed: datagrams are refused by the host's own kernel."""


def settings(**variables: object) -> list[engine.Setting]:
    """Return what M02-09 asks for with these parameters."""
    return engine.settings(["M02-09"], variables=variables)


@pytest.fixture(scope="module")
def filtered(name: str) -> Iterator[str]:
    """Give a host of its own, whose web was open and then had to go through the proxy."""
    with lab.throwaway(name) as host:
        web.give_proxy(host)
        lab.must(host, ["sh", "-c", _SITE, neighbours.LISTEN])
        assert direct(host) == dict.fromkeys(WAYS, OPEN)
        done = engine.run(host, "applied", settings(**DECLARED), packages=True)
        assert not done.wrong(), done.wrong()
        yield host


def direct(host: str) -> dict[tuple[str, str, int], str]:
    """Return what the neighbour's web site answers without any proxy: each way to it is tried."""
    return dict(zip(WAYS, neighbours.attempts(host, [(*way, 1) for way in WAYS]), strict=True))


def test_a_session_goes_through_the_proxy(filtered: str) -> None:
    """M02-09: what somebody starts who logs in is told of the proxy, which fetches what is allowed."""
    assert "through the proxy" in lab.ssh(filtered, f'python3 -c "{_ASK}" http://{ALLOWED}/').out


def test_a_session_is_refused_the_test_name(filtered: str) -> None:
    """M02-09: and refuses the rest."""
    assert "403" in lab.ssh(filtered, f'python3 -c "{_ASK}" http://{web.REFUSED_NAME}/').err


def test_a_service_goes_through_the_proxy(filtered: str) -> None:
    """M02-09: a service that nobody told anything."""
    run = ["systemd-run", "--quiet", "--pipe", "--wait", "python3", "-c", _ASK]
    assert "through the proxy" in lab.must(filtered, [*run, f"http://{ALLOWED}/"])
    assert "403" in lab.root(filtered, [*run, f"http://{web.REFUSED_NAME}/"]).err


def test_apt_goes_through_the_proxy(filtered: str) -> None:
    """M02-09: apt's own downloader, which reads no environment here."""
    fetch = "env -i PATH=$PATH /usr/lib/apt/apt-helper download-file http://{name}/x /var/tmp/essms-fetched"
    lab.must(filtered, fetch.format(name=ALLOWED), timeout=120)
    assert "403" in lab.root(filtered, fetch.format(name=web.REFUSED_NAME), timeout=120).text


def test_there_is_no_other_way_to_the_web(filtered: str) -> None:
    """M02-09: the site answered before; now even root gets no answer from it, over IPv6 and QUIC neither."""
    assert direct(filtered) == WAYS


def test_a_filter_that_lets_everything_through_is_told(filtered: str) -> None:
    """M02-09: everything is set, but the filter no longer filters."""
    lab.must(filtered, ["touch", web.LENIENT])
    audited = engine.run(filtered, "audited", settings(**DECLARED))
    lab.must(filtered, ["rm", web.LENIENT])
    assert [row["name"] for row in audited.rows("fail").values()] == ["test name refused"]


def test_a_proxy_that_does_not_answer_is_refused(name: str) -> None:
    """M02-09: the host would be left without any way to the web."""
    with lab.throwaway(name) as host:
        gone = settings(**{**DECLARED, "essms_proxy_url": "http://127.0.0.1:9"})
        done = engine.run(host, "applied", gone, packages=True)
        assert "does not answer" in done["failed"]["M02-09"]
        assert "127.0.0.1:9" not in lab.must(host, "cat /etc/environment; apt-config dump")


def test_no_filter_is_no_conformity(filtered: str) -> None:
    """M02-09: what is not declared is not compliant, and apply leaves it to a person."""
    rows: dict[Any, Any] = engine.run(filtered, "audited", settings()).rows("fail")
    assert {row["name"] for row in rows.values()} == {"filter declared", "test name refused"}


def test_name_servers_that_filter(name: str) -> None:
    """M02-09: a host is only made to ask servers that answer, and then asks them."""
    with lab.throwaway(name) as host:
        web.give_proxy(host)
        # a container's own file is a mount, which nobody may replace
        lab.must(host, "cp /etc/resolv.conf /tmp/r; umount /etc/resolv.conf; cat /tmp/r > /etc/resolv.conf")
        before = lab.must(host, ["cat", "/etc/resolv.conf"])
        common = {"essms_web_filter": "dns", "essms_web_filter_test_name": web.REFUSED_NAME}
        silent = settings(**common, essms_dns_servers=["198.51.100.99"])
        done = engine.run(host, "applied", silent, packages=True)
        assert "does not answer" in done["failed"]["M02-09"]
        assert lab.must(host, ["cat", "/etc/resolv.conf"]) == before
        done = engine.run(host, "applied", settings(**common, essms_dns_servers=[web.ADDRESS]), packages=True)
        assert not done.wrong(), done.wrong()
        assert lab.must(host, ["getent", "ahostsv4", ALLOWED]).split()[0] == web.ADDRESS
        assert lab.root(host, ["getent", "ahostsv4", web.REFUSED_NAME]).code != 0
        engine.run(host, "reverted", [])
        assert lab.must(host, ["cat", "/etc/resolv.conf"]) == before
