# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-18: a neighbour guesses passwords from several addresses; those that may be banned are, and only from SSH."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import engine, lab
from tests.support.attack import log_in_from
from tests.support.neighbours import FOREIGN4, FOREIGN6, OPEN, REFUSED, TRUSTED4, TRUSTED6, Neighbour, together
from tests.support.people import GOOD

TRIES = 3
VARIABLES = {
    "essms_ban_tries": TRIES,
    "essms_ban_minutes": 30,
    "essms_admin_networks": ["fd00:e55::/64"],
    "essms_firewall_services": [{"name": "web", "port": 8080}],
}
BEFORE = "[DEFAULT]\nignoreip = 203.0.113.9\nbantime = 90m\n"
"""What an administrator had set: an address that is never banned, and a longer ban."""
_ATTACKER = "198.51.100.12"
"""From where the neighbour reaches the address that is nobody's own."""
_SECONDS = 60
"""How long fail2ban may take to read what sshd has said, and to act."""


_SAY = """
import sys, syslog, time
syslog.openlog("sshd", syslog.LOG_PID, syslog.LOG_AUTH)
for _ in range(6):
    syslog.syslog(sys.argv[1])
time.sleep(3)  # a process that is gone has no name any more
"""


def _settings(**variables: object) -> list[engine.Setting]:
    return engine.settings(["M02-06", "M04-18"], variables={**VARIABLES, **variables})


@pytest.fixture(scope="module")
def neighbour(name: str) -> Iterator[Neighbour]:
    """Give a host that bans beside our firewall, with the one that attacks it."""
    with lab.throwaway(name) as made:
        # OpenSSH 10 holds failures against an address by itself: that is not what is tried here
        lab.must(
            made,
            "! sshd -T | grep -q persourcepen || echo 'PerSourcePenalties no' > /etc/ssh/sshd_config.d/50-lab.conf;"
            " systemctl reload ssh; mkdir -p /etc/fail2ban && cat > /etc/fail2ban/jail.local",
            stdin=BEFORE,
        )
        applied = engine.run(made, "applied", _settings(), packages=True)
        assert not applied.wrong(), applied.wrong()
        with together([made, name]) as pairs:
            yield pairs[made]


@pytest.fixture
def victim(neighbour: Neighbour) -> Iterator[str]:
    """Give somebody with a password; whatever was banned is let in again afterwards."""
    with lab.user(neighbour.host, password=GOOD) as user:
        yield user
        lab.must(neighbour.host, ["fail2ban-client", "unban", "--all"])


def attack(neighbour: Neighbour, user: str, network: str, times: int = TRIES) -> None:
    """Guess from one network; the answer to the last guess may no longer come through."""
    answers = [log_in_from(neighbour.other, neighbour.addresses[network], user) for _ in range(times)]
    assert answers[:-1] == [lab.Login.REFUSED] * (times - 1)
    assert answers[-1] is not lab.Login.ACCEPTED


def ssh(neighbour: Neighbour, *networks: str) -> list[str]:
    """Return what a new connection to SSH gets from each network."""
    return list(neighbour.tries("tcp", 22, networks).values())


def wait(neighbour: Neighbour, network: str, wanted: str) -> None:
    """Wait until a new connection to SSH gets this answer; fail when it never does."""
    until = time.monotonic() + _SECONDS
    while ssh(neighbour, network) != [wanted]:
        assert time.monotonic() < until, f"SSH is never {wanted} from {network}"
        time.sleep(0.5)


def jail(host: str, *words: str) -> str:
    """Return what the running server says of its jail."""
    return lab.must(host, ["fail2ban-client", "get", "sshd", *words]).strip()


def noticed(host: str) -> int:
    """Return how many failures fail2ban has noticed so far, those it ignores included."""
    return int(lab.must(host, "grep -cE '\\] (Found|Ignore) ' /var/log/fail2ban.log || true").strip())


def attack_in_vain(neighbour: Neighbour, user: str, network: str) -> None:
    """Guess more often than is allowed, and wait until fail2ban has noticed: later it does nothing more."""
    before = noticed(neighbour.host)
    attack(neighbour, user, network, TRIES + 2)
    until = time.monotonic() + _SECONDS
    while noticed(neighbour.host) < before + TRIES + 2:
        assert time.monotonic() < until, "fail2ban does not notice these failures"
        time.sleep(0.5)
    time.sleep(2)


def test_an_address_that_guesses_no_longer_reaches_ssh(neighbour: Neighbour, victim: str) -> None:
    """M04-18: it, and nobody else; its other business with the host goes on."""
    ours = lab.must(neighbour.host, "nft list table inet essms | sed 's/packets .*//'")
    attack(neighbour, victim, FOREIGN4, TRIES - 1)
    time.sleep(2)
    assert ssh(neighbour, FOREIGN4) == [OPEN]
    attack(neighbour, victim, FOREIGN4, 1)
    wait(neighbour, FOREIGN4, REFUSED)
    # the right password does not help
    assert log_in_from(neighbour.other, neighbour.addresses[FOREIGN4], victim, GOOD) is lab.Login.NO_ANSWER
    assert neighbour.tries("tcp", 8080, [FOREIGN4]) == {FOREIGN4: OPEN}
    assert log_in_from(neighbour.other, neighbour.addresses[TRUSTED4], victim, GOOD) is lab.Login.ACCEPTED
    assert lab.ssh(neighbour.host, "sudo -n id -un").out == "root\n"
    assert lab.must(neighbour.host, "nft list table inet essms | sed 's/packets .*//'") == ours


def test_an_address_is_given_back_by_hand_and_not_before(neighbour: Neighbour, victim: str) -> None:
    """M04-18: an apply that starts fail2ban again lets nobody in, an audit says of nobody, unbanip gives it back."""
    attack(neighbour, victim, FOREIGN4)
    wait(neighbour, FOREIGN4, REFUSED)
    lab.must(neighbour.host, "systemctl restart fail2ban")
    wait(neighbour, FOREIGN4, REFUSED)
    audited: Any = engine.run(neighbour.host, "audited", _settings())
    assert not audited.wrong(), audited.wrong()
    assert "198.51.100" not in str(audited["rows"])
    assert "203.0.113" not in str(audited["rows"])
    lab.must(neighbour.host, ["fail2ban-client", "set", "sshd", "unbanip", _ATTACKER])
    wait(neighbour, FOREIGN4, OPEN)
    assert log_in_from(neighbour.other, neighbour.addresses[FOREIGN4], victim, GOOD) is lab.Login.ACCEPTED


def test_a_ban_ends_by_itself(neighbour: Neighbour, victim: str) -> None:
    """M04-18: over IPv6 as over IPv4."""
    lab.must(neighbour.host, ["fail2ban-client", "set", "sshd", "bantime", "8"])
    try:
        attack(neighbour, victim, FOREIGN6)
        wait(neighbour, FOREIGN6, REFUSED)
        wait(neighbour, FOREIGN6, OPEN)
    finally:
        lab.must(neighbour.host, ["fail2ban-client", "set", "sshd", "bantime", "5400"])


def test_administrators_are_never_banned(neighbour: Neighbour, victim: str) -> None:
    """M04-18: an address of essms_admin_networks may fail as often as it likes."""
    attack_in_vain(neighbour, victim, TRUSTED6)
    assert ssh(neighbour, TRUSTED6) == [OPEN]
    assert log_in_from(neighbour.other, neighbour.addresses[TRUSTED6], victim, GOOD) is lab.Login.ACCEPTED


def test_what_an_administrator_had_set_stays(neighbour: Neighbour) -> None:
    """M04-18: the address that is never banned, and the longer ban; also what is added later."""
    assert "203.0.113.9" in jail(neighbour.host, "ignoreip")
    assert jail(neighbour.host, "bantime") == "5400"
    lab.must(neighbour.host, "sed -i 's/^ignoreip.*/& 203.0.113.10/' /etc/fail2ban/jail.local")
    lab.must(neighbour.host, "fail2ban-client reload")
    assert {"203.0.113.9", "203.0.113.10", "fd00:e55::/64"} <= set(jail(neighbour.host, "ignoreip").split())


def test_no_program_of_a_service_gets_others_banned(neighbour: Neighbour) -> None:
    """M04-18: what counts is said by the SSH server itself, not by a web server that was taken over."""
    said = f"Failed password for root from {_ATTACKER} port 22 ssh2"
    script = f"d=$(mktemp -d) && cp /usr/bin/python3 $d/sshd && $d/sshd -c '{_SAY}' '{said}'; rm -r $d"
    lab.must(neighbour.host, ["runuser", "-u", "www-data", "--", "sh", "-c", script])
    assert said in lab.must(neighbour.host, "journalctl -o cat -t sshd | cat")
    time.sleep(3)
    assert ssh(neighbour, FOREIGN4) == [OPEN]


def test_the_address_an_apply_comes_from_is_never_banned(neighbour: Neighbour, victim: str) -> None:
    """M04-18: without any declared network, nobody can lock the controller out by its own mistakes."""
    settings = _settings(essms_ban_minutes=120)
    done = engine.ask_over_ssh(neighbour.host, engine.request_for("applied", settings, spared=["ansible"]))
    assert not done.wrong(), done.wrong()
    before = noticed(neighbour.host)
    for _ in range(TRIES + 2):
        assert lab.ssh_login(neighbour.host, victim, "Nb5!wSq8?dLf") is lab.Login.REFUSED
    until = time.monotonic() + _SECONDS
    while noticed(neighbour.host) < before + TRIES + 2 and time.monotonic() < until:
        time.sleep(0.5)
    assert lab.ssh_login(neighbour.host, victim, GOOD) is lab.Login.ACCEPTED
