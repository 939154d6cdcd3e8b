# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption of the disks that hold data: reported, because nobody can encrypt a running system from afar."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen, Unknown
from ..engine.host import Host
from .base import Kind, fields

SCOPES = ("portables", "tous", "aucun")
_PORTABLE = {"8", "9", "10", "11", "14", "30", "31", "32"}
"""Types of case, as the firmware numbers them: portable, laptop, notebook, hand held, sub notebook, tablet…"""
_POOLED = {"btrfs", "bcachefs", "zfs"}
"""File systems that lie on disks, though the kernel gives them a number of no disk."""
_BARE = ("/boot", "/boot/efi", "/efi")
"""What a machine reads before it can ask for the key."""


class DiskEncryption(Kind):
    """``disk_encryption: {scope: portables}``."""

    schema = fields(("scope",), scope={"enum": list(SCOPES)})
    check_only = True
    needs_root = False
    evidence = "simulated"

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"every disk": True}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        scope = bodies[0]["scope"]
        if host.in_container:
            return {"every disk": NotApplicable(SHARED_KERNEL)}
        if scope == "aucun":
            return {"every disk": NotApplicable("essms_disk_encryption asks for it nowhere")}
        if scope == "portables" and not portable(host):
            return {"every disk": NotApplicable("this is no portable computer")}
        data = list(_data(host))
        if not data:
            return {"every disk": Unknown("no disk was recognised")}
        bare = sorted({point for point, device in data if device and not encrypted(host, device)})
        unseen = sorted({point for point, device in data if not device})
        if unseen and not bare:
            return {"every disk": Unknown(f"the disks below {', '.join(unseen)} are not known: look at them by hand")}
        return {"every disk": Seen(False, f"not encrypted: {', '.join(bare)}") if bare else True}


def portable(host: Host) -> bool:
    """Say whether the machine is made to be carried: by its case, or by a battery of its own."""
    if (host.text("/sys/class/dmi/id/chassis_type") or "").strip() in _PORTABLE:
        return True
    folder = host.path("/sys/class/power_supply")
    names = os.listdir(folder) if os.path.isdir(folder) else []
    return any(name.startswith("BAT") for name in names)


def encrypted(host: Host, device: str) -> bool:
    """Say whether a block device (major:minor) lies on dm-crypt, itself or through all it is made of."""
    folder = host.path(f"/sys/dev/block/{device}")
    identity = host.text(f"/sys/dev/block/{device}/dm/uuid") or ""
    if identity.startswith("CRYPT-"):
        return True
    below = os.path.join(folder, "slaves")
    parts = sorted(os.listdir(below)) if os.path.isdir(below) else []
    numbers = [(host.text(f"/sys/class/block/{part}/dev") or "").strip() for part in parts]
    return bool(numbers) and all(encrypted(host, number) for number in numbers)


def _data(host: Host) -> Iterator[tuple[str, str]]:
    """Yield mount point and device of every file system and swap space on a disk; no device where it is not known."""
    # what an ordinary user mounts may have any name but one with a line's end in it
    for line in (host.text("/proc/self/mountinfo") or "").split("\n"):
        words, source = line.split(" "), line.rpartition(" - ")[2].split(" ")
        if len(words) < 5 or words[4] in _BARE or "/loop" in source[-2]:
            continue
        # a major number of 0 is no disk otherwise: memory, network, kernel
        if not words[2].startswith("0:"):
            yield words[4], words[2]
        elif source[0] in _POOLED:
            yield words[4], _number(host, source[1])
    for line in (host.text("/proc/swaps") or "").splitlines()[1:]:
        path = line.split()[0]
        number = _number(host, path)
        if number and "/zram" not in path:
            yield "swap", number


def _number(host: Host, path: str) -> str:
    """Return major:minor of a block device, nothing for what is none."""
    return (host.text(f"/sys/class/block/{os.path.basename(os.path.realpath(path))}/dev") or "").strip()
