# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's one entry: a request in, a response out, both plain JSON.

The module calls it on the host; nothing here knows of Ansible.
"""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Sequence
from typing import Any, Callable

from ..kinds import KINDS
from ..kinds.package import DRIVEN_OUT, happened, host_has, installed, planned, removable, units
from . import guard, login, undo
from .apply import Options, Outcome, apply
from .errors import EngineError
from .host import Host
from .observe import Setting, observe
from .revert import NothingToRevertError, revert
from .shown import without_names
from .text import encodable, printable
from .transaction import TransactionError, command, recover, untold

Request = dict[str, Any]
Response = dict[str, Any]


def run(request: Request) -> Response:
    """Answer a request.

    :param request: state (audited, applied, reverted, confirmed or parting); settings as [control, kind, body];
        guarded and waived (controls); guard_seconds; check; relax; spared (account names); transaction; controls;
        wait_for_packages, or packages_planned or packages_to_remove (names); transaction_asked (id whose status is
        wanted); memory (what the kinds asked to be told again).
    :returns: platform, rows, changed, failed, transaction, armed, diff, notes, memory, problem (why nothing could be
        done), seconds (module: the engine; process: its Python from the start; packages: the part of the engine's that
        the package manager takes to plan); further packages_missing and packages_planned, packages_to_remove and
        packages_to_restore, transaction_status.
    """
    start = time.monotonic()
    os.umask(0o022)
    host = Host([*request.get("spared", ()), *_own_account()], memory=request.get("memory"))
    response: Response = {
        "platform": host.release(),
        "rows": [],
        "changed": [],
        "failed": {},
        "transaction": None,
        "armed": False,
        "diff": [],
        "notes": [],
        "memory": {},
        "problem": "",
        "seconds": {},
    }
    try:
        _check(host, request)
        _STATES[request["state"]](host, request, response)
    except (EngineError, undo.JournalError) as error:
        response["problem"] = str(error)
    except OSError as error:
        response["problem"] = f"{error.filename or 'the system'}: {error.strerror or error}: look at it on the host"
    response["notes"] = [printable(note) for note in dict.fromkeys([*response["notes"], *host.notes])]
    if host.left:
        left = f"not everything could be put back: {'; '.join(dict.fromkeys(host.left))}"
        response["problem"] = "; ".join(filter(None, [response["problem"], left]))
    _hide_names(host, response)
    response["memory"] = host.remembered
    response["seconds"].update(module=round(time.monotonic() - start, 3), process=_age())
    whole: Response = encodable(response)
    return whole


def _hide_names(host: Host, response: Response) -> None:
    """Take login names out of the paths in what is told; the names of rows and what was asked for stay as they are."""
    told = {part: response[part] for part in ("problem", "failed", "notes")}
    seen = [[row["observed"], row["reason"]] for row in response["rows"]]
    told, seen = without_names(host, [told, seen])
    response.update(told)
    for row, (observed, reason) in zip(response["rows"], seen):
        row.update(observed=observed, reason=reason)


def _age() -> float:
    """Return the seconds since this process began: the arrival of the module and its imports included."""
    with open("/proc/self/stat", encoding="utf-8", errors="replace") as stream:
        ticks = int(stream.read().rpartition(")")[2].split()[19])
    return round(time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK"), 3)


def _own_account() -> list[str]:
    """Return the accounts this very connection came in with, whatever became root since: no control may touch them."""
    names = {os.environ.get("SUDO_USER", "")}
    try:
        with open("/proc/self/loginuid", encoding="ascii") as stream:
            names.add(pwd.getpwuid(int(stream.read())).pw_name)
    except (OSError, ValueError, KeyError, OverflowError):
        # a kernel without audit, or a process that no login started
        names.discard("")
    return sorted(names - {"", "root"})


def _check(host: Host, request: Request) -> None:
    release = host.release()
    if not release["family"]:
        name = f"{release['id']} {release['version']}".strip() or "this system"
        raise EngineError(f"{name} is not a supported platform: Debian, Ubuntu and the RHEL family are")
    if request["state"] != "audited" and not host.is_root:
        raise EngineError(f"state {request['state']} needs root: run with --become, or allow sudo for this account")


def _settings(request: Request) -> list[Setting]:
    return [Setting(*entry) for entry in request.get("settings", [])]


def _options(request: Request) -> Options:
    return Options(
        check=bool(request.get("check")),
        guard_seconds=int(request.get("guard_seconds", 0)),
        guarded=frozenset(request.get("guarded", ())),
        relax=bool(request.get("relax")),
        waived=frozenset(request.get("waived", ())),
    )


def _lock(request: Request, response: Response) -> None:
    """Take the lock and clean up after a killed run; check mode changes nothing and does neither."""
    if request.get("check"):
        return
    if undo.lock() is None:
        with open(undo.LOCK, encoding="utf-8") as stream:
            holder = stream.read().strip()
        raise EngineError(f"another run is at work on this host ({holder}): wait for its end, then run this again")
    for name in recover():
        guard.stop(name)
        response["notes"].append(f"transaction {name}, whose run did not end, was put back")
        kept = sorted(entry for entry in os.listdir(_folder(name)) if entry.startswith("replaced"))
        if kept:
            response["notes"].append(f"newer bytes of files it put back are kept in {_folder(name)}: {', '.join(kept)}")
    response["notes"] += untold()


def _audited(host: Host, request: Request, response: Response) -> None:
    response["rows"] = observe(host, _settings(request))
    if request.get("transaction_asked"):
        asked = undo.load(_folder(request["transaction_asked"]))
        response["transaction_status"] = undo.status(asked)
        response["notes"] += undo.remarks(asked)
    if request.get("packages_planned"):
        _give_back(host, response, happened(host, request["packages_planned"]))
    if undo.lock_is_held():
        response["notes"].append("another run is at work on this host: what was seen may be half of its change")
    elif host.is_root:
        response["notes"] += _unfinished()


def _unfinished() -> list[str]:
    notes = []
    for name, folder in undo.transactions():
        try:
            if undo.status(undo.load(folder)) in ("unfinished", "pending"):
                notes.append(f"transaction {name} did not end: the next apply or rollback puts it back")
        except undo.JournalError as error:
            notes.append(str(error))
    return notes


def _applied(host: Host, request: Request, response: Response) -> None:
    _lock(request, response)
    options = _options(request)
    settings = _settings(request)
    missing = _missing_packages(host, [setting for setting in settings if setting.control not in options.waived])
    if missing and request.get("wait_for_packages"):
        response["packages_missing"] = sorted({name for names in missing.values() for name in names})
        asked = time.monotonic()
        response["packages_planned"] = planned(host, response["packages_missing"])
        response["seconds"]["packages"] = round(time.monotonic() - asked, 3)
        return
    new = happened(host, request.get("packages_planned", ()))
    try:
        outcome = apply(host, settings, options, new)
    except EngineError:
        _give_back(host, response, new)
        raise
    _fill(response, outcome)
    if request.get("check"):
        _forgive(response, missing)
    if new and not outcome.transaction:
        # installed for controls that then failed: nothing remembers them, so they go again
        _give_back(host, response, new)


def _forgive(response: Response, missing: dict[str, list[str]]) -> None:
    """Take the failures out of a plan that the packages a real run installs first would prevent."""
    if missing:
        names = sorted({name for of_control in missing.values() for name in of_control})
        response["notes"].append(f"packages that apply would install first: {', '.join(names)}")
    for control in missing:
        if response["failed"].pop(control, None) is not None:
            response["changed"].append(control)


def _missing_packages(host: Host, settings: list[Setting]) -> dict[str, list[str]]:
    """Return the packages that each control lacks."""
    needed: dict[str, list[str]] = {}
    for setting in settings:
        kind = KINDS[setting.kind]
        own = list(kind.expand(setting.body, host.family)) if setting.kind == "package" else []
        needed.setdefault(setting.control, []).extend([*own, *kind.needs(host, setting.body)])
    names = sorted({name for of_control in needed.values() for name in of_control})
    there = host_has(host, names) if names else {}
    lacking = {control: [name for name in mine if there.get(name) is False] for control, mine in needed.items()}
    return {control: mine for control, mine in lacking.items() if mine}


def _reverted(host: Host, request: Request, response: Response) -> None:
    _lock(request, response)
    try:
        done = revert(host, request.get("transaction") or "last", request.get("controls", []), _options(request))
    except NothingToRevertError as error:
        response["notes"].append(str(error))
        response["rows"] = observe(host, _settings(request))
        return
    except EngineError:
        response["rows"] = observe(host, _settings(request))
        raise
    _fill(response, done.outcome)
    response["changed"] = done.controls
    kept = _give_back(host, response, done.packages)
    if kept:
        response["notes"].append(f"packages kept because something else needs them now: {', '.join(kept)}")
    if not request.get("check"):
        response["rows"] = observe(host, _settings(request))


def _give_back(host: Host, response: Response, names: Sequence[str]) -> list[str]:
    """Say which packages go again and which that they drove out come back; return those that something else needs."""
    added = [name for name in names if not name.endswith(DRIVEN_OUT)]
    response["packages_to_remove"], kept = removable(host, added)
    missing = sorted({name.removesuffix(DRIVEN_OUT) for name in names if name.endswith(DRIVEN_OUT)} - installed(host))
    in_their_way = {name for name in planned(host, missing) if name.endswith(DRIVEN_OUT)} if missing else set()
    # what stays is not driven out in its turn
    leaving = {f"{name}{DRIVEN_OUT}" for name in response["packages_to_remove"]}
    response["packages_to_restore"] = missing if in_their_way <= leaving else []
    return kept


def _folder(transaction: object) -> str:
    return os.path.join(undo.ROOT, "tx", os.path.basename(str(transaction)))


def _confirmed(_host: Host, request: Request, _response: Response) -> None:
    if undo.lock(wait=True) is None:
        return
    folder = _folder(request["transaction"])
    records = undo.load(folder)
    state = undo.status(records)
    if state != "pending":
        raise EngineError(
            f"transaction {request['transaction']} was put back by its guard: nothing confirmed it in time"
        )
    mark = next(record for record in reversed(records) if record["op"] == "pending")
    here = login.connection()
    if not here or here == mark["connection"]:
        raise EngineError("the confirmation came over the connection that made the change, so it proves nothing")
    undo.append(folder, [{"op": "commit", "time": time.time()}])
    undo.disarm(folder)
    guard.stop(str(request["transaction"]))


def _parting(host: Host, request: Request, _response: Response) -> None:
    """Stop what packages that are about to go have running: not all of their own scripts do.

    What one of them is about to start again, at a connection or a change of its files, is stopped first.
    """
    names = request["packages_to_remove"]
    try:
        for unit in sorted(units(host, names), key=lambda name: name.endswith(".service")):
            command(["systemctl", "stop", unit])
        host.forget()
        # what is still listed failed once, which systemd would go on saying of a unit that is no more
        for unit in units(host, names, "failed"):
            command(["systemctl", "reset-failed", unit])
    except TransactionError as error:
        raise EngineError(f"a service of the packages that go could not be stopped: {error}") from error


def _fill(response: Response, outcome: Outcome) -> None:
    response.update(
        rows=outcome.rows,
        changed=outcome.changed,
        failed=outcome.failed,
        transaction=outcome.transaction.id if outcome.transaction else None,
        armed=outcome.armed,
        diff=outcome.diff,
        rows_before=[{"control": row["control"], "state": row["state"]} for row in outcome.before],
    )


_STATES: dict[str, Callable[[Host, Request, Response], None]] = {
    "audited": _audited,
    "applied": _applied,
    "reverted": _reverted,
    "confirmed": _confirmed,
    "parting": _parting,
}
