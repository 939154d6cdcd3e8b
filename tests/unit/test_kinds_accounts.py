# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds that look at local accounts."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import accounts
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen, SettingError
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

TODAY = int(time.time() // 86400)
AGEING = {"scope": "users", "max_days": 90}
WANTED = {"users max_days": 90}


def host_with(root: Path, *people: tuple[str, str, str]) -> FixtureHost:
    """Return a host with accounts, each as name, the rest of the passwd line and the rest of the shadow line."""
    passwd = "".join(f"{name}:{rest}:,:/home/x:/bin/bash\n" for name, rest, _ in people)
    shadow = "".join(f"{name}:{rest}\n" for name, _, rest in people if rest)
    return FixtureHost(root, {"/etc/passwd": passwd, "/etc/shadow": shadow, "/etc/group": "sudo:x:27:\n"})


def shadow(age: int, limit: str = "99999", inactive: str = "", secret: str = "$y$j9T$a$b") -> str:
    return f"{secret}:{TODAY - age}:0:{limit}:7:{inactive}::"


@pytest.mark.parametrize(("age", "inactive"), [(200, "30"), (121, "30"), (91, "0")])
def test_ageing_never_shuts_an_account_out_for_good(tmp_path: Path, age: int, inactive: str) -> None:
    host = host_with(tmp_path, ("a", "x:1000:1000", shadow(5)), ("b", "x:1001:1001", shadow(age, inactive=inactive)))
    with pytest.raises(SettingError, match=r"^uid 1001 would be locked out at once: .*chage -I -1"):
        KINDS["account_ageing"].edit(host, AGEING, WANTED)
    assert host.operations == []


@pytest.mark.parametrize(("age", "inactive"), [(200, ""), (120, "30"), (200, "-1"), (TODAY, "30")])
def test_a_password_that_can_still_be_renewed_is_aged(tmp_path: Path, age: int, inactive: str) -> None:
    host = host_with(tmp_path, ("b", "x:1001:1001", shadow(age, inactive=inactive)))
    KINDS["account_ageing"].edit(host, AGEING, WANTED)
    assert [operation["uid"] for operation in host.operations] == [1001]
    assert host.notes == ["passwords older than allowed have to be changed at the next login: uid 1001"]


def test_two_accounts_with_one_uid_fail_and_are_not_changed(tmp_path: Path) -> None:
    host = host_with(tmp_path, ("a", "x:1000:1000", shadow(5)), ("b", "x:1000:1000", shadow(5, "30")))
    seen = KINDS["account_ageing"].observe(host, [AGEING])["users max_days"]
    assert isinstance(seen, Seen)
    assert (seen.value, seen.note, seen.satisfied) == (99999, "several accounts share uid 1000", False)
    with pytest.raises(SettingError, match="uid 1000: give each its own uid"):
        KINDS["account_ageing"].edit(host, AGEING, WANTED)


def test_every_account_of_a_shared_uid_is_judged(tmp_path: Path) -> None:
    people = [("a", "x:1000:1000", shadow(5, secret="$1$a$b")), ("b", "x:1000:1000", shadow(5))]
    seen = KINDS["stored_hashes"].observe(host_with(tmp_path, *people), [{"minimum": "sha512"}])["minimum"]
    assert isinstance(seen, Seen)
    assert seen.value == "md5"


def test_a_password_in_passwd_counts_without_a_shadow_line(tmp_path: Path) -> None:
    host = host_with(tmp_path, ("a", "$1$a$b:1000:1000", ""), ("b", ":1001:1001", shadow(5)), ("c", "x:1002:1002", ""))
    weak = KINDS["stored_hashes"].observe(host, [{"minimum": "sha512"}])["minimum"]
    assert (weak.value, weak.note) == ("md5", "to be changed by their owners: uid 1000")
    empty = KINDS["empty_passwords"].observe(host, [{"allowed": False}])["allowed"]
    assert (empty.value, empty.note) == (True, "empty password: uid 1001")
    with pytest.raises(SettingError, match="uid 1001"):
        KINDS["empty_passwords"].edit(host, {"allowed": False}, {"allowed": False})
    with pytest.raises(SettingError, match="uid 1000 is not in /etc/shadow"):
        KINDS["account_ageing"].edit(host, AGEING, WANTED)


def test_the_inactivity_field_is_read(tmp_path: Path) -> None:
    host = host_with(tmp_path, ("a", "x:1000:1000", shadow(5, "60", "14")))
    assert [(account.max, account.warn, account.inactive) for account in accounts.read(host)] == [("60", "7", "14")]


@pytest.mark.parametrize(("minimum", "good"), [("sha512", True), ("yescrypt", False)])
def test_bcrypt_ranks_with_sha512(tmp_path: Path, minimum: str, good: bool) -> None:
    host = host_with(tmp_path, ("a", "x:1000:1000", shadow(5, secret="$2b$12$abc")))
    kind = KINDS["stored_hashes"]
    seen = kind.observe(host, [{"minimum": minimum}])["minimum"]
    assert kind.rule("minimum").test(minimum, getattr(seen, "value", seen)) is good
    assert getattr(seen, "value", seen) == "bcrypt"
