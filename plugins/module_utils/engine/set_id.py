# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that run with the rights of their owner or group: which ones distributions bring."""

from __future__ import annotations

import os
from collections.abc import Sequence

from .host import Host

_PROGRAMS = """
at bsd-write chage chfn chsh crontab dotlockfile expiry fusermount fusermount3 gpasswd locate mlocate plocate mount
mount.nfs newgidmap newgrp newuidmap ntfs-3g passwd ping pkexec screen ssh-agent sg su sudo sudoedit sudo-rs umount wall
write
"""
KNOWN = {f"/usr/bin/{name}" for name in _PROGRAMS.split()} | {
    "/usr/lib/dbus-1.0/dbus-daemon-launch-helper",
    "/usr/lib/openssh/ssh-keysign",
    "/usr/lib/polkit-1/polkit-agent-helper-1",
    "/usr/libexec/dbus-1/dbus-daemon-launch-helper",
    "/usr/libexec/openssh/ssh-keysign",
    "/usr/sbin/mount.nfs",
    "/usr/sbin/pam_extrausers_chkpwd",
    "/usr/sbin/pam_timestamp_check",
    "/usr/sbin/unix_chkpwd",
    "/usr/sbin/usernetctl",
}
"""Those of a plain Debian, Ubuntu or RHEL: no question to the package manager is needed for them."""
_LISTS = "/var/lib/dpkg/info"


def packaged(host: Host, paths: Sequence[str]) -> set[str]:
    """Return those of the programs that a package brings."""
    if host.family != "debian":
        return {path for path in paths if host.run("rpm", "-qf", "--", path).rc == 0}
    wanted: dict[bytes, str] = {}
    for path in paths:
        wanted[os.fsencode(path)] = path
        if path.startswith("/usr/"):  # lists of packages from before the folders were merged
            wanted[os.fsencode(path[4:])] = path
    found: set[str] = set()
    for name in os.listdir(host.path(_LISTS)):
        if name.endswith(".list"):
            with open(os.path.join(host.path(_LISTS), name), "rb") as stream:
                lines = stream.read()
            if any(name in lines for name in wanted):
                found.update(wanted[line] for line in lines.split(b"\n") if line in wanted)
    return found
