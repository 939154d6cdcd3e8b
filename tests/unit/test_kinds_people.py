# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kinds about who may work on a host: shared, inactive, privileged, and what they may see."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import accounts, exports, logins
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import NotApplicable, SettingError, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.engine.host import Host
from ansible_collections.essms.hardening.plugins.module_utils.engine.privileges import privileged
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.module_utils.kinds.generic_accounts import is_generic

from tests.support.fixture_host import FixtureHost

TODAY = int(time.time() // 86400)
OLD = TODAY - 500
PATTERNS = ["poste", "soins", "infirm*", "jour"]


def host_of(root: Path, *people: tuple[str, int, int, str], **files: str) -> FixtureHost:
    """Return a host of accounts given as name, uid, day of the last change of password and day of expiry."""
    passwd = "".join(f"{name}:x:{uid}:{uid or 0}::/home/{name}:/bin/bash\n" for name, uid, _, _ in people)
    shadow = "".join(f"{name}:!:{changed}:0:99999:7::{end}:\n" for name, _, changed, end in people)
    texts = {"/etc/passwd": passwd, "/etc/shadow": shadow, "/etc/group": "sudo:x:27:\n"}
    return FixtureHost(root, {**texts, **{path.replace("__", "/"): text for path, text in files.items()}})


def person(name: str, uid: int, changed: int = TODAY, end: str = "") -> tuple[str, int, int, str]:
    return name, uid, changed, end


# --- shared ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["poste", "POSTE3", "poste-12", "soins.nuit", "soins_2", "infirmiere", "infirmier4"])
def test_the_name_of_a_post_is_shared(name: str) -> None:
    assert is_generic(name, PATTERNS)


@pytest.mark.parametrize("name", ["postel", "jourdan", "a.soins", "xposte", "soinsx"])
def test_the_name_of_a_person_is_not(name: str) -> None:
    assert not is_generic(name, PATTERNS)


def test_shared_accounts_are_counted_by_number_and_spared_ones_left_out(tmp_path: Path) -> None:
    people = [person("poste1", 1001), person("soins", 1002, end="1"), person("infirm", 1003), person("poste", 400)]
    host = host_of(tmp_path, *people)
    host.spared = {"infirm"}
    seen = KINDS["generic_accounts"].observe(host, [{"patterns": PATTERNS}])["accounts"]
    assert (seen.value, seen.note) == (1, "named after a post, not a person: uid 1001")


# --- inactive --------------------------------------------------------------------------------------------------------

BODY = {"days": 90, "action": "desactiver", "leavers": [], "leaver_days": 7}


def wtmp(root: Path, *entries: tuple[str, float]) -> None:
    layout = struct.Struct("=hxxi32s4s32s256shhiii4I20x")
    path = root / "var" / "log" / "wtmp"
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = [
        layout.pack(7, 1, b"pts/0", b"0", name.encode(), b"", 0, 0, 0, int(when), 0, 0, 0, 0, 0)
        for name, when in entries
    ]
    path.write_bytes(b"".join(packed) + b"torn")


def lastlog(root: Path, uid: int, when: float) -> None:
    path = root / "var" / "log" / "lastlog"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\0" * 292 * uid + struct.pack("=i32s256s", int(when), b"tty1", b""))


def lastlog2(root: Path, name: str, when: float) -> None:
    path = root / "var" / "lib" / "lastlog" / "lastlog2.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE Lastlog2 (Name TEXT PRIMARY KEY, Time INTEGER, TTY TEXT, RemoteHost TEXT)")
        database.execute("INSERT INTO Lastlog2 VALUES (?, ?, '', '')", (name, int(when)))


def wtmpdb(root: Path, name: str, when: float) -> None:
    path = root / "var" / "log" / "wtmp.db"
    path.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE wtmp (ID INTEGER PRIMARY KEY, Type INTEGER, User TEXT, Login INTEGER)")
        database.execute("INSERT INTO wtmp (Type, User, Login) VALUES (3, ?, ?)", (name, int(when * 1_000_000)))


@pytest.mark.parametrize("source", ["wtmp", "lastlog", "lastlog2", "wtmpdb"])
def test_every_source_of_logins_counts(source: str, tmp_path: Path) -> None:
    recent = time.time() - 86400
    host = host_of(tmp_path, person("a", 61001, OLD), person("b", 61002, OLD), etc__login="")
    (tmp_path / "etc" / "login.defs").write_text("UID_MAX 70000\n")
    {
        "wtmp": lambda: wtmp(tmp_path, ("a", recent)),
        "lastlog": lambda: lastlog(tmp_path, 61001, recent),
        "lastlog2": lambda: lastlog2(tmp_path, "a", recent),
        "wtmpdb": lambda: wtmpdb(tmp_path, "a", recent),
    }[source]()
    before = sorted(tmp_path.rglob("*"))
    known = logins.read(host, accounts.humans(host))
    assert set(known.last) == {"a"}
    assert abs(known.newest - recent) < 2
    seen = KINDS["inactive_accounts"].observe(host, [BODY])["inactive"]
    assert (seen.value, seen.note) == (1, "not used for 90 days: uid 61002")
    assert sorted(tmp_path.rglob("*")) == before, "reading left something beside the database"


def test_without_any_record_nobody_is_called_inactive_nor_all_is_well(tmp_path: Path) -> None:
    host = host_of(tmp_path, person("a", 61001, OLD))
    (tmp_path / "etc" / "login.defs").write_text("UID_MAX 70000\n")
    seen = KINDS["inactive_accounts"].observe(host, [BODY])["inactive"]
    assert isinstance(seen, Unknown)
    assert "recorded a login" in seen.reason


def test_a_new_password_or_a_process_is_a_sign_of_life(tmp_path: Path) -> None:
    host = host_of(tmp_path, person("a", 61001, TODAY - 3))
    (tmp_path / "etc" / "login.defs").write_text("UID_MIN 1\nUID_MAX 70000\n")
    assert KINDS["inactive_accounts"].observe(host, [BODY])["inactive"] == 0
    assert logins.at_work([*accounts.read(host)]) == set()


def test_a_process_in_a_container_is_nobody_at_work_here(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = dict.fromkeys(accounts.Account._fields, "")
    me = [accounts.Account(**{**texts, "uid": os.getuid(), "gid": os.getgid()})]
    assert logins.at_work(me) == {os.getuid()}
    monkeypatch.setattr(logins, "_namespace", lambda process: "pid:[1]" if process == "self" else "pid:[2]")
    assert logins.at_work(me) == set()
    # without the right to know, everybody counts
    monkeypatch.setattr(logins, "_namespace", lambda process: "pid:[1]" if process == "self" else "")
    assert logins.at_work(me) == {os.getuid()}


def test_leavers_are_closed_after_their_days_and_spared_ones_never(tmp_path: Path) -> None:
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 5 * 86400))
    people = [person("gone", 61001), person("late", 61002), person("kept", 61003), person("shut", 61004, end="5")]
    host = host_of(tmp_path, *people)
    (tmp_path / "etc" / "login.defs").write_text("UID_MAX 70000\n")
    host.spared = {"kept"}
    left = [{"account": name, "date": "2025-01-31"} for name in ("gone", "kept", "shut", "nobody")]
    body = {**BODY, "leavers": [*left, {"account": "late", "date": day}]}
    seen = KINDS["inactive_accounts"].observe(host, [body])["leavers"]
    assert (seen.value, seen.note) == (1, "left more than 7 days ago: uid 61001")
    KINDS["inactive_accounts"].edit(host, body, {"leavers": 0})
    assert [(each["uid"], each["before"], each["after"]) for each in host.operations] == [
        (61001, {"expire": ""}, {"expire": "1"})
    ]
    assert isinstance(KINDS["inactive_accounts"].observe(host, [BODY])["leavers"], NotApplicable)


def test_the_journal_holds_no_name_and_still_knows_whom(tmp_path: Path) -> None:
    kind = KINDS["inactive_accounts"]
    body = {**BODY, "leavers": [{"account": "gone", "date": "2025-01-31"}]}
    kept = kind.journalled(body)
    assert "gone" not in json.dumps(kept)
    assert kept["leavers"][0]["mark"] == hashlib.sha256(b"gone").hexdigest()[:16]
    host = host_of(tmp_path, person("gone", 61001))
    (tmp_path / "etc" / "login.defs").write_text("UID_MAX 70000\n")
    assert kind.observe(host, [kept])["leavers"].value == 1
    assert kind.journalled(kept) == kept


def test_reporting_is_left_to_people() -> None:
    assert KINDS["inactive_accounts"].undecided({**BODY, "action": "signaler"})
    assert not KINDS["inactive_accounts"].undecided(BODY)


def test_an_account_that_shares_its_number_is_not_closed(tmp_path: Path) -> None:
    host = host_of(tmp_path, person("gone", 61001), person("twin", 61001))
    (tmp_path / "etc" / "login.defs").write_text("UID_MAX 70000\n")
    body = {**BODY, "leavers": [{"account": "gone", "date": "2025-01-31"}]}
    with pytest.raises(SettingError, match="uid 61001 cannot be closed safely"):
        KINDS["inactive_accounts"].edit(host, body, {"leavers": 0})


# --- privileged ------------------------------------------------------------------------------------------------------

SUDOERS = """
# a comment, and a uid:
Defaults env_reset
User_Alias TEAM = alias1, alias2 : OTHER = alias3
root ALL=(ALL:ALL) ALL
%wheels ALL=(ALL) ALL
TEAM, direct \\
  ALL = NOPASSWD: /bin/true
#1005 ALL=(ALL) ALL
@includedir /etc/sudoers.d
"""


@pytest.mark.parametrize(
    ("main", "others", "ruled"),
    [
        ("User_Alias A = bob\nUser_Alias B = A\nB ALL=(ALL) ALL\n", {}, True),
        ("User_Alias A = B, bob\nUser_Alias B = A\nB ALL=(ALL) ALL\n", {}, True),
        ("User_Alias A = ann, \\\n bob # x\nA ALL=(ALL) ALL\n", {}, True),
        ("User_Alias A = ALL, !bob\nann, !A ALL=(ALL) ALL\n", {}, True),
        ("ALL ALL=(ALL) ALL\n", {}, True),
        ("ALL, !bob ALL=(ALL) ALL\n", {}, False),
        ("!bob, ALL ALL=(ALL) ALL\n", {}, True),
        ("bob ALL=(ALL) !/bin/sh\n", {}, False),
        ("@include /etc/sudoers.local\n", {"sudoers.local": "bob ALL=(ALL) ALL\n"}, True),
        ("@includedir /etc/sudo-extra\n", {"sudo-extra/x": "bob ALL=(ALL) ALL\n"}, True),
        ("root ALL=(ALL) ALL\n", {"sudoers.d/x": "bob ALL=(ALL) ALL\n"}, False),
        ("%#1002 ALL=(ALL) ALL\n", {}, True),
        ("%#1003 ALL=(ALL) ALL\n", {}, True),
        ("%Helpers ALL=(ALL) ALL\n", {}, True),
        ("#1002 ALL=(ALL) ALL\n", {}, True),
        ('"bob" ALL=(ALL) ALL\n', {}, True),
        ("BOB ALL=(ALL) ALL\n", {}, True),
        ("# gone \\\nbob ALL=(ALL) ALL\n", {}, True),
        ("# gone: bob ALL=(ALL) ALL\n", {}, False),
    ],
)
def test_a_rule_of_sudo_makes_those_privileged_whom_sudo_finds_in_it(
    tmp_path: Path, main: str, others: dict[str, str], ruled: bool
) -> None:
    group = "bobs:x:1002:\nhelpers:x:1003:bob\n"
    files = {"/etc/passwd": "bob:x:1002:1002::/:/bin/sh\n", "/etc/shadow": "bob:!:1:0:9:7:::\n", "/etc/group": group}
    host = FixtureHost(tmp_path, {**files, "/etc/sudoers": main, **{f"/etc/{name}": others[name] for name in others}})
    assert ["bob"][:ruled] == [account.name for account in privileged(host, ["sudo"])]


def test_root_groups_and_rules_make_an_account_privileged(tmp_path: Path) -> None:
    names = ["root", "ordinary", "alias1", "alias3", "direct", "number", "wheeled", "docked", "extra", "hidden"]
    people = [person(name, 0 if name == "root" else 1000 + place) for place, name in enumerate(names)]
    host = host_of(tmp_path, *people)
    (tmp_path / "etc" / "group").write_text("sudo:x:27:\nwheels:x:50:wheeled\ndocker:x:51:docked\n")
    (tmp_path / "etc" / "sudoers").write_text(SUDOERS)
    (tmp_path / "etc" / "sudoers.d").mkdir()
    (tmp_path / "etc" / "sudoers.d" / "more").write_text("extra ALL=(ALL) ALL\n")
    (tmp_path / "etc" / "sudoers.d" / "off.conf").write_text("hidden ALL=(ALL) ALL\n")
    found = [account.name for account in privileged(host, ["sudo"])]
    assert found == ["root", "alias1", "direct", "number", "wheeled", "docked", "extra"]


def look(host: Host, memory: Any, *expected: str) -> Any:
    host.memory, host.remembered = {"privileged_accounts": memory}, {}
    return KINDS["privileged_accounts"].observe(host, [{"groups": ["sudo"], "expected": list(expected)}])


def with_sudo(root: Path, *members: str) -> FixtureHost:
    people = [person(name, 1000 + place) for place, name in enumerate(["a", "b", "c"])]
    host = host_of(root, person("root", 0), *people)
    (root / "etc" / "group").write_text(f"sudo:x:27:{','.join(members)}\n")
    return host


def test_an_account_that_appears_fails_every_audit_until_it_is_gone(tmp_path: Path) -> None:
    host = with_sudo(tmp_path, "a")
    first = look(host, None)["added"]
    assert (first.value, first.note) == (0, "first inventory, to be read by a person; 2 privileged: uids 0, 1000")
    memory = host.remembered["privileged_accounts"]
    assert "a" not in memory["marks"]
    host = with_sudo(tmp_path, "a", "b")
    for _audit in range(3):
        seen = look(host, memory)["added"]
        assert (seen.value, seen.note) == (1, "not in the first inventory: uid 1001")
        memory = host.remembered["privileged_accounts"]
    assert look(with_sudo(tmp_path, "a"), memory)["added"].value == 0
    # an account that went away and comes back is new again
    host = with_sudo(tmp_path)
    look(host, memory)
    assert look(with_sudo(tmp_path, "a"), host.remembered["privileged_accounts"])["added"].value == 1


def test_numbers_that_are_expected_count_alone(tmp_path: Path) -> None:
    host = with_sudo(tmp_path, "a", "b")
    seen = look(host, {"marks": []}, "0", "1000")["added"]
    assert (seen.value, seen.note) == (1, "not expected: uid 1001")
    # the reference stays as it was, for the day when no number is given any more
    assert host.remembered == {"privileged_accounts": {"marks": [], "uids": [0, 1000, 1001]}}
    assert look(host, None, "0", "1000", "1001")["added"].value == 0


@pytest.mark.parametrize("expected", [(), ("0", "1000", "1001")])
def test_who_is_gone_since_the_last_audit_is_told_once_by_number(tmp_path: Path, expected: tuple[str, ...]) -> None:
    host = with_sudo(tmp_path, "a", "b")
    look(host, None, *expected)
    memory = host.remembered["privileged_accounts"]
    assert "a" not in json.dumps(memory["uids"])
    host = with_sudo(tmp_path, "a")
    seen = look(host, memory, *expected)["added"]
    told = "2 privileged: uids 0, 1000"
    assert (seen.value, seen.note) == (0, f"{told}; gone since the last audit: uid 1001")
    # an apply looks a second time, and what it says then is what people read
    again = KINDS["privileged_accounts"].observe(host, [{"groups": ["sudo"], "expected": list(expected)}])["added"]
    assert again.note == seen.note
    assert look(host, host.remembered["privileged_accounts"], *expected)["added"].note == told


@pytest.mark.parametrize("last", ["x", 3, None, ["a", None], {"0": 1}])
def test_a_damaged_memory_of_the_last_audit_tells_nobody_gone(tmp_path: Path, last: Any) -> None:
    assert "gone" not in look(with_sudo(tmp_path, "a"), {"marks": [], "uids": last})["added"].note


@pytest.mark.parametrize("memory", ["x", {}, {"marks": 3}, []])
def test_a_damaged_reference_is_a_first_inventory(memory: Any, tmp_path: Path) -> None:
    assert "first inventory" in look(with_sudo(tmp_path, "a"), memory)["added"].note


def test_a_second_root_is_told(tmp_path: Path) -> None:
    host = host_of(tmp_path, person("root", 0), person("toor", 0))
    assert look(host, None, "0")["other roots"].value == 1


def test_an_administrator_who_reads_mail_is_told(tmp_path: Path) -> None:
    host = with_sudo(tmp_path, "a", "b")
    (tmp_path / "var" / "mail").mkdir(parents=True)
    (tmp_path / "var" / "mail" / "a").write_text("From x\n")
    (tmp_path / "home" / "c" / ".mozilla").mkdir(parents=True)
    seen = KINDS["admin_accounts"].observe(host, [{"groups": ["sudo"], "suffix": "-adm"}])
    assert (seen["unmarked"].value, seen["daily"].value) == (2, 1)
    assert seen["daily"].note == "used for mail, web or a desktop: uid 1000"


# --- shares ----------------------------------------------------------------------------------------------------------

SMB = """
[global]
   Guest OK = no
; a comment
[homes]
  read only = no
[Team]
  path = /srv/team
  Write Able = yes
[hall]
  public = TRUE
  path = /srv/hall
[kept]
  path = /srv/kept
  read only = no
  valid users = @care
[printers]
  printable = yes
  guest ok = yes
"""


def test_shares_of_samba() -> None:
    assert exports.samba(SMB) == [
        ("homes", "", False, True, True, False),
        ("team", "/srv/team", False, True, False, False),
        ("hall", "/srv/hall", True, False, False, False),
        ("kept", "/srv/kept", False, True, True, False),
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/srv 192.0.2.0/24(rw)", [("/srv", False, False)]),
        ("/srv *(ro)", [("/srv", True, False)]),
        ("/srv", [("/srv", True, False)]),
        ("/srv (ro)", [("/srv", True, False)]),
        ("/srv 0.0.0.0/0(ro) host(rw,no_root_squash)", [("/srv", True, False), ("/srv", False, True)]),
        ("/srv -no_root_squash host", [("/srv", False, True)]),
        ("/srv *(sec=krb5p,rw)", [("/srv", False, False)]),
        ("/srv *(rw,sec=sys:krb5)", [("/srv", True, False)]),
        ("/srv/krb5 *(rw)", [("/srv/krb5", True, False)]),
        ('"/srv/a b" host # *', [("/srv/a b", False, False)]),
        ("/srv/a\\040b \\\n host", [("/srv/a b", False, False)]),
        ("# /srv *", []),
        ("", []),
    ],
)
def test_exports_of_nfs(line: str, expected: list[tuple[str, bool, bool]]) -> None:
    assert list(exports.nfs(line)) == expected


@pytest.mark.parametrize("forced", ["force user = data", "group = +data"])
def test_who_writes_as_somebody_else_needs_no_rights(tmp_path: Path, forced: str) -> None:
    smb = f"[residents]\npath = /srv/residents\nread only = no\n{forced}\n"
    host = FixtureHost(tmp_path, {"/etc/samba/smb.conf": smb, "/srv/residents/x": ""})
    (tmp_path / "srv/residents").chmod(0o770)
    assert KINDS["shares"].observe(host, [{"sensitive_paths": []}])["samba writable"].value == 1


def test_shares_are_judged_by_who_gets_in(tmp_path: Path) -> None:
    files = {"/etc/samba/smb.conf": SMB, "/srv/team/x": "", "/srv/data/x": "", "/etc/exports.d/a.exports": "/srv *\n"}
    host = FixtureHost(tmp_path, files)
    (tmp_path / "srv" / "team").chmod(0o777)
    (tmp_path / "srv" / "data").chmod(0o755)
    body = {"sensitive_paths": ["/srv/data", "/srv/none"]}
    seen = KINDS["shares"].observe(host, [body])
    assert {name: getattr(row, "value", row) for name, row in seen.items()} == {
        "samba guests": 1,
        "samba writable": 1,
        "nfs everybody": 1,
        "nfs root": 0,
        "sensitive folders": 1,
    }
    (tmp_path / "srv" / "team").chmod(0o770)
    (tmp_path / "srv" / "data").chmod(0o750)
    seen = KINDS["shares"].observe(host, [body])
    assert (seen["samba writable"], seen["sensitive folders"]) == (0, 0)
    empty = KINDS["shares"].observe(FixtureHost(tmp_path / "other", {}), [{"sensitive_paths": []}])
    assert all(isinstance(row, NotApplicable) for row in empty.values())


# --- people's folders ------------------------------------------------------------------------------------------------


def test_a_person_cannot_steer_the_rights_of_other_files(tmp_path: Path) -> None:
    me = os.getuid()
    host = FixtureHost(
        tmp_path,
        {
            "/etc/passwd": f"a:x:{me}:{me}::/home/a:/bin/bash\n",
            "/etc/shadow": "a:!:1:0:9:7:::\n",
            "/etc/login.defs": "UID_MIN 0\n",
            "/home/a/.profile": "",
            "/home/a/visible": "",
            "/etc/secret": "",
        },
    )
    for path in ("etc/secret", "home/a/.profile", "home/a/visible"):
        (tmp_path / path).chmod(0o666)
    (tmp_path / "home" / "a").chmod(0o755)
    (tmp_path / "home" / "a" / ".link").symlink_to(tmp_path / "etc" / "secret")
    body = {"folders": "0750", "hidden_files": "0740"}
    seen = KINDS["home_rights"].observe(host, [body])
    assert (seen["folders"].value, seen["hidden_files"].value) == ("0755", "0666")
    KINDS["home_rights"].edit(host, body, body)
    assert {path: change.after["mode"] for path, change in host.rights_wanted.items()} == {
        f"{tmp_path}/home/a": 0o750,
        f"{tmp_path}/home/a/.profile": 0o640,
    }
