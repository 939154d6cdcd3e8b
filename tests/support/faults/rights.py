# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of accounts, shares and rights."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import ADMIN, USER, Area, Body, Row

_OBJECTS = (
    "cd /etc && mkdir -p /boot/grub cron.d cron.hourly cron.daily && touch /boot/grub/grub.cfg security/opasswd "
    "crontab cron.d/probe cron.allow cron.deny at.allow at.deny sudoers.d/probe ssh/sshd_config.d/probe.conf "
    "&& { getent group crontab >/dev/null || groupadd --system crontab; }"
)


def _files(host: str) -> None:
    """Give the host a file of each sort that packages it does not have would bring."""
    engine.must(host, _OBJECTS)


def _file_rights(host: str, row: Row, _body: Body) -> Any:
    """Let everybody write to it, and give it to nobody's group."""
    path = row["name"]
    engine.must(host, f"for each in {path}; do chgrp nogroup $each && chmod u+rw,o+rw $each || exit 1; break; done")
    found = engine.must(host, f"for each in {path}; do stat -c '%a %U:%G' $each; break; done").strip()
    mode, _, owners = found.partition(" ")
    return f"{mode:0>4} {owners}"


_WALK = "/etc/probe-walk"
_FOUND = {
    "orphans": f"touch {_WALK}/orphan && chown 4321:4321 {_WALK}/orphan",
    "open_files": f"touch {_WALK}/open && chmod 0666 {_WALK}/open",
    "open_folders": f"mkdir {_WALK}/folder && chmod 0777 {_WALK}/folder",
    "set_id": f"cp /bin/true {_WALK}/program && chmod 4755 {_WALK}/program",
}


def _file_walk(host: str, row: Row, _body: Body) -> Any:
    engine.must(host, f"mkdir -p {_WALK} && {_FOUND[row['name']]}")
    return 1


def _cleared(host: str) -> None:
    engine.must(host, ["rm", "-rf", _WALK])


_SMB = "[global]\nworkgroup = HOME\n[team]\npath = /etc/probe-share\nread only = no\nvalid users = @sudo\n"
_EXPORTS = "/etc/probe-data 192.0.2.0/24(ro)\n"
_SHARES = {
    "samba guests": "printf '[hall]\\npath = /etc/probe-share\\nguest ok = yes\\n' >> /etc/samba/smb.conf",
    "samba writable": "sed -i '/valid users/d' /etc/samba/smb.conf && chmod 0777 /etc/probe-share",
    "nfs everybody": "echo '/etc/probe-share *(ro)' >> /etc/exports",
    "nfs root": "echo '/etc/probe-share 192.0.2.1(rw,no_root_squash)' >> /etc/exports",
    "sensitive folders": "chmod 0755 /etc/probe-data",
}


def _shared(host: str) -> None:
    engine.must(host, "mkdir -p /etc/samba /etc/probe-share /etc/probe-data && chmod 0750 /etc/probe-data")
    engine.must(host, "cat > /etc/samba/smb.conf && chmod 0755 /etc/probe-share", stdin=_SMB)
    engine.must(host, "cat > /etc/exports", stdin=_EXPORTS)


def _shares(host: str, row: Row, _body: Body) -> Any:
    engine.must(host, _SHARES[row["name"]])
    return 1


# somebody logged in a minute ago: without any record, who is inactive would not be known
_LOGIN = """
import struct, time
record = struct.Struct("=hxxi32s4s32s256shhiii4I20x").pack(
    7, 1, b"pts/0", b"0", b"probe-user", b"", 0, 0, 0, int(time.time()) - 60, 0, 0, 0, 0, 0)
open("/var/log/wtmp", "ab").write(record)
"""


def _prepare(host: str) -> None:
    _files(host)
    _shared(host)
    engine.must(host, ["python3", "-c", _LOGIN])


_NEW = "useradd --no-create-home --shell /bin/bash"


def _generic(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, f"{_NEW} poste-3")
    return 1


def _inactive(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "leavers":
        engine.must(host, f"{_NEW} probe-leaver")
    else:
        engine.must(host, f"{_NEW} probe-idle && chage --lastday 2020-01-01 probe-idle")
    return 1


def _privileged(host: str, row: Row, _body: Body) -> Any:
    options = "--non-unique --uid 0" if row["name"] == "other roots" else "--uid 4000 --groups sudo"
    engine.must(host, f"{_NEW} {options} probe-{row['name'].split()[0]}")
    return 1


def _admins(host: str, row: Row, _body: Body) -> Any:
    daily = f"mkdir /home/{ADMIN}/.thunderbird"
    engine.must(host, daily if row["name"] == "daily" else f"usermod --append --groups sudo {USER}")
    return 1


def _not_daily(host: str) -> None:
    engine.must(host, f"rmdir /home/{ADMIN}/.thunderbird && gpasswd --delete {USER} sudo")


def _homes(host: str, row: Row, _body: Body) -> Any:
    path, mode = ("", "0777") if row["name"] == "folders" else ("/.profile", "0666")
    engine.must(host, f"chmod {mode} /home/{USER}{path}")
    return mode


def _gone(name: str) -> str:
    """Return the command that removes an account; userdel refuses one that shares its uid with root."""
    return f"sed -i -E '/^{name}:/d' /etc/passwd /etc/shadow /etc/group /etc/gshadow"


def _not_generic(host: str) -> None:
    engine.must(host, _gone("poste-3"))


def _not_privileged(host: str) -> None:
    engine.must(host, f"{_gone('probe-other')}; gpasswd --delete probe-added sudo; {_gone('probe-added')}")


AREA = Area(
    faults={
        "admin_accounts": _admins,
        "file_rights": _file_rights,
        "file_walk": _file_walk,
        "generic_accounts": _generic,
        "home_rights": _homes,
        "inactive_accounts": _inactive,
        "privileged_accounts": _privileged,
        "shares": _shares,
    },
    prepare=_prepare,
    repairs={
        "admin_accounts": _not_daily,
        "file_walk": _cleared,
        "generic_accounts": _not_generic,
        "privileged_accounts": _not_privileged,
        "shares": _shared,
    },
    # a file that is opened to everybody is also found by the walk
    first=("file_walk",),
)
