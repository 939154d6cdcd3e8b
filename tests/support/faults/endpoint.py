# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the endpoint: kernel, services, rights of new files, core dumps, mounts."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row, sed

_BAD: dict[str, tuple[str, Any]] = {
    "net.ipv4.ip_local_port_range": ("32768 60999", "32768 60999"),
    "kernel.perf_event_max_sample_rate": ("50000", 50000),
    "kernel.perf_cpu_time_max_percent": ("25", 25),
    "kernel.pid_max": ("4194304", 4194304),
    "vm.mmap_min_addr": ("4096", 4096),
}
"""What is written instead, and what is observed then; a flag is turned over."""
_UNITS = "/usr/local/lib/systemd/system"
_NOTED = "/var/lib/essms-integrity"


def _sysctl(host: str, row: Row, _body: Body) -> Any:
    flag = 1 if row["expected"] == 0 else 0
    value, observed = _BAD.get(row["name"], (str(flag), flag))
    engine.must(host, ["sysctl", "-q", "-w", f"{row['name']}={value}"])
    return observed


def _forbidden_service(host: str, row: Row, _body: Body) -> Any:
    # its slice is how the round ends it (tests.support.engine)
    unit = f"{row['name']}.service"
    text = "[Service]\nType=oneshot\nRemainAfterExit=yes\nSlice=essmsprobe.slice\nExecStart=/bin/true\n"
    engine.must(host, f"mkdir -p {_UNITS} && cat > {_UNITS}/{unit}", stdin=text)
    engine.must(host, f"systemctl daemon-reload && systemctl unmask -q {unit} && systemctl start {unit}")
    return True


def _file_integrity(host: str, row: Row, body: Body) -> Any:
    config = "/etc/essms-integrity.conf"
    faults: dict[str, tuple[str, Any]] = {
        "folders": (f"sed -i '/^.usr.bin /d' {config}", [path for path in body["folders"] if path != "/usr/bin"]),
        "hour": ("systemctl stop essms-integrity.timer", None),
        "program": ("echo '# changed' >> /usr/local/sbin/essms-integrity", False),
        "after updates": (
            "rm /etc/systemd/system/apt-daily-upgrade.service.d/essms-integrity.conf && systemctl daemon-reload",
            False,
        ),
    }
    command, value = faults[row["name"]]
    engine.must(host, command)
    return value


def _compared(host: str, days: int = 0) -> None:
    """Have the last comparison lie so many days back; it found nothing."""
    then = f"$(($(date +%s) - {days} * 86400 - 60))"
    said = f'printf \'{{"time": %s, "changed": 0}}\' {then}'
    engine.must(host, f"install -d -m 0700 {_NOTED} && {said} > {_NOTED}/last.json")


def _file_comparison(host: str, _row: Row, _body: Body) -> Any:
    _compared(host, 10)
    return 10


def _umask(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "session":
        sed(host, "s/^UMASK.*/UMASK 022/", "/etc/login.defs")
    elif row["name"] == "login shell":
        sed(host, "s/^umask.*/umask 022/", "/etc/profile.d/zz-essms-umask.sh")
    else:
        sed(host, "/shells started by hand too/,+1d", "/etc/bash.bashrc")
    return "022"


def _core_dump(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "systemd":
        sed(host, "s/^Storage=.*/Storage=external/", "/etc/systemd/coredump.conf.d/99-essms.conf")
    else:
        who = "root" if row["name"] == "root" else r"\*"
        sed(host, f"s/^{who} hard core 0/{who} hard core unlimited/", "/etc/security/limits.d/99-essms.conf")
    return True


def _kernel_module(host: str, row: Row, _body: Body) -> Any:
    name = row["name"].replace("-", "_")
    sed(host, f"/^install {name} /d", "/etc/modprobe.d/essms.conf")
    return False


def _usb_storage(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, "rm /etc/modprobe.d/essms-usb.conf")
    return "lecture_ecriture"


def _mandatory_access(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "active":
        engine.must(host, "systemctl --quiet disable apparmor.service")
        return False
    profile = "profile essms-probe /usr/local/bin/essms-probe flags=(complain) {\n}\n"
    engine.must(
        host, "cat > /etc/apparmor.d/essms-probe && apparmor_parser -r /etc/apparmor.d/essms-probe", stdin=profile
    )
    return 1


def _mount_option(host: str, row: Row, _body: Body) -> Any:
    point, option = row["name"].split()
    # a plain remount would take the other options from fstab again
    keep = f"$(findmnt -n -o VFS-OPTIONS {point} | tr , '\\n' | grep -vx {option} | paste -sd,)"
    engine.must(host, f"mount --options-mode ignore -o remount,bind,{keep} {point}")
    return False


AREA = Area(
    faults={
        "core_dump": _core_dump,
        "forbidden_service": _forbidden_service,
        "file_comparison": _file_comparison,
        "file_integrity": _file_integrity,
        "kernel_module": _kernel_module,
        "mandatory_access": _mandatory_access,
        "mount_option": _mount_option,
        "sysctl": _sysctl,
        "umask": _umask,
        "usb_storage": _usb_storage,
    },
    # a firmware to trust, a root on an encrypted disk and a boot loader come from whoever sets the machine up
    repairs={"file_comparison": _compared},
    shown_by={
        "boot_trust": "tests/unit/test_kinds_endpoint.py::test_what_the_firmware_vouches_for",
        "disk_encryption": "tests/kernel/test_reported.py::test_disks_are_told_apart",
        "kernel_command_line": "tests/unit/test_kinds_endpoint.py::test_a_boot_option_that_is_missing_says_where",
    },
)
