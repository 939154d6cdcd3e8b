# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applying: plan the edits of every control that needs some, write them in one transaction, look again.

When a control fails, everything is put back and the rest is tried again without it, so that one control's failure
never leaves a trace of it and never stops the others.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..kinds import KINDS
from . import guard, login, undo
from .errors import EngineError, SettingError
from .host import Host
from .observe import Row, Setting, observe
from .shown import paths
from .text import printable
from .transaction import Transaction, TransactionError


class Edit(NamedTuple):
    """A setting and those of its names that have to be written."""

    setting: Setting
    names: tuple[str, ...]


class Options(NamedTuple):
    """How to apply.

    :param check: plan only, change nothing.
    :param guard_seconds: time for the confirmation; 0 arms no guard (a local connection proves nothing).
    :param guarded: controls whose change could cut access.
    :param relax: also replace values that are stricter than asked for.
    :param waived: controls that are observed but left alone.
    """

    check: bool = False
    guard_seconds: int = 0
    guarded: frozenset[str] = frozenset()
    relax: bool = False
    waived: frozenset[str] = frozenset()


class Outcome(NamedTuple):
    """What applying did.

    :param rows: the host as it is now.
    :param changed: controls whose edits were written (or would be, in check mode).
    :param failed: controls that were put back, with the reason.
    :param transaction: the transaction, when something was written.
    :param armed: whether the transaction waits for its confirmation.
    :param diff: what changes, file by file.
    :param before: the host as it was.
    """

    rows: list[Row]
    changed: list[str]
    failed: dict[str, str]
    transaction: Transaction | None
    armed: bool
    diff: list[dict[str, str]]
    before: Sequence[Row] = ()


class _Attempt(NamedTuple):
    """One try: what was seen afterwards, or the controls that may be to blame and why."""

    rows: list[Row]
    suspects: list[str]
    reason: str


def apply(host: Host, settings: Sequence[Setting], options: Options, packages: Sequence[str] = ()) -> Outcome:
    """Bring every setting that is not in force into force.

    :param packages: packages that were just installed for these settings; the transaction remembers them.
    :raises EngineError: when nothing at all can be done; nothing has changed then.
    """
    rows = observe(host, settings)
    edits = [edit for edit in _edits(host, settings, rows, options.relax) if edit.setting.control not in options.waived]
    if packages:
        own = [setting for setting in settings if setting.control not in options.waived]
        edits += [Edit(setting, ()) for setting in own if setting.kind == "package" or _needs(host, setting, packages)]
    failed = _prechecks(host, edits)
    return carry(host, settings, rows, edits, failed, options, {"packages": list(packages)})


def carry(
    host: Host,
    settings: Sequence[Setting],
    rows: list[Row],
    edits: Sequence[Edit],
    failed: dict[str, str],
    options: Options,
    request: dict[str, Any],
) -> Outcome:
    """Write the edits on top of what is already pending in the host's overlay, leaving out the controls that fail.

    :param rows: the host as it was observed before.
    :param request: further facts for the journal: packages, reverts, guarded.
    :raises EngineError: when the journal, the guard or the pending part itself fails; everything is put back then.
    """
    pending = host.checkpoint()
    if options.guard_seconds and not guard.possible():
        failed.update(
            {edit.setting.control: guard.IMPOSSIBLE for edit in edits if edit.setting.control in options.guarded}
        )
    while True:
        host.restore(pending)
        current = _plan(host, [edit for edit in edits if edit.setting.control not in failed], failed)
        guarded = bool(options.guard_seconds) and (
            bool(request.get("guarded")) or any(edit.setting.control in options.guarded for edit in current)
        )
        if not (current or request.get("reverts")):
            return Outcome(rows, [], failed, None, False, [])
        diff = _diff(host)
        if options.check:
            return Outcome(rows, _controls(current), failed, None, False, diff)
        transaction = Transaction({**request, "settings": [_record(edit) for edit in current], "guarded": guarded})
        kept = [setting for setting in settings if setting.control not in failed]
        attempt = _attempt(host, transaction, current, kept, options.guard_seconds if guarded else 0)
        if not attempt.suspects:
            rest = [row for row in rows if row["control"] in failed]
            return Outcome(attempt.rows + rest, _controls(current), failed, transaction, guarded, diff, rows)
        _put_back(host, transaction)
        failed.update(_blame(host, pending, current, attempt, options.guard_seconds if guarded else 0))


def _attempt(
    host: Host, transaction: Transaction, edits: Sequence[Edit], settings: Sequence[Setting], guard_seconds: int
) -> _Attempt:
    """Journal, guard, write, validate, activate and look again; close the journal when all is well.

    The caller puts the transaction back when there are suspects.
    """
    transaction.begin(host)
    try:
        if guard_seconds:
            guard.arm(transaction, guard_seconds)
        attempt = _carry_out(host, transaction, edits, settings)
        if not attempt.suspects:
            _end(transaction, guard_seconds)
    except TransactionError as error:
        if not edits:
            _put_back(host, transaction)
            raise EngineError(f"{error}; everything was put back") from error
        return _Attempt([], _controls(edits), str(error))
    except EngineError:
        _put_back(host, transaction)
        raise
    return attempt


def _end(transaction: Transaction, guard_seconds: int) -> None:
    """Commit, or wait for the confirmation that commits."""
    if not guard_seconds:
        transaction.end("commit")
        return
    guard.wait_for_confirmation(transaction, guard_seconds)
    transaction.end("pending", until=time.time() + guard_seconds, connection=login.connection())


def _carry_out(host: Host, transaction: Transaction, edits: Sequence[Edit], settings: Sequence[Setting]) -> _Attempt:
    transaction.write(host)
    for name in dict.fromkeys(edit.setting.kind for edit in edits if edit.names):
        fault = KINDS[name].validate(host)
        if fault:
            suspects = _controls([edit for edit in edits if edit.setting.kind == name])
            return _Attempt([], suspects, f"refused by the validation of {name}: {fault}")
    transaction.activate(host)
    host.clear()
    rows = observe(host, settings)
    written = {(edit.setting.control, edit.setting.kind, name) for edit in edits for name in edit.names}
    touched = {control for control, _kind, _name in written}
    for row in rows:
        kind = KINDS[row["kind"]]
        blind = row["state"] == "unknown" and (row["control"], row["kind"], row["name"]) in written
        failed = row["state"] == "fail" and row["control"] in touched and not kind.check_only
        if blind or failed:
            reason = f"{row['name']} was written but is not in force: {kind.explain(host, row['name'])}"
            return _Attempt([], [row["control"]], reason)
    return _Attempt(rows, [], "")


def _blame(
    host: Host, pending: tuple[Any, ...], edits: Sequence[Edit], attempt: _Attempt, guard_seconds: int
) -> dict[str, str]:
    """Return the controls to leave out: each suspect is tried alone when there are several."""
    if len(attempt.suspects) == 1:
        return {attempt.suspects[0]: attempt.reason}
    guilty: dict[str, str] = {}
    for control in attempt.suspects:
        host.restore(pending)
        alone = _plan(host, [edit for edit in edits if edit.setting.control == control], guilty)
        if not alone:
            continue
        transaction = Transaction({"settings": [], "trial": control})
        trial = _attempt(host, transaction, alone, [edit.setting for edit in alone], guard_seconds)
        _put_back(host, transaction)
        if trial.suspects:
            guilty[control] = trial.reason
    return guilty or dict.fromkeys(attempt.suspects, attempt.reason)


def _put_back(host: Host, transaction: Transaction) -> None:
    why = "it failed, or was a trial"
    problems = undo.undo(transaction.folder, why) and undo.undo(transaction.folder, why)
    host.clear()
    if problems:
        raise EngineError(
            f"transaction {transaction.id} could not be put back: {problems[0]}; the next run tries again"
        )
    guard.stop(transaction.id)


def _edits(host: Host, settings: Sequence[Setting], rows: Sequence[Row], relax: bool) -> list[Edit]:
    wrong = {(row["control"], row["kind"], row["name"]) for row in rows if _needs_edit(row, relax)}
    found = []
    for setting in settings:
        kind = KINDS[setting.kind]
        expanded = kind.expand(setting.body, host.family)
        names = tuple(name for name in expanded if (setting.control, setting.kind, name) in wrong)
        if names and not kind.check_only and not kind.undecided(setting.body):
            found.append(Edit(setting, names))
    return found


def _needs(host: Host, setting: Setting, packages: Sequence[str]) -> bool:
    """Say whether some of the packages were installed for this setting: they are a change of its own."""
    return bool(set(KINDS[setting.kind].needs(host, setting.body)) & set(packages))


def _needs_edit(row: Row, relax: bool) -> bool:
    if row["state"] == "fail":
        return True
    stricter = row["state"] == "ok" and row["rule"] in ("at_least", "at_most") and row["observed"] != row["expected"]
    return relax and stricter


def _prechecks(host: Host, edits: Sequence[Edit]) -> dict[str, str]:
    """Return the controls that need a kind whose configuration is already broken, with what is wrong."""
    faults = {name: KINDS[name].precheck(host) for name in dict.fromkeys(edit.setting.kind for edit in edits)}
    failed: dict[str, str] = {}
    for edit in edits:
        if faults[edit.setting.kind]:
            failed.setdefault(edit.setting.control, faults[edit.setting.kind])
    return failed


def _plan(host: Host, edits: Sequence[Edit], failed: dict[str, str]) -> list[Edit]:
    """Put the edits into the overlay; a control that cannot be edited is taken out again and noted."""
    planned: list[Edit] = []
    for control in _controls(edits):
        before = host.checkpoint()
        mine = [edit for edit in edits if edit.setting.control == control]
        try:
            host.control = control
            for setting, names in mine:
                expected = KINDS[setting.kind].expand(setting.body, host.family)
                if names:
                    KINDS[setting.kind].edit(host, setting.body, {name: expected[name] for name in names})
            planned += mine
        except (SettingError, OSError) as error:
            failed[control] = str(error)
            host.restore(before)
    return planned


def _controls(edits: Iterable[Edit]) -> list[str]:
    return list(dict.fromkeys(edit.setting.control for edit in edits))


def _record(edit: Edit) -> list[Any]:
    control, kind, body = edit.setting
    return [control, kind, KINDS[kind].journalled(body), list(edit.names)]


def _diff(host: Host) -> list[dict[str, str]]:
    """Return one entry per file, in the form that `ansible-playbook --diff` prints."""
    found = []
    for path, change in sorted(host.overlay.items()):
        before, after = (undo.content(state) or b"" for state in (change.before, change.after))
        texts = {"before": _shown(before), "after": _shown(after)}
        header = paths(host, [path])
        found.append({"before_header": header, "after_header": header, **texts})
    for path, (old, new) in sorted(host.rights_wanted.items()):
        if old != new:
            header = paths(host, [path])
            shown = {"before": _rights(old), "after": _rights(new)}
            found.append({"before_header": header, "after_header": header, **shown})
    for operation in host.operations:
        what = operation.get("path") or f"uid {operation.get('uid')}"
        detail = " ".join(operation["do"]) if "do" in operation else f"{operation['op']} {what}"
        found.append({"before_header": detail, "after_header": detail, "before": "", "after": f"{detail}\n"})
    return found


def _rights(rights: undo.Rights) -> str:
    return f"mode {rights['mode']:04o}, uid {rights['uid']}, gid {rights['gid']}\n"


def _shown(data: bytes) -> str:
    """Return a file's text for a terminal: what would steer it is shown as an escape."""
    return re.sub(r"[^\n\t]+", lambda found: printable(found[0]), data.decode(errors="replace"))
