# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M08-05: old passwords may not come back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import lab, people

# pam_pwhistory counts the present one too, as Windows does: of five remembered, four are former ones.
FORMER = ["Vt7?kRz9!pXm", "Mz4?tHb8!wKc", "Pd6!rXg3?nVs", "Jf9?cTm5!qWz"]
PRESENT = "Lw8?fGx4!zTr"
NEW = "Ck3!pQj6?mHd"


@pytest.fixture(scope="module")
def owner(name: str) -> Iterator[str]:
    """Give a user who has had as many passwords as the profile `combine` remembers, the present one included."""
    with people.account(name, "hcoudray") as made:
        for password in [*FORMER, PRESENT]:
            change = people.change_in_batch(name, made, password)
            assert change.accepted, change.said
        yield made


@pytest.mark.parametrize("old", [FORMER[0], FORMER[-1]], ids=["oldest", "latest"])
def test_old_one_refused(name: str, owner: str, old: str) -> None:
    """M08-05: the user, the administrator and a script are refused the latest and the oldest one remembered."""
    with lab.terminal(name, user=owner) as session:
        own = people.change(session, old, current=PRESENT)
    with lab.terminal(name) as session:
        root = people.change(session, old, command=f"passwd {owner}")
    batch = people.change_in_batch(name, owner, old)
    for change in (own, root, batch):
        assert not change.accepted
        assert "already used" in change.said


def test_new_one_accepted(name: str, owner: str) -> None:
    """M08-05: one never used before is accepted, and opens the account."""
    with lab.terminal(name, user=owner) as session:
        assert people.change(session, NEW, current=PRESENT).accepted
    assert lab.ssh_login(name, owner, NEW) == lab.Login.ACCEPTED
