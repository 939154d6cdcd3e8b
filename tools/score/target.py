# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is scored: a container of the lab, as the peers were, or an emulated machine with a kernel of its own."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path

from ..lab import hosts, vm
from ..lab.hosts import Host
from ..lab.podman import LabError, run

_LIKE_INSTALLED = r"""
printf 'root:%s\n' "$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" | chpasswd
"""
_LIKE_A_MACHINE = r"""
umount /run/.containerenv 2> /dev/null
rm -f /run/.containerenv
for file in /etc/resolv.conf /etc/hosts /etc/hostname; do
    content=$(cat "$file")
    umount "$file" 2> /dev/null && printf '%s\n' "$content" > "$file"
done
# the runtime gives it a file system of its own for /tmp; a machine that has one says so here
echo 'tmpfs /tmp tmpfs nosuid,nodev 0 0' >> /etc/fstab
"""
# what the kernel's tests brought with them; a server that Debian's installer made has none of it
_WITHOUT_TOOLS = r"""
DEBIAN_FRONTEND=noninteractive apt-get purge --quiet --yes --auto-remove auditd gcc libc6-dev cryptsetup-bin
"""


# No host of the lab reaches a mirror of signatures: these are made by hand and know one file, the harmless test file.
_LIKE_IN_REACH_OF_SIGNATURES = r"""
mkdir -p /var/lib/clamav/main.inc /var/lib/clamav/daily.inc
echo "ClamAV-VDB:lab:1:1:1:x:x:lab:$(date +%s)" > /var/lib/clamav/daily.inc/daily.info
echo 44d88612fea8a8f36de82e1278abb02f:68:Lab-Eicar > /var/lib/clamav/lab.hdb
chmod 755 /var/lib/clamav /var/lib/clamav/*.inc
"""
# What people do themselves before they ask for a group of sudo: apply makes neither groups nor members.
_GROUP_OF_SUDO = f"groupadd --system sudogrp && usermod -aG sudogrp {hosts.USER}\n"


class Target(ABC):
    """A host that is scored, from its making to its removal."""

    host: Host
    seconds: float
    """The longest that one scanner may take."""

    @abstractmethod
    def make(self) -> None:
        """Bring up a fresh one, as like what Debian's installer makes as it can be.

        :raises LabError: when it cannot be made.
        """

    @abstractmethod
    def shell(self, script: str) -> None:
        """Run shell text on it as root.

        :raises LabError: when it fails.
        """

    @abstractmethod
    def bring(self, folder: Path, inside: str) -> None:
        """Copy a folder to a path of it."""

    @abstractmethod
    def read(self, path: str) -> str:
        """Return the text of one of its files."""

    @abstractmethod
    def remove(self) -> None:
        """Leave nothing of it."""


class Container(Target):
    """A systemd container: minutes, and the very conditions that the peers were measured in."""

    host = Host("score", "bookworm")
    seconds = 900

    def make(self) -> None:
        """Bring it up and take away what only a container has."""
        with hosts.lock():
            hosts.up([self.host], fresh=True)
        self.shell(_LIKE_A_MACHINE + _LIKE_INSTALLED + _LIKE_IN_REACH_OF_SIGNATURES + _GROUP_OF_SUDO)

    def shell(self, script: str) -> None:
        """Run shell text on it as root."""
        run(["podman", "exec", "--interactive", self.host.container, "sh", "-s"], stdin=script, timeout=self.seconds)

    def bring(self, folder: Path, inside: str) -> None:
        """Copy a folder to a path of it."""
        run(["podman", "cp", f"{folder}/.", f"{self.host.container}:{inside}"])

    def read(self, path: str) -> str:
        """Return the text of one of its files."""
        return run(["podman", "exec", self.host.container, "cat", path])

    def remove(self) -> None:
        """Leave nothing of it."""
        with hosts.lock():
            hosts.remove([self.host])


class Machine(Target):
    """An emulated machine: a kernel of its own, which a server has, at a twentieth of the speed."""

    host = Host("score-vm", "bookworm")
    seconds = 3600

    def make(self) -> None:
        """Bring it up and take away what only a machine of the lab has."""
        vm.up(self.host.name)
        self.shell(_WITHOUT_TOOLS + _LIKE_INSTALLED + _LIKE_IN_REACH_OF_SIGNATURES + _GROUP_OF_SUDO)

    def shell(self, script: str) -> None:
        """Run shell text on it as root."""
        self._pipe(["sh", "-s"], script.encode())

    def bring(self, folder: Path, inside: str) -> None:
        """Copy a folder to a path of it."""
        packed = subprocess.run(["tar", "--create", f"--directory={folder}", "."], capture_output=True, check=True)
        self._pipe(
            ["sh", "-c", f"mkdir -p {inside} && tar --extract --no-same-owner --directory={inside}"], packed.stdout
        )

    def read(self, path: str) -> str:
        """Return the text of one of its files."""
        return self._pipe(["cat", path], b"").decode(errors="replace")

    def remove(self) -> None:
        """Leave nothing of it."""
        vm.remove(self.host.name)

    def _pipe(self, argv: list[str], given: bytes) -> bytes:
        command = vm.command(self.host.name, argv)
        # an emulated machine that has little of the processor may be silent for minutes
        command[1:1] = ["-o", "ServerAliveInterval=0"]
        try:
            done = subprocess.run(command, input=given, capture_output=True, timeout=self.seconds, check=False)
        except subprocess.TimeoutExpired:
            raise LabError(f"`{argv[0]}` did not end within {self.seconds:g} s on the machine.") from None
        if done.returncode != 0:
            said = (done.stderr or done.stdout).decode(errors="replace").strip().splitlines()
            raise LabError(f"`{argv[0]}` failed on the machine with code {done.returncode}: {said[-1:]}")
        return done.stdout


KINDS: dict[str, type[Target]] = {"container": Container, "machine": Machine}
