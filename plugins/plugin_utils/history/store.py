# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of one establishment: record its runs, and answer what became of it.

``reports/<establishment>/history.sqlite3``, for its owner only. It is made from the run folders beside it, so it may be
moved away at any time: the next run makes it anew from those that are still there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import reports, results, results_check, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown
from ansible_collections.essms.hardening.plugins.plugin_utils.history import months
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import MOVE_AWAY, Database, HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.fold import GAPS, Key, Pair, State
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Change, Gap, Point, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.packing import (
    DamagedError,
    plain,
    unpack,
    unpack_all,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.history.recorder import Recorder
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, HostState, Result, Score, Waived

#: Results held in memory at once while catching up: three runs of 50 hosts × 120 controls.
_BATCH = 20_000
_UNSEEN = (
    "The host could not be verified in a later run, which did not get as far as this control: run the audit again."
)
#: Of the other columns SQLite gives those of the row that holds the greatest.
_TREND = """
SELECT name, finished, mode, scores, max(moment || ' ' || name) FROM run
WHERE moment >= :since GROUP BY CASE WHEN :monthly THEN substr(moment, 1, 7) ELSE id END ORDER BY moment, name
"""


class History:
    """What is known of one establishment from all its runs.

    Every method raises HistoryError (one sentence) when the file is locked for more than ten seconds, damaged, foreign,
    newer than this code or not writable; then nothing has changed.

    :param folder: the report folder of the establishment.
    :param now: aware; for tests.
    """

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self._folder = folder
        self._database = Database(folder)
        self._now = now or datetime.now(UTC)

    def record(self, run: str, document: Document) -> None:
        """Record one run by the name of its folder, all or nothing; one that is known already changes nothing.

        The document is taken as valid. Raises HistoryError also when it is of another establishment.
        """
        refused = self.record_all([(run, document)])
        if refused:
            raise HistoryError(f"{self._database.path}: {refused[0]}")

    def record_all(self, runs: Iterable[tuple[str, Document]]) -> list[str]:
        """Record several runs at once, all but the refused or none; return one sentence for each refused."""
        with self._database.writing() as connection:
            return Recorder(connection, self._now).record(runs)

    def catch_up(self, made: Mapping[str, Document] | None = None) -> list[str]:
        """Record every run folder that is not yet known; return one sentence for each that cannot be.

        Those are left as they are and tried again next time. ``made`` gives documents by the name of their folder, so
        that a run need not read again what it has just written.
        """
        made = made or {}
        known = self._known()
        waiting = sorted({*self._run_folders(), *made} - known)
        problems: list[str] = []
        batch: list[tuple[str, Document]] = []
        for name in waiting:
            document = made.get(name) or self._read(name, problems)
            if document is not None:
                batch.append((name, document))
            if sum(len(item["results"]) for _name, item in batch) >= _BATCH:
                problems += self.record_all(batch)
                batch = []
        return problems + (self.record_all(batch) if batch else [])

    def current(self) -> Document | None:
        """Return the latest result of every control on every host as one document; None before the first run."""
        with self._database.reading() as connection:
            newest = connection.execute("SELECT facts, finished, mode FROM newest").fetchone()
            if newest is None:
                return None
            state = _state(connection)
            hosts, found = _details(connection, state)
            waivers = _waivers(connection)
            facts = unpack(newest[0])
            document: Document = {
                "schema": results.SCHEMA,
                "establishment": facts["establishment"],
                "identity": facts["identity"],
                "profile": ", ".join(sorted({host["profile"] for host in hosts.values() if host["profile"]})),
                "mode": newest[2],
                "check": False,
                "refused": False,
                "scope": {"hosts": "all", "controls": "all"},
                "fleet": {"hosts": {}, "groups": [], "controls": []},
                "started": facts["started"],
                "finished": newest[1],
                "versions": facts["versions"],
                "waivers": waivers,
                "hosts": [hosts[name] for name in sorted(hosts)],
                "results": [_judged(found[pair], known, hosts[pair[1]]) for pair, known in sorted(state.pairs.items())],
            }
            broken = results_check.problem(document)
            if broken:
                raise DamagedError(broken)
        return document

    def waivers(self) -> list[Waived]:
        """Return the waivers as the last run over everything found them, else as the last run did."""
        with self._database.reading() as connection:
            return _waivers(connection)

    def identity(self) -> dict[str, str]:
        """Return name, finess and category as the last run gave them; empty before the first run."""
        with self._database.reading() as connection:
            newest = connection.execute("SELECT facts FROM newest").fetchone()
            found = unpack(newest[0])["identity"] if newest else {}
            return {str(name): str(text) for name, text in found.items()}

    def ensure_own(self, finess: str = "") -> None:
        """Raise HistoryError when this is the history of another establishment, so that nothing of it is shown.

        It is when its name belongs to another report folder, or its FINESS number differs from the one given; a number
        that is empty on either side differs from none.
        """
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT name, value FROM meta WHERE name IN ('establishment', 'finess')"
            ).fetchall()
            marks = {name: plain(value) for name, value in found}
        owner, number = marks.get("establishment", ""), marks.get("finess", "")
        if owner and reports.folder_name(owner) != self._folder.name:
            raise HistoryError(
                f"{self._database.path}: is the history of {shown(owner)}; move it away, the next run makes one from"
                " the run folders."
            )
        if finess and number and finess != number:
            raise HistoryError(
                f"{self._database.path}: is the history of FINESS {shown(number)}, not {shown(finess)}; give each"
                " inventory a folder name of its own; if it is the same one corrected, move the history and its older"
                " run folders away."
            )

    def contradiction(self) -> str:
        """Return the sentence for a history that says something else than the results it was made of."""
        return f"{self._database.path}: says something else than the results of the last run; {MOVE_AWAY}"

    def trend(self, within: int = months.KEPT, *, monthly: bool = False) -> list[Point]:
        """Return where the establishment stood after each run of so many months, oldest first.

        With ``monthly``, only after the last run of each month.
        """
        with self._database.reading() as connection:
            newest = connection.execute("SELECT finished FROM newest").fetchone()
            if newest is None:
                return []
            since = months.months_before(newest[0], within)
            rows = connection.execute(_TREND, {"since": since, "monthly": monthly}).fetchall()
            return [_point(*row[:4]) for row in rows]

    def drift(self) -> list[Change]:
        """Return what the last run changed against what was known before it; nothing after the first run."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT body FROM state WHERE name = 'drift'").fetchone()
            return [Change(*item) for item in unpack(found[0])] if found else []

    def gaps(self) -> list[Gap]:
        """Return every control × host that is not compliant, or that nobody could verify, by control and host."""
        with self._database.reading() as connection:
            state = _state(connection)
            return [
                Gap(*pair, known.verdict, known.since)
                for pair, known in sorted(state.pairs.items())
                if known.verdict in GAPS and known.since
            ]

    def sightings(self) -> list[Sighting]:
        """Return every host and when a run last verified anything on it, by name."""
        with self._database.reading() as connection:
            state = _state(connection)
            return [Sighting(host, presence.seen) for host, presence in sorted(state.hosts.items())]

    def _known(self) -> set[str]:
        with self._database.reading() as connection:
            return {plain(name) for (name,) in connection.execute("SELECT run FROM known")}

    def _run_folders(self) -> Iterator[str]:
        """Yield the names of the folders that hold results; links and unfinished ones are none."""
        try:
            for path in self._folder.iterdir():
                if not path.name.startswith(".") and not path.is_symlink() and (path / "results.json").is_file():
                    yield path.name
        except OSError as error:
            raise HistoryError(f"{self._folder}: cannot be read: {error.strerror}.") from error

    def _read(self, name: str, problems: list[str]) -> Document | None:
        try:
            return results.read(self._folder / name)
        except results.ResultsError as error:
            problems.append(str(error))
        except RecursionError:
            problems.append(f"{self._folder / name / 'results.json'}: is nested too deeply to be read.")
        return None


def _state(connection: sqlite3.Connection) -> State:
    found = connection.execute("SELECT body FROM state WHERE name = 'current'").fetchone()
    return State.decoded(unpack(found[0])) if found else State()


def _details(connection: sqlite3.Connection, state: State) -> tuple[dict[str, HostState], dict[Key, Result]]:
    """Return every host as its last run saw it, and every result as the last run that looked gave it."""
    hosts: dict[str, HostState] = {}
    found: dict[Key, Result] = {}
    rows = connection.execute("SELECT run, seen, body FROM detail").fetchall()
    unpacked = unpack_all(body for _run, _seen, body in rows)
    for (run, seen, _body), detail in zip(rows, unpacked, strict=True):
        host: HostState = detail["host"]
        if state.hosts[host["name"]].run == run:
            hosts[host["name"]] = host
        results_of_host: list[Result] = detail["results"]
        for result in results_of_host:
            pair = (result["control"], result["host"])
            if pair in state.pairs and state.pairs[pair].run == run:
                result["seen"] = seen
                found[pair] = result
    return hosts, found


def _judged(result: Result, known: Pair, host: HostState) -> Result:
    """Return a result as the last run leaves it: without a verdict when that run lost the host before this control."""
    if known.verdict == result["verdict"]:
        return result
    return {
        **result,
        "verdict": verdicts.NOT_VERIFIED,
        "before_verdict": None,
        "settings": [],
        "reason": host["problem"] or _UNSEEN,
        "waiver": None,
        "changed": False,
    }


def _waivers(connection: sqlite3.Connection) -> list[Waived]:
    found = connection.execute(
        "SELECT waivers FROM run WHERE waivers IS NOT NULL ORDER BY complete DESC, moment DESC, name DESC LIMIT 1"
    ).fetchone()
    waivers: list[Waived] = unpack(found[0]) if found else []
    return waivers


def _point(name: str, finished: str, mode: str, scores: bytes) -> Point:
    counts: dict[str, list[int]] = unpack(scores)
    for numbers in counts.values():
        if len(numbers) != len(verdicts.VERDICTS) or not all(isinstance(number, int) for number in numbers):
            raise DamagedError("holds a score that no run made")
    measures = {measure: Score(*numbers) for measure, numbers in counts.items()}
    total: Any = [sum(column) for column in zip(*counts.values(), strict=True)]
    return Point(plain(name), finished, mode, Score(*total), measures)
