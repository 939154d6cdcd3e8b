# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a run: bring the history up to date, and make the report of where the establishment stands now.

The results of the run are on disk before anything here begins. Whatever goes wrong here is told, and costs no result:
without its history a report shows the last run alone, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import atomic, results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import Establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver
from ansible_collections.essms.hardening.plugins.plugin_utils.history import months, plan
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.fold import GAPS, after_waiver
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Gap, never_looked
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.history.today import Today, known_fleet
from ansible_collections.essms.hardening.plugins.plugin_utils.history.unlooked import completed
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

REPORT = "report.html"
_OWNERS = ("it_referent", "provider", "director")
"""Who answers for a gap that nobody was given: the first of these roles that the establishment has."""


@dataclass(frozen=True)
class Gathered:
    """What a report is made of, and a sentence for each thing that went wrong on the way to it."""

    material: Material
    problems: tuple[str, ...]


def gather(
    run: Path,
    *,
    made: Document | None = None,
    site: Establishment | None,
    catalogue: Catalogue,
    language: str,
    now: datetime,
) -> Gathered:
    """Bring the history up to date and return what a report is made of.

    :param run: folder of the last run, inside the report folder of the establishment.
    :param made: the document of that run, when it was made just now; else it is read.
    :param site: the establishment's own folder, when it is known.
    :param now: aware; waivers and due dates are judged on it.

    Raises ResultsError when neither the history nor the run can be read.
    """
    declared, decisions, wrong = _decided(site)
    today = Today(now.date(), declared)
    history = History(run.parent, now, declared)
    problems: list[str] = []
    late = missing = ""
    try:
        try:
            problems += history.catch_up({run.name: made} if made else None)
        except HistoryError as error:
            # what is in it may be read even while another run writes, or where nothing can be written
            problems.append(late := str(error))
        history.ensure_own(_finess(made, site))
        material, gaps = _from_history(history, catalogue, now), history.gaps()
        late = late or _another(run, made, history.newest(), problems)
        if material is not None and made is not None and not late and _contradicts(material.document, made):
            raise HistoryError(history.contradiction())
    except HistoryError as error:
        missing = str(error)
        problems += [missing] * (missing not in problems)
        material, gaps = None, []
    if material is None:
        document = today.judged(completed(made or results.read(run)))
        material, gaps = Material(document, catalogue, now, {}), _gaps(document, now)
        late = missing or "".join(problems[:1])
    document = material.document
    document = {
        **document,
        "waivers": today.waivers(document["waivers"], known_fleet(document), catalogue.controls),
    }
    contact = _contact(site, language)
    material = replace(
        material,
        document=document,
        establishment=site.content if site is not None else {},
        actions=plan.actions(gaps, decisions, catalogue=catalogue, contact=contact, today=now.date()),
        closed=plan.closed(decisions, document["results"]),
        missing=late,
    )
    return Gathered(material, (*problems, *wrong))


def _contradicts(known: Document, own: Document) -> bool:
    """Return whether the history says something else of what the run just made looked at than its own results.

    Only a later run may: its look carries a later date. What changed nothing and saw nothing is in no history; whether
    a waiver covers a gap is judged anew every day.
    """
    if own["check"] or own["refused"]:
        return False
    finished = months.moment(own["finished"])
    newest = months.moment(known["finished"]) <= finished
    found = {(result["control"], result["host"]): result for result in known["results"]}
    for result in own["results"]:
        later = found.get((result["control"], result["host"]))
        if later is None or "seen" not in later:
            if newest:
                return True
            continue
        seen = months.moment(later["seen"])
        if seen < finished or (seen == finished and _look(later) != _look(result)):
            return True
    return False


def _look(result: Result) -> tuple[str, list[dict[str, Any]]]:
    """Return what a run saw, waivers left out."""
    waived = result["verdict"] == verdicts.WAIVED
    return verdicts.NON_COMPLIANT if waived else result["verdict"], result["settings"]


def language_of(site: Establishment | None, otherwise: str) -> str:
    """Return the language of an establishment's documents, else the other one."""
    return str(site.content.get("language", otherwise)) if site is not None else otherwise


def write(run: Path, gathered: Gathered, language: str) -> Path:
    """Write the report into the folder of a run and return its file (0600). Raises OSError when it cannot."""
    # the templates take longer to import than everything else here
    from ansible_collections.essms.hardening.plugins.plugin_utils.report import page

    file = run / REPORT
    atomic.replace(file, page.render(gathered.material, language).encode())
    return file


def _finess(made: Document | None, site: Establishment | None) -> str:
    """Return the FINESS number of the establishment reported; empty when neither run nor folder says it."""
    if made is not None and made["identity"]["finess"]:
        return made["identity"]["finess"]
    return str(site.content.get("finess") or "") if site is not None else ""


def _decided(site: Establishment | None) -> tuple[list[Waiver] | None, list[dict[str, Any]], list[str]]:
    """Return the waivers of an establishment (None: not known), its decisions, and a sentence for each broken file."""
    declared: list[Waiver] | None = None
    decisions: list[dict[str, Any]] = []
    wrong = []
    if site is not None:
        try:
            declared = waivers.load(site.folder)
        except CatalogueError as error:
            wrong.append(str(error))
        try:
            decisions = site.decisions
        except CatalogueError as error:
            wrong.append(str(error))
    return declared, decisions, wrong


def _from_history(history: History, catalogue: Catalogue, now: datetime) -> Material | None:
    """Return what the history knows; None before its first run."""
    document = history.current()
    if document is None:
        return None
    trend, drift, sightings = history.trend(), history.drift(), history.sightings()
    return Material(document, catalogue, now, {}, trend=trend, drift=drift, sightings=sightings)


def _another(run: Path, made: Document | None, newest: str, problems: Sequence[str]) -> str:
    """Return why the state to be reported is not the one that a run left, or an empty text when it is."""
    if newest in ("", run.name):
        return ""
    why = next((problem for problem in problems if run.name in problem), "")
    if why:
        return why
    simulated = made["check"] if made is not None else "-check" in run.name
    told = "only said what it would change" if simulated else "is not the newest run known"
    return f"{shown(run.name)}: {told}; this report shows the state that the run {shown(newest)} left."


def _gaps(document: Document, now: datetime) -> list[Gap]:
    """Return what is open, without a history: since the run, or since a waiver is over."""
    found = []
    instant = months.instant(now)
    for result in document["results"]:
        if result["verdict"] in GAPS and not never_looked(result):
            waiver, finished = result["waiver"], document["finished"]
            since = after_waiver(waiver["end"], finished, instant) if waiver else finished
            found.append(Gap(result["control"], result["host"], result["verdict"], since))
    return found


def _contact(site: Establishment | None, language: str) -> str:
    roles = {contact["role"] for contact in site.content.get("contacts", ())} if site is not None else set()
    return Words(language)(f"role_{next((role for role in _OWNERS if role in roles), _OWNERS[0])}")
