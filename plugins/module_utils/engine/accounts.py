# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Local accounts, read from /etc/passwd, /etc/shadow and /etc/group.

Results and journals name accounts by uid only: a login name is often a person's name.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from .host import Host
from .undo import account_mark

_NO_SHELL = ("nologin", "false", "sync", "halt", "shutdown")


class Account(NamedTuple):
    """A local account with its shadow fields (texts as they stand in the file, empty when unset).

    :param hash: the stored hash, never to be shown or recorded.
    :param shadowed: False when the password stands in /etc/passwd itself, where no ageing reaches it.
    """

    name: str
    uid: int
    gid: int
    home: str
    shell: str
    hash: str
    changed: str
    max: str
    warn: str
    inactive: str
    expire: str
    shadowed: bool

    @property
    def mark(self) -> str:
        """What a journal remembers the account by."""
        return account_mark(self.name, self.uid)

    @property
    def closed(self) -> bool:
        """Say whether the account has expired: neither a password nor a key opens it then."""
        return self.expire.isdigit() and int(self.expire) <= time.time() // 86400

    @property
    def has_password(self) -> bool:
        """Say whether a password can be given at all: neither locked nor empty."""
        return bool(self.hash) and self.hash[0] not in "!*"


def read(host: Host) -> list[Account]:
    """Return all local accounts that have a password field to judge: in /etc/shadow, or in /etc/passwd itself.

    :raises PermissionError: when /etc/shadow cannot be read.
    """
    shadow: dict[str, list[str]] = {}
    for line in (host.text("/etc/shadow") or "").split("\n"):
        parts = line.split(":")
        if len(parts) >= 8:
            shadow.setdefault(parts[0], parts)
    found = []
    for line in (host.text("/etc/passwd") or "").split("\n"):
        parts = line.split(":")
        if len(parts) != 7 or not parts[2].isdigit() or not parts[3].isdigit():
            continue
        # pam_unix looks into /etc/shadow only for these marks; anything else is the hash itself, or no password at all
        shadowed = parts[1] in ("x", "*NP*") or parts[1].startswith("##")
        secret = shadow.get(parts[0]) if shadowed else [parts[0], parts[1], *[""] * 7]
        if secret:
            changed, _least, longest, warn, inactive, expire = secret[2:8]
            found.append(
                Account(
                    name=parts[0],
                    uid=int(parts[2]),
                    gid=int(parts[3]),
                    home=parts[5],
                    shell=parts[6],
                    hash=secret[1],
                    changed=changed,
                    max=longest,
                    warn=warn,
                    inactive=inactive,
                    expire=expire,
                    shadowed=shadowed,
                )
            )
    return found


def sharing(host: Host, among: Sequence[Account]) -> list[Account]:
    """Return those of the accounts whose uid another account has too: the shadow tools could change the wrong one."""
    count = Counter(account.uid for account in read(host))
    return [account for account in among if count[account.uid] > 1]


def humans(host: Host) -> list[Account]:
    """Return the accounts of people: uid in login.defs' range for users, a shell to log in with, not to be spared."""
    return [account for account in with_homes(host) if account.name not in host.spared]


def with_homes(host: Host) -> list[Account]:
    """Return the accounts of people and those to be spared: what only protects their files cuts nobody off."""
    low, high = first_of_people(host), _bound(host, "UID_MAX", 60000)
    return [
        account
        for account in read(host)
        if low <= account.uid <= high and account.shell.rsplit("/", 1)[-1] not in _NO_SHELL
    ]


def first_of_people(host: Host) -> int:
    """Return the lowest uid of a person; below are root and the services."""
    return _bound(host, "UID_MIN", 1000)


def members(host: Host, groups: Sequence[str]) -> set[str]:
    """Return the names of the accounts that are in one of the groups, as primary or further group."""
    found: set[str] = set()
    numbers = set()
    for line in (host.text("/etc/group") or "").split("\n"):
        parts = line.split(":")
        if len(parts) == 4 and parts[0] in groups:
            numbers.add(parts[2])
            found.update(name for name in parts[3].split(",") if name)
    for line in (host.text("/etc/passwd") or "").split("\n"):
        parts = line.split(":")
        if len(parts) == 7 and parts[3] in numbers:
            found.add(parts[0])
    return found


def group_id(host: Host, name: str) -> int | None:
    """Return the number of a local group, or None when there is none of this name."""
    return next((gid for known, gid in _groups(host) if known == name), None)


def group_name(host: Host, gid: int) -> str:
    """Return the name of the local group with a number; empty when there is none."""
    return next((known for known, number in _groups(host) if number == gid), "")


def _groups(host: Host) -> Iterator[tuple[str, int]]:
    for line in (host.text("/etc/group") or "").split("\n"):
        parts = line.split(":")
        if len(parts) == 4 and parts[2].isdigit():
            yield parts[0], int(parts[2])


def uids(accounts: Sequence[Account]) -> str:
    """Return the accounts' uids for a person to read, shortened when there are many."""
    return numbers([account.uid for account in accounts])


def numbers(found: Sequence[int]) -> str:
    """Return uids for a person to read, shortened when there are many."""
    told = list(dict.fromkeys(map(str, found)))
    more = f" and {len(told) - 8} more" if len(told) > 8 else ""
    return f"{'uid' if len(told) == 1 else 'uids'} {', '.join(told[:8])}{more}"


def _bound(host: Host, key: str, default: int) -> int:
    for line in (host.text("/etc/login.defs") or "").split("\n"):
        parts = line.split()
        if len(parts) == 2 and parts[0] == key and parts[1].isdigit():
            return int(parts[1])
    return default
