# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every establishment of a report folder at a glance, the worst first: what the overview page is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import SOON
from ansible_collections.essms.hardening.plugins.plugin_utils.history import months, plan
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import FILE, HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Gap, Point, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Waived

UNSEEN_DAYS = 30
"""Days after which a host that no run verified is missed, where an establishment says nothing else."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one establishment stands.

    :ivar slug: name of its report folder.
    :ivar name: with ``finess`` and ``category``, from its last run; empty when it has none that can be read.
    :ivar trend: after the last run of each month, oldest first; the last one is where it stands. Empty without a run.
    :ivar waivers: those that end within 30 days or are over, judged today.
    :ivar unseen: hosts on which no run verified anything for too many days, or ever.
    :ivar hosts: how many hosts it has.
    :ivar urgent: how many control × host pairs are open at priority 1.
    :ivar problem: a sentence when its history cannot be used; then nothing else is known of it.
    :ivar notes: a sentence for each run folder that could not be read.
    """

    slug: str
    name: str = ""
    finess: str = ""
    category: str = ""
    trend: Sequence[Point] = ()
    waivers: Sequence[Waived] = ()
    unseen: Sequence[Sighting] = ()
    hosts: int = 0
    urgent: int = 0
    problem: str = ""
    notes: Sequence[str] = ()

    @property
    def last(self) -> Point | None:
        """Where it stood after its last run; None without one."""
        return self.trend[-1] if self.trend else None


@dataclass(frozen=True, slots=True)
class Overview:
    """All establishments, worst first, as they stood on a day."""

    today: dt.date
    establishments: Sequence[Standing]


def gather(
    reports_folder: Path, *, catalogue: Catalogue, now: dt.datetime, unseen_days: Mapping[str, int] | None = None
) -> Overview:
    """Return where every establishment of a report folder stands.

    Run folders that a history does not know yet are recorded first. An establishment whose history cannot be used is
    there with the reason, never left out. Raises OSError when the report folder itself cannot be read.

    :param now: aware; waivers and sightings are judged on it.
    :param unseen_days: by slug, where an establishment has another number than ``UNSEEN_DAYS``.
    """
    limits = unseen_days or {}
    standings = [
        _standing(folder, catalogue, now, limits.get(folder.name, UNSEEN_DAYS))
        for folder in sorted(reports_folder.iterdir())
        if _is_establishment(folder)
    ]
    return Overview(now.date(), sorted(standings, key=_badness))


def _is_establishment(folder: Path) -> bool:
    if folder.name.startswith((".", "_")) or folder.is_symlink() or not folder.is_dir():
        return False
    try:
        return (folder / FILE).exists() or any((path / "results.json").is_file() for path in folder.iterdir())
    except OSError:
        return True  # it may be one, and then the reason is told


def _standing(folder: Path, catalogue: Catalogue, now: dt.datetime, limit: int) -> Standing:
    history = History(folder, now)
    notes: list[str] = []
    try:
        try:
            notes = history.catch_up()
        except HistoryError as error:
            # What is known can still be read beside a run that writes, or where nothing can be written.
            notes = [str(error)]
        return _known(history, folder, catalogue, now, limit, notes)
    except HistoryError as error:
        return Standing(folder.name, problem=str(error), notes=[note for note in notes if note != str(error)])


def _known(
    history: History, folder: Path, catalogue: Catalogue, now: dt.datetime, limit: int, notes: Sequence[str]
) -> Standing:
    history.ensure_own()
    trend = history.trend(monthly=True)
    if not trend:
        problem = notes[0] if notes else f"{folder}: has no run that changes or looks at anything; run an audit."
        return Standing(folder.name, problem=problem, notes=notes[1:])
    sightings = history.sightings()
    oldest = months.moment((now - dt.timedelta(days=limit)).astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    return Standing(
        slug=folder.name,
        **history.identity(),
        trend=trend,
        waivers=ending(history.waivers(), now.date()),
        unseen=[item for item in sightings if item.seen is None or months.moment(item.seen) < oldest],
        hosts=len(sightings),
        urgent=sum(_is_urgent(gap, catalogue) for gap in history.gaps()),
        notes=notes,
    )


def ending(waivers: Iterable[Waived], today: dt.date) -> list[Waived]:
    """Return the waivers that are over or end within 30 days, with their state of today, the first to end first."""
    warned = today + SOON
    found: list[Waived] = [
        {**waiver, "state": "expired" if waiver["end"] < today.isoformat() else "expiring"}
        for waiver in waivers
        if waiver["end"] <= warned.isoformat() and waiver["start"] <= today.isoformat()
    ]
    return sorted(found, key=lambda waiver: (waiver["end"], waiver["control"], waiver["name"]))


def _is_urgent(gap: Gap, catalogue: Catalogue) -> bool:
    control = catalogue.controls.get(gap.control)
    return plan.priority(control.origin if control else "", gap.verdict) == 1


def _badness(standing: Standing) -> tuple[bool, int, int, str]:
    """Sort by: a problem, then the lowest proven share, then the most urgent gaps, then the name."""
    percent = standing.last.score.proven_percent if standing.last else None
    return not standing.problem, 100 if percent is None else percent, -standing.urgent, standing.slug
