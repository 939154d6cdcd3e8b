# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every establishment of a report folder at a glance, the worst first: what the overview page is made of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.history import months, plan
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import FILE, HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Point, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.sites import Site, sites
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.history.today import Today, restated
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Waived


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one establishment stands.

    :ivar slug: name of its report folder.
    :ivar name: with ``finess`` and ``category``, from its last run, else from its folder; empty when neither is known.
    :ivar trend: after the last run of each month, oldest first; the last one is where it stands today. Empty without a
        run.
    :ivar waivers: those that end within 30 days or are over, judged today.
    :ivar unseen: hosts on which no run verified anything for too many days, or ever.
    :ivar hosts: how many hosts it has, those that no run has met included.
    :ivar urgent: how many control × host pairs are open at priority 1, decided in action_plan.yml or else proposed.
    :ivar problem: a sentence when nothing is known of it: its history cannot be used, or there is none.
    :ivar never: whether the problem is only that it has never been audited.
    :ivar notes: a sentence for each run folder, or file of its own, that could not be read.
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
    never: bool = False
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
    reports_folder: Path, *, catalogue: Catalogue, now: dt.datetime, inventories: Path | None = None
) -> Overview:
    """Return where every establishment of a report folder, and of an inventory folder, stands.

    Run folders that a history does not know yet are recorded first. An establishment that was never audited, or whose
    history or folder cannot be used, is there with the reason, never left out. Raises OSError when one of the two
    folders itself cannot be read.

    :param now: aware; waivers and sightings are judged on it.
    :param inventories: where the establishments have their folders: what they decided is read as it stands today.
    """
    known = sites(inventories)
    audited = {folder.name: folder for folder in sorted(reports_folder.iterdir()) if _is_establishment(folder)}
    standings = [_standing(folder, known.get(slug, Site()), catalogue, now) for slug, folder in audited.items()]
    standings += [_never(slug, site) for slug, site in known.items() if site.described and slug not in audited]
    return Overview(now.date(), sorted(standings, key=_badness))


def _is_establishment(folder: Path) -> bool:
    try:
        if folder.name.startswith((".", "_")) or folder.is_symlink() or not folder.is_dir():
            return False
        return (folder / FILE).exists() or any((path / "results.json").is_file() for path in folder.iterdir())
    except OSError:
        return True  # it may be one, and then the reason is told


def _never(slug: str, site: Site) -> Standing:
    problem = f"{site.folder}: has never been audited; run an audit."
    return Standing(slug, **site.identity, problem=problem, never=True, notes=site.problems)


def _standing(folder: Path, site: Site, catalogue: Catalogue, now: dt.datetime) -> Standing:
    history = History(folder, now, site.declared)
    notes: list[str] = []
    try:
        try:
            notes = history.catch_up()
        except HistoryError as error:
            # What is known can still be read beside a run that writes, or where nothing can be written.
            notes = [str(error)]
        return _known(history, folder, site, catalogue, now, notes)
    except HistoryError as error:
        problem = str(error)
    notes = [*(note for note in notes if note != problem), *site.problems]
    return Standing(folder.name, **site.identity, problem=problem, notes=notes)


def _known(
    history: History, folder: Path, site: Site, catalogue: Catalogue, now: dt.datetime, notes: Sequence[str]
) -> Standing:
    history.ensure_own(finess=site.identity.get("finess", ""))
    trend = history.trend(monthly=True)
    if not trend:
        unread, *others = [*notes, ""]
        problem = unread or f"{folder}: has no run yet that looks at anything or changes it; run an audit."
        told = [*(note for note in others if note), *site.problems]
        return Standing(folder.name, **site.identity, problem=problem, never=not unread, notes=told)
    sightings = history.sightings()
    who: dict[str, Any] = {**history.identity()}
    oldest = months.moment(months.instant(now - dt.timedelta(days=site.unseen_days)))
    today = Today(now.date(), site.declared)
    return Standing(
        slug=folder.name,
        **who,
        trend=trend,
        waivers=ending(today.waivers(history.waivers(), history.fleet(), catalogue.controls), now.date()),
        unseen=[item for item in sightings if item.seen is None or months.moment(item.seen) < oldest],
        hosts=len(sightings),
        urgent=plan.urgent(history.gaps(), site.decisions, catalogue),
        notes=[*notes, *site.problems],
    )


def ending(waivers: Iterable[Waived], today: dt.date) -> list[Waived]:
    """Return the waivers that are over or end within 30 days, with their state of today, the first to end first."""
    found = [waiver for waiver in restated(waivers, today) if waiver["state"] in ("expired", "expiring")]
    return sorted(found, key=lambda waiver: (waiver["end"], waiver["control"], waiver["name"]))


def _badness(standing: Standing) -> tuple[bool, int, int, str]:
    """Sort by: a problem, then the lowest proven share, then the most urgent gaps, then the name."""
    percent = standing.last.score.proven_percent if standing.last else None
    return not standing.problem, 100 if percent is None else percent, -standing.urgent, standing.slug
