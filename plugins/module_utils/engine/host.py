# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host as the kinds see it: its files, its commands, its identity.

Edits go to an overlay in memory first; a transaction journals and writes them together.
"""

from __future__ import annotations

import base64
import functools
import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from . import undo
from .errors import SettingError

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NOBODY = 65534


class Result(NamedTuple):
    """What a command printed; rc is 127 when it does not exist and 124 when it ran out of time."""

    rc: int
    out: str
    err: str


class Change(NamedTuple):
    """A file an edit wants: its state on disk and the state to give it."""

    path: str
    before: undo.State | None
    after: undo.State | None


class RightsChange(NamedTuple):
    """A file or folder whose mode or owners an edit wants to change: those on disk, and those to give it."""

    before: undo.Rights
    after: undo.Rights


class Host:
    """One host, observed directly and changed through an overlay.

    :param accounts_to_spare: names of accounts that no control touches (automation, break-glass).
    :param root: folder under which files are looked for; anything but / is for tests of parsers.
    :param memory: what the kinds said last time, by kind; an audit leaves no trace on the host, so the controller
        keeps it. None when nobody keeps any.
    """

    def __init__(
        self, accounts_to_spare: Sequence[str] = (), root: str = "/", memory: Mapping[str, Any] | None = None
    ) -> None:
        self.root = root
        self.is_root = os.geteuid() == 0
        self.spared = set(accounts_to_spare)
        self.overlay: dict[str, Change] = {}
        self.rights_wanted: dict[str, RightsChange] = {}
        self.operations: list[dict[str, Any]] = []
        self.activations: list[tuple[int, list[str]]] = []
        self.also_changed: set[str] = set()
        self.notes: list[str] = []
        """What people have to know of the edits, beyond the rows."""
        self.left: list[str] = []
        """What could not be put back and is left to a person, with what to do."""
        self.control = ""
        """The control whose edits are being planned; operations are recorded under it."""
        self.memory: Mapping[str, Any] = memory or {}
        self.remembered: dict[str, Any] = {}
        """What the kinds want to find in their memory next time, by kind: plain JSON, small, nothing personal."""
        self._texts: dict[str, str | None] = {}
        self._results: dict[tuple[str, ...], Result] = {}

    # --- identity --------------------------------------------------------------------------------------------------

    def release(self) -> dict[str, str]:
        """Return id, version and family (debian, redhat or empty when the engine does not know it)."""
        fields: dict[str, str] = {}
        for line in (self.text("/etc/os-release") or self.text("/usr/lib/os-release") or "").splitlines():
            key, _, value = line.partition("=")
            fields[key] = value.strip().strip('"')
        names = [fields.get("ID", ""), *fields.get("ID_LIKE", "").split()]
        family = next((names_of for name in names for names_of in _FAMILIES if name in _FAMILIES[names_of]), "")
        return {"id": fields.get("ID", ""), "version": fields.get("VERSION_ID", ""), "family": family}

    @property
    def family(self) -> str:
        """The distribution family: debian, redhat or empty."""
        return self.release()["family"]

    @functools.cached_property
    def in_container(self) -> bool:
        """Say whether the kernel belongs to somebody else: what is set there would reach every neighbour."""
        return self.run("systemd-detect-virt", "--container", "--quiet").rc == 0

    # --- observing -------------------------------------------------------------------------------------------------

    def path(self, path: str) -> str:
        """Return the real path of a file, links followed, under the root; one that is there already stays there."""
        if self.root != "/" and path.startswith(self.root + "/"):
            return os.path.realpath(path)
        return os.path.realpath(os.path.join(self.root, path.lstrip("/")))

    def text(self, path: str) -> str | None:
        """Return a file's text as the overlay has it, or None when it does not exist.

        Bytes that are not UTF-8 survive a round trip.

        :raises OSError: when it cannot be read, or is a pipe or a device.
        """
        real = self.path(path)
        if real in self.overlay:
            data = undo.content(self.overlay[real].after)
            return None if data is None else data.decode(errors="surrogateescape")
        if real not in self._texts:
            try:
                with open(real, "rb", opener=undo.open_regular) as stream:
                    self._texts[real] = stream.read().decode(errors="surrogateescape")
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                self._texts[real] = None
        return self._texts[real]

    def names(self, folder: str, suffix: str) -> list[str]:
        """Return the sorted paths of a folder's files with a suffix, those of the overlay included."""
        real = self.path(folder)
        found = {os.path.join(real, name) for name in os.listdir(real)} if os.path.isdir(real) else set()
        for path, change in self.overlay.items():
            if os.path.dirname(path) == real:
                (found.discard if change.after is None else found.add)(path)
        return sorted(path for path in found if path.endswith(suffix))

    def exists(self, path: str) -> bool:
        """Say whether a file or folder is there, the overlay included."""
        real = self.path(path)
        if real in self.overlay:
            return self.overlay[real].after is not None
        return os.path.exists(real)

    def run(self, *argv: str, ordinary_user: bool = False, timeout: float = 30) -> Result:
        """Run a command that only observes, in the C locale; the answer is kept until something changes.

        :param ordinary_user: run it as the user nobody, to see what ordinary users get.
        """
        key = (*argv, str(ordinary_user))
        if key not in self._results:
            self._results[key] = self._run(argv, ordinary_user, timeout)
        return self._results[key]

    def _run(self, argv: Sequence[str], ordinary_user: bool, timeout: float) -> Result:
        environment = {"PATH": PATH, "LC_ALL": "C", "HOME": "/nonexistent"}
        identity: dict[str, Any] = {}
        if ordinary_user and self.is_root:
            identity = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        try:
            done = subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                env=environment,
                check=False,
                cwd="/",
                start_new_session=True,
                **identity,
            )
        except FileNotFoundError:
            return Result(127, "", f"{argv[0]} is not installed")
        except subprocess.TimeoutExpired:
            return Result(124, "", f"{argv[0]} did not end within {timeout:g} s")
        except OSError as error:
            return Result(126, "", str(error))
        return Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def forget(self) -> None:
        """Drop what was read so far, because something has changed."""
        self._texts.clear()
        self._results.clear()

    # --- editing ---------------------------------------------------------------------------------------------------

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Put a file's new text into the overlay; an existing file keeps its mode, owners and attributes."""
        self._change(path, text.encode(errors="surrogateescape"), mode)

    def delete(self, path: str) -> None:
        """Mark a file as deleted in the overlay."""
        self._change(path, None, 0)

    def _change(self, path: str, data: bytes | None, mode: int) -> None:
        real = self.path(path)
        before = self.overlay[real].before if real in self.overlay else undo.read_state(real)
        after: undo.State | None = None
        if data is not None:
            kept = before or {"mode": mode, "uid": 0, "gid": 0, "xattr": {}}
            after = {**kept, "data": base64.b64encode(data).decode(), "mtime": None}
        if undo.content(before) == data:
            self.overlay.pop(real, None)
        else:
            self.overlay[real] = Change(real, before, after)

    def rights(self, path: str) -> undo.Rights | None:
        """Return mode and owners of a file or folder as the pending edits leave them, or None when it does not exist.

        :raises OSError: when it is neither, or a link took its place.
        """
        return self._rights(self._unlinked(path))

    def _unlinked(self, path: str) -> str:
        """Return the real path of what a name stands for itself, links above it followed."""
        folder, name = os.path.split(path.rstrip("/"))
        return os.path.join(self.path(folder or "/"), name) if name else self.path("/")

    def _rights(self, real: str) -> undo.Rights | None:
        if real in self.rights_wanted:
            return self.rights_wanted[real].after
        if real in self.overlay:
            after = self.overlay[real].after
            return None if after is None else {key: after[key] for key in ("mode", "uid", "gid")}
        return undo.read_rights(real)

    def set_rights(self, path: str, rights: undo.Rights) -> None:
        """Give a file or folder other rights; its bytes stay. Plan from `rights`, which knows what is pending.

        :raises OSError: when it is neither, or a link took its place.
        """
        real = self._unlinked(path)
        before = undo.read_rights(real)
        self.rights_wanted.pop(real, None)
        if self._rights(real) != rights:
            self.rights_wanted[real] = RightsChange(before or rights, rights)

    def settle_rights(self) -> None:
        """Let the files that are written anyway be written with their new rights: no moment shows them with others."""
        for path in [path for path in self.rights_wanted if path in self.overlay]:
            wanted, change = self.rights_wanted.pop(path), self.overlay[path]
            if change.after is not None:
                self.overlay[path] = change._replace(after={**change.after, **wanted.after})

    def will_change(self, *paths: str) -> None:
        """Announce files that an activation rewrites, so that the journal holds them first."""
        self.also_changed.update(self.path(path) for path in paths)

    def operate(self, operation: dict[str, Any]) -> None:
        """Add a change that is no file: a journal record (run, ageing, lock) that also says how to do it."""
        tagged = {**operation, "control": self.control}
        if tagged not in self.operations:
            self.operations.append(tagged)

    def activate(self, order: int, *argv: str) -> None:
        """Add a command that makes a service read its files again; the same one runs once, lowest order first."""
        if (order, list(argv)) not in self.activations:
            self.activations.append((order, list(argv)))

    def start_again(self, order: int, unit: str, *command: str) -> None:
        """Add what starts a running unit again, ``systemctl try-restart`` unless a command says how."""
        # A unit may start only five times in ten seconds, unless it is forgiven. A pattern, which one that a rollback
        # has stopped need not meet: by its name systemd refuses to forgive a unit it has let go of.
        self.activate(order, "systemctl", "reset-failed", f"[{unit[0]}]{unit[1:]}")
        self.activate(order + 1, *(command or ("systemctl", "try-restart", unit)))

    def state(self, path: str) -> undo.State | None:
        """Return the whole state of a file, as the overlay has it."""
        real = self.path(path)
        return self.overlay[real].after if real in self.overlay else undo.read_state(real)

    def restore_file(self, path: str, state: undo.State | None) -> None:
        """Put a recorded state into the overlay: bytes, mode, owners, time and attributes."""
        real = self.path(path)
        before = self.overlay[real].before if real in self.overlay else undo.read_state(real)
        self.rights_wanted.pop(real, None)
        if before == state:
            self.overlay.pop(real, None)
        else:
            self.overlay[real] = Change(real, before, state)

    @property
    def has_edits(self) -> bool:
        """Say whether anything is pending."""
        return bool(self.overlay or self.rights_wanted or self.operations or self.activations)

    def checkpoint(self) -> tuple[Any, ...]:
        """Return the pending edits, to come back to them later."""
        rights = dict(self.rights_wanted)
        return dict(self.overlay), rights, list(self.operations), list(self.activations), set(self.also_changed)

    def restore(self, checkpoint: tuple[Any, ...]) -> None:
        """Come back to the pending edits of a checkpoint."""
        overlay, rights, operations, activations, also_changed = checkpoint
        self.overlay, self.rights_wanted, self.operations = dict(overlay), dict(rights), list(operations)
        self.activations, self.also_changed = list(activations), set(also_changed)

    def clear(self) -> None:
        """Drop all pending edits and everything read."""
        self.restore(({}, {}, [], [], set()))
        self.forget()

    def systemctl(self, *argv: str) -> str:
        """Return what systemctl prints.

        :raises SettingError: when it fails.
        """
        done = self.run("systemctl", *argv)
        if done.rc != 0:
            raise SettingError(f"systemctl {' '.join(argv)} failed: {done.err.strip()[:200]}")
        return done.out


_FAMILIES = {
    "debian": ("debian", "ubuntu"),
    "redhat": ("rhel", "fedora", "centos", "rocky", "almalinux"),
}
