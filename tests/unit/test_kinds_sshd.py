# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of sshd, read as sshd reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import sshd_config
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen, SettingError, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

ANSWERS = {"/usr/sbin/sshd -T": "permitemptypasswords no\nclientaliveinterval 300\n"}
WANTED = {"PermitEmptyPasswords": "no"}
MAIN = "/etc/ssh/sshd_config"
YES = "PermitEmptyPasswords yes\n"


def host_with(root: Path, main: str, **others: str) -> FixtureHost:
    files = {f"/etc/ssh/{name}.conf": content for name, content in others.items()}
    return FixtureHost(root, {"/usr/sbin/sshd": "", MAIN: main, **files}, ANSWERS)


def observed(host: FixtureHost, body: dict[str, Any] | None = None) -> Any:
    body = body or WANTED
    return KINDS["sshd"].observe(host, [body])[next(iter(body))]


INSIDE = "Match User x\nInclude a.conf\n"
CONDITIONAL = [
    ("Match User x\nPermitEmptyPasswords=yes\n", {}, f"{MAIN}:1"),
    ("Match User x\n  permitemptypasswords = yes # c\n", {}, f"{MAIN}:1"),
    ("#c\nMatch=User x\n" + YES, {}, f"{MAIN}:2"),
    ('"Match" User x\n"PermitEmptyPasswords" "yes"\n', {}, f"{MAIN}:1"),
    ("Match User x\n\tPermitEmptyPasswords\t'yes'\n", {}, f"{MAIN}:1"),
    (INSIDE, {"a": YES}, f"{MAIN}:1"),
    (INSIDE, {"a": "Match all\n" + YES}, f"{MAIN}:1"),
    (INSIDE, {"a": "Include b.conf", "b": YES}, f"{MAIN}:1"),
    (INSIDE + YES, {"a": "Match all\n"}, f"{MAIN}:1"),
    ("Include a.conf\n", {"a": "Include b.conf\n", "b": "Match User x\n" + YES}, "/etc/ssh/b.conf:1"),
    ('Include "/etc/ssh/a.conf"\n', {"a": "Match User x\n" + YES}, "/etc/ssh/a.conf:1"),
    ("Include=none.conf /etc/ssh/[ab].conf\n", {"b": "Match User x\n" + YES}, "/etc/ssh/b.conf:1"),
]
FINE = [
    ("Match User x\nPermitEmptyPasswords no # c\n", {}),
    ("Match User x\n#PermitEmptyPasswords yes\nX11Forwarding no\n", {}),
    ("Match User x\nMatch All # everybody\n" + YES, {}),
    ("Include a.conf\n" + YES, {"a": "Match User x\nX11Forwarding no\n"}),
]


@pytest.mark.parametrize(("main", "others", "place"), CONDITIONAL)
def test_what_holds_for_some_connections_is_found(
    tmp_path: Path, main: str, others: dict[str, str], place: str
) -> None:
    seen = observed(host_with(tmp_path, main, **others))
    assert isinstance(seen, Seen)
    assert seen.value == "yes"
    assert seen.note == f"set for some connections by the Match block at {place}"


@pytest.mark.parametrize(
    ("written", "body", "value"),
    [
        ("ChallengeResponseAuthentication yes", {"PasswordAuthentication": False}, "yes"),
        ("SkeyAuthentication yes", {"PasswordAuthentication": False}, "yes"),
        ("KeepAlive yes", {"TCPKeepAlive": False}, "yes"),
    ],
)
def test_earlier_names_are_known(tmp_path: Path, written: str, body: dict[str, Any], value: str) -> None:
    host = host_with(tmp_path, f"Match User x\n{written}\n")
    host.answers["/usr/sbin/sshd -T"] = "passwordauthentication no\nkbdinteractiveauthentication no\ntcpkeepalive no\n"
    found = KINDS["sshd"].observe(host, [body])
    assert [seen.value for seen in found.values() if isinstance(seen, Seen)] == [value]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("ChallengeResponseAuthentication no", "KbdInteractiveAuthentication"),
        ("PubkeyAcceptedKeyTypes ssh-rsa", "PubkeyAcceptedAlgorithms"),
        ("HostbasedAcceptedKeyTypes ssh-rsa", "HostbasedAcceptedAlgorithms"),
        ("DSAAuthentication no", "PubkeyAuthentication"),
    ],
)
def test_an_earlier_name_before_the_include_counts(tmp_path: Path, written: str, name: str) -> None:
    host = host_with(tmp_path, f"{written}\nInclude sshd_config.d/*.conf\n")
    sshd_config.put(host, {name: "x"})
    assert host.text(sshd_config.DROP_IN) is None
    assert f"\n{name} x\n" in (host.text(MAIN) or "")


@pytest.mark.parametrize(("main", "others"), FINE)
def test_what_is_harmless_is_no_exception(tmp_path: Path, main: str, others: dict[str, str]) -> None:
    assert observed(host_with(tmp_path, main, **others)) == "no"


def test_a_file_that_includes_itself_ends(tmp_path: Path) -> None:
    assert observed(host_with(tmp_path, "Include a.conf\n", a="Include a.conf\n")) == "no"


@pytest.mark.parametrize(("written", "value"), [("5m", 300), ("1h30m", 5400), ("120", 120)])
def test_times_are_read_as_seconds(tmp_path: Path, written: str, value: int) -> None:
    host = host_with(tmp_path, f"Match User x\nClientAliveInterval {written}\n")
    seen = observed(host, {"ClientAliveInterval": 60})
    assert isinstance(seen, Seen)
    assert seen.value == value


def edited(host: FixtureHost, path: str) -> str | None:
    KINDS["sshd"].edit(host, WANTED, WANTED)
    return host.text(path)


def test_only_our_own_block_is_rewritten(tmp_path: Path) -> None:
    theirs = "Port 22\nMatch User x\nPermitEmptyPasswords no\n"
    host = host_with(tmp_path, theirs)
    first = edited(host, MAIN)
    assert first is not None
    assert first.endswith(theirs)
    host.write(MAIN, first.replace("\nPermitEmptyPasswords no\n", "\nPermitEmptyPasswords yes\n", 1))
    assert edited(host, MAIN) == first


@pytest.mark.parametrize(
    ("include", "ours"),
    [
        ("/etc/ssh/sshd_config.d/*.conf", True),
        ('"sshd_config.d/*.conf"', True),
        ("other.conf /etc/ssh/sshd_config.d/00-*", True),
        ("/etc/ssh/sshd_config.d/50-*.conf", False),
        ("/etc/ssh/*.conf", False),
        ("/etc/ssh/sshd_config.d.old/*.conf", False),
    ],
)
def test_the_drop_in_is_used_when_it_is_included(tmp_path: Path, include: str, ours: bool) -> None:
    host = host_with(tmp_path, f"Include {include}\nPermitEmptyPasswords yes\n")
    assert (edited(host, sshd_config.DROP_IN) is not None) is ours


@pytest.mark.parametrize(
    ("name", "expected", "value", "good"),
    [
        ("MaxStartups", "10:30:60", "10:30:60", True),
        ("MaxStartups", "10:30:60", "5:50:20", True),
        ("MaxStartups", "10:30:60", "10:30:100", False),
        ("MaxStartups", "10:30:60", "10", False),
        ("PermitRootLogin", "prohibit-password", "no", True),
        ("PermitRootLogin", "no", "prohibit-password", False),
        ("AllowTcpForwarding", "local", "no", True),
        ("AllowTcpForwarding", "local", "remote", False),
        ("Ciphers", ["aes256-ctr", "aes128-ctr"], ["aes128-ctr"], True),
        ("Ciphers", ["aes256-ctr"], ["aes256-ctr", "3des-cbc"], False),
        ("AllowGroups", ["staff"], None, False),
        ("LogLevel", "VERBOSE", "DEBUG3", False),
        ("LogLevel", "INFO", "VERBOSE", True),
    ],
)
def test_what_is_stricter_is_enough(name: str, expected: Any, value: Any, good: bool) -> None:
    assert KINDS["sshd"].rule(name).test(expected, value) is good


def test_what_is_empty_asks_for_nothing() -> None:
    assert KINDS["sshd"].expand({"AllowGroups": [], "Banner": [], "X11Forwarding": False}) == {"X11Forwarding": "no"}


PASSWORDS = "passwordauthentication yes\nkbdinteractiveauthentication yes\nauthenticationmethods "


@pytest.mark.parametrize(
    ("ways", "good"),
    [("any", False), ("publickey,password", True), ("publickey,keyboard-interactive password", False)],
)
def test_a_password_after_a_key_is_fine(tmp_path: Path, ways: str, good: bool) -> None:
    host = host_with(tmp_path, "")
    host.answers["/usr/sbin/sshd -T"] = PASSWORDS + ways + "\n"
    seen = KINDS["sshd"].observe(host, [{"PasswordAuthentication": False}])
    assert [isinstance(value, Seen) and value.satisfied for value in seen.values()] == [good, good]


def test_a_password_is_not_after_a_key_when_some_connections_have_ways_of_their_own(tmp_path: Path) -> None:
    host = host_with(tmp_path, "Match User x\n  AuthenticationMethods password\n")
    host.answers["/usr/sbin/sshd -T"] = PASSWORDS + "publickey,password\n"
    assert set(KINDS["sshd"].observe(host, [{"PasswordAuthentication": False}]).values()) == {"yes"}


SHOW = "systemctl show -p ExecStart -p Environment -p EnvironmentFiles ssh.service"


def started(argv: str, path: str = "/usr/sbin/sshd", *more: str) -> str:
    lines = [f"ExecStart={{ path={path} ; argv[]={argv} ; ignore_errors=no ; pid=0 }}", *more]
    return "".join(f"{line}\n" for line in lines)


FILES = "EnvironmentFiles=/etc/default/ssh (ignore_errors=yes)"


@pytest.mark.parametrize(
    ("shown", "default", "options"),
    [
        ("", "", ""),
        ("", "SSHD_OPTS='-f /etc/ssh/other'\n", " -f /etc/ssh/other"),
        (started("/usr/sbin/sshd -D"), "SSHD_OPTS=-oPort=1\n", ""),
        (started("/usr/sbin/sshd -D $SSHD_OPTS", "/usr/sbin/sshd", FILES), "SSHD_OPTS=-oX=y # z\n", None),
        (started("/usr/sbin/sshd -De $SSHD_OPTS", "/usr/sbin/sshd", FILES), 'SSHD_OPTS="-oA=b -p 1"\n', " -o A=b -p 1"),
        (started("sshd -D -o PermitEmptyPasswords=yes"), "", " -o PermitEmptyPasswords=yes"),
        (started("sshd -D -f ${C}", "/usr/sbin/sshd", 'Environment="A=b c" C=/etc/x'), "", " -f /etc/x"),
        (started("sshd $A", "/usr/sbin/sshd", 'Environment="A=-oB=c" X=y', FILES), "A=-oB=d\n", " -o B=d"),
        (started("sshd -D -o PermitEmptyPasswords yes"), "", None),
        (started("sshd -D --new"), "", None),
        (started("/bin/sh -c sshd", "/bin/sh"), "", None),
        (started("sshd") + started("sshd"), "", None),
        (started("sshd $A", "/usr/sbin/sshd", "EnvironmentFiles=/etc/default/*"), "", None),
        (started("sshd $SSHD_OPTS", "/usr/sbin/sshd", FILES), "SSHD_OPTS='-o\n", None),
    ],
)
def test_sshd_is_asked_as_its_service_starts_it(tmp_path: Path, shown: str, default: str, options: str | None) -> None:
    host = host_with(tmp_path, "")
    host.write("/etc/default/ssh", default)
    host.answers = {SHOW: shown} if shown else {}
    host.answers[f"/usr/sbin/sshd -T{options}"] = "permitemptypasswords yes\n"
    seen = observed(host)
    assert isinstance(seen, Unknown) if options is None else seen == "yes"
    if options is None:
        assert "systemctl cat ssh.service" in seen.reason
        with pytest.raises(SettingError, match="not understood"):
            KINDS["sshd"].edit(host, WANTED, WANTED)


def test_another_main_file_is_followed_and_written(tmp_path: Path) -> None:
    host = host_with(tmp_path, "", other="Port 22\nMatch User x\nPermitEmptyPasswords yes\n")
    host.answers = {SHOW: started("sshd -f /etc/ssh/other.conf")}
    host.answers["/usr/sbin/sshd -T -f /etc/ssh/other.conf"] = "permitemptypasswords no\n"
    seen = observed(host)
    assert isinstance(seen, Seen)
    assert seen.note == "set for some connections by the Match block at /etc/ssh/other.conf:2"
    assert "\nPermitEmptyPasswords no\n" in (edited(host, "/etc/ssh/other.conf") or "").partition("Port 22")[0]
    assert host.text(MAIN) == ""


def test_every_line_of_a_key_whose_last_counts_is_rewritten(tmp_path: Path) -> None:
    host = host_with(tmp_path, "Include /etc/ssh/a.conf\nMaxStartups 100\n", a="maxstartups=50:30:100\n")
    sshd_config.put(host, {"MaxStartups": "10:30:60"})
    assert (host.text(MAIN) or "").endswith("Include /etc/ssh/a.conf\nMaxStartups 10:30:60\n")
    assert host.text("/etc/ssh/a.conf") == "MaxStartups 10:30:60\n"


def test_only_algorithms_that_are_installed_are_written(tmp_path: Path) -> None:
    host = host_with(tmp_path, "")
    host.answers["ssh -Q mac"] = "hmac-sha2-512\nhmac-sha2-256\n"
    wanted = {"MACs": ["hmac-sha2-256", "hmac-of-tomorrow", "hmac-sha2-512"]}
    KINDS["sshd"].edit(host, wanted, wanted)
    assert "MACs hmac-sha2-256,hmac-sha2-512\n" in (host.text(MAIN) or "")
    with pytest.raises(SettingError, match="knows none of the MACs"):
        KINDS["sshd"].edit(host, {}, {"MACs": ["hmac-of-tomorrow"]})
