# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""After a run: bring the history up to date, and make the report of where the establishment stands now.

The results of the run are on disk before anything here begins. Whatever goes wrong here is told, and costs no result:
without its history a report shows the last run alone, and says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Literal

from ansible_collections.essms.hardening.plugins.plugin_utils import atomic, results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import Establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.history import months, plan
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.history.fold import GAPS
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Gap
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result, Waived
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

REPORT = "report.html"
_TOLD: tuple[Literal["verdict", "settings", "waiver"], ...] = ("verdict", "settings", "waiver")
"""What a report shows of a result, and what the history has to have kept as the run wrote it."""
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
    history = History(run.parent, now)
    problems: list[str] = []
    late = missing = ""
    try:
        try:
            problems += history.catch_up({run.name: made} if made else None)
        except HistoryError as error:
            # what is in it may be read even while another run writes, or where nothing can be written
            problems.append(late := str(error))
        history.ensure_own(_finess(made, site))
        material, since = _from_history(history, catalogue, now, late)
        if material is not None and made is not None and not late and _contradicts(material.document, made):
            raise HistoryError(history.contradiction())
    except HistoryError as error:
        missing = str(error)
        problems += [missing] * (missing not in problems)
        material, since = None, {}
    if material is None:
        material = Material(made or results.read(run), catalogue, now, {}, missing=missing or "".join(problems[:1]))
    document, decisions = _judged_today(material.document, now.date()), []
    if site is not None:
        try:
            document = {**document, "waivers": _waivers(site.folder, document, catalogue, now.date())}
            decisions = site.decisions
        except CatalogueError as error:
            problems.append(str(error))
    actions = plan.actions(
        _gaps(document, since), decisions, catalogue=catalogue, contact=_contact(site, language), today=now.date()
    )
    material = replace(
        material,
        document=document,
        establishment=site.content if site is not None else {},
        actions=actions,
        closed=plan.closed(decisions, document["results"]),
    )
    return Gathered(material, tuple(problems))


def _contradicts(known: Document, own: Document) -> bool:
    """Return whether the history says something else of what the run just made looked at than its own results.

    Only a later run may: its look carries a later date. What changed nothing and saw nothing is in no history.
    """
    if own["check"] or own["refused"]:
        return False
    finished = months.moment(own["finished"])
    newest = months.moment(known["finished"]) <= finished
    found = {(result["control"], result["host"]): result for result in known["results"]}
    for result in own["results"]:
        later = found.get((result["control"], result["host"]))
        if later is None:
            if newest:
                return True
            continue
        seen = months.moment(later.get("seen", ""))
        if seen < finished or (seen == finished and any(later[part] != result[part] for part in _TOLD)):
            return True
    return False


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


def _from_history(
    history: History, catalogue: Catalogue, now: datetime, late: str
) -> tuple[Material | None, dict[tuple[str, str], str]]:
    """Return what the history knows, and since when each gap has been open; None before its first run.

    ``late`` is why the last run is not in it, or empty.
    """
    document = history.current()
    if document is None:
        return None, {}
    material = Material(
        document,
        catalogue,
        now,
        {},
        trend=history.trend(),
        drift=history.drift(),
        sightings=history.sightings(),
        missing=late,
    )
    return material, {(gap.control, gap.host): gap.since for gap in history.gaps()}


def _judged_today(document: Document, today: date) -> Document:
    """Return the document as of today: a waiver that has ended since the run covers nothing any more."""
    return {**document, "results": [_result_today(result, today) for result in document["results"]]}


def _result_today(result: Result, today: date) -> Result:
    waiver = result["waiver"]
    if not waiver or result["verdict"] != verdicts.WAIVED or date.fromisoformat(waiver["end"]) >= today:
        return result
    return {**result, "verdict": verdicts.NON_COMPLIANT, "reason": waivers.over(waiver["owner"], waiver["end"])}


def _waivers(folder: Path, document: Document, catalogue: Catalogue, today: date) -> list[Waived]:
    """Return the waivers of the establishment as they stand today."""
    groups = {group for host in document["hosts"] for group in host["groups"]}
    hosts = [host["name"] for host in document["hosts"]]
    return waivers.results_of(waivers.load(folder), today, catalogue.controls, groups, hosts)


def _gaps(document: Document, since: Mapping[tuple[str, str], str]) -> list[Gap]:
    """Return what is open today; a gap that the history does not know began with the end of its waiver, or now."""
    found = []
    for result in document["results"]:
        if result["verdict"] in GAPS:
            began = result["waiver"]["end"] if result["waiver"] else document["finished"]
            known = since.get((result["control"], result["host"]), began)
            found.append(Gap(result["control"], result["host"], result["verdict"], known))
    return found


def _contact(site: Establishment | None, language: str) -> str:
    roles = {contact["role"] for contact in site.content.get("contacts", ())} if site is not None else set()
    return Words(language)(f"role_{next((role for role in _OWNERS if role in roles), _OWNERS[0])}")
