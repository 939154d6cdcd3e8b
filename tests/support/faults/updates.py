# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of updates: apt and its timers, repositories, what waits to be installed or restarted, what is too old."""

from __future__ import annotations

import base64
import datetime as dt
import shlex
from typing import Any

from tests.support import apt_repository, engine
from tests.support.faults.common import Area, Body, Row, sed

SOFTWARE = "essms-probe-software"
_STAMP = "/var/lib/apt/periodic/update-success-stamp"
_OURS, _EARLIER = "/etc/apt/apt.conf.d/zz-essms.conf", "/etc/apt/apt.conf.d/99-fault"
_DEBIANS = "/etc/apt/apt.conf.d/50unattended-upgrades"
_SOURCE = "/etc/apt/sources.list.d/essms-probe.list"
_REPOSITORY = "/srv/essms-probe"
_KEPT = "/var/tmp/essms-lists"
_OLD_DEBIAN_ENDED = dt.date(2024, 6, 30)
_PERIODIC, _UPGRADE = "APT::Periodic::", "Unattended-Upgrade::"
_AUTOMATIC: dict[str, tuple[str, str, Any]] = {
    "refreshed every (days)": (f"{_PERIODIC}Update-Package-Lists", "0", 0),
    "installed every (days)": (f"{_PERIODIC}Unattended-Upgrade", "0", 0),
    "switched on": (f"{_PERIODIC}Enable", "0", False),
    "journal": (f"{_UPGRADE}SyslogEnable", "false", False),
}


def _prepare(host: str) -> None:
    # the lists are as old as the lab's image, which may be months: as far as this host knows they were fetched today
    engine.must(host, f"mkdir -p $(dirname {_STAMP}) && touch {_STAMP}")
    _install(host, "2")
    # a timer that is due in the middle of a test must find nothing to do
    idle = "[Service]\nExecStart=\nExecStart=/bin/true\n"
    for unit in ("apt-daily.service", "apt-daily-upgrade.service"):
        engine.must(
            host, f"mkdir -p /etc/systemd/system/{unit}.d && cat > /etc/systemd/system/{unit}.d/lab.conf", stdin=idle
        )
    engine.must(host, "systemctl daemon-reload")


def _install(host: str, version: str) -> None:
    data = base64.b64encode(apt_repository.package(SOFTWARE, version)).decode()
    command = "base64 -d > /var/tmp/probe.deb && dpkg --force-downgrade -i /var/tmp/probe.deb"
    engine.must(host, command, stdin=data)


def _set(host: str, key: str, value: str) -> None:
    engine.must(host, f"touch {_OURS}; sed -i '/^{key} /d' {_OURS}; echo '{key} \"{value}\";' >> {_EARLIER}")


def _apt_conf(host: str, row: Row, body: Body) -> Any:
    _set(host, row["name"], str(not body[row["name"]]).lower())
    return not body[row["name"]]


def _automatic_updates(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "origins":
        script = "s/label=Debian-Security/label=Nobody/"
        engine.must(host, f"for f in {_OURS} {_DEBIANS}; do [ ! -e $f ] || sed -i '{script}' $f; done")
        pattern = 's/^Unattended-Upgrade::Origins-Pattern:: "(.*)";$/\\1/p'
        return "; ".join(engine.must(host, f"apt-config dump | sed -nE '{pattern}'").splitlines())
    key, value, observed = _AUTOMATIC[row["name"]]
    _set(host, key, value)
    return observed


def _timer(host: str, row: Row, _body: Body) -> Any:
    unit, _, what = row["name"].partition(" ")
    if what in ("enabled", "active"):
        engine.must(host, ["systemctl", "--quiet", "disable" if what == "enabled" else "stop", unit])
        return False
    expression, observed = {
        "schedule": ("s/^OnCalendar=.*03:00$/OnCalendar=Mon,Thu 17:00/", "Mon,Thu 17:00"),
        "spread (minutes)": ("s/^RandomizedDelaySec=.*/RandomizedDelaySec=200m/", 200),
        "catches up": ("s/^Persistent=.*/Persistent=false/", False),
    }[what]
    sed(host, expression, f"/etc/systemd/system/{unit}.d/essms.conf")
    engine.must(host, "systemctl daemon-reload")
    return observed


def _software_minimum(host: str, _row: Row, _body: Body) -> Any:
    _install(host, "1")
    return 1


def _new_software(host: str) -> None:
    _install(host, "2")


def _release(host: str, key: str, value: str) -> None:
    script = f"sed 's/^{key}=.*/{key}={value}/' /usr/lib/os-release > /etc/os-release.new"
    engine.must(host, f"{script} && mv /etc/os-release.new /etc/os-release")


def _own_release(host: str) -> None:
    engine.must(host, "ln -sfn ../usr/lib/os-release /etc/os-release")


def _support_end(host: str, _row: Row, _body: Body) -> Any:
    _release(host, "VERSION_ID", "10")
    return (_OLD_DEBIAN_ENDED - dt.datetime.now(dt.UTC).date()).days


def _pending_restart(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, "touch -d '90 days ago' /run/reboot-required")
    return 90


def _restarted(host: str) -> None:
    engine.must(host, "rm -f /run/reboot-required")


def _pending_updates(host: str, row: Row, _body: Body) -> Any:
    if row["name"].startswith("lists"):
        engine.must(host, f"mkdir -p {_KEPT} && cp -a /var/lib/apt/lists/*-security_InRelease {_KEPT}")
        date = "$(date -u -R -d '40 days ago')"
        engine.must(host, f'sed -i "s/^Date: .*/Date: {date}/" /var/lib/apt/lists/*-security_InRelease')
        engine.must(host, f"touch -d '40 days ago' {_STAMP}")
        return 40
    files = apt_repository.repository(
        {SOFTWARE: "3"}, suite="probe-security", origin="Lab", label="Lab-Security", days_old=90
    )
    data = base64.b64encode(apt_repository.packed(files)).decode()
    engine.must(host, f"mkdir -p {_REPOSITORY} && base64 -d | tar -xf - -C {_REPOSITORY}", stdin=data)
    line = f"deb [trusted=yes] file:{_REPOSITORY} probe-security main"
    only = f"-o Dir::Etc::SourceList={_SOURCE} -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0"
    engine.must(host, f"echo {shlex.quote(line)} > {_SOURCE} && apt-get update -q {only}", timeout=120)
    return 90


def _updated(host: str) -> None:
    engine.must(host, f"rm -rf {_SOURCE} {_REPOSITORY} /var/lib/apt/lists/*essms-probe*; touch {_STAMP}")
    engine.must(host, f"if [ -d {_KEPT} ]; then cp -a {_KEPT}/* /var/lib/apt/lists/ && rm -r {_KEPT}; fi")


def _repositories(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "of another release":
        _release(host, "VERSION_CODENAME", "another")
        return int(engine.must(host, "grep -c ^deb /etc/apt/sources.list"))
    option = "[trusted=yes] " if row["name"] == "unsigned" else ""
    engine.must(host, f"echo 'deb {option}http://depot.example.invalid/apt stable main' >> {_SOURCE}")
    return 1


def _own_repositories(host: str) -> None:
    engine.must(host, ["rm", "-f", _SOURCE])
    _own_release(host)


AREA = Area(
    faults={
        "apt_conf": _apt_conf,
        "automatic_updates": _automatic_updates,
        "pending_restart": _pending_restart,
        "pending_updates": _pending_updates,
        "repositories": _repositories,
        "software_minimum": _software_minimum,
        "support_end": _support_end,
        "timer": _timer,
    },
    prepare=_prepare,
    repairs={
        "pending_restart": _restarted,
        "pending_updates": _updated,
        "repositories": _own_repositories,
        "software_minimum": _new_software,
        "support_end": _own_release,
    },
)
