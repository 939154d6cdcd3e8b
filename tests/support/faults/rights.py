# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of accounts, shares and rights."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row

_OBJECTS = (
    "cd /etc && mkdir -p /boot/grub cron.d cron.hourly cron.daily && touch /boot/grub/grub.cfg security/opasswd "
    "crontab cron.d/probe cron.allow at.deny sudoers.d/probe ssh/sshd_config.d/probe.conf "
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


AREA = Area(
    faults={
        "file_rights": _file_rights,
        "file_walk": _file_walk,
    },
    prepare=_files,
    repairs={"file_walk": _cleared},
    # a file that is opened to everybody is also found by the walk
    first=("file_walk",),
)
