# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this role share: the host's name, the parameters applied, and the long wait of the lockout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from tests.support import people
from tests.support.attack import Lockout
from tests.support.attack import lockout as attack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Ask for the outcome of the attack last: its delay passes while the other tests work."""
    items.sort(key=lambda item: "lockout" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def applied() -> Mapping[str, Any]:
    """Return the parameters the role was applied with."""
    return people.variables("password_policy")


@pytest.fixture(scope="module")
def name(host: Any) -> str:
    """Return the inventory name of the host under test."""
    return str(host.backend.get_hostname())


@pytest.fixture(scope="module")
def user(name: str) -> Iterator[str]:
    """Give a new user, with a key and a password nothing forbids."""
    with people.account(name, "vjolimont", password=people.GOOD) as made:
        yield made


@pytest.fixture(scope="session", autouse=True)
def attacks(applied: Mapping[str, Any]) -> Iterator[Mapping[str, Future[Lockout]]]:
    """Start the attack on every host at once, before the first test."""
    tries, delay = applied["essms_lockout_tries"], applied["essms_lockout_seconds"]
    with ThreadPoolExecutor() as pool:
        yield people.on_all_hosts(lambda host: attack(host, tries, delay), pool)


@pytest.fixture(scope="module")
def lockout(attacks: Mapping[str, Future[Lockout]], name: str) -> Lockout:
    """Return what the attack on the host under test showed."""
    return attacks[name].result()
