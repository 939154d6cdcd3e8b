# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of sudo, read as sudo reads them, and what the kinds make of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import sudoers
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen, SettingError
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

PASSWD = (
    "root:x:0:0::/root:/bin/sh\nrobot:x:1000:1000::/:/bin/sh\nanne:x:1001:1001::/:/bin/sh\nprobe:x:110:110::/:/bin/sh\n"
)
SHADOW = "root:*:1:0:9:7:::\nrobot:!:1:0:9:7:::\nanne:!:1:0:9:7:::\nprobe:!:1:0:9:7:::\n"
INCLUDE = "@includedir /etc/sudoers.d\n"


def host_with(root: Path, main: str, **others: str) -> FixtureHost:
    files = {"/etc/sudoers": main, "/usr/bin/sudo": "", "/etc/passwd": PASSWD, "/etc/shadow": SHADOW}
    host = FixtureHost(root, {**files, **{f"/etc/sudoers.d/{name}": text for name, text in others.items()}}, {})
    host.spared.add("robot")
    return host


def observed(host: FixtureHost, kind: str, body: dict[str, Any], name: str) -> Any:
    seen = KINDS[kind].observe(host, [body])[name]
    return (seen.value, seen.note) if isinstance(seen, Seen) else seen


@pytest.mark.parametrize(
    ("line", "options"),
    [
        ("Defaults use_pty", [("", "use_pty", True)]),
        ("Defaults\t!use_pty , umask = 0077 # why", [("", "use_pty", False), ("", "umask", "0077")]),
        ('Defaults secure_path="/a:/b", ignore_dot', [("", "secure_path", "/a:/b"), ("", "ignore_dot", True)]),
        ("Defaults:anne, #1002 !requiretty", [(":", "requiretty", False)]),
        ("Defaults!/usr/bin/less noexec", [("!", "noexec", True)]),
        ("Defaults>root, !anne !use_pty", [(">", "use_pty", False)]),
        ('Defaults badpass_message="no, # no"', [("", "badpass_message", "no, # no")]),
        ("Defaults env_keep += A", []),
        ("Defaults !!use_pty", [("", "use_pty", True)]),
        ("Defaults use_pty, \\\n  ignore_dot", [("", "use_pty", True), ("", "ignore_dot", True)]),
        ("#Defaults use_pty", []),
    ],
)
def test_defaults_are_read(tmp_path: Path, line: str, options: list[tuple[str, str, object]]) -> None:
    policy = sudoers.read(host_with(tmp_path, line + "\n"))
    assert [(each.scope, each.name, each.value) for each in policy.defaults] == options


@pytest.mark.parametrize(
    ("line", "commands"),
    [
        ("anne ALL=(ALL) ALL : web2=(ALL) NOPASSWD: ALL", [("ALL", set()), ("ALL", {"NOPASSWD"})]),
        ("anne ALL=NOPASSWD:/bin/a:ALL = /bin/b", [("/bin/a", {"NOPASSWD"}), ("/bin/b", set())]),
        ("anne ALL=(a:b) NOEXEC: /bin/a, !/bin/b x\\:y", [("/bin/a", {"NOEXEC"}), ("/bin/b x\\:y", {"NOEXEC"})]),
        ("anne ALL=sha224:ab= /bin/a", [("sha224:ab= /bin/a", set())]),
    ],
)
def test_a_rule_goes_on_for_other_hosts(tmp_path: Path, line: str, commands: list[tuple[str, set[str]]]) -> None:
    (rule,) = sudoers.read(host_with(tmp_path, line + "\n")).rules
    assert [(each.text, each.tags) for each in rule.commands] == commands


def test_a_comment_is_not_continued_but_a_line_is(tmp_path: Path) -> None:
    main = "# old rule \\\nanne ALL=(ALL) ALL # why \\\nrobot, \\ \r\n #1000 ALL=/bin/a\\#b # c\n#\n"
    rules = sudoers.read(host_with(tmp_path, main)).rules
    assert [(rule.users, rule.place) for rule in rules] == [
        (("anne",), "/etc/sudoers:2"),
        (("robot", "#1000"), "/etc/sudoers:3"),
    ]
    assert rules[1].commands[0].text == "/bin/a\\#b"


@pytest.mark.parametrize(
    ("written", "users"),
    [
        ('"anne" ALL=(ALL) ALL', ("anne",)),
        ('"anne"ALL=(ALL) ALL', ("anne",)),
        ("\\x61nne ALL=(ALL) ALL", ("anne",)),
        ('"%a group", %b\\ c ALL=(ALL) ALL', ("%a group", "%b c")),
        ("! anne, !!robot ALL = ALL", ("!anne", "robot")),
        ('"a=b" ALL=(ALL) ALL', ("a=b",)),
    ],
)
def test_users_lose_their_quotes_and_escapes(tmp_path: Path, written: str, users: tuple[str, ...]) -> None:
    (rule,) = sudoers.read(host_with(tmp_path, written + "\n")).rules
    assert rule.users == users


@pytest.mark.parametrize(
    "include",
    [
        "@includedir /etc/sudoers.d # local",
        "  @includedir\t/etc/sudoers.d",
        '@includedir "/etc/sudoers.d" # local',
        "#includedir sudoers.d",
        "@include /etc/sudoers.d/x#y",
    ],
)
def test_an_include_is_followed_whatever_stands_after_it(tmp_path: Path, include: str) -> None:
    host = host_with(tmp_path, f"{include}\n@include /etc/sudoers\n", **{"x#y": "Defaults use_pty\n"})
    (tmp_path / "etc/sudoers.d/folder").mkdir()
    assert [each.place for each in sudoers.read(host).defaults] == ["/etc/sudoers.d/x#y:1"]


def test_what_only_looks_like_an_include_is_a_comment(tmp_path: Path) -> None:
    host = host_with(tmp_path, " #includedir /etc/sudoers.d\n# @includedir /etc/sudoers.d\n", x="Defaults use_pty\n")
    assert sudoers.read(host).defaults == []


def test_files_are_read_in_the_order_of_sudo(tmp_path: Path) -> None:
    main = "Defaults umask=0022\n@includedir /etc/sudoers.d\n#include /etc/sudoers.d/b.later\n"
    host = host_with(
        tmp_path, main, z="Defaults umask=0003\n", a="\nDefaults umask=0001\n", **{"b.later": "Defaults umask=4"}
    )
    found = [(each.value, each.place) for each in sudoers.read(host).defaults]
    places = ["/etc/sudoers:1", "/etc/sudoers.d/a:2", "/etc/sudoers.d/z:1", "/etc/sudoers.d/b.later:1"]
    assert found == list(zip(["0022", "0001", "0003", "4"], places, strict=True))


def test_a_weaker_value_for_some_is_seen_but_not_for_those_to_be_spared(tmp_path: Path) -> None:
    start = "Defaults requiretty\nDefaults:robot,#0 !requiretty\n"
    assert observed(host_with(tmp_path / "a", start), "sudoers", {"requiretty": True}, "requiretty") is True
    host = host_with(tmp_path / "b", start + "User_Alias BOSS = robot, anne\nDefaults:BOSS !requiretty\n")
    assert observed(host, "sudoers", {"requiretty": True}, "requiretty") == (
        False,
        "set for some users or commands at /etc/sudoers:4",
    )


@pytest.mark.parametrize(("spared", "enough"), [("robot, root", True), ("#1000, #0", True), ("robot", False)])
def test_a_terminal_is_not_wanted_of_those_who_have_none(tmp_path: Path, spared: str, enough: bool) -> None:
    host = host_with(tmp_path, f"Defaults requiretty\nDefaults:{spared} !requiretty\n")
    seen = KINDS["sudoers"].observe(host, [{"requiretty": True}])["requiretty"]
    assert (seen is True) is enough
    assert enough or seen.satisfied is False


@pytest.mark.parametrize(
    ("name", "expected", "written", "good"),
    [
        ("umask", "0027", "umask=0077", True),
        ("umask", "0027", "umask=0022", False),
        ("timestamp_timeout", 5, "timestamp_timeout=0", True),
        ("timestamp_timeout", 5, "timestamp_timeout=-1", False),
        ("timestamp_timeout", 5, "timestamp_timeout=2.5", True),
        ("passwd_timeout", 1, "passwd_timeout=0", False),
        ("secure_path", ["/bin"], 'secure_path="/bin:/snap/bin"', True),
        ("secure_path", ["/bin"], 'secure_path="/bin:/home/anne"', False),
        ("noexec", ["/bin/a"], "noexec", True),
        ("noexec", ["/bin/a"], "!noexec", False),
    ],
)
def test_what_is_stricter_is_enough(tmp_path: Path, name: str, expected: Any, written: str, good: bool) -> None:
    value = observed(host_with(tmp_path, f"Defaults {written}\n"), "sudoers", {name: expected}, name)
    assert KINDS["sudoers"].rule(name).test(expected, value) is good


def test_our_file_keeps_what_it_held_and_names_nobody(tmp_path: Path) -> None:
    host = host_with(tmp_path, f"probe ALL=(root) NOPASSWD: /bin/a\n{INCLUDE}")
    for body in ({"requiretty": True}, {"umask": "0027", "noexec": ["/bin/vi"]}, {"timestamp_timeout": 0}):
        KINDS["sudoers"].edit(host, body, KINDS["sudoers"].expand(body))
    written = host.text("/etc/sudoers.d/zz-essms") or ""
    assert written.splitlines()[1:] == [
        "Cmnd_Alias ESSMS_NOEXEC = /bin/vi",
        "Defaults!ESSMS_NOEXEC noexec",
        "Defaults requiretty",
        "Defaults timestamp_timeout=0",
        "Defaults umask=0027",
        "Defaults:#0, #110, #1000 !requiretty, umask=0022",
    ]


def test_an_account_that_nobody_types_for_needs_no_terminal(tmp_path: Path) -> None:
    main = f"anne ALL=(root) ALL : web2=(root) NOPASSWD: /bin/backup\n%jobs ALL=(root) /bin/a\n{INCLUDE}"
    host = host_with(tmp_path, main)
    host.write("/etc/passwd", PASSWD + "night:x:1002:1002::/:/bin/sh\n")
    host.write("/etc/shadow", SHADOW + "night:!:1:0:9:7:::\n")
    host.write("/etc/group", "jobs:x:50:night\n")
    kind, body = KINDS["sudoers"], {"requiretty": True, "umask": "0027", "unattended": ["%jobs"]}
    assert "unattended" not in {**kind.expand(body), **kind.journalled(body)}
    kind.edit(host, body, kind.expand(body))
    written = (host.text("/etc/sudoers.d/zz-essms") or "").splitlines()
    assert written[-2:] == ["Defaults:#0, #1000, #1001, #1002 !requiretty", "Defaults:#0, #1000 umask=0022"]
    seen = kind.observe(host, [body])
    assert (seen["requiretty"].value, seen["requiretty"].satisfied) == (True, None)
    assert seen["requiretty"].note == "not of unattended accounts: uids 1001, 1002"
    assert seen["umask"] == "0027"
    # one that is given such a rule later would be stopped by the terminal it has not
    host.write("/etc/sudoers.d/zz-essms", "Defaults requiretty\nDefaults:#0, #1000 !requiretty\n")
    assert kind.observe(host, [body])["requiretty"].satisfied is False


def test_a_folder_that_is_not_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="@includedir"):
        KINDS["sudoers"].edit(host_with(tmp_path, "Defaults use_pty\n"), {"use_pty": True}, {"use_pty": True})


WITHOUT_PASSWORD = [
    ("robot ALL=(ALL) NOPASSWD: ALL", 0),
    ("#1000 ALL=(ALL:ALL) NOPASSWD: ALL", 0),
    ("probe ALL=(root) NOPASSWD: /bin/a", 0),
    ("anne ALL=(root) NOPASSWD: /bin/a", 1),
    ("%sudo ALL=(root) NOPASSWD: /bin/a", 1),
    ("%trusted ALL=(root) NOPASSWD: /bin/a", 0),
    ("anne ALL=(root) PASSWD: /bin/a, NOPASSWD: /bin/b", 1),
    ("anne ALL=(root) NOPASSWD: PASSWD: /bin/a", 0),
    ("User_Alias U = anne\nU ALL = NOPASSWD: ALL", 1),
    ("anne ALL=(ALL) ALL : web2=(ALL) NOPASSWD: ALL", 1),
    ("anne ALL=/usr/bin/ls : ALL = NOPASSWD: ALL", 1),
    ("anne ALL=NOPASSWD: /bin/a:web2, !web3 = PASSWD: /bin/b", 1),
    ("anne ALL=PASSWD: sha256:0123abc= /bin/a, /bin/b \\: c\\=d : fe80::1 = NOEXEC: NOPASSWD: /bin/c", 1),
    ("anne ALL=(ALL:ALL) PASSWD: sha256:0123abc= /bin/a", 0),
    ("Defaults !authenticate", 1),
    ("Defaults:robot !authenticate", 0),
    ("# old rule \\\nanne ALL=(ALL) NOPASSWD: ALL", 1),
    ("anne ALL = (ALL) CWD = /tmp NOPASSWD: ALL", 1),
    ("anne ALL=(ALL) CWD=/tmp NOPASSWD: sha256:0123abc= /bin/a", 1),
    ('anne ALL=(ALL) /bin/a "x, NOPASSWD: /bin/b "', 1),
    ('anne ALL=(ALL) /bin/a "x : ALL = NOPASSWD: /bin/b "', 1),
    ('anne ALL=(ALL) /bin/a "# x \\\nanne ALL=(ALL) NOPASSWD: /bin/b "', 1),
    ("Defaults exempt_group=sudo", 1),
    ("Defaults exempt_group = trusted", 0),
    ("Defaults !exempt_group", 0),
]


@pytest.mark.parametrize(("main", "count"), WITHOUT_PASSWORD)
def test_people_without_password_are_counted(tmp_path: Path, main: str, count: int) -> None:
    name = "rules without a password"
    seen = observed(host_with(tmp_path, main + "\n"), "sudo_rules", {"nopasswd_allow": ["%trusted"]}, name)
    assert seen == (0 if not count else (1, f"see /etc/sudoers:{main.count(chr(10)) + 1}"))


@pytest.mark.parametrize(
    ("rule", "held"),
    [
        ("anne ALL=(ALL) EXEC: /usr/bin/less", False),
        ("anne ALL=(ALL) EXEC: /usr/bin/", False),
        ("anne ALL=(ALL) EXEC: ALL", False),
        ("anne ALL=(ALL) EXEC: /usr/bin/l* /var/log/a", False),
        ("Cmnd_Alias L = /usr/bin/less\nanne ALL=(ALL) EXEC: L", False),
        ("anne ALL=(ALL) EXEC: /usr/bin/man, NOEXEC: /usr/bin/less", True),
        ("root, robot ALL=(ALL) EXEC: ALL", True),
    ],
)
@pytest.mark.parametrize("given", ["Defaults!/usr/bin/less noexec", "Defaults noexec"])
def test_a_tag_that_lets_a_program_start_others_again_is_seen(
    tmp_path: Path, given: str, rule: str, held: bool
) -> None:
    host = host_with(tmp_path, f"{given}\n{rule}\n")
    seen = observed(host, "sudoers", {"noexec": ["/usr/bin/less"]}, "noexec")
    place = f"/etc/sudoers:{rule.count(chr(10)) + 2}"
    assert seen == (["/usr/bin/less"] if held else (None, f"EXEC takes it back at {place}"))


@pytest.mark.parametrize(("who", "held"), [("anne", False), ("%sudo", False), ("robot", True), ("root, #0", True)])
def test_a_tag_that_stops_the_log_of_output_is_seen(tmp_path: Path, who: str, held: bool) -> None:
    host = host_with(tmp_path, f"Defaults log_output\n{who} ALL=(ALL) NOLOG_OUTPUT: ALL\n")
    seen = observed(host, "sudoers", {"log_output": True}, "log_output")
    note = "NOLOG_OUTPUT takes it back for some commands at /etc/sudoers:2"
    assert seen == (True if held else (False, note))


@pytest.mark.parametrize(
    ("main", "count"),
    [
        ("anne ALL=(ALL) ALL, !/bin/sh", 1),
        ("anne ALL=(ALL) NOPASSWD: !/bin/sh", 1),
        ("Cmnd_Alias X = /bin/a, !/bin/b", 1),
        ("anne, !robot ALL=(ALL, !root) ALL", 0),
    ],
)
def test_refused_commands_are_counted(tmp_path: Path, main: str, count: int) -> None:
    seen = observed(host_with(tmp_path, main + "\n"), "sudo_rules", {"nopasswd_allow": []}, "refused commands")
    assert seen == (0 if not count else (1, "see /etc/sudoers:1"))


@pytest.mark.parametrize(
    ("main", "count"),
    [("anne ALL=(ALL) ALL", 1), ("anne ALL=(root) /bin/a", 1), ("anne ALL=(root) /bin/a b", 0), ("robot ALL=ALL", 0)],
)
def test_free_arguments_are_counted_when_asked(tmp_path: Path, main: str, count: int) -> None:
    body = {"nopasswd_allow": [], "explicit": True}
    seen = observed(host_with(tmp_path, main + "\n"), "sudo_rules", body, "commands with free arguments")
    assert seen == (0 if not count else (1, "see /etc/sudoers:1"))


@pytest.mark.parametrize(
    ("lines", "group"),
    [
        ("auth sufficient pam_rootok.so\nauth required pam_wheel.so use_uid group=adm\n", "adm"),
        ("auth required pam_wheel.so\n", "wheel"),
        ("auth sufficient pam_wheel.so trust group=adm\n", None),
        ("auth required pam_wheel.so root_only group=adm\n", None),
        ("@include common-auth\nauth required pam_wheel.so group=adm\n", None),
        ("# auth required pam_wheel.so\n", None),
    ],
)
def test_the_group_of_su_is_read(tmp_path: Path, lines: str, group: str | None) -> None:
    host = FixtureHost(tmp_path, {"/etc/pam.d/su": lines}, {})
    seen = observed(host, "su_group", {"group": "adm"}, "group")
    assert (seen[0] if isinstance(seen, tuple) else seen) == group


def test_su_is_not_closed_to_the_administrators_who_use_it(tmp_path: Path) -> None:
    root = {"/etc/passwd": PASSWD, "/etc/shadow": SHADOW.replace("root:*", "root:$y$x"), "/etc/pam.d/su": ""}
    with pytest.raises(SettingError, match="nobody could use su"):
        KINDS["su_group"].edit(FixtureHost(tmp_path, root, {}), {"group": "adm"}, {"group": "adm"})
