# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M08-01, M08-02, M08-07: weak passwords are refused to everyone, a good one to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support import lab, people
from tests.support.people import GOOD, Change

USER = "mlavigne"
# Each breaks one rule only, and names the reason the host gives: no other rule may hide that this one is gone.
WEAK = {
    "M08-01-short": ("Ge7,kRz9!pX", "shorter than 12"),
    "M08-02-one-class": ("gkwqzrtxpnbv", "less than 1 digits"),
    "M08-02-three-classes": ("gk7wqzr2txpnB", "less than 1 non-alphanumeric"),
    "M08-07-dictionary": ("Transcendental9!", "dictionary word"),
    "M08-07-banned-word": ("Hy!Tilleuls4kRw", "forbidden words"),
    "M08-07-own-name": (f"Qw!{USER}4Kz", "user name"),
    "M08-07-repeated": ("Qw!ffffzt4KzPu", "same characters"),
    "M08-07-sequence": ("Qw!defgzt4KzPu", "monotonic sequence"),
}
Changes = dict[str, Change]


@pytest.fixture(scope="module")
def changes(host_changes: Mapping[str, Changes], name: str) -> Changes:
    """Return what became of every attempt on the host under test, by who made it and with which password."""
    return host_changes[name]


@pytest.fixture(scope="session")
def host_changes() -> Mapping[str, Changes]:
    """Try everything on all hosts at once: after each refusal the host itself waits two seconds."""
    with ThreadPoolExecutor() as pool:
        return {name: changes.result() for name, changes in people.on_all_hosts(_try_all, pool).items()}


@pytest.mark.parametrize("weak", WEAK)
@pytest.mark.parametrize("who", ["the user", "the administrator", "a script"])
def test_weak_one_refused(changes: Changes, who: str, weak: str) -> None:
    """M08-01, M08-02, M08-07: neither the person, nor root, nor root's chpasswd can set it, and each is told why."""
    change = changes[f"{who} {weak}"]
    assert not change.accepted
    assert WEAK[weak][1] in change.said


@pytest.mark.parametrize("who", ["the user", "the administrator", "a script"])
def test_good_one_accepted(changes: Changes, who: str) -> None:
    """M08-01, M08-02, M08-07: one that is just long enough and holds all classes is accepted."""
    assert changes[f"{who} good"].accepted, changes[f"{who} good"].said


def _try_all(host: str) -> Changes:
    with people.account(host, USER, password=GOOD), ThreadPoolExecutor() as pool:
        own, root = pool.submit(_by_user, host), pool.submit(_by_administrator, host)
        found = {
            f"a script {weak}": people.change_in_batch(host, USER, password) for weak, (password, _) in WEAK.items()
        }
        found |= own.result() | root.result()
        with lab.terminal(host, user=USER) as session:
            lab.set_password(host, USER, GOOD)
            found["the user good"] = people.change(session, "Mz4?tHb8!wKc", current=GOOD)
        with lab.terminal(host) as session:
            found["the administrator good"] = people.change(session, "Pd6!rXg3?nVs", command=f"passwd {USER}")
        found["a script good"] = people.change_in_batch(host, USER, "Jf9?cTm5!qWz")
    return found


def _by_user(host: str) -> Changes:
    with lab.terminal(host, user=USER) as session:
        return {
            f"the user {weak}": people.change(session, password, current=GOOD) for weak, (password, _) in WEAK.items()
        }


def _by_administrator(host: str) -> Changes:
    with lab.terminal(host) as session:
        return {
            f"the administrator {weak}": people.change(session, password, command=f"passwd {USER}")
            for weak, (password, _) in WEAK.items()
        }
