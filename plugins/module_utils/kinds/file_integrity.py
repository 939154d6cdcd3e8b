# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of the system that changed outside updates: noted by AIDE, compared every night, told in the journal."""

from __future__ import annotations

import inspect
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import integrity, nightly, text
from ..engine.errors import Seen
from ..engine.host import Host
from ..engine.rules import AT_MOST, EQUALS, INCLUDES, Rule
from .base import Kind, fields, integer

PROGRAM = "/usr/local/sbin/essms-integrity"
_SYSTEM = "/etc/systemd/system"
_SERVICE, _TIMER = "essms-integrity.service", "essms-integrity.timer"
_UPDATERS = {"debian": "apt-daily-upgrade.service", "redhat": "dnf-automatic.service"}
_FOLDER = {"type": "string", "pattern": r"^(/[A-Za-z0-9._\-]+)+$", "maxLength": 200}
_OPTIONS = f"""database_in=file:{integrity.NOTED}
database_out=file:{integrity.NOTED}.new
gzip_dbout=yes
report_url=stdout
report_level=list_entries
Watched = ftype+p+u+g+sha256
!/etc/(mtab|adjtime|resolv\\.conf)$
"""
_GROUP = " Watched"
_RUN = f"[Service]\nType=oneshot\nExecStart=/usr/bin/python3 -I {PROGRAM} check\nSyslogIdentifier=essms-integrity\n"


class FileIntegrity(Kind):
    """``file_integrity: {hour: 1, folders: [/etc, /usr/bin]}``; a host may watch more folders than these.

    What the nightly updates change is noted right after them and not told.
    """

    schema = fields(
        ("hour", "folders"),
        hour=integer(0, 23),
        folders={"type": "array", "items": _FOLDER, "minItems": 1, "maxItems": 40},
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {
            "folders": list(body["folders"]),
            "hour": body["hour"],
            "program": True,
            "after updates": True,
        }

    def rule(self, name: str) -> Rule:
        return INCLUDES if name == "folders" else EQUALS

    def packages(self, host: Host) -> tuple[str, ...]:
        return ("aide",)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        timer, updater = _facts(host, _TIMER), _facts(host, _UPDATERS[host.family])
        return {
            "folders": _folders(host.text(integrity.CONFIG) or ""),
            "hour": nightly.hour(timer),
            "program": host.text(PROGRAM) == inspect.getsource(integrity) and bool(_aide(host)),
            "after updates": f"{PROGRAM} note" in updater.get("ExecStartPost", ""),
        }

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        own = _folders(host.text(integrity.CONFIG) or "")
        folders = [*body["folders"], *(folder for folder in own if folder not in body["folders"])]
        lines = "".join(f"{re.escape(folder)}{_GROUP}\n" for folder in folders)
        host.write(integrity.CONFIG, text.HEADER + _OPTIONS + lines, mode=0o600)
        host.write(PROGRAM, inspect.getsource(integrity), mode=0o755)
        for path, content in _units(body["hour"], _UPDATERS[host.family]).items():
            host.write(path, text.HEADER + content)
        # the first state is noted at once, which takes seconds; what is noted already stays
        state = integrity.STATE
        start = f"install -d -m 0700 {state} && systemctl daemon-reload && systemctl restart {_TIMER}"
        stop = f"systemctl stop {_TIMER} {_SERVICE} 2>/dev/null; systemctl daemon-reload"
        if not os.path.exists(host.path(state)):
            stop += f"; rm -rf {state}"
        host.operate({"op": "run", "do": ["sh", "-c", start], "undo": ["sh", "-c", stop]})
        host.activate(40, "systemctl", "daemon-reload")
        host.activate(60, "systemctl", "start", _SERVICE)

    def explain(self, host: Host, name: str) -> str:
        return f"look at `systemctl status {_TIMER} {_SERVICE}`"


class FileComparison(Kind):
    """``file_comparison: {max_age_days: 2}``: the last comparison is so many days old at the most."""

    schema = fields(("max_age_days",), max_age_days=integer(1, 31))
    rules = {"max_age_days": AT_MOST}
    check_only = True

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"max_age_days": _last(host)}


def _units(hour: int, updater: str) -> dict[str, str]:
    """Return the units, each by its path; what starts them are plain files too, which a rollback takes away."""
    what = "[Unit]\nDescription=Files of the system that changed\nStartLimitIntervalSec=0\n\n"
    when = f"OnCalendar=*-*-* {hour:02d}:00:00\nRandomizedDelaySec=20min\nAccuracySec=1min\nPersistent=true\n"
    return {
        f"{_SYSTEM}/{_SERVICE}": what + _RUN + nightly.GENTLE,
        f"{_SYSTEM}/{_TIMER}": f"{what}[Timer]\n{when}",
        f"{_SYSTEM}/timers.target.d/essms-integrity.conf": f"[Unit]\nWants={_TIMER}\n",
        # a failure of it is no failure of the updates
        f"{_SYSTEM}/{updater}.d/essms-integrity.conf": (
            f"[Service]\nExecStartPost=-/usr/bin/python3 -I {PROGRAM} note\n"
        ),
    }


def _facts(host: Host, unit: str) -> dict[str, str]:
    """Return what systemd has loaded of a unit, not what its file says."""
    done = host.run("systemctl", "show", "-p", "ActiveState,TimersCalendar,ExecStartPost", unit)
    return dict(line.partition("=")[::2] for line in done.out.splitlines())


def _folders(config: str) -> list[str]:
    return [line[: -len(_GROUP)].replace("\\", "") for line in config.splitlines() if line.endswith(_GROUP)]


def _aide(host: Host) -> str:
    return next((path for path in ("/usr/bin/aide", "/usr/sbin/aide") if os.path.exists(host.path(path))), "")


def _last(host: Host) -> Any:
    """Return the days since the last check, with how many files it found changed."""
    try:
        last = json.loads(host.text(integrity.LAST) or "{}")
        age, changed = max(0, int(time.time() - last["time"]) // 86400), int(last["changed"])
    except (ValueError, KeyError, TypeError):
        return None
    return Seen(age, f"{changed} changed then: `journalctl -t essms-integrity` names them") if changed else age
