# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk over the local file systems, in pieces: bounded in time, and taken up again where it ended.

Folders come in a fixed order, so the path of the next one is all that has to be remembered. Nothing is followed: a
folder is opened name by name without links, its entries are looked at through it, and no access time changes.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable
from typing import Callable, NamedTuple

from . import undo
from .host import Host

_LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "zfs", "bcachefs"}
_VOLATILE = {"/tmp", "/var/tmp", "/dev/shm"}  # noqa: S108 - where a tmpfs is worth a look
_CONTAINERS = ("/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/machines", "/var/lib/kubelet")
"""What the file systems of containers hold belongs to accounts of theirs, which the host does not know."""
_ROOTLESS = "/.local/share/containers"

Look = Callable[[str, os.stat_result], None]
"""Called with the path and the status of every file and folder."""


class Mount(NamedTuple):
    """A mounted file system: where, which device and part of it, its type and whether set-id bits count there."""

    point: str
    device: str
    part: str
    type: str
    nosuid: bool


def mounts(text: str) -> list[Mount]:
    """Return the mounts that a text such as /proc/self/mountinfo lists; the last one on a place hides the others."""
    found: dict[str, Mount] = {}
    for line in text.splitlines():
        before, _, after = line.partition(" - ")
        parts, rest = before.split(" "), after.split(" ")
        if len(parts) > 5 and rest[0]:
            point = _plain(parts[4])
            found[point] = Mount(point, parts[2], _plain(parts[3]), rest[0], "nosuid" in parts[5].split(","))
    return list(found.values())


def _plain(path: str) -> str:
    """Return a path of mountinfo without its octal escapes."""
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        path = path.replace(code, char)
    return path


def roots(found: Iterable[Mount]) -> list[Mount]:
    """Return the mounts to walk: local file systems, each part of a device once."""
    chosen: list[Mount] = []
    for mount in sorted(found, key=lambda each: (len(each.part), each.point)):
        local = mount.type in _LOCAL or mount.point == "/" or (mount.type == "tmpfs" and mount.point in _VOLATILE)
        part = mount.part.rstrip("/") + "/"
        again = any(mount.device == other.device and part.startswith(other.part.rstrip("/") + "/") for other in chosen)
        if local and not again and not _of_containers(mount.point):
            chosen.append(mount)
    return sorted(chosen, key=lambda each: each.point)


def _of_containers(path: str) -> bool:
    return path.startswith(_CONTAINERS) or path.endswith(_ROOTLESS)


class Walk:
    """One walk over the local file systems.

    :param excluded: folders that are left out.
    :param next_folder: where to go on, or nothing to begin.
    """

    def __init__(self, host: Host, excluded: Iterable[str] = (), next_folder: str = "") -> None:
        found = mounts(host.text("/proc/self/mountinfo") or "")
        self._points = {mount.point for mount in found}
        self._excluded = {path.rstrip("/") for path in excluded}
        self._roots = [mount for mount in roots(found) if os.path.isdir(mount.point)]
        self._nosuid = tuple(mount.point.rstrip("/") + "/" for mount in self._roots if mount.nosuid)
        self._flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | (os.O_NOATIME if host.is_root else 0)
        self.seen = 0
        self.next_folder = next_folder
        self.ended = False

    def set_id_counts(self, path: str) -> bool:
        """Say whether the kernel heeds the set-id bits of a file."""
        return not path.startswith(self._nosuid)

    def about(self) -> int:
        """Return about how many files there are to see; 0 when the file systems do not tell."""
        count, devices = 0, set()
        for mount in self._roots:
            if mount.device not in devices:
                devices.add(mount.device)
                facts = os.statvfs(mount.point)
                count += facts.f_files - facts.f_ffree
        return count

    def go(self, look: Look, seconds: float) -> None:
        """Look at everything until the time is over; `next_folder` or `ended` then say how far it came."""
        deadline = time.monotonic() + seconds
        points = [mount.point for mount in self._roots]
        stack = self._where_it_ended(points)
        while stack:
            folder = stack.pop()
            if time.monotonic() > deadline:
                self.next_folder = folder
                return
            stack += self._folder(folder, look)
        self.next_folder, self.ended = "", True

    def _where_it_ended(self, points: list[str]) -> list[str]:
        """Return the folders still to visit, the next one last."""
        if not self.next_folder:
            return points[::-1]
        root = max((point for point in points if _under(self.next_folder, point)), key=len, default="")
        if not root:
            return points[::-1]
        stack = [point for point in points[::-1] if point > root]
        folder = root
        for name in filter(None, self.next_folder[len(root) :].split("/")):
            ahead = _join(folder, name)
            stack += [path for path in self._folder(folder, None) if path > ahead]
            folder = ahead
        return [*stack, self.next_folder]

    def _folder(self, folder: str, look: Look | None) -> list[str]:
        """Look at the entries of a folder and return the folders in it, the first one last."""
        try:
            place = undo.open_unlinked(folder)
            try:
                descriptor = os.open(".", self._flags, dir_fd=place)
            finally:
                os.close(place)
        except OSError:
            return []
        inside: list[str] = []
        try:
            with os.scandir(descriptor) as entries:
                for entry in entries:
                    self._entry(folder, entry, look, inside)
        except OSError:
            # a folder that went away meanwhile holds nothing any more
            return []
        finally:
            os.close(descriptor)
        return sorted(inside, reverse=True)

    def _entry(self, folder: str, entry: os.DirEntry[str], look: Look | None, inside: list[str]) -> None:
        path = _join(folder, entry.name)
        is_folder = entry.is_dir(follow_symlinks=False)
        # asking a mounted server that is dead for the status would wait for ever
        if is_folder and (path in self._points or path in self._excluded or _of_containers(path)):
            return
        if is_folder:
            inside.append(path)
        if look is not None:
            self.seen += 1
            try:
                look(path, entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                return


def status(path: str) -> os.stat_result | None:
    """Return the status of a file without following a link on the way; None when it is gone or no file or folder."""
    try:
        descriptor = undo.open_unlinked(path)
    except OSError:
        return None
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)


def is_file(info: os.stat_result) -> bool:
    """Say whether a status is that of a regular file."""
    return stat.S_ISREG(info.st_mode)


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip("/") + "/")


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder != "/" else f"/{name}"
