# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M08-08, M08-09: how passwords are stored, and that none is empty."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import lab, people
from tests.support.people import GOOD

COST_6 = "$y$jA"
"""How a yescrypt hash of cost 6 begins; Debian's own, 5, begins with $y$j9."""


@pytest.fixture
def open_account(name: str, user: str) -> Iterator[str]:
    """Give an account whose password was emptied after the role was applied."""
    lab.must(name, ["passwd", "--delete", user])
    yield user
    lab.set_password(name, user, GOOD)


def test_users_password_stored_as_yescrypt(name: str, user: str) -> None:
    """M08-08: on a host that stored sha512 before, what a person chooses is stored as yescrypt."""
    with lab.terminal(name, user=user) as session:
        assert people.change(session, "Mz4?tHb8!wKc", current=GOOD).accepted
    assert people.shadow(name, user)[1].startswith(COST_6)


def test_roots_password_stored_as_yescrypt(name: str, user: str) -> None:
    """M08-08: so is what a script of the administrator sets."""
    assert people.change_in_batch(name, user, "Pd6!rXg3?nVs").accepted
    assert people.shadow(name, user)[1].startswith("$y$")


def test_account_without_password_was_locked(name: str) -> None:
    """M08-09: an account that had an empty password when the role was applied has none at all now."""
    assert people.shadow(name, "sansmot")[1].startswith("!")


def test_empty_password_opens_nothing_over_ssh(name: str, open_account: str) -> None:
    """M08-09: an account emptied later cannot log in, although the main file of sshd would let it."""
    assert lab.ssh_login(name, open_account, "", timeout=8) == lab.Login.REFUSED


def test_empty_password_opens_nothing_with_su(name: str, open_account: str) -> None:
    """M08-09: nor can another user become it."""
    with lab.user(name, key=True) as other, lab.terminal(name, user=other) as session:
        session.sendline(f"LC_ALL=C su {open_account} -c 'id -un'")
        session.expect(r"Password: ", timeout=8)
        session.sendline("")
        session.expect("Authentication failure|Permission denied")
