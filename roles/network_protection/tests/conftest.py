# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this role share: the hosts as neighbours in networks that may come in or not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import neighbours, people
from tests.support.neighbours import Neighbour


@pytest.fixture(scope="session")
def applied() -> Mapping[str, Any]:
    """Return the parameters the role was applied with."""
    return people.variables("network_protection")


@pytest.fixture(scope="module")
def name(host: Any) -> str:
    """Return the inventory name of the host under test."""
    return str(host.backend.get_hostname())


@pytest.fixture(scope="session")
def around() -> Iterator[Mapping[str, Neighbour]]:
    """Give every host addresses in the four networks, and something that answers on the ports of the tests."""
    with neighbours.together(people.NAMES) as made:
        yield made


@pytest.fixture(scope="module")
def neighbour(around: Mapping[str, Neighbour], name: str) -> Neighbour:
    """Return how the host under test looks from its neighbour."""
    return around[name]
