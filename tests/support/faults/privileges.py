# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of sudo and su."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import ADMIN, USER, Area, Body, Row, sed

_OURS = "/etc/sudoers.d/zz-essms"
_PROBE = "/etc/sudoers.d/probe"
_WEAK: dict[str, tuple[str, Any]] = {
    "umask": ("umask=0002", "0002"),
    "logfile": ("logfile=/var/log/other.log", "/var/log/other.log"),
    "passwd_timeout": ("passwd_timeout=0", 0),
    "timestamp_timeout": ("timestamp_timeout=-1", -1),
    "secure_path": ('secure_path="/tmp/bin:/bin"', ["/tmp/bin", "/bin"]),
}


def _sudoers(host: str, row: Row, body: Body) -> Any:
    name = row["name"]
    if name == "rotation":
        engine.must(host, "rm /etc/logrotate.d/essms-sudo")
        return False
    if name == "noexec":
        sed(host, "/^Cmnd_Alias/s/, [^,]*$//", _OURS)
        return body["noexec"][:-1]
    weak, observed = _WEAK.get(name, (f"!{name}", False))
    # somebody else's file, read before ours and after Debian's, which sets some of them itself
    engine.must(host, f"sed -i -E '/^Defaults {name}/d' {_OURS}; cat >> {_PROBE}", stdin=f"Defaults {weak}\n")
    return observed


_RULES = {
    "refused commands": "ALL = ALL, !/bin/sh",
    "rules without a password": "ALL = NOPASSWD: /usr/bin/id",
}


def _sudo_rules(host: str, row: Row, _body: Body) -> Any:
    engine.must(host, f"cat >> {_PROBE}-rules", stdin=f"{ADMIN} {_RULES[row['name']]}\n")
    return 1


def _good_rules(host: str) -> None:
    engine.must(host, f"rm {_PROBE}-rules")


def _su_group(host: str, _row: Row, _body: Body) -> Any:
    sed(host, "/pam_wheel.so use_uid/d", "/etc/pam.d/su")
    return None


GROUP = "probe-sudo"
_PROGRAM = "/usr/bin/sudo"


def _may_start(host: str) -> None:
    """Put whoever has a rule here, or is given one by a fault, into the group that may start sudo."""
    members = f"ansible,{ADMIN},{USER}"
    engine.must(host, f"getent group {GROUP} || groupadd --system {GROUP}; gpasswd --members {members} {GROUP}")


def _sudo_program(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "rights":
        engine.must(host, f"chown root:root {_PROGRAM} && chmod 4755 {_PROGRAM}")
        return "4755 root:root"
    engine.must(host, ["dpkg-statoverride", "--remove", _PROGRAM])
    return None


AREA = Area(
    faults={
        "sudoers": _sudoers,
        "sudo_program": _sudo_program,
        "sudo_rules": _sudo_rules,
        "su_group": _su_group,
    },
    prepare=_may_start,
    repairs={"sudo_rules": _good_rules},
)
