# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard: a change that shuts the controller out is put back by the host itself, within the time, and said so.

Through the real action plugin, over the kept SSH connection that makes a false confirmation so easy.
"""

from __future__ import annotations

import itertools
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.engine.conftest import everything
from tests.engine.test_stress import EVERY_PLACE, unchanged
from tests.support import engine, lab
from tests.support.engine_play import Played, play, play_of, settings_task
from tests.support.watch import Try, watched
from tools.lab import hosts as lab_hosts
from tools.lab.podman import run

pytestmark = pytest.mark.lab
SECONDS = 15
DROP_IN = "/etc/ssh/sshd_config.d/10-probe.conf"
CUT_UNIT = "essms-probe-cut.service"
LOCK_OUT = [
    {
        "control": "X02-01",
        "kind": "key_value",
        "body": {"path": DROP_IN, "key": "AllowUsers", "value": "nobody", "separator": " "},
        "risk": "access",
    },
    # this one makes sshd read its files again
    {"control": "X02-01", "kind": "sshd", "body": {"ClientAliveInterval": 299}, "risk": "access"},
]
GOOD = [{"control": "X02-02", "kind": "sshd", "body": {"ClientAliveInterval": 299}, "risk": "access"}]
FIREWALL = [{"control": "X02-03", "kind": "service", "body": {"unit": CUT_UNIT, "active": True}, "risk": "access"}]


@pytest.fixture
def before(hosts: dict[str, str]) -> dict[str, dict[str, str]]:
    """Bring the hosts to where nothing is applied; give their files."""
    engine.everywhere(lambda host: engine.restore(host, "clean"), hosts.values())
    return {host: engine.tree(host, *EVERY_PLACE) for host in hosts.values()}


@contextmanager
def cut_unit(hosts: list[str], service: str) -> Iterator[None]:
    """Give the hosts, for a while, a unit that cuts them off when it is started."""
    path = f"/run/systemd/system/{CUT_UNIT}"
    unit = f"[Service]\nType=oneshot\nRemainAfterExit=yes\n{service}"
    engine.everywhere(lambda host: engine.must(host, f"cat > {path} && systemctl daemon-reload", stdin=unit), hosts)
    try:
        yield
    finally:
        away = f"systemctl stop {CUT_UNIT}; rm -f {path}; systemctl daemon-reload"
        engine.everywhere(lambda host: engine.must(host, away), hosts)


def in_force(host: str) -> str:
    return engine.must(host, "/usr/sbin/sshd -T | sed -n 's/^clientaliveinterval //p'").strip()


def no_guard_left(host: str) -> None:
    assert engine.must(host, "systemctl list-units --all --plain --no-legend 'essms-guard*' 'essms-recover*'") == ""
    engine.must(host, "! ls /etc/systemd/system/essms-recover.service /etc/systemd/system/*/essms-recover.service")


def given_back(host: str, played: Played, before: dict[str, str], control: str) -> None:
    """Fail unless the host ended as before, is reachable, and the results say what happened."""
    unchanged(host, before)
    no_guard_left(host)
    assert lab.ssh(host, "sudo -n true").code == 0
    assert played.code != 0
    result = played.results[host][control]
    assert result["verdict"] == "non_compliant", result
    said = played.hosts[host]
    assert said["guard"] == "reverted", said
    assert "the guard puts everything back" in said["problem"], said


def shut(tries: list[Try]) -> float:
    """Return the longest time between two tries that worked: a busy machine makes single ones fail."""
    worked = [each.at for each in tries if each.worked]
    assert tries[-1].worked, "access never came back"
    longest = max(later - earlier for earlier, later in itertools.pairwise(worked))
    assert longest > SECONDS / 2, "the change never shut anybody out, so nothing is proven"
    return longest


def test_an_sshd_that_lets_nobody_in_is_put_back_in_time(
    hosts: dict[str, str], before: dict[str, dict[str, str]]
) -> None:
    names = list(hosts.values())
    with watched(names) as tries:
        played = play(play_of(settings_task(LOCK_OUT, guard_seconds=SECONDS)), names)
    for host in names:
        given_back(host, played, before[host], "X02-01")
        assert shut(tries[host]) < SECONDS + 10
        assert in_force(host) == "0"


def test_a_firewall_that_drops_everything_is_put_back_in_time(
    hosts: dict[str, str], before: dict[str, dict[str, str]]
) -> None:
    names = list(hosts.values())

    # what comes from the controller, kept connections included, gets no answer any more
    route = "$$(ip -4 route show dev eth0 scope link | sed 's#[0-9]*/.*#1/32#;1q')"
    start, stop = (f'/bin/sh -c "ip route {verb} blackhole {route}"' for verb in ("add", "del"))
    with cut_unit(names, f"ExecStart={start}\nExecStop={stop}\n"), watched(names) as tries:
        played = play(play_of(settings_task(FIREWALL, guard_seconds=SECONDS)), names)
    for host in names:
        given_back(host, played, before[host], "X02-03")
        # a blocked try to connect takes ten seconds to give up
        assert shut(tries[host]) < SECONDS + 15


def test_a_rule_that_spares_kept_connections_gives_no_false_confirmation(
    hosts: dict[str, str], before: dict[str, dict[str, str]]
) -> None:
    names = list(hosts.values())
    # somebody else's rule, made while the run is under way; the kept connection goes on working
    drop = {
        "ansible.builtin.command": {"argv": ["sh", "-c", _rule("add")]},
        "delegate_to": "localhost",
        "become": False,
        "vars": {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tags": ["always"],
    }
    audit = {"essms.hardening.settings": {"state": "audited", "settings": GOOD}, "tags": ["always"]}
    lift = threading.Timer(SECONDS + 10, lambda: [run(["sh", "-c", _rule("delete", host)]) for host in names])
    lift.start()
    try:
        played = play(play_of(audit, drop, settings_task(GOOD, guard_seconds=SECONDS)), names)
    finally:
        lift.join()
    for host in names:
        unchanged(host, before[host])
        no_guard_left(host)
        assert in_force(host) == "0"
        assert played.hosts[host]["guard"] == "reverted", played.text[-3000:]


def _rule(verb: str, host: str = "{{ inventory_hostname }}") -> str:
    """Return the shell text that makes or removes the rule from the machine, in the host's own network."""
    enter = f"nsenter --net --target $(podman top {lab_hosts.lab_name()}-{host} hpid | sed -n 2p)"
    if not shutil.which("nft"):
        return f"{enter} iptables --{verb.replace('add', 'append')} INPUT -p tcp --syn --dport 22 -j DROP"
    if verb == "delete":
        return f"{enter} nft delete table inet probe"
    rules = (
        "add table inet probe; add chain inet probe input { type filter hook input priority 0; }; "
        "add rule inet probe input tcp dport 22 tcp flags & (syn|ack) == syn drop"
    )
    return f"{enter} nft '{rules}'"


def test_a_good_change_is_confirmed_over_a_new_connection_and_the_timer_is_gone(
    hosts: dict[str, str], before: dict[str, dict[str, str]]
) -> None:
    names = list(hosts.values())
    played = play(play_of(settings_task(GOOD, guard_seconds=SECONDS)), names)
    assert played.code == 0, played.text
    for host in names:
        no_guard_left(host)
        assert played.hosts[host]["guard"] == "confirmed"
        assert played.verdicts(host) == {"X02-02": "compliant"}
    # what is confirmed stays, also once the time is over
    time.sleep(SECONDS + 1)
    for host in names:
        assert in_force(host) == "299"
        assert engine.difference(before[host], engine.tree(host, *EVERY_PLACE))


def test_an_sshd_that_is_away_for_a_moment_is_waited_for(
    hosts: dict[str, str], before: dict[str, dict[str, str]]
) -> None:
    names = list(hosts.values())
    later = "systemd-run --on-active=3 --timer-property=AccuracySec=100ms"
    stop = f"systemctl stop ssh.service; {later} systemctl start ssh.service"
    with cut_unit(names, f"ExecStart=/bin/sh -c '{stop}'\n"):
        played = play(play_of(settings_task(FIREWALL, guard_seconds=SECONDS)), names)
    assert played.code == 0, played.text
    for host in names:
        assert played.hosts[host]["guard"] == "confirmed"
        unchanged(host, before[host])


def test_the_connection_that_made_a_change_cannot_confirm_it(hosts: dict[str, str]) -> None:
    asked: list[Any] = [setting for setting in everything() if setting[0] == "M07-04"]

    def work(host: str) -> None:
        engine.restore(host, "clean")
        with tempfile.TemporaryDirectory() as folder:
            kept = ["-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/s", "-o", "ControlPersist=60"]
            request = engine.request_for("applied", asked, guard_seconds=SECONDS)
            done = engine.ask_over_ssh(host, request, *kept)
            assert done["armed"], done.response
            confirm = {**engine.request_for("confirmed", []), "transaction": done["transaction"]}
            refused = engine.ask_over_ssh(host, confirm, *kept)["problem"]
            assert "over the connection that made the change, so it proves nothing" in refused
            # neither can a process of the host itself, which no connection started
            assert "proves nothing" in engine.ask(host, confirm)["problem"]
            assert engine.must(host, "systemctl list-units --plain --no-legend 'essms-guard*.timer'")
            assert engine.ask_over_ssh(host, confirm, "-o", "ControlPath=none")["problem"] == ""
        no_guard_left(host)
        assert "put back" in engine.ask_over_ssh(host, {**confirm, "transaction": "20200101T000000-000000"})["problem"]

    engine.everywhere(work, hosts.values())


def test_a_clock_set_back_meanwhile_does_not_stop_the_guard(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        before = engine.tree(host, *EVERY_PLACE)
        asked = [setting for setting in everything() if setting[0] == "M07-04"]
        # as if the clock were set back by an hour as soon as the run has ended
        done = engine.run(host, "applied", asked, guard_seconds=SECONDS, hooks=[{"clock": 3600}])
        assert done["armed"]
        time.sleep(SECONDS + 2)
        unchanged(host, before)
        no_guard_left(host)

    engine.everywhere(work, hosts.values())


def test_a_run_that_cannot_be_guarded_does_not_make_the_change(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        before = engine.tree(host, *EVERY_PLACE)
        asked = [setting for setting in everything() if setting[0] in ("M07-04", "M07-07")]
        broken = "#!/bin/sh\necho 'no manager' >&2\nexit 1\n"
        engine.must(host, "cat > /usr/local/sbin/systemd-run && chmod 755 /usr/local/sbin/systemd-run", stdin=broken)
        try:
            done = engine.run(host, "applied", asked, guard_seconds=SECONDS)
        finally:
            engine.must(host, "rm /usr/local/sbin/systemd-run")
        assert "cannot be armed, nothing was changed" in done["problem"]
        unchanged(host, before)
        no_guard_left(host)

    engine.everywhere(work, hosts.values())
