# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of a transaction and how it is undone.

This file stands alone on purpose: a guarded transaction copies it beside its journal, and the host itself runs the
copy when no new connection confirms the change in time, or at the next boot. It imports nothing of the project.

A journal is a file of JSON lines, each flushed to disk before the step it announces:

- begin: id, time and what was asked; file: a path, its state before and the digest of what is planned; mkdir: a folder
  made; rights: mode and owners, before and after, of a file or folder whose bytes stay (by the account when it lies in
  the folder of a person or bears the name of one); run: a command to undo and its inverse; ageing and lock: fields of
  an account (by uid, never a name or a hash); after: a command that makes a service read its files again
- prepared: everything above is on disk, the changes may start; pending: waits for a confirmation until a given time
- commit: done, with the state of each file
- tried: undoing failed once in a command; rolled_back: undone, with what had to be left; told: a run has said so
"""

from __future__ import annotations

import base64
import errno
import fcntl
import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any, Callable, NamedTuple

ROOT = "/var/lib/essms"
LOCK = "/run/essms.lock"
HELD: list[int] = []
"""The lock of this run, for its commands to hold too: one that outlives a killed run keeps the next one waiting."""
BOOT_UNIT = "/etc/systemd/system/essms-recover.service"
BOOT_WANT = "/etc/systemd/system/sysinit.target.wants/essms-recover.service"

Record = dict[str, Any]
State = dict[str, Any]
Rights = dict[str, int]
"""Mode, uid and gid."""
_ID = re.compile(r"\d{8}T\d{6}-\d{6,}")


class JournalError(ValueError):
    """A journal that is damaged before its last line; the text names the file."""


# --- files ---------------------------------------------------------------------------------------------------------


def digest(state: State | None) -> str | None:
    """Return the SHA-256 of a state's bytes, or None for a file that does not exist."""
    data = content(state)
    return None if data is None else hashlib.sha256(data).hexdigest()


def open_regular(path: str, flags: int) -> int:
    """Open a file that is one: reading a pipe would wait for ever.

    :raises OSError: when it is anything but a regular file.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", path)
    return descriptor


def read_state(path: str) -> State | None:
    """Return the bytes, mode, owners, times and extended attributes of a file, or None when it does not exist."""
    try:
        with open(path, "rb", opener=open_regular) as stream:
            data = stream.read()
            info = os.fstat(stream.fileno())
    except (FileNotFoundError, NotADirectoryError):
        return None
    attributes = {name: base64.b64encode(os.getxattr(path, name)).decode() for name in _attributes(path)}
    return {
        "data": base64.b64encode(data).decode(),
        "mode": stat.S_IMODE(info.st_mode),
        "uid": info.st_uid,
        "gid": info.st_gid,
        "mtime": info.st_mtime_ns,
        "xattr": attributes,
    }


def _attributes(path: str) -> list[str]:
    try:
        return os.listxattr(path)
    except OSError as error:
        if error.errno == errno.ENOTSUP:  # a file system without extended attributes has none to keep
            return []
        raise


def content(state: State | None) -> bytes | None:
    """Return the bytes a recorded state holds, or None for a file that did not exist."""
    return None if state is None else base64.b64decode(state["data"])


_DRAFT = ".essms-draft-"


def remove_drafts(path: str) -> None:
    """Remove what a killed run left beside a file before it could rename it."""
    folder, name = os.path.split(path)
    for entry in os.listdir(folder) if os.path.isdir(folder) else []:
        if entry.startswith(name + _DRAFT):
            os.unlink(os.path.join(folder, entry))


def write_state(path: str, state: State | None) -> None:
    """Put a file into a recorded state: a temporary file beside it, flushed, then renamed over it."""
    if state is None:
        try:
            os.unlink(path)
        except FileNotFoundError:
            return
        _flush_folder(os.path.dirname(path))
        return
    draft = f"{path}{_DRAFT}{os.getpid()}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(base64.b64decode(state["data"]))
            stream.flush()
            os.fchown(stream.fileno(), state["uid"], state["gid"])
            os.fchmod(stream.fileno(), state["mode"])
            for name, value in state.get("xattr", {}).items():
                os.setxattr(stream.fileno(), name, base64.b64decode(value))
            os.fsync(stream.fileno())
        if state.get("mtime") is not None:
            os.utime(draft, ns=(state["mtime"], state["mtime"]))
        os.rename(draft, path)
    except OSError:
        if os.path.exists(draft):
            os.unlink(draft)
        raise
    _flush_folder(os.path.dirname(path))


def _flush_folder(path: str) -> None:
    descriptor = os.open(path or "/", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- rights --------------------------------------------------------------------------------------------------------

FOREIGN = (errno.ELOOP, errno.EINVAL, errno.EACCES, errno.ENOTCONN)
"""What opening or changing a file says when a link, a pipe or a file system of somebody's own took its place."""
_SET_ID = stat.S_ISUID | stat.S_ISGID
_CAPABILITY = "security.capability"


def read_rights(path: str) -> Rights | None:
    """Return mode and owners of a file or folder, or None when it does not exist.

    :raises OSError: when the path leads over a link, or to something else than a file or a folder.
    """
    try:
        descriptor = open_unlinked(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return _rights(descriptor)
    finally:
        os.close(descriptor)


def set_rights(path: str, before: Rights, after: Rights) -> None:
    """Give a file or folder other rights, unless somebody gave it rights that are neither; one that is gone stays so.

    :raises OSError: when the path leads over a link by now, or to something else than a file or a folder.
    """
    try:
        descriptor = open_unlinked(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        now = _rights(descriptor)
        if now == after or not _between(now, before, after):
            return
        # the descriptor opens neither file nor folder, so what changes them goes by its name in /proc
        name = f"/proc/self/fd/{descriptor}"
        capability = _capability(name)
        os.chown(name, after["uid"], after["gid"])
        os.chmod(name, after["mode"])
        if capability is not None:
            os.setxattr(name, _CAPABILITY, capability)
    finally:
        os.close(descriptor)


def open_unlinked(path: str) -> int:
    """Open what a path leads to without following a link anywhere on it: nobody who puts one there steers us."""
    descriptor = os.open("/", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    for name in filter(None, path.split("/")):
        try:
            following = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = following
        sort = stat.S_IFMT(os.fstat(descriptor).st_mode)
        if sort not in (stat.S_IFREG, stat.S_IFDIR):
            os.close(descriptor)
            link = sort == stat.S_IFLNK
            raise OSError(errno.ELOOP, "a link", path) if link else OSError(errno.EINVAL, "no file and no folder", path)
    return descriptor


def _rights(descriptor: int) -> Rights:
    info = os.fstat(descriptor)
    return {"mode": stat.S_IMODE(info.st_mode), "uid": info.st_uid, "gid": info.st_gid}


def _between(now: Rights, before: Rights, after: Rights) -> bool:
    """Say whether each right is one of the two: a run may have been killed between the steps."""
    loose = [{**rights, "mode": rights["mode"] & ~_SET_ID} for rights in (now, before, after)]  # chown drops these bits
    return all(loose[0][key] in (loose[1][key], loose[2][key]) for key in now)


def _capability(path: str) -> bytes | None:
    """Return the capabilities a program file carries: a change of owner drops them too."""
    return os.getxattr(path, _CAPABILITY) if _CAPABILITY in _attributes(path) else None


# --- accounts ------------------------------------------------------------------------------------------------------

_ACCOUNTS = "/etc/passwd"
_NOBODY = 65534
FIRST_PERSON = 1000
"""Debian, Ubuntu and the RHEL family number the accounts of people from here on."""


def account_mark(name: str, uid: int) -> str:
    """Return what a journal remembers an account by: whether the uid still is the same account's, not whose it is."""
    return hashlib.sha256(f"{uid}:{name}".encode(errors="surrogateescape")).hexdigest()[:16]


def _account_name(uid: int, who: str) -> str | None:
    """Return the login name of the account with this uid and mark; None when it is gone, whoever has the uid now."""
    names = (fields[0] for fields in _accounts() if len(fields) > 2 and fields[2] == str(uid))
    return next((name for name in names if account_mark(name, uid) == who), None)


def _accounts() -> list[list[str]]:
    with open(_ACCOUNTS, encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        return [line.rstrip("\n").split(":") for line in stream]


class Person(NamedTuple):
    """An account of a person, with the paths of its own folder: as it is written, and with the links followed."""

    name: str
    uid: int
    homes: tuple[str, ...]


class Whose(NamedTuple):
    """The part of a path that tells a person."""

    person: Person
    start: int
    end: int


def people(accounts: list[list[str]], real: Callable[[str], str] = os.path.realpath) -> list[Person]:
    """Return the people among the lines of /etc/passwd.

    :param real: follows the links of a path.
    """
    found = []
    for fields in accounts:
        if len(fields) == 7 and fields[2].isdigit() and FIRST_PERSON <= int(fields[2]) != _NOBODY:
            homes = dict.fromkeys(home.rstrip("/") for home in (real(fields[5]), fields[5]))
            # a folder right below / is no person's own
            found.append(Person(fields[0], int(fields[2]), tuple(home for home in homes if home.count("/") > 1)))
    return found


def whose(path: str, among: list[Person]) -> Whose | None:
    """Return which part of a path tells a person: the folder of one, or else a name of one in it."""
    inside = [
        (len(home), person) for person in among for home in person.homes if path == home or path.startswith(f"{home}/")
    ]
    if inside:
        length, person = max(inside)
        return Whose(person, 0, length)
    # the folders of the system are called what they are called
    system = re.match(r"/(?:bin|boot|dev|etc|lib\w*|opt|proc|root|run|sbin|sys|tmp|usr|var)/[^/]*", path)
    return named(path, among, system.end() if system else 0)


def named(path: str, among: list[Person], start: int = 0) -> Whose | None:
    """Return the first name of a person in a path: one that is no part of a longer word."""
    words = {person.name: person for person in among if person.name in path[start:]}
    if not words:
        return None
    # the longest first: a name may be part of another
    names = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    found = re.compile(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])").search(path, start)
    return Whose(words[found[0]], found.start(), found.end()) if found else None


def place(path: str) -> dict[str, Any]:
    """Return what a journal remembers a path by: one that tells a person goes by the account."""
    found = whose(path, people(_accounts(), _real))
    if found is None:
        return {"path": path}
    person = found.person
    record = {"uid": person.uid, "who": account_mark(person.name, person.uid), "below": path[found.end :]}
    return {**record, "above": path[: found.start]} if found.start else record


def path_of(record: Record) -> str | None:
    """Return the path that `place` described; None when its account is gone."""
    if "path" in record:
        return str(record["path"])
    for person in people(_accounts(), _real):
        if account_mark(person.name, person.uid) == record["who"]:
            starts = [f"{record['above']}{person.name}"] if "above" in record else list(person.homes[:1])
            return next((start + str(record["below"]) for start in starts), None)
    return None


@functools.cache
def _real(path: str) -> str:
    return os.path.realpath(path)


def _shadow_tool(argv: list[str], name: str) -> None:
    """Run a tool of the shadow suite for one account, leaving the backup /etc/shadow- that it writes as it was.

    The account's name is given at the last moment and never recorded. The backup is put back each time: a run killed
    between two accounts leaves no trace of them there.
    """
    backup = read_state("/etc/shadow-")
    subprocess.run([*argv, name], check=True, capture_output=True, timeout=30, env=_environment(), pass_fds=HELD)
    if read_state("/etc/shadow-") != backup:
        write_state("/etc/shadow-", backup)


def _shadow_fields(name: str) -> list[str] | None:
    with open("/etc/shadow", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        for line in stream:
            fields = line.rstrip("\n").split(":")
            if fields[0] == name:
                return fields
    return None


_AGEING = {"max": (4, "-M"), "warn": (5, "-W"), "expire": (7, "-E")}
"""Field of /etc/shadow and option of chage."""


def set_ageing(uid: int, who: str, before: dict[str, str], after: dict[str, str]) -> None:
    """Change ageing fields (max, warn, expire; days as text, empty for none) that still have the value from before.

    A field that somebody changed meanwhile keeps its newer value; an account that is gone is left out.
    """
    name = _account_name(uid, who)
    fields = _shadow_fields(name) if name else None
    if name is None or fields is None:
        return
    argv = ["chage"]
    for key, (place, option) in _AGEING.items():
        if key in after and fields[place] == before[key]:
            argv += [option, after[key] or "-1"]
    if len(argv) > 1:
        _shadow_tool([*argv, "--"], name)


def set_lock(uid: int, who: str, locked: bool) -> None:
    """Lock the password of an account that has none, or give the empty password back.

    Any other password, one that was set meanwhile above all, and an account that is gone are left alone.
    """
    name = _account_name(uid, who)
    fields = _shadow_fields(name) if name else None
    if name is not None and fields is not None and fields[1] == ("" if locked else "!"):
        _shadow_tool(["passwd", "-l" if locked else "-d"], name)


def _environment() -> dict[str, str]:
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {"PATH": path, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", "HOME": "/root"}


# --- journal -------------------------------------------------------------------------------------------------------


def load(folder: str) -> list[Record]:
    """Return the records of a transaction's journal; a torn last line, cut by a crash, is ignored.

    :raises JournalError: when another line is damaged.
    """
    path = os.path.join(folder, "journal.jsonl")
    records = []
    try:
        with open(path, "rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    break
                records.append(_record(line, f"{path} is damaged in line {number}: restore it, or move {folder} away"))
    except FileNotFoundError:
        return []
    return records


def _record(line: bytes, fault: str) -> Record:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise JournalError(fault) from error
    if not isinstance(record, dict) or "op" not in record:
        raise JournalError(fault)
    return record


def append(folder: str, records: list[Record]) -> None:
    """Add records to a journal and return when they are on disk; what a failed try wrote is cut away again."""
    path = os.path.join(folder, "journal.jsonl")
    text = "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records)
    with open(path, "a+b", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
        stream.seek(0)
        whole = stream.read().rfind(b"\n") + 1
        stream.truncate(whole)
        try:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            os.truncate(path, whole)
            raise


def status(records: list[Record]) -> str:
    """Return empty, unfinished, pending, committed or rolled_back."""
    if not records:
        return "empty"
    marks = [str(record["op"]) for record in records if record["op"] in ("pending", "commit", "rolled_back")]
    return {"commit": "committed"}.get(marks[-1], marks[-1]) if marks else "unfinished"


def transactions(root: str = ROOT) -> Iterator[tuple[str, str]]:
    """Yield the id and folder of every transaction, oldest first; folders of others (lost+found) are left out."""
    folder = os.path.join(root, "tx")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if _ID.fullmatch(name):
            yield name, os.path.join(folder, name)


def lock_is_held() -> bool:
    """Say whether a run is at work, without leaving a trace."""
    try:
        descriptor = os.open(LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def lock(wait: bool = False) -> int | None:
    """Take the lock that keeps two runs apart; None when another holds it. It is freed when the process ends."""
    descriptor = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        return None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"pid {os.getpid()}, since {time.strftime('%H:%M:%S')}".encode())
    HELD.append(descriptor)
    return descriptor


# --- undoing -------------------------------------------------------------------------------------------------------


class _Told(NamedTuple):
    """Sentences about an undoing: what failed and is tried until it succeeds, which commands failed, what was left."""

    problems: list[str]
    commands: list[str]
    notes: list[str]


def undo(folder: str, why: str, files_only: bool = False) -> list[str]:
    """Undo a transaction that did not end, and mark it rolled_back. May be repeated until it succeeds.

    A file that somebody changed meanwhile is put back all the same, because access may depend on it; its newer bytes
    are kept in the transaction's folder. What became somebody else's, or is gone, is left alone. A command that fails
    a second time is left to a person: everything else is as before, and no later run waits for it (`remarks`).

    :param files_only: at boot, when no service can be told to read its files again.
    :returns: sentences about steps that failed; the transaction is then left unmarked so that the next try repeats it.
    """
    records = load(folder)
    told = _Told([], [], [])
    for record in reversed(records):
        try:
            _undo_record(folder, record, files_only, told)
        except (OSError, KeyError) as error:
            told.problems.append(f"undoing {described(record)} failed: {_said(error)}")
        except subprocess.SubprocessError as error:
            told.commands.append(f"{described(record)} was not put back: {_said(error)}; do it by hand")
    if not files_only:
        _run_after(records, told)
    if files_only and any(record["op"] == "run" for record in records):
        return told.problems
    again = bool(told.commands) and not any(record["op"] == "tried" for record in records)
    mark = {"op": "rolled_back", "why": why, "left": told.commands, "notes": told.notes}
    try:
        if again:
            append(folder, [{"op": "tried", "time": time.time()}])
        elif not told.problems:
            append(folder, [{**mark, "time": time.time()}])
            disarm(folder)
    except OSError as error:
        told.problems.append(f"everything is as before, but the journal cannot be closed: {error}")
    return [*told.problems, *told.commands] if told.problems or again else []


def remarks(records: list[Record]) -> list[str]:
    """Return what an undoing that has ended left to a person, and what it left alone."""
    ends = [record for record in records if record["op"] == "rolled_back"]
    return [*ends[-1].get("left", ()), *ends[-1].get("notes", ())] if ends else []


def described(record: Record) -> str:
    """Return what a record is about, for people: an account goes by its number."""
    if "path" in record:
        return str(record["path"])
    return f"{record['op']} of the account with uid {record['uid']}" if "uid" in record else str(record["op"])


def left_alone(what: str) -> str:
    """Return the sentence about a file or folder that did not get its rights back."""
    return f"{what}: a link or something else took the place of the file, and was left alone"


def still_there(argv: list[str]) -> tuple[list[str], list[str]]:
    """Return a command without those of its objects that are gone, and a sentence on them; nothing may be left of it.

    An interface, a unit, a module or a mount that is gone has nothing to be given back.
    """
    if shutil.which(argv[0], path=_environment()["PATH"]) is None:
        return [], [f"{argv[0]} gone since: nothing was put back with it"]
    objects = _objects(argv)
    gone = [each for each in objects if not _exists(argv[0], each)]
    rest = [] if gone and gone == objects else [word for word in argv if word not in gone]
    # of an interface many parameters are gone at once
    places = sorted({os.path.dirname(each.partition("=")[0]) if "/" in each and "=" in each else each for each in gone})
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return rest, [f"{', '.join(places[:5])}{more} gone since: nothing was put back there"] if gone else []


def _objects(argv: list[str]) -> list[str]:
    """Return the words of a command that name what it is about, as far as that can be gone."""
    if argv[0] == "sysctl":
        return [word for word in argv if "=" in word]
    if argv[0] == "systemctl":
        return [word for word in argv if not word.startswith("-")][2:]
    return argv[-1:] if argv[0] in ("modprobe", "mount") else []


def _exists(tool: str, name: str) -> bool:
    if tool == "sysctl":
        return os.path.exists(_parameter(name.partition("=")[0]))
    if tool == "systemctl":
        # one whose file is gone may still run
        said = _asked("systemctl", "show", "-p", "LoadState,ActiveState", name) or ""
        return not {"LoadState=not-found", "ActiveState=inactive"} <= set(said.split("\n"))
    if tool == "modprobe":
        return _asked("modprobe", "--dry-run", "--ignore-install", name) is not None
    return name in _mounted()


def _parameter(key: str) -> str:
    # as sysctl reads it: what stands first separates
    return os.path.join("/proc/sys", key if "/" in key else key.replace(".", "/"))


def _mounted() -> set[str]:
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape", newline="\n") as stream:
        return {line.split(" ")[4] for line in stream}


def _asked(*argv: str) -> str | None:
    """Return what a command that only looks prints, None when it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, timeout=30, check=True, env=_environment())
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()


def _said(error: Exception) -> str:
    """Return what an error says, without the path or the command line: they may hold the name of an account."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, subprocess.CalledProcessError):
        return f"{error.cmd[0]} ended with {error.returncode}"
    if isinstance(error, subprocess.TimeoutExpired):
        return f"{error.cmd[0]} did not end in time"
    return str(error)


def _undo_record(folder: str, record: Record, files_only: bool, told: _Told) -> None:
    if record["op"] == "file":
        remove_drafts(record["path"])
        current = read_state(record["path"])
        if current != record["before"]:
            if digest(current) not in (digest(record["before"]), record.get("planned")):
                _keep(folder, record["path"], current)
            if record["before"] is not None:
                os.makedirs(os.path.dirname(record["path"]), exist_ok=True)
            write_state(record["path"], record["before"])
    elif record["op"] == "mkdir":
        remove_empty_folder(record["path"])
    elif record["op"] == "rights":
        _undo_rights(record, told)
    elif record["op"] in ("ageing", "lock"):
        _undo_account(record)
    elif record["op"] == "run" and not files_only:
        _command(record["undo"], told)


def _undo_rights(record: Record, told: _Told) -> None:
    path = path_of(record)
    try:
        if path is not None:
            set_rights(path, record["after"], record["before"])
    except OSError as error:
        # whoever owns the place may put a link there, and must not hold everything else up
        if error.errno not in FOREIGN:
            raise
        told.notes.append(left_alone(described(record)))


def _command(argv: list[str], told: _Told) -> None:
    """Run a command that puts something back, as far as there is still something."""
    rest, gone = still_there(argv)
    told.notes.extend(gone)
    try:
        if rest:
            subprocess.run(rest, check=True, capture_output=True, timeout=120, env=_environment(), pass_fds=HELD)
    except (OSError, subprocess.SubprocessError) as error:
        told.commands.append(f"`{shlex.join(rest)}` failed and has to be run by hand: {_said(error)}")


def _undo_account(record: Record) -> None:
    if record["op"] == "ageing":
        set_ageing(record["uid"], record["who"], record["after"], record["before"])
    else:
        set_lock(record["uid"], record["who"], not record["locked"])


def remove_empty_folder(path: str) -> None:
    """Remove a folder that a transaction made; one that is gone or holds somebody else's file stays as it is."""
    if os.path.isdir(path) and not os.listdir(path):
        os.rmdir(path)


def _keep(folder: str, path: str, state: State | None) -> None:
    """Keep bytes that undoing replaces and nobody planned, so that nothing is ever lost.

    When there is no room for them, giving access back comes first.
    """
    data = content(state)
    if data is None:
        return
    kept = os.path.join(folder, "replaced" + path.replace("/", "_"))
    try:
        with open(kept, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as stream:
            stream.write(data)
    except OSError as error:
        print(f"{kept} cannot be written: {error}", file=sys.stderr)


def _run_after(records: list[Record], told: _Told) -> None:
    commands: list[list[str]] = []
    for record in records:
        if record["op"] == "after" and record["argv"] not in commands:
            commands.append(record["argv"])
    for argv in commands:
        _command(argv, told)


def disarm(folder: str) -> None:
    """Take away what a guarded transaction left for the next boot, once it has ended either way."""
    try:
        with open(BOOT_UNIT, encoding="utf-8") as stream:
            ours = folder in stream.read()
    except FileNotFoundError:
        return
    if ours:
        for path in (BOOT_WANT, BOOT_UNIT):
            if os.path.lexists(path):
                os.unlink(path)


def main(arguments: list[str]) -> int:
    """Entry of the guard: FOLDER and why it runs.

    guard: the change took too long; confirm: nobody confirmed it; boot: the host restarted meanwhile; probe: a trial.
    """
    folder, mode = arguments
    if mode == "probe":
        return 0
    if lock(wait=mode != "boot") is None:
        return 0
    # a change that ended after all has a second timer, which counts its own time: the clock may be set back meanwhile
    if status(load(folder)) not in (("unfinished",) if mode == "guard" else ("unfinished", "pending")):
        return 0
    why = "the host restarted before it ended" if mode == "boot" else "no new connection confirmed the change in time"
    problems = undo(folder, why, files_only=mode == "boot")
    for problem in problems or remarks(load(folder)):
        print(problem, file=sys.stderr)
    if mode == "boot":
        # once is enough: what is left is for the next run, not for every further boot
        disarm(folder)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
