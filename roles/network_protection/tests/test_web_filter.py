# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M02-09: a host with a neighbour that is a proxy, a filtering name server and a web site, all at one address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import engine, lab
from tests.support.faults import web

ALLOWED = "allowed.example"
DECLARED = {
    "essms_web_filter": "proxy",
    "essms_proxy_url": f"http://{web.ADDRESS}:{web.PORT}",
    "essms_web_filter_test_name": web.REFUSED_NAME,
}
_ASK = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode())"
_DIRECT = "import socket; socket.create_connection(('{address}', {port}), timeout=3); print('open')"


def settings(**variables: object) -> list[engine.Setting]:
    """Return what M02-09 asks for with these parameters."""
    return engine.settings(["M02-09"], variables=variables)


@pytest.fixture(scope="module")
def filtered(name: str) -> Iterator[str]:
    """Give a host of its own, whose web was open and then had to go through the proxy."""
    with lab.throwaway(name) as host:
        web.give_proxy(host)
        assert direct(host, 80).out == "open\n"
        done = engine.run(host, "applied", settings(**DECLARED), packages=True)
        assert not done.wrong(), done.wrong()
        yield host


def direct(host: str, port: int) -> lab.Output:
    """Connect to the neighbour's web site without asking any proxy."""
    return lab.root(host, ["python3", "-c", _DIRECT.format(address=web.ADDRESS, port=port)])


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


@pytest.mark.parametrize("port", [80, 443])
def test_there_is_no_other_way_to_the_web(filtered: str, port: int) -> None:
    """M02-09: the site answered before; now even root gets no answer from it."""
    tried = direct(filtered, port)
    assert tried.code != 0
    assert "timed out" in tried.err


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
