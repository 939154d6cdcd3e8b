# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts settings of a lab host in fault, as an administrator or an accident would: with sed, chage, dpkg.

Nothing here uses the engine's code, so a defect of the engine cannot hide itself. `prepare` gives a host an object for
every setting; `put_in_fault` breaks one and says what an audit must then report.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from tests.support import engine, lab

USER, ADMIN = "probe-user", "probe-admin"
UNIT = "essms-probe.service"
PASSWORD = "Lab-Fixture-Passw0rd"
_COMMON = "/etc/pam.d/common"
_PWQUALITY = "/etc/security/pwquality.conf"
_FAILLOCK = "/etc/security/faillock.conf"

Row = Mapping[str, Any]
Body = Mapping[str, Any]
Fault = Callable[[str, Row, Body], Any]

EXTRA: list[list[Any]] = [
    ["X01-01", "service", {"unit": UNIT, "enabled": True, "active": True}],
    ["X01-02", "key_value", {"path": "/etc/essms-probe.conf", "key": "Depth", "value": "3", "separator": " = "}],
    ["X01-02", "key_value", {"path": "/etc/essms-probe/probe.ini", "key": "Depth", "value": "4", "section": "Main"}],
]
"""Settings for kinds that no control of the catalogue uses yet."""

LAST = ("pam", "package")
"""Kinds whose fault hides what others say: they come last."""
FIRST = ("password_entropy", "stored_hashes")
"""Kinds that look at what others set: they come first, while the rest is in order."""


def prepare(host: str) -> None:
    """Give a host what the settings are about: an ordinary and a privileged user, a KDE session, a unit."""
    lab.add_user(host, USER, password=PASSWORD)
    lab.add_user(host, ADMIN, password=PASSWORD)
    engine.must(host, ["usermod", "--append", "--groups", "sudo", ADMIN])
    engine.must(host, "printf '[Desktop Entry]\\nName=KDE\\n' > /usr/share/wayland-sessions/plasma.desktop")
    unit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
    engine.must(host, f"cat > /etc/systemd/system/{UNIT} && systemctl daemon-reload", stdin=unit)


def put_in_fault(host: str, row: Row, body: Body) -> Any:
    """Break the setting of one row of the results; return the value an audit must report for it from now on."""
    return FAULTS[row["kind"]](host, row, body)


def repair(host: str, kind: str) -> None:
    """Do what only a person can do about a kind that apply leaves alone."""
    if kind == "stored_hashes":
        lab.set_password(host, USER, PASSWORD)
    elif kind == "password_entropy":
        _conf(host, _FAILLOCK, "deny", 5)


def _sed(host: str, script: str, path: str) -> None:
    """Edit a file in place; an edit that changes nothing is no fault, and fails."""
    edit = 'old=$(sha256sum "$1") && sed -E -i "$0" "$1" && [ "$old" != "$(sha256sum "$1")" ]'
    engine.must(host, ["sh", "-c", edit, script, path])


def _conf(host: str, path: str, key: str, value: object) -> None:
    """Set a key of a "key = value" file."""
    line = shlex.quote(f"{key} = {value}")
    engine.must(host, f"sed -E -i '/^ *{key}([ =]|$)/d' {path} && echo {line} >> {path}")


def _package(host: str, row: Row, _body: Body) -> Any:
    engine.must(host, f"DEBIAN_FRONTEND=noninteractive dpkg --force-depends --purge {row['name']}")
    return False


def _pwquality(host: str, row: Row, _body: Body) -> Any:
    name = row["name"]
    if name == "enforce_for_root":
        _sed(host, f"/^ *{name}/d", _PWQUALITY)
        return False
    if name == "badwords":
        _conf(host, _PWQUALITY, name, "unrelated")
        return ["unrelated"]
    value = 6 if name == "minlen" else 0
    _conf(host, _PWQUALITY, name, value)
    return value


def _password_entropy(host: str, _row: Row, _body: Body) -> Any:
    _conf(host, _FAILLOCK, "deny", 0)
    _conf(host, _PWQUALITY, "minlen", 10)
    return round(10 * math.log2(99), 1)


def _faillock(host: str, row: Row, _body: Body) -> Any:
    value = 0 if row["name"] == "deny" else 60
    _conf(host, _FAILLOCK, row["name"], value)
    return value


def _pam(host: str, row: Row, _body: Body) -> Any:
    profiles = {"pwquality": "pwquality", "faillock": "essms-faillock essms-faillock-preauth"}[row["name"]]
    engine.must(host, f"DEBIAN_FRONTEND=noninteractive pam-auth-update --disable {profiles} </dev/null")
    engine.must(host, f"! grep -q '^[^#]*pam_{row['name']}.so' {_COMMON}-auth {_COMMON}-password")
    return False


def _pwhistory(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "remember":
        _sed(host, "/pam_pwhistory/s/remember=[0-9]+/remember=1/", f"{_COMMON}-password")
        return 1
    _sed(host, "/pam_pwhistory/s/ enforce_for_root//", f"{_COMMON}-password")
    return False


def _pam_unix(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "nullok":
        _sed(host, "/pam_unix/s/$/ nullok/", f"{_COMMON}-auth")
        return True
    _sed(host, "/pam_unix/s/yescrypt/sha256/", f"{_COMMON}-password")
    return "sha256"


def _stored_hashes(host: str, _row: Row, _body: Body) -> Any:
    weak = engine.must(host, ["openssl", "passwd", "-1", "-stdin"], stdin=PASSWORD + "\n").strip()
    engine.must(host, ["usermod", "--password", weak, USER])
    return "md5"


def _empty_passwords(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, ["passwd", "--delete", USER])
    return True


def _login_defs(host: str, row: Row, _body: Body) -> Any:
    value: int | str = {"PASS_MAX_DAYS": 99999, "PASS_WARN_AGE": 0}.get(row["name"], "SHA256")
    _sed(host, f"s/^{row['name']}[ \t].*/{row['name']}\t{value}/", "/etc/login.defs")
    return value


def _account_ageing(host: str, row: Row, _body: Body) -> Any:
    scope, name = row["name"].split()
    option, value = ("-M", 99999) if name == "max_days" else ("-W", 0)
    engine.must(host, ["chage", option, str(value), ADMIN if scope == "privileged" else USER])
    return value


def _shell_timeout(host: str, row: Row, body: Body) -> Any:
    script = "/etc/profile.d/00-essms-timeout.sh"
    faults: dict[str, tuple[str, str, Any]] = {
        "login shell TMOUT": (
            f"s/^( *)TMOUT={body['seconds']}/\\1shopt -q login_shell \\&\\& TMOUT=7200 || TMOUT={body['seconds']}/",
            script,
            7200,
        ),
        "login shell TMOUT is read-only": (
            "s/^( *)readonly TMOUT/\\1shopt -q login_shell || readonly TMOUT/",
            script,
            False,
        ),
        "subshell TMOUT": ("/essms/d", "/etc/bash.bashrc", None),
        "subshell TMOUT is read-only": ("/readonly TMOUT/d", script, False),
    }
    expression, path, value = faults[row["name"]]
    _sed(host, expression, path)
    return value


def _logind(host: str, row: Row, _body: Body) -> Any:
    value: int | str = "ignore" if row["name"] == "IdleAction" else 7200
    _sed(host, f"s/^{row['name']}=.*/{row['name']}={value}/", "/etc/systemd/logind.conf.d/99-essms.conf")
    engine.must(host, "systemctl kill --signal=HUP --kill-who=main systemd-logind.service")
    asked = f"loginctl show-seat seat0 >/dev/null; busctl get-property {_LOGIN1} IdleAction{_SUFFIX[row['name']]}"
    wanted = '"ignore"' if value == "ignore" else str(7200 * 1_000_000)
    engine.must(host, f"for n in $(seq 50); do {asked} | grep -q '{wanted}' && exit 0; sleep 0.1; done; exit 1")
    return value


_LOGIN1 = "org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager"
_SUFFIX = {"IdleAction": "", "IdleActionSec": "USec"}


def _sshd(host: str, row: Row, _body: Body) -> Any:
    value: int | str = {"ClientAliveInterval": 0, "ClientAliveCountMax": 0}.get(row["name"], "yes")
    # the first value counts, so this one beats every drop-in
    engine.must(host, ["sed", "-i", f"1i {row['name']} {value}", "/etc/ssh/sshd_config"])
    engine.must(host, "systemctl reload ssh.service")
    return value


def _dconf(host: str, row: Row, body: Body) -> Any:
    folder = "/etc/dconf/db/local.d"
    if row["name"].endswith(" is locked"):
        _sed(host, f"\\#^/{body['path']}/{body['key']}$#d", f"{folder}/locks/00-essms")
        observed: Any = False
    else:
        observed, text = {
            "uint32": (7200, "uint32 7200"),
            "boolean": (not body["value"], str(not body["value"]).lower()),
            "strings": (["<Super>x"], "['<Super>x']"),
        }[body["type"]]
        _sed(host, f"s/^{body['key']}=.*/{body['key']}={text}/", f"{folder}/00-essms")
    engine.must(host, "umask 022; dconf update")
    return observed


def _kde_lock(host: str, row: Row, _body: Body) -> Any:
    key, value, observed = {"seconds": ("Timeout", "60", 3600), "on_resume": ("LockOnResume", "false", False)}[
        row["name"]
    ]
    _sed(host, f"s/^{key}=.*/{key}={value}/", "/etc/xdg/kscreenlockerrc")
    return observed


def _login_message(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, "echo 'something else' > /etc/motd.d/essms")
    return "something else"


def _service(host: str, row: Row, _body: Body) -> Any:
    engine.must(host, ["systemctl", "--quiet", "disable" if row["name"].endswith(" enabled") else "stop", UNIT])
    return False


def _key_value(host: str, _row: Row, body: Body) -> Any:
    _sed(host, f"s/^{body['key']}( ?= ?).*/{body['key']}\\19/", body["path"])
    return "9"


FAULTS: dict[str, Fault] = {
    "account_ageing": _account_ageing,
    "dconf": _dconf,
    "empty_passwords": _empty_passwords,
    "faillock": _faillock,
    "kde_lock": _kde_lock,
    "key_value": _key_value,
    "login_defs": _login_defs,
    "login_message": _login_message,
    "logind": _logind,
    "package": _package,
    "pam": _pam,
    "pam_unix": _pam_unix,
    "password_entropy": _password_entropy,
    "pwhistory": _pwhistory,
    "pwquality": _pwquality,
    "service": _service,
    "shell_timeout": _shell_timeout,
    "sshd": _sshd,
    "stored_hashes": _stored_hashes,
}
"""The fault of each kind; a unit test asks for one for every kind there is."""
