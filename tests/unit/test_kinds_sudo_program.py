# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose program sudo is: what is seen, and everybody whom the group would cut off is found before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import acl, sudo_holders
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import (
    NotApplicable,
    SettingError,
    Unknown,
)
from ansible_collections.essms.hardening.plugins.module_utils.engine.host import Result
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

KIND = KINDS["sudo_program"]
BODY = {"group": "few"}
IDS = {"root": 0, "robot": 1000, "anne": 1001, "probe": 110, "extra": 1002}
LIST = "/usr/bin/dpkg-statoverride --list /usr/bin/sudo"
DATABASE = "/var/lib/dpkg/statoverride"
OTHERS = "root crontab 2755 /usr/bin/crontab\n"


def host_with(root: Path, rules: str = "", groups: str = "few:x:61:robot\n", **answers: str) -> FixtureHost:
    files = {
        "/etc/passwd": "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for name, uid in IDS.items()),
        "/etc/shadow": "".join(f"{name}:!:1:0:9:7:::\n" for name in IDS),
        "/etc/group": groups,
        "/etc/sudoers": f"root ALL=(ALL) ALL\nrobot ALL=(ALL) NOPASSWD: ALL\n{rules}",
        "/usr/bin/sudo": "",
        DATABASE: OTHERS,
    }
    return FixtureHost(root, files, {LIST: "", **answers})


def plan(host: FixtureHost) -> None:
    KIND.edit(host, BODY, KIND.expand(BODY))


def test_without_a_group_there_is_nothing_to_set(tmp_path: Path) -> None:
    assert KIND.expand({"group": ""}) == {}
    assert KIND.observe(host_with(tmp_path), [{"group": ""}]) == {}


def test_rights_and_what_dpkg_will_give_are_planned(tmp_path: Path) -> None:
    host = host_with(tmp_path)
    host.write(DATABASE, f"{OTHERS}root few 4755 /usr/bin/sudo\n")
    plan(host)
    assert host.rights("/usr/bin/sudo") == {"mode": 0o4110, "uid": 0, "gid": 61}
    # the line of before is replaced, those of others stay
    assert host.text(DATABASE) == f"{OTHERS}root few 4110 /usr/bin/sudo\n"
    assert host.operations == []


def test_a_host_without_any_override_gets_the_file(tmp_path: Path) -> None:
    host = host_with(tmp_path)
    (tmp_path / DATABASE[1:]).unlink()
    plan(host)
    assert host.text(DATABASE) == "root few 4110 /usr/bin/sudo\n"


@pytest.mark.parametrize(
    ("line", "seen", "good"),
    [
        ("", None, False),
        ("root few 4110 /usr/bin/sudo\n", "4110 root:few", True),
        ("root few 4100 /usr/bin/sudo\n", "4100 root:few", True),
        ("root few 4755 /usr/bin/sudo\n", "4755 root:few", False),
        ("root wheel 4110 /usr/bin/sudo\n", "4110 root:wheel", False),
        ("root someone 4110 /usr/bin/sudo\n", "4110 root:1003", False),
        ("someone few 4110 /usr/bin/sudo\n", "4110 another:few", False),
    ],
)
def test_the_rights_after_an_update_are_dpkg_s_word(tmp_path: Path, line: str, seen: str | None, good: bool) -> None:
    host = host_with(tmp_path, groups="few:x:61:\nwheel:x:62:\nsomeone:x:1003:\n", **{LIST: line})
    name = "rights after an update"
    assert KIND.observe(host, [BODY])[name] == seen
    assert KIND.rule(name).test(KIND.expand(BODY)[name], seen) is good


def test_a_list_that_dpkg_cannot_read_is_not_verified(tmp_path: Path) -> None:
    host = host_with(tmp_path)
    host.answers.clear()
    assert isinstance(KIND.observe(host, [BODY])["rights after an update"], Unknown)
    assert KIND.validate(host)


def test_the_rights_of_the_file_itself_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = host_with(tmp_path)
    rights = {"mode": 0o4110, "uid": 0, "gid": 61}
    monkeypatch.setattr(host, "rights", lambda _path: rights)
    assert KIND.observe(host, [BODY])["rights"] == "4110 root:few"
    rights["mode"] = 0o4755
    assert KIND.observe(host, [BODY])["rights"] == "4755 root:few"


def test_an_access_list_lets_others_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = host_with(tmp_path)
    monkeypatch.setattr(acl, "shares", lambda path: path.endswith("/usr/bin/sudo"))
    seen = KIND.observe(host, [BODY])["rights"]
    assert seen.satisfied is False
    assert "access list" in seen.note
    with pytest.raises(SettingError, match="setfacl -b /usr/bin/sudo"):
        plan(host)


def test_another_program_or_family_is_not_touched(tmp_path: Path) -> None:
    host = host_with(tmp_path)
    (tmp_path / "etc" / "os-release").write_text("ID=rocky\nID_LIKE=rhel\n")
    seen = KIND.observe(host, [BODY])
    assert all(isinstance(each, NotApplicable) and "rpm" in each.reason for each in seen.values())
    program = tmp_path / "usr" / "bin" / "sudo"
    program.unlink()
    assert all("not installed" in each.reason for each in KIND.observe(host, [BODY]).values())
    program.symlink_to("/etc/alternatives/sudo")
    seen = KIND.observe(host, [BODY])
    assert set(seen) == {"rights", "rights after an update"}
    assert all(isinstance(each, NotApplicable) and "alternatives" in each.reason for each in seen.values())


def test_a_group_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not exist on this host: create it"):
        plan(host_with(tmp_path, groups=""))


CUT_OFF = [
    ("anne ALL=(root) /bin/a", "uid 1001"),
    ("#1001 ALL=(root) /bin/a", "uid 1001"),
    ("%team ALL=(ALL) ALL", "uid 1001"),
    ("%#50 ALL=(ALL) ALL", "uid 1001"),
    ("%own ALL=(ALL) ALL", "uid 1002"),
    ("probe ALL=(root) NOPASSWD: /bin/check", "uid 110"),
    ("User_Alias BOTH = anne, probe\nBOTH ALL = NOPASSWD: ALL", "uids 1001, 110"),
    ("robot, anne ALL=(ALL) ALL, !/bin/sh", "uid 1001"),
    ('"anne" ALL=(ALL) ALL', "uid 1001"),
]
GROUPS = "few:x:61:robot\nteam:x:50:anne,robot\nown:x:1002:\nempty:x:51:\n"


@pytest.mark.parametrize(("rules", "who"), CUT_OFF)
def test_nobody_who_may_use_sudo_loses_it(tmp_path: Path, rules: str, who: str) -> None:
    host = host_with(tmp_path, f"{rules}\n", GROUPS)
    with pytest.raises(SettingError, match=f"a rule allows {who} to use sudo.* of few .*usermod -aG few NAME"):
        plan(host)
    assert not host.has_edits


def test_the_automation_itself_is_not_cut_off(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="uid 1000"):
        plan(host_with(tmp_path, groups="few:x:61:\n"))


@pytest.mark.parametrize(
    "rules",
    [
        "%few ALL=(ALL) ALL",
        "%empty ALL=(ALL) ALL",
        "%nowhere ALL=(ALL) ALL",
        "gone ALL=(ALL) ALL",
        "anne ALL=(ALL) !/bin/a",
        "robot, !anne ALL=(ALL) ALL",
        "Defaults:anne !requiretty",
        "#0 ALL=(ALL) ALL",
    ],
)
def test_who_has_nothing_to_lose_is_no_obstacle(tmp_path: Path, rules: str) -> None:
    host = host_with(tmp_path, f"{rules}\n", GROUPS)
    plan(host)
    assert host.rights("/usr/bin/sudo") == {"mode": 0o4110, "uid": 0, "gid": 61}


@pytest.mark.parametrize(
    ("rules", "answers"),
    [
        ("ALL ALL=(root) /bin/a", {}),
        ("+nurses ALL=(root) /bin/a", {}),
        ("%:admins ALL=(root) /bin/a", {}),
        ("%far\\ away ALL=(root) /bin/a", {"getent group far away": "far away:*:70000:"}),
        ("someone ALL=(root) /bin/a", {"getent passwd someone": "someone:*:70000:70000::/:/bin/sh"}),
    ],
)
def test_a_rule_for_accounts_that_cannot_be_counted_is_refused(
    tmp_path: Path, rules: str, answers: dict[str, str]
) -> None:
    with pytest.raises(SettingError, match="count whom /etc/sudoers:3 allows"):
        plan(host_with(tmp_path, f"{rules}\n", GROUPS, **answers))


@pytest.mark.parametrize(
    ("line", "refused"), [("sudoers: files sss", True), ("sudoers: files", False), ("#sudoers: sss", False)]
)
def test_rules_of_a_directory_are_not_forgotten(tmp_path: Path, line: str, refused: bool) -> None:
    host = host_with(tmp_path)
    host.write("/etc/nsswitch.conf", f"passwd: files\n{line}\n")
    assert (sudo_holders.find(host, "few").uncounted != "") is refused


def running(root: Path, number: int, uid: int, groups: str) -> None:
    folder = root / "proc" / str(number)
    folder.mkdir(parents=True)
    (folder / "status").write_text(
        f"Name:\tx\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\nGid:\t{uid}\t{uid}\t{uid}\t{uid}\nGroups:\t{groups} \n"
    )


def test_a_service_that_joined_has_to_be_started_again_first(tmp_path: Path) -> None:
    host = host_with(tmp_path, "probe ALL=NOPASSWD: /bin/check\n", "few:x:61:robot,probe\n")
    running(tmp_path, 7, 110, "110 61")
    plan(host)
    assert host.notes == []
    running(tmp_path, 8, 110, "110")
    with pytest.raises(SettingError, match=r"services of uid 110 run since before .* restart them"):
        plan(host)


def test_a_session_that_was_open_before_is_told(tmp_path: Path) -> None:
    host = host_with(tmp_path)
    running(tmp_path, 8, 1000, "")
    running(tmp_path, 9, 1002, "")
    for _try in range(2):
        plan(host)
    assert host.notes == [
        "sessions opened before their account joined few can no longer start sudo, log in again: uid 1000"
    ]


def test_what_dpkg_says_of_a_broken_list_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host: Any = host_with(tmp_path)
    for code, fault in ((0, ""), (1, ""), (2, "dpkg-statoverride: error: syntax error")):
        monkeypatch.setattr(host, "run", lambda *_argv, code=code, fault=fault: Result(code, "", fault))
        assert KIND.validate(host) == fault
