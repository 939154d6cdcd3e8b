# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write runs into a history, inside one transaction: the same runs in any order and grouping end in the same state."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown
from ansible_collections.essms.hardening.plugins.plugin_utils.history import months
from ansible_collections.essms.hardening.plugins.plugin_utils.history.fold import State
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Change
from ansible_collections.essms.hardening.plugins.plugin_utils.history.packing import key, pack, plain, unpack
from ansible_collections.essms.hardening.plugins.plugin_utils.history.vector import Vector
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result, Score

Order = tuple[str, str]
"""Moment and name of a run: what runs are sorted by."""

_SKEW = timedelta(minutes=5)
"""How much the clocks of two controllers may differ."""
_WRITES = ("apply", "rollback")


@dataclass(frozen=True, slots=True)
class _New:
    id: int
    order: Order
    document: Document


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records runs over an open transaction.

    :ivar now: aware; a run dated later is set aside until its time has come, because it would hide every other.
    """

    connection: sqlite3.Connection
    now: datetime

    def record(self, runs: Iterable[tuple[str, Document]]) -> list[str]:
        """Record runs that are not yet known, ``(name of the folder, document)``; return a sentence for each refused.

        A run that only said what it would change is noted as known. So is one that was refused before it touched a
        host, and one that is older than what the history has let go of.
        """
        base, base_order = self._base()
        newest = self._newest()
        fresh: list[_New] = []
        refused = []
        for name, document in runs:
            if self._knows(name):
                continue
            try:
                self._check(document)
                vector = Vector.of(document)
            except ValueError as error:
                refused.append(f"{name}: {error}.")
                continue
            self._belongs(document)
            self.connection.execute("INSERT INTO known VALUES (?)", (key(name),))
            order = (months.moment(document["finished"]), key(name))
            if not (document["check"] or document["refused"]) and (base_order is None or base_order < order):
                fresh.append(self._insert(order, document, vector))
        if fresh:
            in_order = newest is None or newest < min(new.order for new in fresh)
            state = self._replayed(self._state("current"), newest) if in_order else self._replayed(base.copy(), None)
            self._keep_details(state, fresh)
            self._purge(base)
        return refused

    def has_ahead(self) -> bool:
        """Return whether runs were recorded that lie in the future: the clock was wrong then, or it is now."""
        return bool(self.connection.execute("SELECT 1 FROM run WHERE moment > ? LIMIT 1", (self._latest(),)).fetchall())

    def start_anew(self) -> None:
        """Forget every run, but not whose history this is, so that all can be recorded anew from their folders.

        A run dated ahead may have taken the place of the results of others, or pushed them out as too old.
        """
        for table in ("known", "run", "state", "detail"):
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - one of four names
        self.connection.execute("DELETE FROM meta WHERE name = 'base_order'")

    def _latest(self) -> str:
        return months.moment((self.now + _SKEW).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    def _knows(self, name: str) -> bool:
        return self.connection.execute("SELECT 1 FROM known WHERE run = ?", (key(name),)).fetchone() is not None

    def _newest(self) -> Order | None:
        found = self.connection.execute("SELECT moment, name FROM newest")
        order: Order | None = found.fetchone()
        return order

    def _state(self, name: str) -> State:
        found = self.connection.execute("SELECT body FROM state WHERE name = ?", (name,)).fetchone()
        return State.decoded(unpack(found[0])) if found else State()

    def _base(self) -> tuple[State, Order | None]:
        found = self.connection.execute("SELECT value FROM meta WHERE name = 'base_order'").fetchone()
        return self._state("base"), (tuple(json.loads(plain(found[0]))) if found else None)

    def _put(self, name: str, value: object) -> None:
        self.connection.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, pack(value)))

    def _check(self, document: Document) -> None:
        """Refuse what belongs to another establishment or to another time: ValueError, the rest of a sentence."""
        try:
            finished = months.parsed(document["finished"])
        except ValueError:
            raise ValueError(f"{shown(document['finished'])} is no date of the calendar") from None
        if finished > self.now + _SKEW:
            raise ValueError(
                f"ended at {document['finished']}, which is in the future; it is set aside until then: check the clock"
                " of the machine that made it, and of this one"
            )
        for name, value in _marks(document):
            known = self._mark(name)
            if known and value and known != value:
                raise ValueError(
                    f"is of another establishment ({name} {shown(value)}, in this history {shown(known)}); give each"
                    " inventory a folder name of its own; if it is the same one corrected, move the history and its"
                    " older run folders away"
                )

    def _mark(self, name: str) -> str:
        found = self.connection.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return plain(found[0]) if found else ""

    def _belongs(self, document: Document) -> None:
        """Remember whose history this is, from the first run that says so."""
        for name, value in _marks(document):
            if value and not self._mark(name):
                self.connection.execute("INSERT INTO meta VALUES (?, ?)", (name, key(value)))

    def _insert(self, order: Order, document: Document, vector: Vector) -> _New:
        facts = {
            "establishment": document["establishment"],
            "identity": document["identity"],
            "versions": document["versions"],
            "started": document["started"],
            "fleet": document["fleet"],
        }
        cursor = self.connection.execute(
            "INSERT INTO run (moment, name, finished, mode, complete, facts, vector, scores, waivers)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, '', ?)",
            (
                *order,
                document["finished"],
                document["mode"],
                vector.every_host and vector.every_control,
                pack(facts),
                pack(vector.encoded()),
                pack(document["waivers"]),
            ),
        )
        return _New(int(cursor.lastrowid or 0), order, document)

    def _replayed(self, state: State, after: Order | None) -> State:
        """Fold the runs that came after one, note the score after each and what the last one changed."""
        runs = self.connection.execute(
            "SELECT id, finished, mode, vector FROM run WHERE (moment, name) > (?, ?) ORDER BY moment, name",
            after or ("", ""),
        ).fetchall()
        drift: Sequence[Change] = ()
        for number, finished, mode, packed in runs:
            vector = Vector.decoded(unpack(packed))
            first = not state.hosts
            effect = state.effect(vector) if mode in _WRITES else None
            changes = state.apply(vector, number, finished)
            drift = () if first else changes
            scores = {
                "measures": {measure: _counts(score) for measure, score in state.scores().items()},
                "effect": [_counts(score) for score in effect] if effect else None,
            }
            self.connection.execute("UPDATE run SET scores = ? WHERE id = ?", (pack(scores), number))
        self._put("current", state.encoded())
        self._put("drift", [[change.control, change.host, change.before, change.after] for change in drift])
        return state

    def _keep_details(self, state: State, fresh: Iterable[_New]) -> None:
        """Keep the results that are the latest of their control, and drop those that no longer are."""
        wanted = {(pair.run, host) for (_control, host), pair in state.pairs.items()}
        wanted |= {(presence.run, host) for host, presence in state.hosts.items()}
        for new in fresh:
            latest: dict[str, list[Result]] = {host: [] for run, host in wanted if run == new.id}
            for result in new.document["results"]:
                pair = state.pairs.get((result["control"], result["host"]))
                if pair and pair.run == new.id:
                    latest[result["host"]].append(result)
            hosts = {host["name"]: host for host in new.document["hosts"]}
            self.connection.executemany(
                "INSERT INTO detail VALUES (?, ?, ?, ?)",
                [
                    (new.id, key(host), new.document["finished"], pack({"host": hosts[host], "results": found}))
                    for host, found in latest.items()
                ],
            )
        keys = {(run, key(host)) for run, host in wanted}
        stored = self.connection.execute("SELECT run, host FROM detail").fetchall()
        self.connection.executemany("DELETE FROM detail WHERE run = ? AND host = ?", set(stored) - keys)
        self.connection.execute(
            "UPDATE run SET waivers = NULL WHERE waivers IS NOT NULL"
            " AND id NOT IN (SELECT id FROM newest UNION SELECT id FROM newest_complete)"
        )

    def _purge(self, base: State) -> None:
        """Let go of runs older than the months kept before the newest; what they found stays in the state."""
        (newest,) = self.connection.execute("SELECT finished FROM newest").fetchone()
        horizon = months.months_before(newest, months.KEPT)
        over = self.connection.execute(
            "SELECT id, moment, name, finished, vector FROM run WHERE moment < ? ORDER BY moment, name", (horizon,)
        ).fetchall()
        if not over:
            return
        for number, _moment, _name, finished, vector in over:
            base.apply(Vector.decoded(unpack(vector)), number, finished)
        self._put("base", base.encoded())
        last = json.dumps(list(over[-1][1:3]))
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES ('base_order', ?)", (key(last),))
        self.connection.execute("DELETE FROM run WHERE moment < ?", (horizon,))


def _counts(score: Score) -> list[int]:
    return [score.compliant, score.non_compliant, score.waived, score.not_applicable, score.not_verified]


def _marks(document: Document) -> tuple[tuple[str, str], ...]:
    return ("establishment", document["establishment"]), ("finess", document["identity"]["finess"])
