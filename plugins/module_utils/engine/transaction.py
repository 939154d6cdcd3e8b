# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transaction: record first, then write, validate and activate; then commit, or put everything back."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Sequence
from typing import Any

from . import undo
from .errors import EngineError
from .host import PATH, Host
from .shown import paths

_FREE_BYTES = 8 * 1024 * 1024
"""Room asked for before anything is written, so that undoing never fails for want of it."""


FROM_JOURNAL = 61
"""The order of activations that a rollback takes from journals."""


class TransactionError(Exception):
    """A step failed; the caller undoes the transaction. The text says which step and why."""


class Transaction:
    """One run's changes on disk, under their journal.

    :param request: what was asked, kept in the journal so that one control of it can be taken back later.
    """

    def __init__(self, request: dict[str, Any]) -> None:
        self.id = _next_id()
        self.folder = os.path.join(undo.ROOT, "tx", self.id)
        self.request = request
        self.paths: list[str] = []

    def begin(self, host: Host) -> None:
        """Write the journal: everything that the pending edits will change, as it is now.

        :raises EngineError: when the journal cannot be written; nothing has changed then.
        """
        host.settle_rights()
        records: list[dict[str, Any]] = [{"op": "begin", "id": self.id, "time": time.time(), **self.request}]
        self.paths = sorted({*host.overlay, *host.also_changed})
        folders: list[str] = []
        for path in self.paths:
            folders += [folder for folder in _missing_folders(path) if folder not in folders]
        records += [{"op": "mkdir", "path": folder} for folder in folders]
        for path in self.paths:
            change = host.overlay.get(path)
            before = change.before if change else undo.read_state(path)
            planned = undo.digest(change.after) if change else None
            records.append({"op": "file", "path": path, "before": before, "planned": planned})
        for path, (before, after) in sorted(host.rights_wanted.items()):
            records.append({"op": "rights", **undo.place(path), "before": before, "after": after})
        records += host.operations
        records += [{"op": "after", "argv": argv} for argv in _undo_activations(host)]
        records.append({"op": "prepared"})
        try:
            os.makedirs(self.folder, mode=0o700)
            for folder in (undo.ROOT, os.path.dirname(self.folder)):
                os.chmod(folder, 0o700)
            free = os.statvfs(self.folder)
            if free.f_bavail * free.f_frsize < _FREE_BYTES:
                raise OSError(f"less than {_FREE_BYTES // 1024 // 1024} MB are free")
            undo.append(self.folder, records)
        except OSError as error:
            self._discard()
            raise EngineError(f"the journal in {undo.ROOT} cannot be written, nothing was changed: {error}") from error

    def _discard(self) -> None:
        """Take away an empty or torn journal of a transaction that changed nothing."""
        journal = os.path.join(self.folder, "journal.jsonl")
        for path, remove in ((journal, os.unlink), (self.folder, os.rmdir)):
            if os.path.exists(path):
                remove(path)

    def write(self, host: Host) -> None:
        """Write the files of the overlay, and give files and folders their rights.

        :raises TransactionError: when one cannot be written.
        """
        for path in sorted(host.overlay):
            try:
                for folder in _missing_folders(path):
                    os.mkdir(folder, 0o755)
                undo.write_state(path, host.overlay[path].after)
            except OSError as error:
                raise TransactionError(f"{path} cannot be written: {error.strerror or error}") from error
        for path, (before, after) in sorted(host.rights_wanted.items()):
            try:
                undo.set_rights(path, before, after)
            except OSError as error:
                shown = paths(host, [path])
                if self.request.get("reverts") and error.errno in undo.FOREIGN:
                    # no link that somebody puts there holds a rollback up
                    host.notes.append(undo.left_alone(shown))
                    continue
                raise TransactionError(f"the rights of {shown} cannot be set: {error.strerror or error}") from error
        host.forget()

    def activate(self, host: Host) -> None:
        """Do the operations, then run the activations in their order.

        :raises TransactionError: when one fails.
        """
        for operation in host.operations:
            _operate(host, operation)
        for order, argv in sorted(host.activations):
            if order == FROM_JOURNAL:
                _put_back(host, argv)
            else:
                command(argv)
        host.forget()

    def end(self, op: str, **facts: Any) -> None:
        """Write the closing mark (pending or commit) with the state that each file has now.

        :raises TransactionError: when the disk refuses it; the caller undoes the transaction.
        """
        after = {path: undo.read_state(path) for path in self.paths}
        try:
            undo.append(self.folder, [{"op": op, "time": time.time(), "after": after, **facts}])
        except OSError as error:
            raise TransactionError(f"the journal cannot be closed: {error}") from error


def _next_id() -> str:
    """Return an id that sorts after every earlier one, even when the clock was set back."""
    now = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f"-{int(now % 1 * 1e6):06d}"
    last = max((name for name, _folder in undo.transactions()), default="")
    if stamp > last:
        return stamp
    head, _, tail = last.partition("-")
    return f"{head}-{int(tail) + 1:06d}"


def _operate(host: Host, operation: dict[str, Any]) -> None:
    if operation["op"] == "run":
        do = operation["do"]
        _put_back(host, do) if operation.get("back") else command(do)
        return
    try:
        if operation["op"] == "ageing":
            undo.set_ageing(operation["uid"], operation["who"], operation["before"], operation["after"])
        elif operation["op"] == "lock":
            undo.set_lock(operation["uid"], operation["who"], operation["locked"])
        else:
            undo.remove_empty_folder(operation["path"])
    except (OSError, KeyError, subprocess.SubprocessError) as error:
        if not operation.get("back"):
            raise TransactionError(f"{operation['op']} failed: {type(error).__name__}") from error
        host.left.append(f"{undo.described(operation)} was not put back ({type(error).__name__}): do it by hand")


def _put_back(host: Host, argv: list[str]) -> None:
    """Run a command of a rollback: nothing it meets keeps the rest from being put back."""
    rest, gone = undo.still_there(argv)
    host.notes += gone
    try:
        if rest:
            command(rest)
    except TransactionError as error:
        host.left.append(f"{error}; run it by hand")


def command(argv: Sequence[str]) -> None:
    """Run a command that changes the host.

    :raises TransactionError: when it fails or does not end.
    """
    environment = {"PATH": PATH, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}
    try:
        done = subprocess.run(
            list(argv),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            env=environment,
            check=False,
            cwd="/",
            pass_fds=undo.HELD,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise TransactionError(f"`{shlex.join(argv)}` did not run: {error}") from error
    if done.returncode != 0:
        message = (done.stderr or done.stdout).decode(errors="replace").strip()[-200:]
        raise TransactionError(f"`{shlex.join(argv)}` failed: {message}")


def _undo_activations(host: Host) -> list[list[str]]:
    """Return the activations to run after undoing; what only assembles recorded files is not run again."""
    return [argv for _order, argv in sorted(host.activations) if argv[0] not in ("pam-auth-update", "dconf")]


def _missing_folders(path: str) -> list[str]:
    """Return the folders above a path that do not exist, outermost first."""
    missing: list[str] = []
    folder = os.path.dirname(path)
    while folder != "/" and not os.path.isdir(folder):
        missing.insert(0, folder)
        folder = os.path.dirname(folder)
    return missing


def recover() -> list[str]:
    """Undo what a killed run or an unconfirmed guard left behind; call it under the lock, before observing.

    :returns: the ids of those that were undone.
    :raises EngineError: when a guarded transaction still waits for its confirmation, or cannot be undone.
    """
    done = []
    for name, folder in undo.transactions():
        records = undo.load(folder)
        state = undo.status(records)
        if state == "pending":
            left = next(record["until"] for record in reversed(records) if record["op"] == "pending") - time.time()
            if left > 0:
                raise EngineError(f"transaction {name} still waits for its confirmation: try again in {left:.0f} s")
        if state in ("unfinished", "pending"):
            why = "the run that made it did not end"
            problems = undo.undo(folder, why) and undo.undo(folder, why)
            if problems:
                raise EngineError(f"transaction {name} did not end and cannot be undone: {problems[0]}")
            done.append(name)
    return done


def untold() -> list[str]:
    """Return what earlier undoings left, the guard's above all, which had nobody to tell; each is told once."""
    found = []
    for name, folder in undo.transactions():
        records = undo.load(folder)
        told = any(record["op"] == "told" for record in records)
        if undo.status(records) == "rolled_back" and undo.remarks(records) and not told:
            undo.append(folder, [{"op": "told"}])
            found += [
                f"transaction {name} was put back, and this was left: {remark}" for remark in undo.remarks(records)
            ]
    return found
