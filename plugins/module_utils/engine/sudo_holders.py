# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom the rules of sudo allow something today, and which of them are in a group."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from . import accounts, sudoers
from .accounts import Account
from .host import Host

_SWITCH = "/etc/nsswitch.conf"


class Holders(NamedTuple):
    """The accounts that a rule allows something, root left out.

    :param inside: those in the group; outside: the others.
    :param uncounted: where a rule stands that allows accounts nobody can list here; empty when there is none.
    """

    inside: list[Account]
    outside: list[Account]
    uncounted: str


def find(host: Host, group: str) -> Holders:
    """Return whom the rules allow something, by whether they are in the group.

    :raises OSError: when the rules or the accounts cannot be read.
    """
    policy = sudoers.read(host)
    there = accounts.read(host)
    inside = accounts.members(host, [group])
    allowed: set[str] = set()
    uncounted = f"{_SWITCH} (sudoers)" if _directory_rules(host) else ""
    for rule in policy.rules:
        if all(command.negated for command in rule.commands):
            continue
        for word in policy.names("User", rule.users):
            names = _named(host, re.sub(r'\\(.)|"', r"\1", word), group, there)
            if names is None:
                uncounted = uncounted or rule.place
            else:
                allowed |= names
    holders = [account for account in there if account.uid != 0 and account.name in allowed]
    return Holders(
        [account for account in holders if account.name in inside],
        [account for account in holders if account.name not in inside],
        uncounted,
    )


def _named(host: Host, word: str, group: str, there: Sequence[Account]) -> set[str] | None:
    """Return the local accounts that a word of a rule means; None when others could be meant too."""
    if word.startswith("!") or word == f"%{group}":
        return set()
    if word == "ALL" or word.startswith(("+", "%:")):
        return None
    if word.startswith("%"):
        name = accounts.group_name(host, int(word[2:])) if word[1:2] == "#" and word[2:].isdigit() else word[1:]
        if accounts.group_id(host, name) is None:
            return None if _in_directory(host, "group", name) else set()
        return accounts.members(host, [name])
    names = {account.name for account in there if word in (account.name, f"#{account.uid}")}
    return names if names or not _in_directory(host, "passwd", word.lstrip("#")) else None


def _in_directory(host: Host, database: str, key: str) -> bool:
    """Say whether somebody else than the host's own files knows an account or a group."""
    return bool(key) and host.run("getent", database, key).rc == 0


def _directory_rules(host: Host) -> bool:
    """Say whether sudo also takes rules from elsewhere than its files."""
    lines = [line.partition("#")[0].split() for line in (host.text(_SWITCH) or "").split("\n")]
    return any(word != "files" and word[0] != "[" for line in lines if line[:1] == ["sudoers:"] for word in line[1:])


def running_without(host: Host, holders: Sequence[Account], gid: int) -> tuple[list[Account], list[Account]]:
    """Return those of whom a process runs that is not in the group, however the account is by now: services, people."""
    without = {uid for uid, groups in _processes(host) if gid not in groups}
    found = [account for account in holders if account.uid in without]
    first = accounts.first_of_people(host)
    return [each for each in found if each.uid < first], [each for each in found if each.uid >= first]


def _processes(host: Host) -> Iterator[tuple[int, set[int]]]:
    """Yield the account and the groups of each process."""
    folder = host.path("/proc")
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if not name.isdigit():
            continue
        try:
            with open(os.path.join(folder, name, "status"), encoding="utf-8", errors="replace") as stream:
                lines = dict(line.rstrip("\n").partition(":")[::2] for line in stream)
        except OSError:  # it ended meanwhile
            continue
        groups = {int(word) for key in ("Gid", "Groups") for word in lines.get(key, "").split()}
        yield int(lines.get("Uid", "0").split()[0]), groups
