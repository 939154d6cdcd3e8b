# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults that any measure may use: packages, units, files, the SSH server."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row, sed

UNIT = "essms-probe.service"


def _unit(host: str) -> None:
    unit = "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n"
    engine.must(host, f"cat > /etc/systemd/system/{UNIT} && systemctl daemon-reload", stdin=unit)


def _package(host: str, row: Row, _body: Body) -> Any:
    engine.must(host, f"DEBIAN_FRONTEND=noninteractive dpkg --force-depends --purge {row['name']}")
    return False


def _service(host: str, row: Row, _body: Body) -> Any:
    unit, what = row["name"].split()
    engine.must(host, ["systemctl", "--quiet", "disable" if what == "enabled" else "stop", unit])
    return False


def _key_value(host: str, _row: Row, body: Body) -> Any:
    sed(host, f"s/^{body['key']}( ?= ?).*/{body['key']}\\19/", body["path"])
    return "9"


def _sshd(host: str, row: Row, _body: Body) -> Any:
    value: int | str = {"ClientAliveInterval": 0, "ClientAliveCountMax": 0}.get(row["name"], "yes")
    # the first value counts, so this one beats every drop-in
    engine.must(host, ["sed", "-i", f"1i {row['name']} {value}", "/etc/ssh/sshd_config"])
    engine.must(host, "systemctl reload ssh.service")
    return value


AREA = Area(
    faults={
        "key_value": _key_value,
        "package": _package,
        "service": _service,
        "sshd": _sshd,
    },
    prepare=_unit,
    extra=(
        ["X01-01", "service", {"unit": UNIT, "enabled": True, "active": True}],
        ["X01-02", "key_value", {"path": "/etc/essms-probe.conf", "key": "Depth", "value": "3", "separator": " = "}],
        [
            "X01-02",
            "key_value",
            {"path": "/etc/essms-probe/probe.ini", "key": "Depth", "value": "4", "section": "Main"},
        ],
    ),
    last=("package",),
)
