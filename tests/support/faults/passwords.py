# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of passwords: quality, history, lockout, storage, age."""

from __future__ import annotations

import math
from typing import Any

from tests.support import engine, lab
from tests.support.faults.common import ADMIN, PASSWORD, USER, Area, Body, Row, conf, sed

COMMON = "/etc/pam.d/common"
_PWQUALITY = "/etc/security/pwquality.conf"
_FAILLOCK = "/etc/security/faillock.conf"


def _pwquality(host: str, row: Row, _body: Body) -> Any:
    name = row["name"]
    if name == "enforce_for_root":
        sed(host, f"/^ *{name}/d", _PWQUALITY)
        return False
    if name == "badwords":
        conf(host, _PWQUALITY, name, "unrelated")
        return ["unrelated"]
    value = 6 if name == "minlen" else 0
    conf(host, _PWQUALITY, name, value)
    return value


def _password_entropy(host: str, _row: Row, _body: Body) -> Any:
    conf(host, _FAILLOCK, "deny", 0)
    conf(host, _PWQUALITY, "minlen", 10)
    return round(10 * math.log2(99), 1)


def _people(host: str) -> None:
    lab.add_user(host, USER, password=PASSWORD)
    lab.add_user(host, ADMIN, password=PASSWORD)
    engine.must(host, ["usermod", "--append", "--groups", "sudo", ADMIN])
    lab.set_password(host, "root", PASSWORD)


def _allow_lockout(host: str) -> None:
    conf(host, _FAILLOCK, "deny", 5)


def _good_password(host: str) -> None:
    lab.set_password(host, USER, PASSWORD)


def _faillock(host: str, row: Row, _body: Body) -> Any:
    value = 0 if row["name"] == "deny" else 60
    conf(host, _FAILLOCK, row["name"], value)
    return value


def _pam(host: str, row: Row, _body: Body) -> Any:
    profiles = {"faillock": "essms-faillock essms-faillock-preauth"}.get(row["name"], row["name"])
    engine.must(host, f"DEBIAN_FRONTEND=noninteractive pam-auth-update --disable {profiles} </dev/null")
    engine.must(host, f"! grep -q '^[^#]*pam_{row['name']}.so' {COMMON}-auth {COMMON}-password {COMMON}-session")
    return False


def _pwhistory(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "remember":
        sed(host, "/pam_pwhistory/s/remember=[0-9]+/remember=1/", f"{COMMON}-password")
        return 1
    sed(host, "/pam_pwhistory/s/ enforce_for_root//", f"{COMMON}-password")
    return False


def _pam_unix(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "nullok":
        sed(host, "/pam_unix/s/$/ nullok/", f"{COMMON}-auth")
        return True
    if row["name"] == "cost":
        sed(host, "/pam_unix/s/( rounds=[0-9]+)?$/ rounds=3/", f"{COMMON}-password")
        return 3
    if row["name"] == "no_pass_expiry":
        sed(host, "/pam_unix/s/ no_pass_expiry//", f"{COMMON}-account")
        return False
    sed(host, "/pam_unix/s/yescrypt/sha256/", f"{COMMON}-password")
    return "sha256"


def _stored_hashes(host: str, _row: Row, _body: Body) -> Any:
    weak = engine.must(host, ["openssl", "passwd", "-1", "-stdin"], stdin=PASSWORD + "\n").strip()
    engine.must(host, ["usermod", "--password", weak, USER])
    return "md5"


def _empty_passwords(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, ["passwd", "--delete", USER])
    return True


def _login_defs(host: str, row: Row, _body: Body) -> Any:
    values: dict[str, int | str] = {
        "ENCRYPT_METHOD": "SHA256",
        "PASS_MAX_DAYS": 99999,
        "PASS_WARN_AGE": 0,
        "SHA_CRYPT_MIN_ROUNDS": 5000,
    }
    value = values[row["name"]]
    sed(host, f"s/^{row['name']}[ \t].*/{row['name']}\t{value}/", "/etc/login.defs")
    return value


def _account_ageing(host: str, row: Row, _body: Body) -> Any:
    scope, name = row["name"].split()
    option, value = ("-M", 99999) if name == "max_days" else ("-W", 0)
    engine.must(host, ["chage", option, str(value), {"privileged": ADMIN, "root": "root"}.get(scope, USER)])
    return value


AREA = Area(
    faults={
        "account_ageing": _account_ageing,
        "empty_passwords": _empty_passwords,
        "faillock": _faillock,
        "login_defs": _login_defs,
        "pam": _pam,
        "pam_unix": _pam_unix,
        "password_entropy": _password_entropy,
        "pwhistory": _pwhistory,
        "pwquality": _pwquality,
        "stored_hashes": _stored_hashes,
    },
    prepare=_people,
    repairs={"stored_hashes": _good_password, "password_entropy": _allow_lockout},
    first=("password_entropy", "stored_hashes"),
    last=("pam",),
)
