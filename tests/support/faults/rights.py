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


AREA = Area(
    faults={
        "file_rights": _file_rights,
    },
    prepare=_files,
)
