# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long logrotate keeps the logs it rotates, and whether it purges those that fell silent."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..engine.errors import NotApplicable, Seen, Unknown
from ..engine.host import Host
from ..engine.logrotate import FREQUENCIES, TIMES, Block, kept, parse, put
from ..engine.rules import AT_LEAST, AT_MOST
from .base import Kind, fields, integer
from .sudoers import ROTATION

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
"""The traces of the system itself; what else is rotated belongs to an application, whose stanzas are left alone."""
_ABSENT = "logrotate is not installed"
_DEFAULT, _SYSTEM, _OTHERS, _SILENT = "default days", "system log days", "other log days", "silent logs are purged"


class Logrotate(Kind):
    """``logrotate: {days: 365}``: the logs of the system, and what a stanza that says nothing itself is given."""

    schema = fields(("days",), days=integer(1, 3650))
    # what is kept by default for longer stays: to shorten it would purge logs of applications
    rules = {_DEFAULT: AT_LEAST._replace(label="equals")}
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {**dict.fromkeys((_DEFAULT, _SYSTEM), body["days"]), _SILENT: True}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        days = bodies[0]["days"]
        blocks = _blocks(host)
        if not blocks:
            return dict.fromkeys(self.expand(bodies[0]), NotApplicable(_ABSENT))
        defaults = blocks[0].own
        system = [block for block in blocks[1:] if _is_system(block)]
        found: dict[str, Any] = {_DEFAULT: _by_default(blocks[0], days)}
        # the one furthest from what is asked stands for all
        found[_SYSTEM] = _furthest(
            [(kept(block, defaults), block) for block in system], lambda value: abs(value - days)
        )
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
                        # the frequency, and an age where there was none, would shorten what stanzas inherit them
                        age = {"maxage": days} if "maxage" in block.own else {}
                        content = put(content, index, path, rotate=days // FREQUENCIES[_frequency(block)], **age)
                elif _is_system(block):
                    content = _put_system(content, index, block, wanted, days)
            host.write(path, content)


class LogrotateOthers(Kind):
    """``logrotate_others: {days: 365}``: how long applications keep their logs, which a person decides."""

    schema = fields(("days",), days=integer(1, 3650))
    rules = {_OTHERS: AT_MOST}
    check_only = True
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {_OTHERS: body["days"]}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        blocks = _blocks(host)
        if not blocks:
            return {_OTHERS: NotApplicable(_ABSENT)}
        others = [block for block in blocks[1:] if not _is_system(block)]
        lasting = [(kept(block, blocks[0].own, at_least=False), block) for block in others]
        found = _furthest(lasting, lambda value: value)
        if isinstance(found, Seen) and found.value > bodies[0]["days"]:
            found.note += "; shorten it there, or decide that it may stay"
        return {_OTHERS: found}


def _frequency(block: Block) -> str:
    return next((name for name in block.own if name in TIMES), "weekly")


def _by_default(block: Block, days: int) -> Any:
    """Return the days kept by default, where the last whole rotation before the time asked for counts as that time."""
    days_between = FREQUENCIES.get(_frequency(block))
    if not days_between:
        return Unknown(f"{MAIN} rotates by size or by the hour: write daily, weekly or monthly there")
    value = kept(block, {})
    return days if value <= days < value + days_between else value


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


def _furthest(lasting: Sequence[tuple[int, Block]], distance: Callable[[int], int]) -> Any:
    if not lasting:
        return NotApplicable("logrotate handles no such log here")
    value, block = max(lasting, key=lambda each: distance(each[0]))
    return Seen(value, f"the first to look at: {block.path}")


def _is_system(block: Block) -> bool:
    # what sudo does is a trace of the system wherever it is written
    return block.path == ROTATION or any(fnmatch.filter(_SYSTEM_LOGS, pattern) for pattern in block.patterns)


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
