# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths for people to read: nothing in them steers a terminal, and no part of them tells a login name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

from . import undo
from .host import Host
from .text import printable

_SHOWN = 5
_EACH_OF_A_PERSON = {"/home", "/var/mail", "/var/spool/mail", "/var/spool/cron", "/var/spool/cron/crontabs"}
"""Folders where every name is that of an account, or of one that is gone."""
_NO_NAME = re.compile(r"lost\+found|crontabs|.*~(?:\d|\?).*")
_PATH = re.compile(r"(?<![\w~/])/[^\s,;:'\"`()]+")


def paths(host: Host, found: Sequence[str], shown: int = _SHOWN) -> str:
    """Return paths as one text, shortened when there are many."""
    people = _People(host)
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    return ", ".join(printable(people.hidden(path)) for path in found[:shown]) + more


def without_names(host: Host, said: Any) -> Any:
    """Return what is told (texts, also in lists and the values of mappings), its paths without login names."""
    people = _People(host)

    def hide(value: Any) -> Any:
        if isinstance(value, str):
            return _PATH.sub(lambda path: people.hidden(path[0]), value)
        if isinstance(value, list):
            return [hide(each) for each in value]
        return {key: hide(each) for key, each in value.items()} if isinstance(value, dict) else value

    return hide(said)


class _People:
    """Whose the names in paths are."""

    def __init__(self, host: Host) -> None:
        self._host = host
        lines = [line.split(":") for line in (host.text("/etc/passwd") or "").split("\n")]
        self._people = undo.people(lines, lambda home: os.path.join("/", os.path.relpath(host.path(home), host.root)))
        self._services = {line[0] for line in lines} - {person.name for person in self._people}
        self._parents = {os.path.dirname(home) for person in self._people for home in person.homes} - {"/"}

    def hidden(self, path: str) -> str:
        """Return a path with numbers in the place of names."""
        found = undo.whose(path, self._people)
        if found is None:
            return self._of_nobody(path)
        start = path[: found.start]
        return f"{start}~{found.person.uid}{self._names(path[found.end :])}"

    def _names(self, rest: str) -> str:
        found = undo.named(rest, self._people)
        return rest if found is None else f"{rest[: found.start]}~{found.person.uid}{self._names(rest[found.end :])}"

    def _of_nobody(self, path: str) -> str:
        """Return a path without the name of an account that is gone, or that only a directory knows."""
        parts = path.split("/")
        for place in range(2, len(parts)):
            parent, name = "/".join(parts[:place]), parts[place]
            listed = parent in _EACH_OF_A_PERSON
            if not (listed or parent in self._parents) or name in self._services or _NO_NAME.fullmatch(name):
                continue
            owner = self._owner(f"{parent}/{name}")
            if listed or (owner or 0) >= undo.FIRST_PERSON:
                return "/".join([parent, f"~{'?' if owner is None else owner}", *parts[place + 1 :]])
        return path

    def _owner(self, path: str) -> int | None:
        try:
            return os.lstat(os.path.join(self._host.root, path.lstrip("/"))).st_uid
        except OSError:
            return None
