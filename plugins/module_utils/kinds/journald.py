# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What systemd-journald keeps and for how long, as the service that runs has read it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import NotApplicable, Seen, Unknown
from ..engine.host import Host, Result
from ..engine.rules import AT_LEAST, LIMIT, ranked
from .base import Kind, fields, integer

DROP_IN = "/etc/systemd/journald.conf.d/zz-essms.conf"
"""Read last: Debian 13 has a syslog.conf among the drop-ins."""
_UNIT = "systemd-journald.service"
_SERVICE = (
    "org.freedesktop.systemd1",
    "/org/freedesktop/systemd1/unit/systemd_2djournald_2eservice",
    "org.freedesktop.systemd1.Service",
)
# Debian's journald switches the kernel's audit off whenever it starts, whoever else had it switched on.
_WAS_ON = "auditctl -s 2>/dev/null | grep -q '^enabled 1'; on=$?"
_RESTART = ["sh", "-c", f"{_WAS_ON}; systemctl restart {_UNIT} && {{ [ $on != 0 ] || auditctl -e 1 >/dev/null; }}"]
_RSYSLOG = "/usr/sbin/rsyslogd"
_KEYS = {
    "storage": "Storage",
    "compress": "Compress",
    "retention_days": "MaxRetentionSec",
    "file_days": "MaxFileSec",
    "max_use_megabytes": "SystemMaxUse",
    "max_files": "SystemMaxFiles",
    "level": "MaxLevelStore",
    "forward_to_syslog": "ForwardToSyslog",
}
_SPANS = {
    ("", "s", "sec", "second", "seconds"): 1,
    ("m", "min", "minute", "minutes"): 60,
    ("h", "hr", "hour", "hours"): 3600,
    ("d", "day", "days"): 86400,
    ("w", "week", "weeks"): 604800,
    ("M", "month", "months"): 2629800,
    ("y", "year", "years"): 31557600,
}
_SECONDS = {name: seconds for names, seconds in _SPANS.items() for name in names}
_PART = re.compile(r"\s*(\d+)\s*([A-Za-z]*)", re.ASCII)
_TIME = re.compile(rf"(?:{_PART.pattern})+\s*", re.ASCII)
_SIZE = re.compile(r"(\d+)\s*([KMGTPE]?)B?", re.ASCII)
_MEGABYTES = {"": 1 / 1048576, **{letter: 1024.0 ** (power - 1) for power, letter in enumerate("KMGTPE")}}
_DAY = 86400
_LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
"""By what they are numbered, 0 to 7: each is kept with those before it."""
_UNSET = {"max_files": 100, "level": "debug"}
"""What journald does where nothing is said (journald.conf(5))."""
_UNITS = {"retention_days": "day", "file_days": "day", "max_use_megabytes": "M"}


class Journald(Kind):
    """``journald: {storage: persistent, retention_days: 365, max_use_megabytes: 4096, …}``."""

    schema = fields(
        storage={"enum": ["persistent"]},
        compress={"const": True},
        retention_days=integer(1, 36500),
        file_days=integer(1, 366),
        max_use_megabytes=integer(16, 1_048_576),
        max_files=integer(1, 100_000),
        level={"enum": list(_LEVELS)},
        forward_to_syslog={"const": True},
    )
    rules = {"file_days": LIMIT, "max_use_megabytes": AT_LEAST, "max_files": AT_LEAST, "level": ranked(_LEVELS)}
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        done = configuration(host)
        if done.rc != 0:
            return dict.fromkeys(names, Unknown(f"systemd-analyze failed: {done.err.strip()[:120]}"))
        unread = _unread(host, [line[2:] for line in done.out.splitlines() if line.startswith("# /")])
        found: dict[str, Any] = {}
        for name in names:
            if name == "forward_to_syslog" and not _takes_from_socket(host):
                found[name] = NotApplicable("no syslog service takes its messages from the journal here")
                continue
            value = _typed(name, text.get(done.out, _KEYS[name], text.BARE_EQUALS, "Journal"))
            found[name] = Seen(value, f"{unread} changed after journald started", satisfied=False) if unread else value
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(DROP_IN) or text.HEADER
        for name, value in wanted.items():
            content = text.put(content, _KEYS[name], _written(name, value), text.BARE_EQUALS, "Journal")
        host.write(DROP_IN, content)
        restart(host)

    def explain(self, host: Host, name: str) -> str:
        return f"a file read after {DROP_IN} sets {_KEYS[name]}: `systemd-analyze cat-config systemd/journald.conf`"


def configuration(host: Host) -> Result:
    """Return all that journald's files say, in the order they are read."""
    return host.run("systemd-analyze", "cat-config", "--no-pager", "systemd/journald.conf")


def restart(host: Host) -> None:
    """Have the service read its files: it starts again without losing a message."""
    host.start_again(20, _UNIT, *_RESTART)


def _takes_from_socket(host: Host) -> bool:
    """Say whether a syslog service is there that reads the socket journald writes to; on RHEL it reads the journal."""
    return host.family == "debian" and os.path.exists(host.path(_RSYSLOG))


def _unread(host: Host, files: Sequence[str]) -> str:
    """Return a file, or the folder of drop-ins, that changed after the running service read its configuration."""
    done = host.run("busctl", "--json=short", "get-property", *_SERVICE, "ExecMainStartTimestamp")
    if done.rc != 0:
        return ""
    started = json.loads(done.out)["data"] / 1e6
    for path in [*files, os.path.dirname(DROP_IN)]:
        if os.path.exists(host.path(path)) and os.stat(host.path(path)).st_ctime > started:
            return path
    return ""


def _typed(name: str, value: str | None) -> Any:
    """Return a value as the control file writes it; as text where journald would not understand it either."""
    if value is None or not value:
        return _UNSET.get(name)
    if name == "level":
        return _LEVELS[int(value)] if value in "01234567" else value
    if name == "max_files":
        return int(value) if value.isdigit() else value
    if name in ("compress", "forward_to_syslog"):
        return {"yes": True, "true": True, "1": True, "on": True}.get(value.lower(), False)
    if name.endswith("_days") and _TIME.fullmatch(value):
        parts = [(int(number), _SECONDS.get(unit)) for number, unit in _PART.findall(value)]
        return value if any(unit is None for _n, unit in parts) else sum(n * (u or 0) for n, u in parts) // _DAY
    size = _SIZE.fullmatch(value) if name == "max_use_megabytes" else None
    return int(int(size[1]) * _MEGABYTES[size[2]]) if size else value


def _written(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value}{_UNITS.get(name, '')}"
