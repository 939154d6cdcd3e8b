# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts have root's rights, or can take them."""

from __future__ import annotations

from collections.abc import Sequence

from . import accounts, sudoers
from .host import Host

_EQUAL_TO_ROOT = ("root", "disk", "shadow", "docker", "lxd", "incus-admin", "libvirt")
"""Groups whose members read or start anything as root."""


def privileged(host: Host, groups: Sequence[str]) -> list[accounts.Account]:
    """Return the accounts that are root, or can become it: by their number, a group, or a rule of sudo.

    :raises OSError: when /etc/shadow or the rules of sudo cannot be read.
    """
    names = accounts.members(host, [*groups, *_EQUAL_TO_ROOT])
    users = _Users(host)
    # root's own group as primary group of a system account (sync, operator) gives nothing
    return [
        account
        for account in accounts.read(host)
        if account.uid == 0
        or ((account.name in names or users.ruled(account)) and not (account.gid == 0 and account.uid < 1000))
    ]


class _Users:
    """Whom the rules of sudo mean."""

    def __init__(self, host: Host) -> None:
        self._policy = sudoers.read(host)
        self._rules = [
            rule.users for rule in self._policy.rules if not all(command.negated for command in rule.commands)
        ]
        lines = [line.split(":") for line in (host.text("/etc/group") or "").split("\n")]
        self._groups = [(parts[0].lower(), parts[2], parts[3].split(",")) for parts in lines if len(parts) == 4]

    def ruled(self, account: accounts.Account) -> bool:
        """Say whether a rule allows an account anything."""
        mine = {f"#{account.gid}"}
        for name, number, members in self._groups:
            if account.name in members or number == str(account.gid):
                mine |= {name, f"#{number}"}
        return any(self._means(users, account, mine, ()) for users in self._rules)

    def _means(
        self, words: Sequence[str], account: accounts.Account, groups: set[str], above: tuple[str, ...]
    ) -> bool | None:
        """Say whether a list means an account: the last word about it counts, None when there is none.

        :param above: the aliases whose list this is part of.
        """
        for word in reversed(words):
            name = word.lstrip("!")
            alias = self._policy.aliases.get(("User", name))
            if alias is not None and name not in above:
                found = self._means(alias, account, groups, (*above, name))
            else:
                # sudo takes no notice of large and small letters
                found = self._is(name.lower(), account, groups) or None
            if found is not None:
                return found != word.startswith("!")
        return None

    def _is(self, word: str, account: accounts.Account, groups: set[str]) -> bool:
        if word.startswith("%"):
            return word[1:].lstrip(":") in groups
        return word in ("all", account.name.lower(), f"#{account.uid}")
