# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way through the real playbooks, packages included, on pristine hosts: apply, look, take back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.engine.conftest import LIKE
from tests.support import engine, lab
from tests.support.engine_play import Played, play

pytestmark = pytest.mark.lab
EVERY_PLACE = ("/etc", "/var/lib/pam", "/usr/share/pam-configs")
# what apt itself keeps: a cache of what ld.so finds, rebuilt by every package with a library
_CACHES = ("/etc/ld.so.cache",)
VARIABLES = {
    "essms_admin_networks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
    "essms_walk_milliseconds": 60_000,
    "essms_walk_excluded_paths": ["/usr", "/var/cache", "/var/lib"],
}
UNDECLARED = {"M02-09"}
"""A filter of the web is a machine of its own, which these hosts have not."""


@pytest.fixture(scope="module")
def pristine() -> Iterator[list[str]]:
    """Give one pristine host of each Debian."""
    with ExitStack() as stack:
        names: list[str] = []
        engine.everywhere(lambda like: names.append(stack.enter_context(lab.throwaway(like))), LIKE)
        yield names


def test_apply_installs_and_rollback_gives_everything_back(pristine: list[str]) -> None:
    before = {host: (engine.tree(host, *EVERY_PLACE), engine.packages(host)) for host in pristine}
    first = play("audit", pristine, variables=VARIABLES)
    for host in pristine:
        assert engine.tree(host, *EVERY_PLACE) == before[host][0], "the audit changed something"
        assert "non_compliant" in first.verdicts(host).values()

    applied = play("apply", pristine, variables=VARIABLES)
    assert applied.code == 0, applied.text[-3000:]
    for host in pristine:
        assert _not_in_order(applied, host) == UNDECLARED
        assert applied.hosts[host]["guard"] == "confirmed"
        assert engine.packages(host) > before[host][1], "nothing was installed, so nothing is proven"
    again = play("apply", pristine, variables=VARIABLES)
    for host in pristine:
        assert again.hosts[host].get("transaction") is None

    back = play("rollback", pristine, variables=VARIABLES)
    assert back.code == 0, back.text[-3000:]
    for host in pristine:
        now = engine.tree(host, *EVERY_PLACE)
        left = [line for line in engine.difference(before[host][0], now) if line.partition(":")[0] not in _CACHES]
        assert left == []
        assert engine.packages(host) == before[host][1]
        assert back.verdicts(host) == first.verdicts(host)


def test_the_same_hosts_take_it_a_second_time(pristine: list[str]) -> None:
    applied = play("apply", pristine, variables=VARIABLES)
    assert applied.code == 0, applied.text[-3000:]
    for host in pristine:
        assert _not_in_order(applied, host) == UNDECLARED
    one = play("rollback", pristine, "--tags", "M08-06", variables=VARIABLES)
    assert one.code == 0, one.text[-3000:]
    after = play("audit", pristine, variables=VARIABLES)
    for host in pristine:
        assert _not_in_order(after, host) == {"M08-06", *UNDECLARED}


def _not_in_order(played: Played, host: str) -> set[str]:
    verdicts = played.verdicts(host)
    return {control for control, verdict in verdicts.items() if verdict not in ("compliant", "not_applicable")}
