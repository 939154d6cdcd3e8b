# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAM: only what can refuse a user, in the stack of every service, is in force."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen, SettingError, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS, password_entropy

from tests.support.fixture_host import FixtureHost

AUTH = """auth requisite pam_faillock.so preauth
auth [success=2 default=ignore] pam_unix.so
auth [default=die] pam_faillock.so authfail
auth requisite pam_deny.so
auth required pam_permit.so
"""
PASSWORD = """password requisite pam_pwquality.so retry=3
password requisite pam_pwhistory.so remember=5 use_authtok
password [success=1 default=ignore] pam_unix.so obscure use_authtok yescrypt
password requisite pam_deny.so
password required pam_permit.so
"""
STOCK = {
    "sshd": "@include common-auth\n@include common-password\n",
    "login": "auth optional pam_faildelay.so delay=3\n@include common-auth\n",
    "su": "auth sufficient pam_rootok.so\n@include common-auth # all\n",
    "sudo": "auth include common-auth\n",
    "passwd": "@include common-password\n",
}
FAILLOCK = {"deny": 5, "unlock_time": 900, "fail_interval": 900}
PWHISTORY = {"remember": 5}
MODULE = "/usr/lib/x86_64-linux-gnu/security/pam_pwhistory.so"


def host_with(root: Path, auth: str = AUTH, password: str = PASSWORD, **files: str) -> FixtureHost:
    stacks = {"common-auth": auth, "common-password": password, **STOCK}
    named = {name.replace("_", "-"): content for name, content in files.items() if name not in ("conf", "history")}
    every = {f"/etc/pam.d/{name}": content for name, content in {**stacks, **named}.items()}
    every["/etc/security/faillock.conf"] = files.get("conf", "deny = 5\nunlock_time = 900\n")
    every["/etc/security/pwhistory.conf"] = files.get("history", "")
    return FixtureHost(root, every)


def observed(host: FixtureHost, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    return KINDS[kind].observe(host, [body])


def state(host: FixtureHost) -> tuple[Any, Any, Any]:
    there = observed(host, "pam", {"pwquality": True, "faillock": True})
    return there["pwquality"], observed(host, "pwhistory", PWHISTORY)["remember"], there["faillock"]


def test_the_stack_of_debian_is_in_force(tmp_path: Path) -> None:
    host = host_with(tmp_path)
    assert state(host) == (True, 5, True)
    assert observed(host, "faillock", FAILLOCK) == FAILLOCK
    assert observed(host, "pam_unix", {"nullok": False}) == {"nullok": False}


def test_the_stack_of_authselect_is_in_force(tmp_path: Path) -> None:
    stack = """auth required pam_faillock.so preauth silent
auth [default=1 ignore=ignore success=ok] pam_localuser.so
auth sufficient pam_unix.so
auth required pam_faillock.so authfail
auth required pam_deny.so
password requisite pam_pwquality.so local_users_only
password [default=1 ignore=ignore success=ok] pam_localuser.so
password requisite pam_pwhistory.so use_authtok remember=7
password sufficient pam_unix.so yescrypt
password required pam_deny.so
"""
    files = {f"/etc/pam.d/{name}-auth": stack for name in ("system", "password")}
    assert state(FixtureHost(tmp_path, {"/etc/os-release": "ID=rocky\n", **files})) == (True, 7, True)


@pytest.mark.parametrize("control", ["optional", "sufficient", "[default=ignore]", "[authtok_err=ignore default=die]"])
def test_a_password_module_that_cannot_refuse_is_not_in_force(tmp_path: Path, control: str) -> None:
    password = PASSWORD.replace("requisite pam_pw", f"{control} pam_pw")
    assert state(host_with(tmp_path, password=password)) == (False, None, True)


@pytest.mark.parametrize("control", ["required", "[success=ok default=bad]", "[default=die success=ok]", "REQUISITE"])
def test_every_control_that_refuses_counts(tmp_path: Path, control: str) -> None:
    password = PASSWORD.replace("requisite pam_pw", f"{control} pam_pw")
    assert state(host_with(tmp_path, password=password)) == (True, 5, True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("requisite pam_faillock.so preauth", "optional pam_faillock.so preauth"),
        ("[default=die] pam_faillock.so authfail", "sufficient pam_faillock.so authfail"),
        ("[default=die] pam_faillock.so authfail", "required pam_faillock.so authsucc"),
        ("auth requisite pam_faillock.so preauth\n", "auth sufficient pam_permit.so\n"),
        ("auth requisite pam_faillock.so preauth\n", ""),
    ],
)
def test_a_lockout_needs_both_ends(tmp_path: Path, old: str, new: str) -> None:
    assert old in AUTH
    assert state(host_with(tmp_path, auth=AUTH.replace(old, new)))[2] is False


def test_lines_that_are_never_reached_are_not_in_force(tmp_path: Path) -> None:
    deny = "password requisite pam_deny.so\n"
    after = deny + "password requisite pam_pwquality.so\npassword requisite pam_pwhistory.so remember=5\n"
    unix = "password [success=3 default=ignore] pam_unix.so\n"
    end = "auth requisite pam_deny.so\nauth required pam_faillock.so authfail\n"
    auth = "auth requisite pam_faillock.so preauth\nauth sufficient pam_unix.so\n" + end
    assert state(host_with(tmp_path, auth, unix + after + "password required pam_permit.so\n")) == (False, None, False)


@pytest.mark.parametrize("service", ["sshd", "login", "su", "sudo", "gdm_password", "lightdm", "sddm"])
@pytest.mark.parametrize(
    "stack", ["auth required pam_unix.so\n", "#@include common-auth\n", "@include common-account\n"]
)
def test_a_service_with_a_stack_of_its_own_fails(tmp_path: Path, service: str, stack: str) -> None:
    host = host_with(tmp_path, **{service: stack})
    rows = [
        *observed(host, "faillock", FAILLOCK).values(),
        observed(host, "pam", {"faillock": True})["faillock"],
        observed(host, "pam_unix", {"nullok": False})["nullok"],
    ]
    for row in rows:
        assert isinstance(row, Seen)
        path = f"/etc/pam.d/{service.replace('_', '-')}"
        assert (row.note, row.satisfied) == (f"{path}: this service does not use common-auth", False)
    with pytest.raises(SettingError, match="put `@include common-auth` there"):
        KINDS["faillock"].edit(host, FAILLOCK, FAILLOCK)


def test_a_passwd_with_a_stack_of_its_own_fails(tmp_path: Path) -> None:
    host = host_with(tmp_path, passwd="@include common-password\npassword required pam_unix.so\n")
    quality, history, lockout = state(host)
    assert (quality.satisfied, history.satisfied, lockout) == (False, False, True)
    with pytest.raises(SettingError, match=r"/etc/pam\.d/passwd does not use common-password"):
        KINDS["pwhistory"].edit(host, PWHISTORY, PWHISTORY)


@pytest.mark.parametrize("value", ["0", "never"])
def test_a_lockout_without_end_is_the_strictest(tmp_path: Path, value: str) -> None:
    seen = observed(host_with(tmp_path, conf=f"unlock_time = {value}\n"), "faillock", FAILLOCK)["unlock_time"]
    test = KINDS["faillock"].rule("unlock_time").test
    assert seen.value == "never"
    assert test(900, seen.value)
    assert test(0, seen.value)
    assert not test(0, 900)


def test_the_shortest_lockout_of_the_stack_counts(tmp_path: Path) -> None:
    auth = AUTH.replace("authfail", "authfail unlock_time=0").replace("preauth", "preauth unlock_time=60")
    assert observed(host_with(tmp_path, auth), "faillock", FAILLOCK)["unlock_time"] == 60


def test_another_configuration_file_is_unknown(tmp_path: Path) -> None:
    auth = AUTH.replace("authfail", "authfail conf=/etc/other.conf")
    password = PASSWORD.replace("remember=5", "conf=/etc/other.conf")
    host = host_with(tmp_path, auth, password)
    assert all(isinstance(row, Unknown) for row in observed(host, "faillock", FAILLOCK).values())
    assert isinstance(state(host)[1], Unknown)


@pytest.mark.parametrize(
    ("conf", "deny"),
    [
        ("deny = 100 # for the badge readers\n", 100),
        ("deny=100#x\n", 100),
        ("deny 100\n", 100),
        ("  deny\t=\t4  \n", 4),
        ("deny = 4\ndeny = 7 # later\n", 7),
        ("# deny = 100\n", 3),
        ("deny = five\n", None),
        ("deny\n", None),
        ("deny = 65537\n", None),
    ],
)
def test_the_file_of_the_lockout_is_read_as_the_module_reads_it(tmp_path: Path, conf: str, deny: int | None) -> None:
    seen = observed(host_with(tmp_path, conf=conf), "faillock", FAILLOCK)["deny"]
    assert isinstance(seen, Unknown) if deny is None else seen == deny


@pytest.mark.parametrize("value", ["1 # x", "604801", "-1", "soon"])
def test_a_time_of_the_lockout_that_is_no_time_is_never_the_default(tmp_path: Path, value: str) -> None:
    conf = f"unlock_time = {value}\nfail_interval = {value}\n"
    seen = observed(host_with(tmp_path, conf=conf), "faillock", FAILLOCK)
    for name in ("unlock_time", "fail_interval"):
        assert seen[name] == 1 if value.startswith("1") else isinstance(seen[name], Unknown)


def test_a_comment_after_a_value_of_the_lockout_goes_with_the_value(tmp_path: Path) -> None:
    host = host_with(tmp_path, conf="audit\ndeny = 100 # for the badge readers\n")
    KINDS["faillock"].edit(host, FAILLOCK, {"deny": 5})
    assert host.text("/etc/security/faillock.conf") == "audit\ndeny = 5\n"


@pytest.mark.parametrize(
    ("history", "remember"),
    [
        ("remember = 1 # less\n", 1),
        ("remember 2\n", 2),
        ("Remember=4\nremember=24\n", 4),
        ("remember = many\n", None),
        ("remember\n", None),
    ],
)
def test_pwhistory_conf_is_read_as_the_module_reads_it(tmp_path: Path, history: str, remember: int | None) -> None:
    host = host_with(tmp_path, password=PASSWORD.replace("remember=5 ", ""), history=history)
    place = tmp_path / MODULE.lstrip("/")
    place.parent.mkdir(parents=True)
    place.write_text("pwhistory.conf")
    seen = state(host)[1]
    assert isinstance(seen, Unknown) if remember is None else seen == remember


def test_login_defs_is_read_as_pam_unix_reads_it(tmp_path: Path) -> None:
    host = host_with(tmp_path, password=PASSWORD.replace(" yescrypt", ""))
    host.write("/etc/login.defs", "encrypt_method MD5 # old\nENCRYPT_METHOD YESCRYPT\n")
    assert observed(host, "pam_unix", {"hash": "yescrypt"})["hash"] == "md5"


@pytest.mark.parametrize(
    ("login_defs", "mask"),
    [("UMASK 022 # usual\nUMASK 077\n", "022"), ("umask = 027\n", "027"), ("UMASK 077\n#UMASK 022\n", "077")],
)
def test_login_defs_is_read_as_pam_umask_reads_it(tmp_path: Path, login_defs: str, mask: str) -> None:
    host = host_with(tmp_path, common_session="session optional pam_umask.so\n")
    host.write("/etc/login.defs", login_defs)
    assert observed(host, "umask", {"mask": "027"})["session"] == mask


@pytest.mark.parametrize(("module", "remember"), [("\x7fELF", 10), ("\x7fELF /etc/security/pwhistory.conf", 3)])
def test_pwhistory_conf_counts_where_the_module_reads_it(tmp_path: Path, module: str, remember: int) -> None:
    host = host_with(tmp_path, password=PASSWORD.replace("remember=5 ", ""), history="remember = 3\n")
    place = tmp_path / MODULE.lstrip("/")
    place.parent.mkdir(parents=True)
    place.write_text(module)
    assert state(host)[1] == remember


def test_an_optional_history_line_does_not_keep_ours_out(tmp_path: Path) -> None:
    host = host_with(tmp_path, password=PASSWORD.replace("requisite pam_pwh", "optional pam_pwh"))
    KINDS["pwhistory"].edit(host, PWHISTORY, PWHISTORY)
    assert host.activations == [(10, ["pam-auth-update", "--enable", "essms-pwhistory"])]


@pytest.mark.parametrize(("deny", "satisfied"), [(20, True), (21, None), (0, None)])
def test_a_lockout_after_many_tries_allows_no_shorter_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deny: int, satisfied: bool | None
) -> None:
    monkeypatch.setattr(password_entropy, "effective", lambda _host: {"minlen": 10})
    host = host_with(tmp_path, conf=f"deny = {deny}\n")
    seen = observed(host, "password_entropy", {"bits": 79.5, "bits_with_lockout": 50})["bits"]
    assert seen.satisfied is satisfied


@pytest.mark.parametrize(
    ("line", "cost"),
    [("yescrypt", 5), ("yescrypt rounds=8", 8), ("sha512 rounds=65536", None), ("yescrypt rounds=much", 5)],
)
def test_the_cost_is_yescrypts(tmp_path: Path, line: str, cost: int | None) -> None:
    host = host_with(tmp_path, password=f"password required pam_unix.so {line}\n")
    assert observed(host, "pam_unix", {"cost": 8})["cost"] == cost


@pytest.mark.parametrize(("kilobytes", "fits"), [(8 * 1024 * 1024, True), (8 * 1024 * 1024 - 1024, False)])
def test_a_cost_beyond_the_hosts_memory_is_refused(tmp_path: Path, kilobytes: int, fits: bool) -> None:
    host = host_with(tmp_path)
    memory = tmp_path / "proc" / "meminfo"
    memory.parent.mkdir()
    memory.write_text(f"MemTotal: {kilobytes:>12} kB\nMemFree: 1 kB\n", encoding="utf-8")
    if fits:
        KINDS["pam_unix"].edit(host, {"cost": 11}, {"cost": 11})
        assert observed(host, "pam_unix", {"cost": 11})["cost"] == 11
    else:
        with pytest.raises(SettingError, match="1024 MB of this host's 8191"):
            KINDS["pam_unix"].edit(host, {"cost": 11}, {"cost": 11})


def test_an_expired_password_stops_no_key_only_where_every_line_says_so(tmp_path: Path) -> None:
    account = "account [success=1 default=ignore] pam_unix.so{}\naccount requisite pam_deny.so\n"
    for option, passes in (("", False), (" no_pass_expiry", True)):
        host = host_with(tmp_path, common_account=account.format(option))
        assert observed(host, "pam_unix", {"no_pass_expiry": True}) == {"no_pass_expiry": passes}
        (tmp_path / "etc/pam.d/common-account").unlink()
