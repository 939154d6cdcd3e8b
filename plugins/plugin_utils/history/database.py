# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite file of a history: opening it, its tables, and what is said when it cannot be used.

A file that is damaged, foreign or newer is never changed nor removed: the run folders hold everything it was made of.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import atomic
from ansible_collections.essms.hardening.plugins.plugin_utils.history.packing import DamagedError

FILE = "history.sqlite3"
VERSION = 1

#: Seconds to wait for another run that is writing.
PATIENCE = 10.0
_APPLICATION = 0x4553534D  # "ESSM": tells a history from any other SQLite file

# known: run folders that need not be read again; run: those of the last 36 months, "moment" in sorting order;
# state: what is known after all of them ("current") and after those that are over ("base"), and the last drift;
# detail: the results of a host in a run, as long as one of them is the latest of its control.
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE known (run TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    mode TEXT NOT NULL,
    finished TEXT NOT NULL,
    moment TEXT NOT NULL,
    complete INTEGER NOT NULL,
    facts BLOB NOT NULL,
    vector BLOB NOT NULL,
    scores BLOB NOT NULL,
    waivers BLOB
);
CREATE UNIQUE INDEX run_order ON run (moment, name);
CREATE VIEW newest AS SELECT * FROM run ORDER BY moment DESC, name DESC LIMIT 1;
CREATE VIEW newest_complete AS SELECT * FROM run WHERE complete ORDER BY moment DESC, name DESC LIMIT 1;
CREATE TABLE state (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE detail (
    run INTEGER NOT NULL,
    host TEXT NOT NULL,
    seen TEXT NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX detail_key ON detail (run, host);
"""


class HistoryError(RuntimeError):
    """A history that cannot be used now; its text is one sentence: which file, why, what to do."""


class Database:
    """The history file of one establishment.

    :param folder: the report folder of the establishment; it has to exist for writing.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Open, make the tables if they are not there, and commit what is done inside, all or nothing.

        Raises HistoryError.
        """
        with self._told():
            if not self.path.exists():
                # Made here, so that it is never readable for others; SQLite takes an empty file for a new database,
                # and gives its journal the same mode.
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with closing(self._connect()) as connection:
                connection.execute("BEGIN IMMEDIATE")
                try:
                    if not self._usable(connection):
                        _create(connection)
                    yield connection
                except BaseException:
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                    raise
                connection.execute("COMMIT")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open for reading one consistent state; without a file, an empty one. Raises HistoryError."""
        with self._told(), closing(self._connect() if self.path.exists() else _empty()) as connection:
            connection.execute("BEGIN")
            if self._usable(connection):
                yield connection
            else:
                with closing(_empty()) as nothing:
                    yield nothing

    def copied(self) -> Path:
        """Copy the file beside itself under a name of its own and return it; only while it is open for writing."""
        number = 1
        while (copy := self.path.with_name(f"{FILE}.{number}")).exists():
            number += 1
        atomic.replace(copy, self.path.read_bytes())
        return copy

    def _connect(self) -> sqlite3.Connection:
        # not created by SQLite, which would give it the mode of the umask
        place = f"{self.path.absolute().as_uri()}?mode=rw"
        connection = sqlite3.connect(place, uri=True, timeout=PATIENCE, isolation_level=None)
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _usable(self, connection: sqlite3.Connection) -> bool:
        """Return whether the tables are there; raise HistoryError when the file is somebody else's or newer."""
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if not (version or application or tables):
            return False
        if application != _APPLICATION or version < 1:
            raise HistoryError(
                f"{self.path}: is not a history of essms.hardening and was left as it is; move it away, the next run"
                " makes one from the run folders."
            )
        if version > VERSION:
            raise HistoryError(
                f"{self.path}: was written by a newer version of essms.hardening (schema {version}, known here:"
                f" {VERSION}) and was left as it is; update essms.hardening."
            )
        return True

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what goes wrong into a HistoryError that says what to do."""
        try:
            yield
        except sqlite3.Error as error:
            raise HistoryError(f"{self.path}: {_sentence(error)}") from error
        except (DamagedError, LookupError, TypeError, AttributeError, ValueError) as error:
            # what is in the tables is JSON, but not what was put there
            raise HistoryError(f"{self.path}: {_DAMAGED}") from error
        except RecursionError as error:
            raise HistoryError(f"{self.path}: a result is nested too deeply to be recorded; nothing was.") from error
        except OSError as error:
            raise HistoryError(f"{self.path}: cannot be used: {error.strerror}; {_NOTHING_LOST}") from error


_NOTHING_LOST = "nothing is lost: the next run that can catches up."
MOVE_AWAY = "move it away, the next run makes it anew from the run folders."
_DAMAGED = f"is damaged; {MOVE_AWAY}"
_WRITABLE = f"cannot be written; make its folder writable for this account; {_NOTHING_LOST}"
_SENTENCES = {
    sqlite3.SQLITE_BUSY: f"another run is writing; try again; {_NOTHING_LOST}",
    sqlite3.SQLITE_LOCKED: f"another run is writing; try again; {_NOTHING_LOST}",
    sqlite3.SQLITE_FULL: f"the disk is full; free some room; {_NOTHING_LOST}",
    sqlite3.SQLITE_READONLY: _WRITABLE,
    sqlite3.SQLITE_CANTOPEN: _WRITABLE,
    sqlite3.SQLITE_PERM: _WRITABLE,
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_ERROR: _DAMAGED,  # the statements are right, so the tables are not
}


def _sentence(error: sqlite3.Error) -> str:
    # errors of the Python side carry no code; an extended code holds its primary one in the low byte
    primary = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return _SENTENCES.get(primary, f"cannot be used: {error}; {_NOTHING_LOST}")


def _create(connection: sqlite3.Connection) -> None:
    # one by one: executescript would commit what is under way
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA application_id={_APPLICATION}")
    connection.execute(f"PRAGMA user_version={VERSION}")


def _empty() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    _create(connection)
    return connection
