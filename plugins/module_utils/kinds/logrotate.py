# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long logrotate keeps the logs it rotates, and whether it purges those that fell silent."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine.errors import NotApplicable, Seen
from ..engine.host import Host
from ..engine.logrotate import FREQUENCIES, Block, kept, parse, put
from ..engine.rules import AT_MOST
from .base import Kind, fields, integer

MAIN = "/etc/logrotate.conf"
FOLDER = "/etc/logrotate.d"
_TABOO = (
    ".dpkg-old",
    ".dpkg-new",
    ".dpkg-dist",
    ".dpkg-bak",
    ".dpkg-tmp",
    ".rpmnew",
    ".rpmsave",
    ".rpmorig",
    "~",
    ".bak",
)
_NAMES = (
    "auth.log boot.log btmp cron cron.log daemon.log debug kern.log maillog mail.log messages secure spooler sudo.log "
    "syslog user.log wtmp wtmp.db"
)
_SYSTEM_LOGS = frozenset(f"/var/log/{name}" for name in _NAMES.split(" "))
"""The traces of the system itself; what else is rotated belongs to an application, which may keep it for less."""
_DEFAULT, _SYSTEM, _OTHERS, _SILENT = "default days", "system log days", "other log days", "silent logs are purged"


class Logrotate(Kind):
    """``logrotate: {days: 365}``."""

    schema = fields(("days",), days=integer(1, 3650))
    rules = {_OTHERS: AT_MOST}
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {**dict.fromkeys((_DEFAULT, _SYSTEM, _OTHERS), body["days"]), _SILENT: True}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        days = bodies[0]["days"]
        blocks = _blocks(host)
        if not blocks:
            return dict.fromkeys(self.expand(bodies[0]), NotApplicable("logrotate is not installed"))
        defaults = blocks[0].own
        system = [block for block in blocks[1:] if _is_system(block)]
        others = [block for block in blocks[1:] if not _is_system(block)]
        found: dict[str, Any] = {_DEFAULT: kept(blocks[0], {})}
        # the one furthest from what is asked stands for all
        found[_SYSTEM] = _furthest(system, defaults, lambda value: abs(value - days))
        found[_OTHERS] = _furthest(others, defaults, lambda value: value)
        silent = next((block for block in system if not _purges_silent(block, defaults)), None)
        if system:
            found[_SILENT] = Seen(False, f"not in {silent.path}") if silent else True
        else:
            found[_SILENT] = NotApplicable("logrotate handles no such log here")
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        days = body["days"]
        for path in _paths(host):
            content = host.text(path) or ""
            for index in range(len(parse(path, content))):
                block = parse(path, content)[index]
                if block.opening < 0:
                    if path == MAIN and _DEFAULT in wanted:
                        content = put(content, index, path, daily="", rotate=days, maxage=days)
                elif _is_system(block):
                    content = _put_system(content, index, block, wanted, days)
                elif _OTHERS in wanted and kept(block, {"maxage": str(days), "daily": ""}) > days:
                    content = put(content, index, path, maxage=days)
            host.write(path, content)


def _put_system(content: str, index: int, block: Block, wanted: Mapping[str, Any], days: int) -> str:
    changes: dict[str, Any] = {}
    if _SYSTEM in wanted:
        # once a month at least: age is only looked at when a log is rotated
        frequency = next((name for name in ("daily", "weekly", "monthly") if name in block.own), "weekly")
        changes = {frequency: "", "rotate": -(-days // FREQUENCIES[frequency]), "maxage": days}
    if _SILENT in wanted:
        changes["ifempty"] = ""
    return put(content, index, block.path, **changes) if changes else content


def _purges_silent(block: Block, defaults: Mapping[str, str]) -> bool:
    own = {**defaults, **block.own}
    return not {"notifempty", "size", "minsize"} & set(own) or ("ifempty" in block.own and "minsize" not in own)


def _furthest(blocks: Sequence[Block], defaults: Mapping[str, str], distance: Any) -> Any:
    if not blocks:
        return NotApplicable("logrotate handles no such log here")
    value, path = max(((kept(block, defaults), block.path) for block in blocks), key=lambda each: distance(each[0]))
    return Seen(value, f"the first to look at: {path}")


def _is_system(block: Block) -> bool:
    return any(pattern in _SYSTEM_LOGS for pattern in block.patterns)


def _blocks(host: Host) -> list[Block]:
    """Return the defaults, then every stanza; nothing when logrotate has no configuration."""
    return [
        block for path in _paths(host) for block in parse(path, host.text(path) or "") if path == MAIN or block.patterns
    ]


def _paths(host: Host) -> Iterator[str]:
    if host.text(MAIN) is None:
        return
    yield MAIN
    for real in host.names(FOLDER, ""):
        # a file that another control of this run is about to write counts too
        is_file = real in host.overlay or os.path.isfile(real)
        if is_file and not real.endswith(_TABOO) and not os.path.basename(real).startswith("."):
            yield os.path.join(FOLDER, os.path.basename(real))
