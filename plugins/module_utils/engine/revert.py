# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking transactions back: the last one, a named one, or some controls of it, whatever came after.

The journals are unwound physically, newest first, down to the chosen transaction; what the later ones and the
kept controls had written is then written again on top, all in one new transaction. A line that somebody else changed
since is merged; where both changed the same lines nothing is done and the files are named.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from . import undo
from .accounts import read as read_accounts
from .apply import Edit, Options, Outcome, carry
from .errors import EngineError
from .host import Host
from .merge import MergeConflictError, merge
from .observe import Setting, observe
from .transaction import FROM_JOURNAL

_COMPILED = "/etc/dconf/db"
"""Where `dconf update` writes databases; their sources are in folders below, which are merged like any text."""


class NothingToRevertError(EngineError):
    """No transaction holds on this host, so it is already as it was."""


class _Past(NamedTuple):
    """A committed transaction, as its journal tells it."""

    id: str
    folder: str
    records: list[dict[str, Any]]

    @property
    def request(self) -> dict[str, Any]:
        """What was asked: settings, packages, reverts, guarded."""
        return self.records[0]

    @property
    def edits(self) -> list[Edit]:
        """The edits it made, control by control."""
        return [Edit(Setting(*entry[:3]), tuple(entry[3])) for entry in self.request.get("settings", [])]

    @property
    def controls(self) -> list[str]:
        """The controls it changed."""
        return list(dict.fromkeys(edit.setting.control for edit in self.edits))

    @property
    def after(self) -> dict[str, undo.State | None]:
        """The state of its files when it ended."""
        return next((record["after"] for record in reversed(self.records) if "after" in record), {})


class Reverted(NamedTuple):
    """What reverting did: the outcome, the transaction taken back, its controls, and packages to remove."""

    outcome: Outcome
    id: str
    controls: list[str]
    packages: list[str]


def revert(host: Host, wanted: str, controls: Sequence[str], options: Options) -> Reverted:
    """Take back a transaction or some controls of it.

    :param wanted: its id, or "last".
    :param controls: only these controls of it; all when empty.
    :raises EngineError: when it does not exist, or the same lines were changed since; nothing has changed then.
    """
    history = _history()
    chosen = _choose(history, wanted, controls)
    gone = set(controls) & set(chosen.controls) if controls else set(chosen.controls)
    # a partial rollback stands on what it took back, so that is unwound too
    bottom = min(_below(history, chosen.id))
    unwound = [past for past in _standing(history) if past.id >= bottom]
    active = [past for past in _active(history) if past in unwound]
    kept = [edit for past in active for edit in past.edits if past.id != chosen.id or edit.setting.control not in gone]
    _unwind(host, list(reversed(unwound)), gone)
    settings = list({repr(edit.setting): edit.setting for edit in kept}.values())
    request = {
        "reverts": [past.id for past in active],
        "guarded": any(past.request.get("guarded") for past in unwound),
        "packages": chosen.request.get("packages", []) if gone != set(chosen.controls) else [],
    }
    outcome = carry(host, settings, observe(host, settings), kept, {}, options, request)
    packages = chosen.request.get("packages", []) if gone == set(chosen.controls) else []
    return Reverted(outcome, chosen.id, sorted(gone), packages)


def _history() -> list[_Past]:
    found = []
    for name, folder in undo.transactions():
        records = undo.load(folder)
        if undo.status(records) == "committed":
            found.append(_Past(name, folder, records))
    return found


def _active(history: Iterable[_Past]) -> list[_Past]:
    """Return the transactions that still hold: they changed controls and no later one took them back."""
    past = list(history)
    taken_back = {name for each in past for name in each.request.get("reverts", [])}
    return [each for each in past if each.controls and each.id not in taken_back]


def _choose(history: list[_Past], wanted: str, controls: Sequence[str]) -> _Past:
    active = _active(history)
    if not active:
        if wanted != "last":
            raise EngineError(f"transaction {wanted} does not hold on this host: no transaction does")
        raise NothingToRevertError("there is nothing to roll back on this host")
    known = ", ".join(past.id for past in reversed(active[-5:]))
    matching = [past for past in active if wanted in (past.id, "last")]
    if controls and wanted == "last":
        matching = [past for past in matching if set(controls) & set(past.controls)] or matching
    if not matching:
        held = any(past.id == wanted for past in history)
        heir = _heir(history, wanted)
        why = "was already rolled back" if held else "does not exist on this host"
        if heir:
            why = f"was written again by {heir}, a rollback of something older: name that one"
        raise EngineError(f"transaction {wanted} {why}; those that can be rolled back: {known}")
    chosen = matching[-1]
    if controls and not set(controls) & set(chosen.controls):
        changed = ", ".join(chosen.controls)
        raise EngineError(f"transaction {chosen.id} did not change {', '.join(controls)}; it changed {changed}")
    return chosen


def _heir(history: Sequence[_Past], wanted: str) -> str:
    """Return the transaction that still holds and wrote this one again when another was rolled back, or nothing."""
    by_id = {past.id: past for past in history}
    for past in _active(history):
        if wanted in _below(history, past.id) and set(past.controls) & set(by_id[wanted].controls):
            return past.id
    return ""


def _standing(history: Iterable[_Past]) -> list[_Past]:
    """Return the transactions without those that were taken back entirely, and what took them back.

    Nothing of them is left on the host, so what has become of their files since is nobody's conflict: removing the
    packages they had installed, for one, changes those files again.
    """
    past = list(history)
    standing: list[_Past] = []
    for each in past:
        if each.request.get("reverts") and not each.controls:
            low = min(_below(past, each.id))
            standing = [other for other in standing if other.id < low]
        else:
            standing.append(each)
    return standing


def _below(history: Sequence[_Past], of: str) -> list[str]:
    """Return the ids of a transaction, of what it took back, of what that took back, and so on."""
    by_id = {past.id: past for past in history}
    ids = [of]
    for name in ids:
        ids += [other for other in by_id[name].request.get("reverts", []) if other in by_id and other not in ids]
    return ids


def _unwind(host: Host, newest_first: Sequence[_Past], gone: set[str]) -> None:
    """Put the state before the oldest of the transactions into the host's overlay.

    :raises EngineError: when somebody else changed the same lines since.
    """
    conflicts: list[str] = []
    for past in newest_first:
        after = past.after
        for record in past.records:
            if record["op"] == "file":
                _unwind_file(host, record, after.get(record["path"]), conflicts)
            elif record["op"] == "rights":
                _unwind_rights(host, undo.path_of(record), record, record["before"], record["after"])
            elif record["op"] == "after":
                host.activate(FROM_JOURNAL, *record["argv"])
        for record in reversed(past.records):
            if record["op"] in ("ageing", "lock", "run") and record.get("control") in gone:
                _unwind_operation(host, record)
            elif record["op"] == "mkdir":
                host.operate({"op": "rmdir", "path": record["path"]})
    if conflicts:
        raise EngineError(
            f"nothing was rolled back: {', '.join(sorted(set(conflicts)))} was changed by someone else since, in the "
            f"same lines; take that change out first (the bytes from before: {newest_first[-1].folder}/journal.jsonl)"
        )


def _unwind_file(host: Host, record: dict[str, Any], after: undo.State | None, conflicts: list[str]) -> None:
    path, before = record["path"], record["before"]
    current = host.state(path)
    if undo.content(current) == undo.content(after):
        host.restore_file(path, before)
        return
    if os.path.dirname(path) == _COMPILED:
        # somebody compiled it again since: so do we, from the sources as they will be
        host.will_change(path)
        host.activate(30, "dconf", "update")
        return
    try:
        merged = merge(*(undo.content(state) or b"" for state in (after, before, current)))
    except MergeConflictError:
        conflicts.append(path)
        return
    if before is None and not merged:
        host.restore_file(path, None)
    elif current is None and before is not None:
        # somebody removed the file since: their choice stays
        return
    else:
        host.write(path, merged.decode(errors="surrogateescape"))
        if before and after:
            _unwind_rights(host, path, record, _rights_of(before), _rights_of(after))


def _rights_of(state: undo.State) -> undo.Rights:
    return {key: state[key] for key in ("mode", "uid", "gid")}


def _unwind_rights(host: Host, path: str | None, record: undo.Record, before: undo.Rights, after: undo.Rights) -> None:
    """Give a file or folder its rights from before; those that somebody else gave it since stay."""
    try:
        if path is not None and before != after and host.rights(path) == after:
            host.set_rights(path, before)
    except OSError:
        # its owner may have put anything there since
        host.notes.append(undo.left_alone(undo.described(record)))


def _unwind_operation(host: Host, record: dict[str, Any]) -> None:
    if record["op"] == "run":
        host.operate({"op": "run", "do": record["undo"], "undo": record["do"], "back": True})
    elif record["op"] == "lock":
        host.operate({**_whose(record), "locked": not record["locked"]})
    else:
        now = {undo.account_mark(account.name, account.uid): account for account in read_accounts(host)}.get(
            record["who"]
        )
        ours = [name for name in record["after"] if now and getattr(now, name) == record["after"][name]]
        if ours:
            before = {name: record["before"][name] for name in ours}
            after = {name: record["after"][name] for name in ours}
            host.operate({**_whose(record), "before": after, "after": before})


def _whose(record: undo.Record) -> undo.Record:
    return {"op": record["op"], "uid": record["uid"], "who": record["who"], "back": True}
