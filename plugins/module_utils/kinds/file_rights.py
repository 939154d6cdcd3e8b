# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mode and owners of files and folders of the system that exist; what is inside them stays."""

from __future__ import annotations

import fnmatch
import glob
import grp
import os
import pwd
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..engine import acl, shown
from ..engine.errors import NotApplicable, Seen, SettingError
from ..engine.host import Host
from ..engine.rules import Rule
from .base import Kind, fields

_PATH = {"type": "string", "pattern": r"^(/[A-Za-z0-9_.@+*?\-\[\]]+)+$", "maxLength": 200}
_NAME = {"type": "string", "pattern": r"^[a-z_][a-z0-9_\-]{0,31}$"}
FIRST_OF_PEOPLE = 1000
"""Ids from here on belong to people, whose names are not shown."""


def _by_family(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a value, or of one for each family of distributions."""
    each = {"type": "object", "required": ["debian", "redhat"], "additionalProperties": schema}
    return {"anyOf": [schema, each]}


class _Wanted(NamedTuple):
    """The rights at most: a mode, and who may own it; an empty name allows any."""

    mode: int
    owner: str
    group: str

    def allows(self, mode: int, owner: str, group: str) -> bool:
        """Say whether rights are no wider; what belongs to root, or a group without rights, is stricter."""
        return not (
            mode & ~self.mode
            or (self.owner and owner not in (self.owner, "root"))
            or (self.group and group not in (self.group, "root") and mode & 0o070)
        )


class FileRights(Kind):
    """``file_rights: {path: /etc/shadow, mode: "0640", owner: root, group: {debian: shadow, redhat: root}}``.

    ``path`` is one or a list, with ``*``, ``?`` and ``[]`` as in a shell; ``mode`` holds the bits that may be set at
    most; ``owner`` and ``group`` may be left out, and are then any; ``except`` holds names that are another's affair.
    Only what is wider is changed: bits are taken away, never given.
    """

    schema = fields(
        ("path", "mode"),
        path={"anyOf": [_PATH, {"type": "array", "items": _PATH, "minItems": 1, "maxItems": 60}]},
        mode=_by_family({"type": "string", "pattern": "^0[0-7]{3}$"}),
        owner=_by_family(_NAME),
        group=_by_family(_NAME),
        **{"except": {"type": "array", "items": {"type": "string"}, "maxItems": 30}},
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        given = [body.get(key, "") for key in ("mode", "owner", "group")]
        mode, owner, group = (value if isinstance(value, str) else value.get(family, "") for value in given)
        owners = f" {owner or '*'}:{group or '*'}" if owner or group else ""
        return dict.fromkeys(_paths(body), f"{mode}{owners}")

    def rule(self, name: str) -> Rule:
        return RIGHTS_AT_MOST

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for body in bodies:
            for name, expected in self.expand(body, host.family).items():
                found[name] = _observe(host, name, expected, body.get("except", ()))
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        for name, expected in wanted.items():
            limit = _parse(expected)
            for path in _matching(host, name, body.get("except", ())):
                link = os.path.islink(path)
                rights = host.rights(os.path.realpath(path) if link else path)
                listed = not link and acl.shares(path)
                if rights is None or (limit.allows(*names_of(rights)) and not listed):
                    continue
                if link:
                    raise SettingError(f"{path} is a link to something with wider rights: set those by hand")
                if listed:
                    _without_list(host, path)
                host.set_rights(path, _narrowed(rights, limit))

    def explain(self, host: Host, name: str) -> str:
        return "something gives it other rights at once: look at what writes it"


def _paths(body: Mapping[str, Any]) -> list[str]:
    return [body["path"]] if isinstance(body["path"], str) else list(body["path"])


def _parse(text: str) -> _Wanted:
    """Return the rights that a text such as ``0640 root:shadow`` speaks of."""
    mode, _, owners = text.partition(" ")
    owner, _, group = owners.partition(":")
    return _Wanted(int(mode, 8), owner.replace("*", ""), group.replace("*", ""))


RIGHTS_AT_MOST = Rule(
    "at_most", lambda expected, seen: isinstance(seen, str) and _parse(expected).allows(*_parse(seen))
)


def _matching(host: Host, pattern: str, but: Sequence[str]) -> Iterator[str]:
    """Yield the paths that a pattern means, the links above them resolved: what is a link itself stays one."""
    under = os.path.join(host.root, pattern.lstrip("/"))
    written = [
        path for path in host.overlay if path.count("/") == under.count("/") and fnmatch.fnmatchcase(path, under)
    ]
    paths = glob.glob(under) if re.search(r"[*?\[]", pattern) else [under]
    for path in sorted({*paths, *written}):
        folder, name = os.path.split(path)
        if name not in but and (path in written or os.path.exists(path)):
            yield os.path.join(os.path.realpath(folder), name)


def _observe(host: Host, name: str, expected: str, but: Sequence[str]) -> Any:
    limit = _parse(expected)
    wider: list[str] = []
    listed: list[str] = []
    worst, fits = "", ""
    for path in _matching(host, name, but):
        info = os.stat(path)
        if not (stat.S_ISREG(info.st_mode) or stat.S_ISDIR(info.st_mode)):
            continue
        seen = names_of({"mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid, "gid": info.st_gid})
        rights = f"{seen[0]:04o} {seen[1]}:{seen[2]}"
        if limit.allows(*seen):
            fits = fits or rights
            if acl.shares(path):
                listed.append(path)
        else:
            worst = worst or rights
            wider.append(path)
    if wider:
        # a name without wildcard says itself which file it is
        return worst if wider == [name] else Seen(worst, f"wider than allowed: {shown.paths(host, wider)}")
    if listed:
        note = f"an access list gives more accounts or groups rights: {shown.paths(host, listed)}"
        return Seen(fits, note, satisfied=False)
    return fits or NotApplicable("it does not exist on this host")


def _without_list(host: Host, path: str) -> None:
    """Take a file's access list away; what it gave to accounts and groups it names goes with it.

    :raises SettingError: for a folder, whose list people set on purpose.
    """
    if os.path.isdir(path):
        raise SettingError(f"{path} has an access list: `setfacl -b {path}` takes it away")
    state = host.state(path)
    if state is not None:
        host.restore_file(path, {**state, "xattr": {k: v for k, v in state["xattr"].items() if k != acl.ATTRIBUTE}})


def names_of(rights: Mapping[str, int]) -> tuple[int, str, str]:
    """Return mode, owner and group of rights; people's ids stay numbers, which name nobody."""
    return rights["mode"], _name(rights["uid"], "user"), _name(rights["gid"], "group")


def _name(number: int, sort: str) -> str:
    """Return the name of a system account or group; others are told by number, which names nobody."""
    if number >= FIRST_OF_PEOPLE and number != 65534:
        return str(number)
    try:
        return pwd.getpwuid(number).pw_name if sort == "user" else grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _narrowed(rights: Mapping[str, int], limit: _Wanted) -> dict[str, int]:
    """Return the rights that the limit leaves of others.

    :raises SettingError: when an account or a group it names does not exist.
    """
    mode, owner, group = names_of(rights)
    mode &= limit.mode
    uid, gid = rights["uid"], rights["gid"]
    try:
        if limit.owner and owner not in (limit.owner, "root"):
            uid = pwd.getpwnam(limit.owner).pw_uid
        if limit.group and group not in (limit.group, "root"):
            gid = grp.getgrnam(limit.group).gr_gid
    except KeyError as error:
        raise SettingError(f"{str(error.args[0])[:80]}: create it first") from error
    return {"mode": mode, "uid": uid, "gid": gid}
