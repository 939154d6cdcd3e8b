# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this role share: the host's name, a user, the parameters applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import lab, people


@pytest.fixture(scope="session")
def applied() -> Mapping[str, Any]:
    """Return the parameters the role was applied with."""
    return people.variables("endpoint")


@pytest.fixture(scope="module")
def name(host: Any) -> str:
    """Return the inventory name of the host under test."""
    return str(host.backend.get_hostname())


@pytest.fixture(scope="module")
def user(name: str) -> Iterator[str]:
    """Give a new ordinary user who logs in with a key."""
    with lab.user(name, key=True) as made:
        yield made
