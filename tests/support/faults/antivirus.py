# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the antivirus, and signatures made by hand: a lab reaches no mirror."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row

DATABASES = "/var/lib/clamav"
ALERT = "/usr/local/bin/essms-probe-alert"
# The md5 and the length of the harmless file every antivirus is tried with.
_EICAR = "44d88612fea8a8f36de82e1278abb02f:68:Lab-Eicar"
_SIGNATURES = f"""
mkdir -p {DATABASES}/main.inc {DATABASES}/daily.inc && chmod 755 {DATABASES} {DATABASES}/*.inc
echo "ClamAV-VDB:lab:1:1:1:x:x:lab:$(($(date +%s) - @AGE@))" > {DATABASES}/daily.inc/daily.info
echo {_EICAR} > {DATABASES}/lab.hdb
! getent passwd clamav >/dev/null || chown -R clamav: {DATABASES}
"""
_CLAMD = "/etc/clamav/clamd.conf"
_FRESHCLAM = "/etc/clamav/freshclam.conf"
_SCAN = "/etc/systemd/system/essms-av-scan.service"


def give_signatures(host: str, age_seconds: int = 0) -> None:
    """Give a host signatures of this age that know one malware, the harmless test file."""
    engine.must(host, _SIGNATURES.replace("@AGE@", str(age_seconds)))


def _signatures(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "present":
        engine.must(host, ["rm", "-rf", f"{DATABASES}/main.inc"])
        return False
    give_signatures(host, 9 * 86400 + 60)
    return 9


def _clamav(host: str, row: Row, _body: Body) -> Any:
    program, name = row["name"].split()
    unit = {"clamd": "clamav-daemon.service", "freshclam": "clamav-freshclam.service"}[program]
    if name in ("enabled", "running"):
        engine.must(host, f"systemctl --quiet {'disable' if name == 'enabled' else 'stop'} {unit}")
        return False
    path = _CLAMD if program == "clamd" else _FRESHCLAM
    engine.must(host, ["sed", "-i", f"/^{name} /d", path])
    return [] if isinstance(row["expected"], list) else None


def _malware_scan(host: str, row: Row, _body: Body) -> Any:
    faults: dict[str, tuple[str, Any]] = {
        "hour": ("systemctl stop essms-av-scan.timer", None),
        "paths": (f"sed -i 's# scan .*# scan /opt#' {_SCAN} && systemctl daemon-reload", ["/opt"]),
        "program": ("echo '# changed' >> /usr/local/sbin/essms-av", False),
        "quarantine": ("chmod 0755 /var/lib/essms-quarantine", False),
        "on_access": ("systemctl stop essms-av-access.service", False),
        "alert": (f"sed -i '/ESSMS_AV_ALERT/d' {_SCAN} && systemctl daemon-reload", None),
    }
    command, value = faults[row["name"]]
    engine.must(host, command)
    return value


def _prepare(host: str) -> None:
    give_signatures(host)
    engine.must(host, f"printf '#!/bin/sh\\n' > {ALERT} && chmod 755 {ALERT}")


AREA = Area(
    faults={"clamav": _clamav, "clamav_signatures": _signatures, "malware_scan": _malware_scan},
    prepare=_prepare,
    repairs={"clamav_signatures": give_signatures},
    # a daemon that stops takes the watcher along
    first=("malware_scan",),
    # without signatures the daemon has no state to judge
    last=("clamav_signatures",),
)
