# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a walk over the whole file system finds: files of nobody, open to everybody, or that lend their owner's rights.

A walk takes a bounded share of each audit and goes on in the next one; the controller keeps where, and what was found
so far. Each finding is looked at again every time, so one that was repaired is gone at once.
"""

from __future__ import annotations

import base64
import grp
import os
import pwd
import stat
import time
from collections.abc import Mapping, Sequence
from typing import Any, Callable

from ..engine import shown
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST, Rule
from ..engine.set_id import BITS, SetId
from ..engine.walk import Position, Walk, status
from .base import Kind, fields, integer

SORTS = ("orphans", "open_files", "open_folders", "set_id")
"""What is looked for; each is a row."""
_PATH = {"type": "string", "pattern": r"^/[^\x00-\x1f]*$", "maxLength": 200}
_MOST = 200
"""Findings of one sort that are kept."""
_DYNAMIC = range(61184, 65520)
"""Numbers systemd gives to services while they run: their files belong to nobody in between."""
_MEMORY = "file_walk"


class FileWalk(Kind):
    """``file_walk: {milliseconds: 300, max_age_days: 31, excluded: [/srv/archive], allowed_set_id: [/opt/x/y]}``.

    Nothing is ever repaired: whose a file is, or who needs a program, only people know.
    """

    schema = fields(
        ("milliseconds", "max_age_days"),
        milliseconds=integer(50, 3_600_000),
        max_age_days=integer(1, 366),
        excluded={"type": "array", "items": _PATH, "maxItems": 100},
        allowed_set_id={"type": "array", "items": _PATH, "maxItems": 100},
    )
    check_only = True

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return dict.fromkeys(SORTS, 0)

    def rule(self, name: str) -> Rule:
        return AT_MOST

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        state = _State(host.remembered.get(_MEMORY) or host.memory.get(_MEMORY))
        look = _Look(host, bodies[0])
        # one share of the walk is enough for a run, however often it looks
        if _MEMORY not in host.remembered:
            _go_on(host, bodies[0], state, look)
        found = state.all(look)
        host.remembered[_MEMORY] = state.as_memory()
        return {sort: _seen(host, state, found[sort], bodies[0]) for sort in SORTS}


class _State:
    """What the walks have found so far; what is remembered is not trusted to be whole."""

    def __init__(self, memory: object) -> None:
        known = memory if isinstance(memory, dict) else {}
        self.position = _position(known)
        self.seen = _count(known.get("seen"))
        self.about = 0
        self.now = _found(known.get("now"))
        self.whole = _found(known.get("whole"))
        self.whole_seen = _count(known.get("whole_seen"))
        self.ended = _count(known.get("ended"))

    def finish(self) -> None:
        """End a walk that has seen everything: its findings stand until the next one has."""
        self.whole, self.whole_seen, self.ended = self.now, self.seen, int(time.time())
        self.now, self.seen, self.position = _found(None), 0, Position()

    def all(self, look: _Look) -> dict[str, list[str]]:
        """Drop the findings that are none any more, and return the others."""
        for known in (self.now, self.whole):
            for sort, paths in known.items():
                known[sort] = [path for path in paths if look.still(sort, path)]
        return {sort: sorted({*self.now[sort], *self.whole[sort]}) for sort in SORTS}

    def as_memory(self) -> dict[str, Any]:
        """Return it as plain JSON; names that are no text survive."""
        return {
            "folder": _told(self.position.folder),
            "marks": list(self.position.marks),
            "after": _told(self.position.after),
            "seen": self.seen,
            "now": {sort: [_told(path) for path in paths] for sort, paths in self.now.items()},
            "whole": {sort: [_told(path) for path in paths] for sort, paths in self.whole.items()},
            "whole_seen": self.whole_seen,
            "ended": self.ended,
        }


def _told(path: str) -> str:
    return base64.b64encode(os.fsencode(path)).decode()


def _untold(text: object) -> str:
    try:
        return os.fsdecode(base64.b64decode(str(text or "")))
    except ValueError:
        return ""


def _path(text: object) -> str:
    path = _untold(text)
    return path if path.startswith("/") else ""


def _position(known: Mapping[str, Any]) -> Position:
    """Return where the walk goes on; one whose marks are damaged begins again."""
    marks = known.get("marks")
    if not isinstance(marks, list) or not all(isinstance(mark, int) and 0 <= mark < 2**63 for mark in marks):
        return Position()
    return Position(_path(known.get("folder")), tuple(marks), _untold(known.get("after")))


def _count(number: object) -> int:
    return number if isinstance(number, int) else 0


def _found(known: object) -> dict[str, list[str]]:
    given = known if isinstance(known, dict) else {}
    lists = {sort: given.get(sort) for sort in SORTS}
    return {
        sort: [path for path in map(_path, paths) if path] if isinstance(paths, list) else []
        for sort, paths in lists.items()
    }


class _Look:
    """How a file or a folder is judged."""

    def __init__(self, host: Host, body: Mapping[str, Any]) -> None:
        self._set_id = SetId(host, body.get("allowed_set_id", ()))
        self.set_id_counts: Callable[[str], bool] = lambda _path: True
        self._users = _Numbers(host, "/etc/passwd", "/etc/subuid", pwd.getpwuid)
        self._groups = _Numbers(host, "/etc/group", "/etc/subgid", grp.getgrgid)

    def sorts(self, path: str, info: os.stat_result) -> list[str]:
        """Return what is wrong with it."""
        mode = info.st_mode
        found = []
        if not (self._users.known(info.st_uid) and self._groups.known(info.st_gid)):
            found.append("orphans")
        if stat.S_ISDIR(mode):
            # everybody's folder protects what is in it by the sticky bit, as far as its owner is to be trusted
            if mode & stat.S_IWOTH and not (mode & stat.S_ISVTX and info.st_uid < 1000):
                found.append("open_folders")
        elif stat.S_ISREG(mode):
            if mode & stat.S_IWOTH:
                found.append("open_files")
            if self._set_id.unknown(path, mode & BITS) and self.set_id_counts(path):
                found.append("set_id")
        return found

    def still(self, sort: str, path: str) -> bool:
        """Say whether a finding is one now."""
        info = status(path)
        if info is None or sort not in self.sorts(path, info):
            return False
        return sort != "set_id" or bool(self.without_package({path: info.st_mode & BITS}))

    def without_package(self, lending: Mapping[str, int]) -> list[str]:
        """Return those programs that no package brings with these bits."""
        return self._set_id.without_package(lending)


class _Numbers:
    """The numbers of accounts or groups that are somebody's."""

    def __init__(self, host: Host, names: str, ranges: str, ask: Callable[[int], object]) -> None:
        lines = [line.split(":") for line in (host.text(names) or "").split("\n")]
        self._known = {int(parts[2]) for parts in lines if len(parts) > 3 and parts[2].isdigit()}
        lent = [line.split(":") for line in (host.text(ranges) or "").split("\n")]
        self._lent = [
            range(int(parts[1]), int(parts[1]) + int(parts[2]))
            for parts in lent
            if len(parts) == 3 and parts[1].isdigit() and parts[2].strip().isdigit()
        ]
        self._unknown: set[int] = set()
        self._ask = ask

    def known(self, number: int) -> bool:
        if number in self._known:
            return True
        if number in self._unknown:
            return False
        known = number in _DYNAMIC or any(number in each for each in self._lent) or self._elsewhere(number)
        (self._known if known else self._unknown).add(number)
        return known

    def _elsewhere(self, number: int) -> bool:
        """Ask the directory the host may be joined to."""
        try:
            self._ask(number)
        except KeyError:
            return False
        return True


def _go_on(host: Host, body: Mapping[str, Any], state: _State, look: _Look) -> None:
    walk = Walk(host, body.get("excluded", ()), state.position)
    look.set_id_counts = walk.set_id_counts
    lending: dict[str, int] = {}

    def judge(path: str, info: os.stat_result) -> None:
        for sort in look.sorts(path, info):
            if sort == "set_id":
                lending[path] = info.st_mode & BITS
            elif len(state.now[sort]) < _MOST and path not in state.now[sort]:
                state.now[sort].append(path)

    walk.go(judge, body["milliseconds"] / 1000)
    new = [path for path in look.without_package(lending) if path not in state.now["set_id"]]
    state.now["set_id"] = [*state.now["set_id"], *new][:_MOST]
    state.seen += walk.seen
    state.position = walk.position
    state.about = max(walk.about(), state.seen)
    if walk.ended:
        state.finish()


def _seen(host: Host, state: _State, found: Sequence[str], body: Mapping[str, Any]) -> Any:
    if found:
        return Seen(len(found), shown.paths(host, found))
    if not state.ended or state.ended < time.time() - body["max_age_days"] * 86400:
        of = f" of about {state.about}" if state.about else ""
        return Unknown(f"{state.seen}{of} files were looked at so far: the next audits go on")
    when = time.strftime("%Y-%m-%d", time.gmtime(state.ended))
    return Seen(0, f"{state.whole_seen} files were looked at until {when}")
