# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M06-22: what somebody changes in the system is told once; what its updates change is not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import lab

LOG = "journalctl -t essms-integrity -o cat --no-pager"
DOOR = "/usr/local/sbin/probe-door"
FROM_UPDATES = "/usr/local/sbin/probe-update"
UPDATER = "apt-daily-upgrade.service"


@pytest.fixture(scope="module")
def watched(name: str) -> Iterator[str]:
    """Give a host on which nothing waits to be told."""
    _check(name)
    yield name
    lab.must(name, f"rm -f {DOOR} {FROM_UPDATES} /etc/systemd/system/{UPDATER}.d/probe.conf; systemctl daemon-reload")
    _check(name)


def _check(host: str) -> list[str]:
    """Let the nightly comparison run now, and return the paths it told."""
    before = lab.must(host, f"{LOG} | wc -l")
    lab.must(host, "systemctl start essms-integrity.service", timeout=120)
    lines = lab.must(host, f"{LOG} | tail -n +{int(before) + 1}").splitlines()
    assert lines[-1].endswith("files changed since the last check"), lines
    return [line.removeprefix("changed since the last check: ") for line in lines[:-1]]


def test_what_an_intruder_changes_is_told_once(watched: str) -> None:
    """M06-22: a new program, a program that is another one, a setting; the next night they are the known state."""
    lab.must(
        watched,
        f"cp /usr/bin/true {DOOR} && cp /usr/bin/who /var/tmp/probe-who && cat /usr/bin/true > /usr/bin/who"
        " && echo '# door' >> /etc/hosts.allow",
    )
    told = _check(watched)
    lab.must(
        watched, "cat /var/tmp/probe-who > /usr/bin/who; rm /var/tmp/probe-who; sed -i '/^# door$/d' /etc/hosts.allow"
    )
    assert {DOOR, "/usr/bin/who", "/etc/hosts.allow"} <= set(told)
    back = _check(watched)
    assert DOOR not in back, "what was told is told again"
    assert {"/usr/bin/who", "/etc/hosts.allow"} <= set(back), "that it went back is a change too"
    assert _check(watched) == []


def test_what_the_updates_change_is_not_told(watched: str) -> None:
    """M06-22: the unit that installs them notes the new state when it ends, as the host really runs it."""
    update = f"[Service]\nExecStartPre=\nExecStart=\nExecStart=/bin/cp /usr/bin/true {FROM_UPDATES}\n"
    folder = f"/etc/systemd/system/{UPDATER}.d"
    lab.must(watched, f"cat > {folder}/probe.conf && systemctl daemon-reload", stdin=update)
    assert f"{folder}/probe.conf" in _check(watched)
    lab.must(watched, f"systemctl start {UPDATER}", timeout=120)
    lab.must(watched, ["test", "-x", FROM_UPDATES])
    assert _check(watched) == []


def test_it_happens_every_night_before_the_updates(watched: str) -> None:
    """M06-22: the timer is due within a day, at the hour that was asked for."""
    due = lab.must(watched, "systemctl show essms-integrity.timer -p NextElapseUSecRealtime --value")
    at = lab.must(watched, ["date", "-d", due.strip(), "+%H %s"]).split()
    assert at[0] == "04"
    now = int(lab.must(watched, "date +%s"))
    assert 0 < int(at[1]) - now <= 86400 + 1200


def test_only_root_sees_what_was_noted(watched: str) -> None:
    """M06-22: the list of what is watched, and its checksums, are no help for an intruder."""
    for path in ("/var/lib/essms-integrity", "/etc/essms-integrity.conf"):
        assert int(lab.must(watched, ["stat", "-c", "%a", path]), 8) & 0o077 == 0
