# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What removable USB disks and keys may be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable
from ..engine.host import Host
from ..engine.rules import ranked
from . import kernel_module
from .base import Kind, fields

POLICIES = ("lecture_ecriture", "lecture", "bloque")
"""From the most to the least that is allowed."""
MODPROBE = "/etc/modprobe.d/essms-usb.conf"
UDEV = "/etc/udev/rules.d/99-essms-usb.rules"
_MODULES = ("uas", "usb_storage")
_READ_ONLY = 'ACTION=="add|change", SUBSYSTEM=="block", SUBSYSTEMS=="usb", RUN+="/usr/sbin/blockdev --setro /dev/%k"\n'


class UsbStorage(Kind):
    """``usb_storage: {policy: lecture}``."""

    schema = fields(("policy",), policy={"enum": list(POLICIES)})
    rules = {"policy": ranked(POLICIES)}
    needs_root = False

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {"policy": NotApplicable(SHARED_KERNEL) if host.in_container else _policy(host)}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if body["policy"] == "bloque":
            kernel_module.block(host, MODPROBE, _MODULES)
        elif _policy(host) == "bloque":  # only when asked to relax
            host.delete(MODPROBE)
        if body["policy"] == "lecture":
            host.write(UDEV, text.HEADER + _READ_ONLY)
        elif host.exists(UDEV):
            host.delete(UDEV)
        # what is plugged in already is told too
        host.activate(40, "udevadm", "control", "--reload")
        host.activate(41, "udevadm", "trigger", "--action=change", "--subsystem-match=block")


def _policy(host: Host) -> str:
    refused = kernel_module.refusals(host)
    loaded = {line.split(" ", 1)[0] for line in (host.text("/proc/modules") or "").splitlines()}
    if all(refused.get(module) and module not in loaded for module in _MODULES):
        return "bloque"
    rules = (host.text(UDEV) or "").splitlines()
    return "lecture" if _READ_ONLY.strip() in rules else "lecture_ecriture"
