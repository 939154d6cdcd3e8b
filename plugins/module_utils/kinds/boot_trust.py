# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine itself vouches for when it starts: Secure Boot and a TPM.

Reported only: firmware is set by a person at the machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen
from ..engine.host import Host
from .base import Kind, fields

_SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


class BootTrust(Kind):
    """``boot_trust: {secure_boot: true, tpm: 2}``."""

    schema = fields(secure_boot={"const": True}, tpm={"const": 2})
    check_only = True
    needs_root = False
    evidence = "not-exercised"

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if host.in_container:
            return dict.fromkeys(names, NotApplicable(SHARED_KERNEL))
        seen = {"secure_boot": _secure_boot(host), "tpm": _tpm(host)}
        return {name: seen[name] for name in names}


def _secure_boot(host: Host) -> Any:
    if not host.exists("/sys/firmware/efi"):
        return Seen(False, "started the old way, without UEFI")
    # four bytes of attributes, then the value
    return (host.text(_SECURE_BOOT) or "")[4:5] == "\x01"


def _tpm(host: Host) -> Any:
    version = (host.text("/sys/class/tpm/tpm0/tpm_version_major") or "").strip()
    return int(version) if version.isdigit() else Seen(0, "no TPM is visible to the system")
