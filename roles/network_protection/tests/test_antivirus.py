# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M02-02, M02-05: the harmless test file, known to signatures made by hand, is stopped, put aside and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support import engine, lab
from tests.support.faults import antivirus

QUARANTINE = "/var/lib/essms-quarantine"
ALERTS = "/var/tmp/essms-alerts"
CLEAN = "An ordinary letter.\n"
# in two halves: whole, it would make the antivirus of a developer's own computer take this file away
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD" + "-ANTIVIRUS-TEST-FILE!$H+H*"


@pytest.fixture(scope="module")
def protected(name: str) -> Iterator[str]:
    """Give a host to which the first signatures have come, with nothing told about them but that they are there."""
    antivirus.give_signatures(name)
    ready = "systemctl --quiet is-active essms-av-access && journalctl -u essms-av-access -b | grep -q 'watching'"
    lab.must(
        name, f"for n in $(seq 40); do {ready} && exit 0; sleep 0.5; done; systemctl status essms-av-access; exit 1"
    )
    yield name
    lab.must(name, f"rm -rf {QUARANTINE}/probe-* {ALERTS} /srv/probe-* /opt/probe-*")


@pytest.fixture(scope="module")
def user(name: str) -> Iterator[str]:
    """Give a new ordinary user."""
    with lab.user(name, key=True) as made:
        yield made


def put(host: str, path: str, content: str) -> None:
    """Write a file that everybody may read."""
    lab.must(host, f"umask 022; cat > {path}", stdin=content)


def alerts(host: str) -> list[str]:
    """Return what the alert program was told so far."""
    return lab.root(host, ["cat", ALERTS]).out.splitlines()


def test_an_infected_file_cannot_be_opened(protected: str, user: str) -> None:
    """M02-05: whoever opens it on the share gets nothing, and it is gone from there."""
    put(protected, "/srv/probe-access", EICAR)
    opened = lab.ssh(protected, "cat /srv/probe-access", user=user)
    assert opened.code != 0
    assert "EICAR" not in opened.text
    lab.must(protected, f"for n in $(seq 20); do test -e {QUARANTINE}/probe-access && exit 0; sleep 0.5; done; exit 1")
    assert lab.root(protected, ["test", "-e", "/srv/probe-access"]).code == 1
    assert "access Lab-Eicar.UNOFFICIAL /srv/probe-access" in alerts(protected)


def test_a_clean_file_opens(protected: str, user: str) -> None:
    """M02-05: everything else is as before."""
    put(protected, "/srv/probe-clean", CLEAN)
    assert lab.ssh(protected, "cat /srv/probe-clean", user=user).out == CLEAN


def test_the_nightly_scan_puts_aside_and_tells(protected: str) -> None:
    """M02-05: what was there before anybody opened it is found at night; its neighbour stays."""
    put(protected, "/opt/probe-night", EICAR)
    put(protected, "/opt/probe-clean", CLEAN)
    lab.must(protected, ["systemctl", "start", "essms-av-scan.service"])
    assert lab.root(protected, ["test", "-e", "/opt/probe-night"]).code == 1
    assert lab.must(protected, ["cat", f"{QUARANTINE}/probe-night"]) == EICAR
    assert lab.must(protected, ["cat", "/opt/probe-clean"]) == CLEAN
    assert "scan Lab-Eicar.UNOFFICIAL /opt/probe-night" in alerts(protected)
    said = lab.must(protected, ["journalctl", "-t", "essms-av", "-p", "crit", "-o", "cat", "--no-pager"])
    assert f"malware Lab-Eicar.UNOFFICIAL in /opt/probe-night, moved to {QUARANTINE}" in said


def test_the_scan_runs_at_the_quiet_hour(protected: str, applied: Mapping[str, Any]) -> None:
    """M02-05: systemd itself says when it starts it next, spread over twenty minutes."""
    show = ["systemctl", "show", "-p", "NextElapseUSecRealtime", "--value", "essms-av-scan.timer"]
    hour, minute = lab.must(protected, show).split()[2].split(":")[:2]
    assert int(hour) == applied["essms_av_scan_hour"]
    assert int(minute) <= 21


def test_nobody_but_root_reaches_the_quarantine(protected: str, user: str) -> None:
    """M02-05: what was put aside is not met again by accident."""
    assert lab.ssh(protected, f"ls {QUARANTINE}", user=user).code != 0


def test_the_watcher_comes_back_with_the_daemon(protected: str) -> None:
    """M02-05: an update of the package restarts the daemon; the share is watched again."""
    lab.must(protected, ["systemctl", "restart", "clamav-daemon.service"])
    back = "systemctl --quiet is-active essms-av-access.service"
    lab.must(protected, f"for n in $(seq 40); do {back} && exit 0; sleep 0.5; done; exit 1")


@pytest.mark.parametrize(("age_days", "state"), [(0, "ok"), (1, "ok"), (4, "fail")])
def test_the_age_of_the_signatures_is_judged(protected: str, age_days: int, state: str) -> None:
    """M02-02: by what the signatures say of themselves, not by when a file was written."""
    antivirus.give_signatures(protected, age_days * 86400 + 60)
    row = _row(protected)
    antivirus.give_signatures(protected)
    assert (row["state"], row["observed"]) == (state, age_days)


def test_signatures_that_are_missing_are_told(protected: str) -> None:
    """M02-02: a host that never got any is not taken for a protected one."""
    lab.must(protected, ["mv", f"{antivirus.DATABASES}/daily.inc", "/var/tmp/daily.inc"])
    row = _row(protected)
    lab.must(protected, ["mv", "/var/tmp/daily.inc", f"{antivirus.DATABASES}/daily.inc"])
    assert row["state"] == "fail"
    assert "no signatures yet" in row["reason"]


_MIRROR = "mirror.example"
_PROXY = ("203.0.113.7", 3128)
_ASKED = "/var/tmp/essms-test-asked"
_LISTEN = f"""
import http.server
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("{_ASKED}", "a") as asked:
            asked.write(self.requestline + "\\n")
        self.send_error(404)
    do_HEAD = do_CONNECT = do_GET
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer({_PROXY}, Proxy).serve_forever()
"""
_NEIGHBOUR = f"""
rm -f {_ASKED}
ip netns add probe-mirror && ip link add probe-mirror0 type veth peer name probe-mirror1 netns probe-mirror
ip addr add 203.0.113.1/24 dev probe-mirror0 && ip link set probe-mirror0 up
ip -n probe-mirror addr add {_PROXY[0]}/24 dev probe-mirror1 && ip -n probe-mirror link set probe-mirror1 up
systemd-run --quiet --collect --unit=essms-test-mirror ip netns exec probe-mirror python3 -c "$0"
for n in $(seq 100); do ip netns exec probe-mirror ss -Hltn | grep -q :{_PROXY[1]} && exit 0; sleep 0.1; done; exit 1
"""


@contextmanager
def _proxy(host: str) -> Iterator[None]:
    """Give a host a neighbour with a proxy that notes what it is asked for, and refuses it."""
    try:
        lab.must(host, ["sh", "-c", _NEIGHBOUR, _LISTEN])
        yield
    finally:
        lab.root(host, f"systemctl stop essms-test-mirror; ip netns delete probe-mirror; rm -f {_ASKED}")


def test_signatures_are_asked_of_the_declared_mirror_through_the_proxy(protected: str) -> None:
    """M02-02: freshclam itself, as soon as it is told; without the control nothing passes there."""
    declared = {"essms_av_mirrors": [f"http://{_MIRROR}"], "essms_av_proxy": ":".join(map(str, _PROXY))}
    asked = engine.settings(["M02-02"], variables=declared)
    with _proxy(protected):
        lab.must(protected, "systemctl restart clamav-freshclam.service; sleep 3")
        assert lab.root(protected, ["cat", _ASKED]).out == ""
        applied = engine.run(protected, "applied", asked)
        try:
            assert not applied.wrong(), applied.wrong()
            came = f"for n in $(seq 120); do grep -q . {_ASKED} && exit 0; sleep 0.5; done; exit 1"
            lab.must(protected, came, timeout=90)
            # whether it asks for the page or for a way to the server is its own affair
            assert _MIRROR in lab.must(protected, ["cat", _ASKED])
        finally:
            assert engine.run(protected, "reverted", asked)["changed"] == ["M02-02"]


def _row(host: str) -> dict[str, Any]:
    audited = engine.run(host, "audited", engine.settings(["M02-02"]))
    return next(row for row in audited["rows"] if row["name"] == "max_age_days")
