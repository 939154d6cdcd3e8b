# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When accounts were last logged in to, from whatever the host keeps: it is read, never touched."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from . import undo
from .accounts import Account
from .host import Host

_LASTLOG = struct.Struct("=i32s256s")
_UTMP = struct.Struct("=hxxi32s4s32s256shhiii4I20x")
_USER_PROCESS = 7
_DATABASES = (
    ("/var/lib/lastlog/lastlog2.db", "SELECT Name, Time FROM Lastlog2", 1),
    ("/var/lib/wtmpdb/wtmp.db", "SELECT User, max(Login) FROM wtmp WHERE Type = 3 GROUP BY User", 1_000_000),
    ("/var/log/wtmp.db", "SELECT User, max(Login) FROM wtmp WHERE Type = 3 GROUP BY User", 1_000_000),
)
"""Path, question (name and time) and units a second of the databases of newer distributions."""
_LARGEST = 64 * 1024 * 1024


class Logins(NamedTuple):
    """The last login by account name, and the newest login of anybody; 0 when none is recorded."""

    last: Mapping[str, float]
    newest: float


def read(host: Host, accounts: Sequence[Account]) -> Logins:
    """Return what every source of this host knows together."""
    last: dict[str, float] = {}
    for name, when in [*_lastlog(host, accounts), *_wtmp(host), *_databases(host)]:
        last[name] = max(when, last.get(name, 0))
    return Logins(last, max(last.values(), default=0))


def at_work(accounts: Sequence[Account]) -> set[int]:
    """Return the numbers of those of the accounts that have a process now; one in a container has only the number."""
    numbers = {account.uid for account in accounts}
    own = _namespace("self")
    found: set[int] = set()
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                number = os.stat(f"/proc/{name}").st_uid
                if number in numbers - found and _namespace(name) in ("", own):
                    found.add(number)
            except FileNotFoundError:
                continue
    return found


def _namespace(process: str) -> str:
    """Return what names the processes that see each other; an empty text without the right to know."""
    try:
        return os.readlink(f"/proc/{process}/ns/pid")
    except PermissionError:
        return ""


def _bytes(path: str) -> bytes:
    """Return the bytes of a file that is not unreasonably large, without changing its access time."""
    try:
        with open(path, "rb", opener=_quietly) as stream:
            return stream.read(_LARGEST)
    except FileNotFoundError:
        return b""


def _quietly(path: str, flags: int) -> int:
    return undo.open_regular(path, flags | (os.O_NOATIME if os.geteuid() == 0 else 0))


def _lastlog(host: Host, accounts: Sequence[Account]) -> list[tuple[str, float]]:
    """Read the records by uid; the file is sparse and as long as the largest uid, so only those of interest."""
    found = []
    try:
        with open(host.path("/var/log/lastlog"), "rb", opener=_quietly) as stream:
            for account in accounts:
                stream.seek(account.uid * _LASTLOG.size)
                record = stream.read(_LASTLOG.size)
                if len(record) == _LASTLOG.size and _LASTLOG.unpack(record)[0]:
                    found.append((account.name, float(_LASTLOG.unpack(record)[0])))
    except FileNotFoundError:
        return []
    return found


def _wtmp(host: Host) -> list[tuple[str, float]]:
    last: dict[str, float] = {}
    for path in ("/var/log/wtmp.1", "/var/log/wtmp"):
        data = _bytes(host.path(path))
        for record in _UTMP.iter_unpack(data[: len(data) // _UTMP.size * _UTMP.size]):
            if record[0] == _USER_PROCESS:
                name = record[4].split(b"\0")[0].decode(errors="surrogateescape")
                last[name] = max(float(record[9]), last.get(name, 0))
    return list(last.items())


def _databases(host: Host) -> list[tuple[str, float]]:
    try:
        import sqlite3
    except ImportError:
        return []
    found: list[tuple[str, float]] = []
    for path, question, second in _DATABASES:
        real = host.path(path)
        if not os.path.isfile(real):
            continue
        try:
            # immutable: no lock, no journal, nothing beside the database
            with sqlite3.connect(f"file:{real}?mode=ro&immutable=1", uri=True, timeout=1) as database:
                rows = database.execute(question).fetchall()
            database.close()
        except sqlite3.Error:
            continue
        found += [(str(name), float(when) / second) for name, when in rows if isinstance(when, (int, float))]
    # what comes from the future is damage
    return [(name, when) for name, when in found if when <= time.time() + 86400]
