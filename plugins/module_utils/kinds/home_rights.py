# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of people's own folders, and of the hidden files there that start their sessions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine import accounts, shown, undo
from ..engine.errors import NotApplicable, Seen
from ..engine.host import Host
from ..engine.rules import Rule
from .base import Kind, fields

_MODE = {"type": "string", "pattern": "^0[0-7]{3}$"}
_MOST = 200
"""Hidden files that are looked at in one folder."""


def _at_most(expected: Any, seen: Any) -> bool:
    return isinstance(seen, str) and not int(seen, 8) & ~int(expected, 8)


class HomeRights(Kind):
    """``home_rights: {folders: "0750", hidden_files: "0740"}``: at most these bits; none is ever given."""

    schema = fields(folders=_MODE, hidden_files=_MODE)

    def rule(self, name: str) -> Rule:
        return _RULE

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {name: _observe(host, name, limit) for body in bodies for name, limit in body.items()}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for name, limit in wanted.items():
            for path, rights in _LOOKS[name](host):
                narrowed = rights["mode"] & int(limit, 8)
                if narrowed != rights["mode"]:
                    host.set_rights(path, {**rights, "mode": narrowed})


_RULE = Rule("at_most", _at_most)


def _observe(host: Host, name: str, limit: str) -> Any:
    found = [(path, f"{rights['mode']:04o}") for path, rights in _LOOKS[name](host)]
    if not found:
        return NotApplicable("no account of a person has a folder on this host")
    wider = [path for path, mode in found if not _at_most(limit, mode)]
    if not wider:
        return found[0][1]
    worst = next(mode for path, mode in found if path == wider[0])
    return Seen(worst, f"wider than allowed: {shown.paths(host, wider)}")


def _folders(host: Host) -> Iterator[tuple[str, undo.Rights]]:
    """Yield the folders that people have to themselves; one that is somebody else's is left to the files' controls."""
    people = accounts.with_homes(host)
    homes = [account.home for account in people]
    for account in people:
        if account.home.startswith("/") and homes.count(account.home) == 1:
            rights = _own(host, account.home, account.uid)
            if rights:
                yield account.home, rights


def _hidden_files(host: Host) -> Iterator[tuple[str, undo.Rights]]:
    """Yield them of people and of root, whose folder itself is a file of the system."""
    root = [(account.home, {"uid": 0}) for account in accounts.read(host) if account.name == "root"]
    for home, owner in [*_folders(host), *root]:
        try:
            names = sorted(name for name in os.listdir(host.path(home)) if name.startswith("."))[:_MOST]
        except OSError:
            continue
        for name in names:
            path = os.path.join(home, name)
            # what is a link, or belongs to another, could be anything: the person could steer us with it
            if os.path.isfile(host.path(home) + "/" + name):
                rights = _own(host, path, owner["uid"])
                if rights:
                    yield path, rights


def _own(host: Host, path: str, uid: int) -> undo.Rights | None:
    """Return the rights of a file or folder if it is none but this account's."""
    try:
        rights = host.rights(path)
    except OSError:
        return None
    return rights if rights and rights["uid"] == uid else None


_LOOKS = {"folders": _folders, "hidden_files": _hidden_files}
