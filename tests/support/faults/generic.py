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


_SSHD: dict[str, tuple[str, Any]] = {
    "AllowTcpForwarding": ("all", "yes"),
    "Banner": ("none", None),
    "Ciphers": ("aes128-cbc,aes256-ctr", ["aes128-cbc", "aes256-ctr"]),
    "ClientAliveCountMax": ("0", 0),
    "ClientAliveInterval": ("0", 0),
    "HostKeyAlgorithms": ("ssh-ed25519,ssh-rsa", ["ssh-ed25519", "ssh-rsa"]),
    "IgnoreRhosts": ("no", "no"),
    "KexAlgorithms": (
        "diffie-hellman-group14-sha1,curve25519-sha256",
        ["diffie-hellman-group14-sha1", "curve25519-sha256"],
    ),
    "LogLevel": ("ERROR", "ERROR"),
    "LoginGraceTime": ("10m", 600),
    "MACs": ("hmac-sha1,hmac-sha2-256", ["hmac-sha1", "hmac-sha2-256"]),
    "MaxAuthTries": ("20", 20),
    "MaxSessions": ("50", 50),
    "MaxStartups": ("100:30:200", "100:30:200"),
    "PubkeyAcceptedAlgorithms": ("ssh-ed25519,ssh-rsa", ["ssh-ed25519", "ssh-rsa"]),
    "StrictModes": ("no", "no"),
    "UsePAM": ("no", "no"),
}
"""What is written for each key, and what an audit says of it; "yes" for those that are not listed."""


def _sshd(host: str, row: Row, _body: Body) -> Any:
    value, observed = _SSHD.get(row["name"], ("yes", "yes"))
    # the first value counts, so this one beats every drop-in; of MaxStartups it is the last
    place = "$a" if row["name"] == "MaxStartups" else "1i"
    engine.must(host, ["sed", "-i", f"{place} {row['name']} {value}", "/etc/ssh/sshd_config"])
    engine.must(host, "systemctl reload ssh.service")
    return observed


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
