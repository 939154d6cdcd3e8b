# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which accounts have root's rights, or can take them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from . import accounts
from .host import Host

_EQUAL_TO_ROOT = ("root", "disk", "shadow", "docker", "lxd", "incus-admin", "libvirt")
"""Groups whose members read or start anything as root."""
_NO_USER = ("Defaults", "User_Alias", "Runas_Alias", "Host_Alias", "Cmnd_Alias", "Cmd_Alias", "@include", "#include")


def privileged(host: Host, groups: Sequence[str]) -> list[accounts.Account]:
    """Return the accounts that are root, or can become it: by their number, a group, or a rule of sudo.

    :raises PermissionError: when /etc/shadow or the rules of sudo cannot be read.
    """
    users, ruled_groups = _ruled(host)
    names = accounts.members(host, [*groups, *_EQUAL_TO_ROOT, *ruled_groups]) | users
    # root's own group as primary group of a system account (sync, operator) gives nothing
    return [
        account
        for account in accounts.read(host)
        if account.uid == 0 or (account.name in names and not (account.gid == 0 and account.uid < 1000))
    ]


def _ruled(host: Host) -> tuple[set[str], list[str]]:
    """Return the users and groups that rules of sudo name, aliases of users resolved."""
    users: set[str] = set()
    groups: list[str] = []
    lines = list(_rules(host))
    aliases: dict[str, list[str]] = {}
    for line in lines:
        if line.startswith("User_Alias"):
            for part in line[len("User_Alias") :].split(":"):
                name, _, members = part.partition("=")
                aliases[name.strip()] = [member.strip() for member in members.split(",")]
    for line in lines:
        if line.startswith(_NO_USER) or "=" not in line:
            continue
        named = [word.strip() for word in _subject(line).split(",")]
        for word in [member for name in named for member in aliases.get(name, [name])]:
            if word.startswith("%"):
                groups.append(word[1:].lstrip(":"))
            elif word.startswith("#"):
                users |= {account.name for account in accounts.read(host) if str(account.uid) == word[1:]}
            else:
                users.add(word)
    return users, groups


def _subject(line: str) -> str:
    """Return the users of a rule: what stands before the hosts, with the words that commas join."""
    words = line.split()
    subject = words[0]
    for word in words[1:]:
        if not (subject.endswith(",") or word.startswith(",")):
            break
        subject += word
    return subject


def _rules(host: Host) -> Iterator[str]:
    """Yield the lines of sudo's files, continued ones joined, without comments."""
    folder = "/etc/sudoers.d"
    # sudo leaves out names with a dot or a tilde at the end
    inside = [path for path in host.names(folder, "") if "." not in path.rsplit("/", 1)[-1] and not path.endswith("~")]
    for path in ["/etc/sudoers", *inside]:
        text = (host.text(path) or "").replace("\\\n", " ")
        for line in text.split("\n"):
            bare = line.strip()
            # a number sign that a digit follows is a uid
            if bare and not (bare.startswith("#") and not bare[1:2].isdigit()):
                yield bare
