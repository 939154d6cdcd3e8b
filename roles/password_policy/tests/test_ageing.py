# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M08-03, M08-04: passwords of people expire, those of the system and of emergencies do not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import lab, people

AS_SHIPPED = ["0", "99999", "7"]
"""Minimum, maximum and warning days by Debian's default: fields four to six of a line of /etc/shadow."""
BEFORE = "Une-Lampe-Verte-87"
"""The password of the accounts that were there before the role was applied (molecule/password_policy/fault.yml)."""


@pytest.fixture(scope="module")
def newcomer(name: str) -> Iterator[str]:
    """Give a user made after the role was applied."""
    with lab.user(name, password=people.GOOD) as made:
        yield made


def test_new_users_age(name: str, newcomer: str, applied: Mapping[str, Any]) -> None:
    """M08-03: an account made today expires like the others."""
    maximum, warning = applied["essms_password_max_age_days"], applied["essms_password_warn_days"]
    assert people.shadow(name, newcomer)[4:6] == [str(maximum), str(warning)]


def test_existing_users_age(name: str, applied: Mapping[str, Any]) -> None:
    """M08-03: an account that was there before expires too."""
    maximum, warning = applied["essms_password_max_age_days"], applied["essms_password_warn_days"]
    assert people.shadow(name, "ancien")[4:6] == [str(maximum), str(warning)]


def test_existing_administrators_age(name: str, applied: Mapping[str, Any]) -> None:
    """M08-04: an administrator's password has its own, shorter life."""
    maximum, warning = applied["essms_admin_password_max_age_days"], applied["essms_password_warn_days"]
    assert people.shadow(name, "gerante")[4:6] == [str(maximum), str(warning)]


@pytest.mark.parametrize("spared", ["ansible", "secours", "parcle"])
def test_spared_accounts_not_touched(name: str, spared: str) -> None:
    """M08-03, M08-04: neither the automation, nor the emergency account, nor one that only has a key ever expires."""
    assert people.shadow(name, spared)[3:6] == AS_SHIPPED


def test_emergency_account_opens_with_a_very_old_password(name: str) -> None:
    """M08-04: in an emergency nobody has to invent a new password first."""
    people.backdate(name, "secours", 4000)
    login = lab.ssh_login(name, "secours", BEFORE)
    people.backdate(name, "secours", 0)
    assert login == lab.Login.ACCEPTED


def test_system_accounts_not_touched(name: str) -> None:
    """M08-03, M08-04: accounts of services are as their packages made them."""
    uids = {line.split(":")[0]: int(line.split(":")[2]) for line in lab.must(name, "getent passwd").splitlines()}
    accounts = [line.split(":") for line in lab.must(name, "getent shadow").splitlines()]
    system = [fields for fields in accounts if 0 < uids[fields[0]] < 1000 or uids[fields[0]] == 65534]
    assert len(system) > 15
    assert [fields[0] for fields in system if fields[3:6] not in (AS_SHIPPED, ["", "", ""])] == []


@pytest.mark.parametrize("which", ["new", "existing", "administrator"])
def test_expired_password_must_be_changed(name: str, newcomer: str, applied: Mapping[str, Any], which: str) -> None:
    """M08-03, M08-04: good until its last day; after it, it opens nothing but the change of password."""
    user = {"new": newcomer, "existing": "ancien", "administrator": "gerante"}[which]
    password = people.GOOD if which == "new" else BEFORE
    age = applied["essms_admin_password_max_age_days" if which == "administrator" else "essms_password_max_age_days"]
    people.backdate(name, user, age - 1)
    in_time = lab.ssh_login(name, user, password)
    people.backdate(name, user, age + 1)
    too_late = lab.ssh_login(name, user, password)
    people.backdate(name, user, 0)
    assert (in_time, too_late) == (lab.Login.ACCEPTED, lab.Login.MUST_CHANGE)


def test_root_ages_like_an_administrator(name: str, applied: Mapping[str, Any]) -> None:
    """M08-14: the password of root, which it has on this host, is renewed like an administrator's."""
    maximum, warning = applied["essms_admin_password_max_age_days"], applied["essms_password_warn_days"]
    assert people.shadow(name, "root")[4:6] == [str(maximum), str(warning)]


def test_expired_root_password_stops_no_task(name: str, applied: Mapping[str, Any]) -> None:
    """M08-14: what root starts without a password, such as nightly tasks, goes on when its password has expired."""
    people.backdate(name, "root", applied["essms_admin_password_max_age_days"] + 1)
    task = lab.root(name, "su root -c 'id -u'")
    people.backdate(name, "root", 0)
    assert (task.code, task.out.strip()) == (0, "0"), task.text


def test_expired_password_stops_no_key(name: str, user: str, applied: Mapping[str, Any]) -> None:
    """M08-14: a login by key goes on too, while the same account's password opens nothing but its change."""
    people.backdate(name, user, applied["essms_password_max_age_days"] + 1)
    by_key, by_password = lab.ssh(name, "id -un", user=user), lab.ssh_login(name, user, people.GOOD)
    people.backdate(name, user, 0)
    assert (by_key.out.strip(), by_password) == (user, lab.Login.MUST_CHANGE), by_key.text
