# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M08-06: failed tries lock an account, for as long as asked, and only that one (the attack is in tests/support)."""

from __future__ import annotations

from tests.support.attack import Lockout
from tests.support.lab import Login


def test_locked_after_the_configured_tries(lockout: Lockout) -> None:
    """M08-06: the right password is refused once all tries are used up."""
    assert set(lockout.wrong_tries) == {Login.REFUSED}
    assert lockout.just_locked == Login.REFUSED


def test_not_locked_one_try_earlier(lockout: Lockout) -> None:
    """M08-06: whoever remembers at the last try gets in."""
    assert lockout.one_try_left == Login.ACCEPTED


def test_locked_until_the_delay_is_over(lockout: Lockout) -> None:
    """M08-06: still locked shortly before the delay ends, open again after it, without anybody's help."""
    assert lockout.still_locked == Login.REFUSED
    assert lockout.unlocked == Login.ACCEPTED


def test_other_accounts_not_affected(lockout: Lockout) -> None:
    """M08-06: an attack on one account does not close another one."""
    assert lockout.other_account == Login.ACCEPTED


def test_attacker_cannot_lock_out_the_automation(lockout: Lockout) -> None:
    """M08-06: with its key the automation still gets in and becomes root, however often its name was tried."""
    assert lockout.automation.out.strip() == "root", lockout.automation.text
