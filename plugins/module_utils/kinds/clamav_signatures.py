# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Age of ClamAV's signatures, by what the databases themselves say; freshclam renews them, not we."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import undo
from ..engine.errors import Seen
from ..engine.host import Host
from ..engine.rules import AT_MOST
from .base import Kind, fields, integer
from .clamav import DATABASES, has_database

_MARK = b"ClamAV-VDB:"
_HEADER = 512
"""Bytes of the header; its last field is the time of the build."""
_BUILT = 8


class ClamavSignatures(Kind):
    """``clamav_signatures: {max_age_days: 1, present: true}``."""

    schema = fields(max_age_days=integer(1, 30), present={"enum": [True]})
    rules = {"max_age_days": AT_MOST}
    check_only = True
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {"max_age_days": _age(host), "present": has_database(host)}
        if not found["present"]:
            # what there is to do: the host reaches no mirror
            note = "no signatures yet: let the host reach a mirror or a proxy (essms_av_mirrors, essms_av_proxy)"
            found = {"max_age_days": Seen(None, note), "present": Seen(False, note)}
        return {name: found[name] for name in self.names(host, bodies)}


def _age(host: Host) -> Any:
    """Return the days since the newest daily signatures were built."""
    folder = host.path(DATABASES)
    names = ("daily.cld", "daily.cvd", "daily.inc/daily.info")
    times = [built(header) for header in (_head(os.path.join(folder, name)) for name in names) if header]
    known = [moment for moment in times if moment is not None]
    if not known:
        return Seen(None, "the daily signatures do not say when they were built")
    return max(0, int(time.time() - max(known)) // 86400)


def _head(path: str) -> bytes:
    try:
        with open(path, "rb", opener=undo.open_regular) as stream:
            return stream.read(_HEADER)
    except (FileNotFoundError, NotADirectoryError):
        return b""


def built(header: bytes) -> int | None:
    """Return the time of the build (seconds since 1970) from the first bytes of a database, None when unreadable."""
    words = header.split(b"\n")[0].split(b":")
    if not header.startswith(_MARK) or len(words) <= _BUILT:
        return None
    # the header is padded with blanks to its fixed length
    stamp = words[_BUILT].strip()
    return int(stamp) if stamp.isdigit() else None
