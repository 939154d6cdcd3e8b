# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The audit daemon: that it runs and will, the room its log may take, and when the log is purged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen
from ..engine.host import Host
from ..engine.rules import AT_LEAST, ranked
from . import journald
from .base import Kind, fields, integer

CONF = "/etc/audit/auditd.conf"
PURGE = "/etc/tmpfiles.d/essms-audit.conf"
JOURNALD = "/etc/systemd/journald.conf.d/zz-essms-audit.conf"
TIMER = "essms-audit-rotate.timer"
_UNITS = "/etc/systemd/system"
_UNIT = "auditd.service"
_FILE_MEGABYTES = 16
_ACTIONS = {"full_log": "max_log_file_action", "low_space": "space_left_action"}
# rotate loses the oldest when all the room is used; keep_logs leaves that to the purge by age
_FULL = ranked(["ROTATE", "KEEP_LOGS"])
_LOW = ranked(["SYSLOG", "EMAIL", "EXEC", "SINGLE", "HALT"])
_AGE = re.compile(r"^e /var/log/audit - - - m:(\d+)d$", re.MULTILINE)
_KILL = "systemctl kill --kill-who=main --signal"
_READ_AGAIN = ["sh", "-c", f"! systemctl --quiet is-active {_UNIT} || {_KILL}=HUP {_UNIT}"]
_SWITCH_ON = ["sh", "-c", "! auditctl -s | grep -q '^enabled 0' || auditctl -e 1 >/dev/null"]
# it refuses to be stopped in the ordinary way, and takes a moment
_UNTIL_GONE = f"for n in $(seq 300); do systemctl --quiet is-active {_UNIT} || exit 0; sleep 0.1; done; exit 1"
_STOP = ["sh", "-c", f"{_KILL}=TERM {_UNIT}; {_UNTIL_GONE}"]
_ROTATE = f"""{text.HEADER}[Unit]
Description=Begin a new audit log, so that the old ones can be purged by age

[Service]
Type=oneshot
ExecCondition=/usr/bin/systemctl --quiet is-active {_UNIT}
ExecStart=/usr/bin/systemctl kill --kill-who=main --signal=SIGUSR1 {_UNIT}
"""
_WEEKLY = f"""{text.HEADER}[Unit]
Description=Begin a new audit log every week

[Timer]
OnCalendar=weekly
Persistent=true

[Install]
WantedBy=timers.target
"""


class Auditd(Kind):
    """``auditd: {enabled: true, running: true, megabytes: 4096, retention_days: 365, full_log: ROTATE, …}``."""

    schema = fields(
        megabytes=integer(_FILE_MEGABYTES, 15984),
        retention_days=integer(1, 36500),
        full_log={"enum": ["ROTATE"]},
        low_space={"enum": ["SYSLOG"]},
        enabled={"const": True},
        recording={"const": True},
        running={"const": True},
    )
    rules = {"megabytes": AT_LEAST, "full_log": _FULL, "low_space": _LOW}
    evidence = "simulated"

    def packages(self, host: Host) -> tuple[str, ...]:
        # in a container it would never start: everything here is then left alone
        if host.in_container:
            return ()
        return ("auditd",) if host.family == "debian" else ("audit",)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if host.in_container:
            return dict.fromkeys(names, NotApplicable(SHARED_KERNEL))
        conf = host.text(CONF)
        found: dict[str, Any] = dict.fromkeys(names)
        for name, key in _ACTIONS.items():
            found[name] = (_get(conf, key) or "").upper() or None
        sizes = [_get(conf, key) or "" for key in ("max_log_file", "num_logs")]
        found["megabytes"] = int(sizes[0]) * int(sizes[1]) if all(size.isdigit() for size in sizes) else None
        age = _AGE.search(host.text(PURGE) or "")
        found["retention_days"] = int(age[1]) if age and host.exists(f"{_UNITS}/timers.target.wants/{TIMER}") else None
        states = host.run("systemctl", "show", "--property=UnitFileState,ActiveState", _UNIT).out.split()
        found["enabled"] = "UnitFileState=enabled" in states
        found["running"] = "ActiveState=active" in states
        found["recording"] = _recording(host)
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(CONF) or ""
        for name, value in wanted.items():
            if name in _ACTIONS:
                content = text.put(content, _ACTIONS[name], value, text.EQUALS_SIGN)
            elif name == "megabytes":
                content = text.put(content, "max_log_file", str(_FILE_MEGABYTES), text.EQUALS_SIGN)
                content = text.put(content, "num_logs", str(-(-value // _FILE_MEGABYTES)), text.EQUALS_SIGN)
        host.write(CONF, content, mode=0o640)
        if "retention_days" in wanted:
            _purge(host, wanted["retention_days"])
        if "enabled" in wanted:
            host.operate(_systemctl(["enable", _UNIT], ["disable", _UNIT]))
        if "running" in wanted:
            host.operate({"op": "run", "do": ["systemctl", "start", _UNIT], "undo": _STOP})
        if "recording" in wanted:
            # an empty value: journald then leaves the audit of the kernel as it finds it
            host.write(JOURNALD, f"{text.HEADER}[Journal]\nAudit=\n")
            journald.restart(host)
        host.activate(65, *_READ_AGAIN)
        host.activate(66, *_SWITCH_ON)

    def explain(self, host: Host, name: str) -> str:
        return f"`journalctl -u {_UNIT}` says why"


def _recording(host: Host) -> bool | Seen:
    """Say whether the kernel records now, and does so still once journald has started again."""
    if not re.search(r"^enabled [12]$", host.run("auditctl", "-s").out, re.MULTILINE):
        return Seen(False, "the audit of the kernel is switched off")
    kept = text.get(journald.configuration(host).out, "Audit", text.BARE_EQUALS, "Journal")
    if kept is None or kept.lower() not in ("", "yes", "true", "on", "1"):
        return Seen(False, "journald switches the audit of the kernel off whenever it starts")
    return True


def _purge(host: Host, days: int) -> None:
    """Have the log begun anew every week and each part removed once it is old enough.

    auditd itself knows sizes only.
    """
    host.write(PURGE, f"{text.HEADER}x /var/log/audit/audit.log\ne /var/log/audit - - - m:{days}d\n")
    host.write(f"{_UNITS}/essms-audit-rotate.service", _ROTATE)
    host.write(f"{_UNITS}/{TIMER}", _WEEKLY)
    if not host.exists(f"{_UNITS}/timers.target.wants/{TIMER}"):
        host.operate(_systemctl(["enable", "--now", TIMER], ["disable", "--now", TIMER]))


def _systemctl(do: list[str], undo: list[str]) -> dict[str, Any]:
    return {"op": "run", "do": ["systemctl", *do], "undo": ["systemctl", *undo]}


def _get(conf: str | None, key: str) -> str | None:
    return text.get(conf or "", key, text.EQUALS_SIGN)
