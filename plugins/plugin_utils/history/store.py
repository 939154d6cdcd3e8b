# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The history of one establishment: record its runs, and answer what became of it.

``reports/<establishment>/history.sqlite3``, for its owner only. It is made from the run folders beside it, so it may be
moved away at any time: the next run makes it anew from those that are still there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import reports, results, results_check, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver
from ansible_collections.essms.hardening.plugins.plugin_utils.history import months, rows
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import MOVE_AWAY, Database, HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.fold import GAPS, Pair, State, after_waiver
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Change, Gap, Point, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.packing import DamagedError, plain, unpack
from ansible_collections.essms.hardening.plugins.plugin_utils.history.recorder import Recorder
from ansible_collections.essms.hardening.plugins.plugin_utils.history.today import Today
from ansible_collections.essms.hardening.plugins.plugin_utils.history.unlooked import completed
from ansible_collections.essms.hardening.plugins.plugin_utils.history.vector import Key
from ansible_collections.essms.hardening.plugins.plugin_utils.results import (
    Document,
    Fleet,
    Waived,
)

#: Results held in memory at once while catching up: three runs of 50 hosts × 120 controls.
_BATCH = 20_000
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
    :param now: aware; runs dated later are set aside, and waivers are judged on it. For tests.
    :param waivers: those of waivers.yml; None when the folder of the establishment is not known. What a run found
        waived is only so while one of them covers it, in every answer but ``drift``.
    """

    def __init__(self, folder: Path, now: datetime | None = None, waivers: Sequence[Waiver] | None = None) -> None:
        self._folder = folder
        self._database = Database(folder)
        self._now = now or datetime.now(UTC)
        self._today = Today(self._now.astimezone(UTC).date(), waivers)

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

        Those are left as they are and tried again next time; so is one that lies in the future. When such a run was
        recorded under a wrong clock, the history is made anew from the run folders. ``made`` gives documents by the
        name of their folder, so that a run need not read again what it has just written.
        """
        made = made or {}
        problems = self._put_right()
        known = self._known()
        waiting = sorted({*self._run_folders(), *made} - known)
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
        """Return the latest result of every control on every host as one document; None before the first run.

        What no run has looked at is there too, as not verified; the scope says "all" when nothing of that kind is left.
        """
        with self._database.reading() as connection:
            newest = connection.execute("SELECT facts, finished, mode FROM newest").fetchone()
            if newest is None:
                return None
            state = rows.state(connection)
            hosts, found = rows.details(connection, state)
            waivers = rows.waivers(connection)
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
                "fleet": facts["fleet"],
                "started": facts["started"],
                "finished": newest[1],
                "versions": facts["versions"],
                "waivers": waivers,
                "hosts": [hosts[name] for name in sorted(hosts)],
                "results": [
                    rows.judged(found[pair], known, hosts[pair[1]]) for pair, known in sorted(state.pairs.items())
                ],
            }
            broken = results_check.problem(document)
            if broken:
                raise DamagedError(broken)
        return completed(self._today.judged(document))

    def newest(self) -> str:
        """Return the name of the last run; empty before the first."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT name FROM newest").fetchone()
            return plain(found[0]) if found else ""

    def waivers(self) -> list[Waived]:
        """Return the waivers as the last run over everything found them, else as the last run did."""
        with self._database.reading() as connection:
            return rows.waivers(connection)

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

        With ``monthly``, only after the last run of each month. The last point is where it stands today.
        """
        with self._database.reading() as connection:
            newest = connection.execute("SELECT finished FROM newest").fetchone()
            if newest is None:
                return []
            since = months.months_before(newest[0], within)
            found = connection.execute(_TREND, {"since": since, "monthly": monthly}).fetchall()
            lapsed = self._lapsed(connection, rows.state(connection))
            points = [rows.point(*row[:4]) for row in found]
        return [*points[:-1], rows.without(points[-1], lapsed)]

    def drift(self) -> list[Change]:
        """Return what the last run changed against what was known before it; nothing after the first run."""
        with self._database.reading() as connection:
            found = connection.execute("SELECT body FROM state WHERE name = 'drift'").fetchone()
            return [Change(*item) for item in unpack(found[0])] if found else []

    def gaps(self) -> list[Gap]:
        """Return every control × host that is not compliant, or that nobody could verify, by control and host.

        What no run has looked at is none: nothing is known to be done there but to audit.
        """
        with self._database.reading() as connection:
            state = rows.state(connection)
            lapsed = self._lapsed(connection, state)
        return [
            self._gap(pair, known, lapsed)
            for pair, known in sorted(state.pairs.items())
            if known.since and (known.verdict in GAPS or pair in lapsed)
        ]

    def sightings(self) -> list[Sighting]:
        """Return every host and when a run last verified anything on it, by name."""
        with self._database.reading() as connection:
            state = rows.state(connection)
        seen = {**dict.fromkeys(state.fleet), **{host: known.seen for host, known in state.hosts.items()}}
        return [Sighting(host, when) for host, when in sorted(seen.items())]

    def fleet(self) -> Fleet:
        """Return the hosts with their groups, the groups and the controls that the last run found there to be."""
        with self._database.reading() as connection:
            newest = connection.execute("SELECT facts FROM newest").fetchone()
            fleet: Fleet = unpack(newest[0])["fleet"] if newest else {"hosts": {}, "groups": [], "controls": []}
        return fleet

    def _put_right(self) -> list[str]:
        """Begin anew when runs were recorded that lie in the future; return the sentence that tells so, if any."""
        with self._database.reading() as connection:
            if not Recorder(connection, self._now).has_ahead():
                return []
        with self._database.writing() as connection:
            recorder = Recorder(connection, self._now)
            if not recorder.has_ahead():  # another run has just done it
                return []
            copy = self._database.copied()
            recorder.start_anew()
        told = "held runs that lie in the future and is made anew from the run folders; what it held is in"
        return [f"{self._database.path}: {told} {copy.name}; check the clock of this machine."]

    def _lapsed(self, connection: sqlite3.Connection, state: State) -> set[Key]:
        """Return the pairs that the last look found waived, and that no waiver covers today."""
        waived = {pair: known for pair, known in state.pairs.items() if known.verdict == verdicts.WAIVED}
        groups = rows.groups(connection, state, {host for _control, host in waived})
        return {pair for pair, known in waived.items() if not self._today.covers(*pair, groups[pair[1]], known.until)}

    def _gap(self, pair: Key, known: Pair, lapsed: set[Key]) -> Gap:
        since = str(known.since)
        if pair not in lapsed:
            return Gap(*pair, known.verdict, since)
        return Gap(*pair, verdicts.NON_COMPLIANT, after_waiver(known.until, since, months.instant(self._now)))

    def _known(self) -> set[str]:
        with self._database.reading() as connection:
            return {plain(name) for (name,) in connection.execute("SELECT run FROM known")}

    def _run_folders(self) -> Iterator[str]:
        """Yield the names of the folders that hold results, or may; links and unfinished ones are none."""
        try:
            for path in self._folder.iterdir():
                if not path.name.startswith(".") and not path.is_symlink() and _may_hold_results(path):
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


def _may_hold_results(folder: Path) -> bool:
    try:
        return (folder / "results.json").is_file()
    except OSError:
        return True  # reading it will say why not
