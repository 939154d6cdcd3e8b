# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local accounts, read from /etc/passwd, /etc/shadow and /etc/group.

Results and journals name accounts by uid only: a login name is often a person's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from .host import Host

_NO_SHELL = ("nologin", "false", "sync", "halt", "shutdown")


class Account(NamedTuple):
    """A local account with its shadow fields (texts as they stand in the file, empty when unset).

    :param hash: the stored hash, never to be shown or recorded.
    """

    name: str
    uid: int
    gid: int
    shell: str
    hash: str
    changed: str
    max: str
    warn: str

    @property
    def has_password(self) -> bool:
        """Say whether a password can be given at all: neither locked nor empty."""
        return bool(self.hash) and self.hash[0] not in "!*"


def read(host: Host) -> list[Account]:
    """Return all local accounts that have a shadow entry.

    :raises PermissionError: when /etc/shadow cannot be read.
    """
    shadow = {}
    for line in (host.text("/etc/shadow") or "").splitlines():
        parts = line.split(":")
        if len(parts) >= 8:
            shadow[parts[0]] = parts
    found = []
    for line in (host.text("/etc/passwd") or "").splitlines():
        parts = line.split(":")
        if len(parts) == 7 and parts[0] in shadow and parts[2].isdigit() and parts[3].isdigit():
            secret = shadow[parts[0]]
            found.append(Account(parts[0], int(parts[2]), int(parts[3]), parts[6], *secret[1:3], *secret[4:6]))
    return found


def humans(host: Host) -> list[Account]:
    """Return the accounts of people: uid in login.defs' range for users, a shell to log in with, not to be spared."""
    low, high = _bound(host, "UID_MIN", 1000), _bound(host, "UID_MAX", 60000)
    return [
        account
        for account in read(host)
        if low <= account.uid <= high
        and account.shell.rsplit("/", 1)[-1] not in _NO_SHELL
        and account.name not in host.spared
    ]


def members(host: Host, groups: Sequence[str]) -> set[str]:
    """Return the names of the accounts that are in one of the groups, as primary or further group."""
    found: set[str] = set()
    numbers = set()
    for line in (host.text("/etc/group") or "").splitlines():
        parts = line.split(":")
        if len(parts) == 4 and parts[0] in groups:
            numbers.add(parts[2])
            found.update(name for name in parts[3].split(",") if name)
    for line in (host.text("/etc/passwd") or "").splitlines():
        parts = line.split(":")
        if len(parts) == 7 and parts[3] in numbers:
            found.add(parts[0])
    return found


def uids(accounts: Sequence[Account]) -> str:
    """Return the accounts' uids for a person to read, shortened when there are many."""
    numbers = [str(account.uid) for account in accounts]
    more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
    return f"{'uid' if len(numbers) == 1 else 'uids'} {', '.join(numbers[:8])}{more}"


def _bound(host: Host, key: str, default: int) -> int:
    for line in (host.text("/etc/login.defs") or "").splitlines():
        parts = line.split()
        if len(parts) == 2 and parts[0] == key and parts[1].isdigit():
            return int(parts[1])
    return default
