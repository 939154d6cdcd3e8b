# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this role share: the host's name, a user, the parameters applied, and the sessions left idle."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import idle, lab, people
from tests.support.idle import Idle


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask what became of the idle sessions last: their delay passes while the other tests work."""
    items.sort(key=lambda item: "idle_sessions" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def applied() -> Mapping[str, Any]:
    """Return the parameters the role was applied with."""
    return people.variables("session_lock")


@pytest.fixture(scope="module")
def name(host: Any) -> str:
    """Return the inventory name of the host under test."""
    return str(host.backend.get_hostname())


@pytest.fixture(scope="module")
def user(name: str) -> Iterator[str]:
    """Give a new ordinary user who logs in with a key."""
    with lab.user(name, key=True) as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def left_idle(applied: Mapping[str, Any]) -> Iterator[Mapping[str, Future[Idle]]]:
    """Open sessions on every host at once, before the first test, and leave them idle."""
    shell = applied["essms_tmout_seconds"]
    dead = idle.latest_drop(applied["essms_ssh_alive_interval_seconds"], applied["essms_ssh_alive_count"])
    with ThreadPoolExecutor() as pool:
        yield people.on_all_hosts(lambda host: idle.leave(host, shell, dead), pool)


@pytest.fixture(scope="module")
def idle_sessions(left_idle: Mapping[str, Future[Idle]], name: str) -> Idle:
    """Return what became of the idle sessions on the host under test."""
    return left_idle[name].result()
