# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A walk over the local file systems, in pieces: bounded in time, and taken up again where it ended.

The kernel hands over a folder a batch of names at a time, and a mark to go on from. A folder is visited batch by batch,
each in the order of its names, so a path with the mark of each folder on it is all that has to be remembered, however
many files lie on the way. Nothing is followed: a folder is opened name by name without links, its entries are looked at
through it, and no access time changes.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Callable, NamedTuple

from . import undo
from .host import Host

_LOCAL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "zfs", "bcachefs"}
_VOLATILE = {"/tmp", "/var/tmp", "/dev/shm"}  # noqa: S108 - where a tmpfs is worth a look
_CONTAINERS = ("/var/lib/docker", "/var/lib/containers", "/var/lib/containerd", "/var/lib/machines", "/var/lib/kubelet")
"""What the file systems of containers hold belongs to accounts of theirs, which the host does not know."""
_ROOTLESS = "/.local/share/containers"
_LONGEST = 4096
"""Bytes of a path the kernel takes: what lies deeper has no name to be told by, and costs more with every folder."""

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
    # a person may mount below a name with any character but a newline in it (str.splitlines knows more)
    for line in text.split("\n"):
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


class Position(NamedTuple):
    """How far a walk came: a folder, the mark of the batch in each folder down to it, and the last name seen there."""

    folder: str = ""
    marks: tuple[int, ...] = ()
    after: str = ""


_BEGIN = Position()


@dataclass
class _Visit:
    """A folder that is being visited.

    :param mark: where the kernel goes on for its current batch.
    :param following: where it goes on for the next one; None when there is none.
    :param after: the last name of the current batch that was looked at.
    :param inside: the folders of the current batch that are still to visit, the next one last.
    """

    folder: str
    mark: int = 0
    following: int | None = 0
    after: str = ""
    inside: list[str] = field(default_factory=list)


class Walk:
    """One walk over the local file systems.

    :param excluded: folders that are left out.
    :param position: where to go on.
    """

    def __init__(self, host: Host, excluded: Iterable[str] = (), position: Position = _BEGIN) -> None:
        found = mounts(host.text("/proc/self/mountinfo") or "")
        self._points = {mount.point for mount in found}
        self._excluded = {path.rstrip("/") for path in excluded}
        self._roots = [mount for mount in roots(found) if os.path.isdir(mount.point)]
        self._nosuid = tuple(mount.point.rstrip("/") + "/" for mount in self._roots if mount.nosuid)
        self._flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        self._flags |= os.O_NOATIME if host.is_root else 0
        self._went_on = False
        self.seen = 0
        self.position = position
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
        """Look at everything until the time is over; `position` or `ended` then say how far it came.

        It always comes further, by one file at least: coming back to a place cannot use up every share.
        """
        begun = time.monotonic()
        roots_left, visits = self._where_it_ended()
        deadline = max(begun + seconds, time.monotonic() + seconds / 4)
        while visits or roots_left:
            if not visits:
                visits.append(_Visit(roots_left.pop()))
            visit = visits[-1]
            if visit.inside:
                visits.append(_Visit(visit.inside.pop()))
            elif visit.following is None:
                visits.pop()
            elif not self._visit(visit, look, deadline):
                self.position = Position(visit.folder, tuple(each.mark for each in visits), visit.after)
                return
        self.position, self.ended = _BEGIN, True

    def _where_it_ended(self) -> tuple[list[str], list[_Visit]]:
        """Return the file systems still to visit, the next one last, and the visits to go on with, innermost last."""
        points = [mount.point for mount in self._roots][::-1]
        folder, marks, after = self.position
        root = max((point for point in points if folder and _under(folder, point)), key=len, default="")
        names = [name for name in folder[len(root) :].split("/") if name]
        if not root or len(marks) != len(names) + 1:
            return points, []
        return [point for point in points if point > root], self._come_back(root, names, marks, after)

    def _come_back(self, root: str, names: list[str], marks: Sequence[int], after: str) -> list[_Visit]:
        """Return the visits of the folders from a file system down to where the walk ended.

        Each is opened through the one above, and of each only the batch that the walk was in is read.
        """
        visits = [_Visit(root, marks[0], marks[0])]
        descriptor = self._open(root)
        for name, mark in zip(names, marks[1:]):
            if descriptor is None:
                break
            visit = visits[-1]
            ahead = _join(visit.folder, name)
            entries, visit.following = _batch(descriptor, visit.mark)
            visit.inside = [path for path in self._folders(visit.folder, entries) if path > ahead]
            above, descriptor = descriptor, self._open_in(descriptor, name) if self._enters(ahead) else None
            os.close(above)
            if descriptor is None:
                return visits
            visits.append(_Visit(ahead, mark, mark))
        if descriptor is not None:
            os.close(descriptor)
        visits[-1].after = after
        return visits

    def _visit(self, visit: _Visit, look: Look, deadline: float) -> bool:
        """Look at the entries of a folder up to a batch with folders to go into; False when the time is over."""
        descriptor = self._open(visit.folder)
        if descriptor is None:
            visit.following = None
            return True
        try:
            while visit.following is not None and not visit.inside:
                if visit.following != visit.mark:
                    visit.mark, visit.after = visit.following, ""
                if self._is_over(deadline):
                    return False
                entries, following = _batch(descriptor, visit.mark)
                for entry in entries:
                    if entry.name > visit.after:
                        if self._is_over(deadline):
                            return False
                        self._look_at(visit.folder, entry, look)
                        visit.after, self._went_on = entry.name, True
                self._went_on = True
                visit.inside = self._folders(visit.folder, entries)
                visit.following = following
        finally:
            os.close(descriptor)
        return True

    def _is_over(self, deadline: float) -> bool:
        return self._went_on and time.monotonic() > deadline

    def _open(self, folder: str) -> int | None:
        """Open a folder; None when it went away meanwhile, or cannot be opened."""
        try:
            place = undo.open_unlinked(folder)
            try:
                return self._open_in(place, ".")
            finally:
                os.close(place)
        except OSError:
            return None

    def _open_in(self, folder: int, name: str) -> int | None:
        try:
            return os.open(name, self._flags, dir_fd=folder)
        except OSError:
            return None

    def _folders(self, folder: str, entries: Iterable[os.DirEntry[str]]) -> list[str]:
        """Return the folders to go into, the first one last."""
        paths = [_join(folder, entry.name) for entry in entries if entry.is_dir(follow_symlinks=False)]
        return [path for path in paths if self._enters(path)][::-1]

    def _enters(self, path: str) -> bool:
        # asking a mounted server that is dead would wait for ever
        left_out = path in self._points or path in self._excluded or _of_containers(path)
        return not left_out and len(os.fsencode(path)) < _LONGEST

    def _look_at(self, folder: str, entry: os.DirEntry[str], look: Look) -> None:
        path = _join(folder, entry.name)
        if entry.is_dir(follow_symlinks=False) and not self._enters(path):
            return
        self.seen += 1
        try:
            look(path, entry.stat(follow_symlinks=False))
        except FileNotFoundError:
            return


def _batch(descriptor: int, mark: int) -> tuple[list[os.DirEntry[str]], int | None]:
    """Return what the kernel hands over from a mark on, by name, and the mark of the next batch, None at the end."""
    entries: list[os.DirEntry[str]] = []
    following: int | None = None
    try:
        os.lseek(descriptor, mark, os.SEEK_SET)
        with os.scandir(descriptor) as found:
            for entry in found:
                # the names of a batch come with the descriptor standing behind it
                here = os.lseek(descriptor, 0, os.SEEK_CUR)
                if following is None:
                    following = here
                elif here != following:
                    return sorted(entries, key=_name), following
                entries.append(entry)
    except OSError:
        # a folder that went away meanwhile holds nothing any more
        return [], None
    return sorted(entries, key=_name), None


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


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
