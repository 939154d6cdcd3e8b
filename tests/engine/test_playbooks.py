# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way through the real playbooks, packages included, on pristine hosts that declare everything there is.

Apply, look, take back, reachable all along; then once more, with a restart and somebody else's package in between.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack

import pytest

from tests.engine.conftest import LIKE
from tests.support import engine, lab, log_server, whole_host
from tests.support.engine_play import Played, play
from tests.support.faults import antivirus, web
from tests.support.watch import Try, watched

pytestmark = pytest.mark.lab
EVERY_PLACE = (
    "/etc",
    "/boot",
    "/home",
    "/root",
    "/usr/local",
    "/usr/share/pam-configs",
    "/var/lib/pam",
    "/var/lib/essms-quarantine",
)
VARIABLES = {
    **log_server.DECLARED,
    "essms_profile": "renforce",
    "essms_admin_networks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
    "essms_firewall_services": [{"name": "probe", "port": 8443, "sources": ["10.0.0.0/8"]}],
    "essms_firewall_protocols": ["vrrp"],
    "essms_linux_av_groups": ["lab"],
    "essms_integrity_groups": ["lab"],
    "essms_av_mirrors": ["mirror.invalid"],
    "essms_av_proxy": "proxy.invalid:3128",
    "essms_resolver_groups": ["lab"],
    "essms_resolver_addresses": ["127.0.0.1"],
    "essms_resolver_networks": ["10.0.0.0/8"],
    "essms_resolver_blocked": ["blocked.example"],
    "essms_resolver_allowed": ["fine.blocked.example"],
    "essms_resolver_forwarders": [web.ADDRESS],
    "essms_resolver_dnssec": False,
    "essms_sudo_record_sessions": True,
    "essms_banned_words": ["ehpad"],
    "essms_walk_milliseconds": 60_000,
    "essms_walk_excluded_paths": ["/usr", "/var/cache", "/var/lib"],
}
BY_NAMES = {
    "essms_web_filter": "dns",
    "essms_dns_servers": ["127.0.0.1"],
    "essms_web_filter_test_name": "blocked.example",
}
"""The host asks its own resolver."""
BY_PROXY = {
    "essms_web_filter": "proxy",
    "essms_proxy_url": f"http://{web.ADDRESS}:{web.PORT}",
    "essms_web_filter_test_name": web.REFUSED_NAME,
}
"""The host asks a neighbour's."""

# --- what a rollback does not give back, each with its reason ---------------------------------------------------------

ACCOUNT = "unbound"
"""The one account and group that stay: Debian's package makes them for itself and leaves them when it goes, for a file
that still is theirs must not become somebody else's. Nothing but their lines is new in these files."""
ACCOUNT_FILES = ("/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow")
"""Beside each one, with a dash at its end, what it was before its last change."""
WRITTEN_ANEW = ("/etc/ld.so.cache", "/etc/pam.d/common-", "/var/lib/pam/")
"""Put together again by scripts of packages that come and go, with the same bytes: only their time is newer."""

LATER = "sysstat"
"""A package of somebody else's that needs one which the transaction brings, xz-utils: that one stays. The cache of
what ld.so finds knows the libraries of both."""
KEPT = r"(package|manual) xz-utils|/etc/alternatives/(xz|(un)?lz)\w+(\.1\.gz)?|/etc/ld\.so\.cache"
RESTARTED = r"/etc/(hosts|hostname|resolv\.conf)|/home/ansible/\.ssh/authorized_keys|(now|unit) essms-probe-.*"
"""Written by podman and the lab at each start; the neighbour of `tests.support.faults.web`, which ends with it."""
_TIME = re.compile(r" \d{19}\b")


@pytest.fixture(scope="module")
def declared() -> Iterator[list[str]]:
    """Give one pristine host of each Debian, and around each what it is told of: a log server, a proxy, names."""
    with ExitStack() as stack:
        made: dict[str, str] = {}
        places: dict[str, AbstractContextManager[str]] = {like: lab.throwaway(like) for like in LIKE}
        places["logs"] = log_server.log_server()

        def bring(place: str) -> None:
            made[place] = stack.enter_context(places[place])

        def surround(place: str) -> None:
            host = made[place]
            log_server.introduce(host, made["logs"])
            web.give_proxy(host)
            antivirus.give_signatures(host)
            # a container's own file is a mount, which nobody may replace
            lab.must(host, "cp /etc/resolv.conf /tmp/r; umount /etc/resolv.conf; cat /tmp/r > /etc/resolv.conf")

        engine.everywhere(bring, places)
        engine.everywhere(surround, LIKE)
        yield [made[like] for like in LIKE]


def test_apply_and_rollback_of_everything_give_the_host_back_reachable_all_along(declared: list[str]) -> None:
    variables = {**VARIABLES, **BY_NAMES}
    before, accounts = _states(declared), {host: _others_lines(host) for host in declared}
    with watched(declared, "sudo -n true", pause=0.1, seconds=30) as tries:
        first = play("audit", declared, variables=variables, timeout=1200)
        for host, now in _states(declared).items():
            assert engine.difference(before[host], now) == [], "the audit changed something"
            assert "non_compliant" in first.verdicts(host).values()

        applied = play("apply", declared, variables=variables, timeout=1200)
        assert applied.code == 0, applied.text[-3000:]
        for host, now in _states(declared).items():
            assert _not_in_order(applied, host) == set()
            assert applied.hosts[host]["guard"] == "confirmed"
            new = {name.split()[1] for name in now if name.startswith("package ") and name not in before[host]}
            assert new >= {"clamav-daemon", "unbound", "rsyslog-gnutls", "nftables", "libpam-pwquality"}
        again = play("apply", declared, variables=variables, timeout=1200)
        for host in declared:
            assert again.hosts[host].get("transaction") is None

        back = play("rollback", declared, variables=variables, timeout=1200)
    assert back.code == 0, back.text[-3000:]
    for host, now in _states(declared).items():
        assert _left(before[host], now) == []
        assert _others_lines(host) == accounts[host]
        assert back.verdicts(host) == first.verdicts(host)
        _always_reachable(tries[host])


def test_taken_back_after_a_restart_and_beside_a_package_that_came_later(declared: list[str]) -> None:
    variables = {**VARIABLES, **BY_PROXY}
    # a package that is purged takes its data along, also what a person had put there without it
    engine.everywhere(antivirus.give_signatures, declared)
    before = _states(declared)
    applied = play("apply", declared, variables=variables, timeout=1200)
    assert applied.code == 0, applied.text[-3000:]
    for host in declared:
        assert _not_in_order(applied, host) == set()
    one = play("rollback", declared, "--tags", "M08-06", variables=variables, timeout=1200)
    assert one.code == 0, one.text[-3000:]
    after = play("audit", declared, variables=variables, timeout=1200)
    for host in declared:
        assert _not_in_order(after, host) == {"M08-06"}

    in_force = _states(declared)
    engine.everywhere(lambda host: engine.install(host, [LATER]), declared)
    theirs = {
        host: {name: value for name, value in _new(in_force[host], now).items() if "clamav" not in name}
        for host, now in _states(declared).items()
    }
    engine.everywhere(lab.restart, declared)
    back = play("rollback", declared, variables=variables, timeout=1200)
    assert back.code == 0, back.text[-3000:]
    for host, now in _states(declared).items():
        assert f"package {LATER}" in theirs[host]
        assert "package xz-utils" not in before[host]
        assert _left({**before[host], **theirs[host]}, now, f"{KEPT}|{RESTARTED}") == []


def _states(hosts: Sequence[str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}

    def look(host: str) -> None:
        found[host] = whole_host.state(host, EVERY_PLACE)

    engine.everywhere(look, hosts)
    return found


def _new(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in now.items() if before.get(name) != value}


def _left(before: Mapping[str, str], now: Mapping[str, str], but: str = "-") -> list[str]:
    """Return one line for each difference that is none of the named exceptions.

    :param but: a pattern of names that are further exceptions.
    """
    expected, found = (
        {
            name: _TIME.sub("", value) if name.startswith(WRITTEN_ANEW) else value
            for name, value in state.items()
            if name.removesuffix("-") not in ACCOUNT_FILES and not re.fullmatch(but, name)
        }
        for state in (before, now)
    )
    return engine.difference(expected, found)


def _others_lines(host: str) -> dict[str, list[str]]:
    """Return the lines of the account files that are not those of the account that stays."""
    return {
        path: [line for line in engine.must(host, ["cat", path]).splitlines() if line.partition(":")[0] != ACCOUNT]
        for path in ACCOUNT_FILES
    }


def _always_reachable(tries: Sequence[Try]) -> None:
    """Fail when there was a moment at which no new connection got in and became root.

    A login waits while systemd reads its units again, and gets in. When sshd reads its files again it closes its port
    for some milliseconds: who is refused or dropped just then has to get in at the next try, within a second.
    """
    assert len(tries) > 20, "hardly anybody tried, so nothing is proven"
    assert tries[-1].worked, tries[-1]
    for one, following in itertools.pairwise(tries):
        if not one.worked:
            assert re.search("Connection (refused|reset|closed)", one.said), one
            assert one.seconds < 1, one
            assert following.worked, following


def _not_in_order(played: Played, host: str) -> set[str]:
    verdicts = played.verdicts(host)
    return {control for control, verdict in verdicts.items() if verdict not in ("compliant", "not_applicable")}
