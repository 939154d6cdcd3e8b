# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What removable USB disks and keys may be used for."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable, SettingError
from ..engine.host import Host
from ..engine.rules import ranked
from . import kernel_module
from .base import Kind, fields

POLICIES = ("lecture_ecriture", "lecture", "bloque")
"""From the most to the least that is allowed."""
MODPROBE = "/etc/modprobe.d/essms-usb.conf"
UDEV = "/etc/udev/rules.d/99-essms-usb.rules"
_MODULES = ("uas", "usb_storage")
_BLOCK = "/sys/class/block"
_READ_ONLY = 'ACTION=="add|change", SUBSYSTEM=="block", SUBSYSTEMS=="usb", RUN+="/usr/sbin/blockdev --setro /dev/%k"\n'


class UsbStorage(Kind):
    """``usb_storage: {policy: lecture}``."""

    schema = fields(("policy",), policy={"enum": list(POLICIES)})
    rules = {"policy": ranked(POLICIES)}
    needs_root = False
    evidence = "simulated"

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"policy": NotApplicable(SHARED_KERNEL) if host.in_container else _policy(host)}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if body["policy"] == "bloque":
            kernel_module.block(host, MODPROBE, _MODULES)
        elif _policy(host) == "bloque":  # only when asked to relax
            host.delete(MODPROBE)
        if body["policy"] == "lecture":
            _make_read_only(host)
            host.write(UDEV, text.HEADER + _READ_ONLY)
        elif host.exists(UDEV):
            host.delete(UDEV)
        host.activate(40, "udevadm", "control", "--reload")


def _make_read_only(host: Host) -> None:
    """Tell what is plugged in already; a backup that runs now is not cut in the middle of a file."""
    for name in _writable(host):
        if _in_use(host, name):
            raise SettingError(
                f"the USB disk {name} is in use for writing: unmount it and apply again, or set essms_usb to "
                "lecture_ecriture for this host"
            )
        back = f"if test -b /dev/{name}; then blockdev --setrw /dev/{name}; fi"
        host.operate({"op": "run", "do": ["blockdev", "--setro", f"/dev/{name}"], "undo": ["sh", "-c", back]})


def _writable(host: Host) -> list[str]:
    """Return the disks and partitions of USB that may be written."""
    folder = host.path(_BLOCK)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [
        name
        for name in names
        if "/usb" in os.path.realpath(os.path.join(folder, name))
        and (host.text(f"{_BLOCK}/{name}/ro") or "").strip() == "0"
    ]


def _in_use(host: Host, name: str) -> bool:
    holders = host.path(f"{_BLOCK}/{name}/holders")
    if os.path.isdir(holders) and os.listdir(
        holders
    ):  # encrypted, or part of a volume: what lies on it is not looked at
        return True
    number = (host.text(f"{_BLOCK}/{name}/dev") or "").strip()
    lines = [line.split() for line in text.split_lines(host.text("/proc/self/mountinfo") or "")]
    return any(words[2] == number and "rw" in words[-1].split(",") for words in lines)


def _policy(host: Host) -> str:
    refused = kernel_module.refusals(host)
    loaded = {line.split(" ", 1)[0] for line in (host.text("/proc/modules") or "").splitlines()}
    if all(refused.get(module) and module not in loaded for module in _MODULES):
        return "bloque"
    rules = (host.text(UDEV) or "").splitlines()
    return "lecture" if _READ_ONLY.strip() in rules else "lecture_ecriture"
