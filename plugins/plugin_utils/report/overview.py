# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every establishment at a glance, for whoever looks after many: one HTML file, worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.overview import Overview, Standing
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.report import assets, charts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say, safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.measures import UNCOVERED, UNSEEN, state
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import HOST_NAME
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Score, Waived
from markupsafe import Markup

_HOSTS_NAMED = 20
_NOTES = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """A measure of an establishment: its share, its state, and how warm its colour is (0 to 4, 4 is all)."""

    percent: int | None
    state: str
    heat: int


@dataclass(frozen=True, slots=True)
class Line:
    """One establishment. ``link`` is empty when there is no report to open; counts are plain numbers to sort by."""

    name: Markup
    finess: Markup
    link: str
    percent: int | None
    verified: int | None
    heat: int
    cells: list[Cell]
    spark: Markup
    urgent: int
    expired: int
    expiring: int
    unseen: int
    hosts: int
    when: str
    problem: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A waiver of an establishment that is over or about to be."""

    establishment: Markup
    control: str
    title: Markup
    scope: Markup
    owner: str
    end: Markup
    state: str


@dataclass(frozen=True, slots=True)
class Missed:
    """The hosts of an establishment that nothing was verified on for too long."""

    establishment: Markup
    count: int
    hosts: Markup


def render(overview: Overview, catalogue: Catalogue, language: str, links: Mapping[str, str] | None = None) -> str:
    """Return the overview as one HTML text, in ``fr`` or ``en`` (anything else is French); it can be written as UTF-8.

    :param links: by slug, the path of an establishment's latest report relative to this page. None: no links.
    """
    say = Say(language)
    standings = overview.establishments
    lines = [_line(standing, catalogue, say, (links or {}).get(standing.slug, "")) for standing in standings]
    return assets.page(
        "overview.html.j2",
        "overview.js",
        {
            "say": say,
            "today": say.day(overview.today),
            "lines": lines,
            "measures": [(each.id, say.title(each.title)) for each in catalogue.measures.values()],
            "totals": {
                "urgent": sum(line.urgent for line in lines),
                "expired": sum(line.expired for line in lines),
                "expiring": sum(line.expiring for line in lines),
                "unseen": sum(line.unseen for line in lines),
                "problems": sum(bool(line.problem) for line in lines),
            },
            "endings": [_ending(standing, each, catalogue, say) for standing in standings for each in standing.waivers],
            "missed": [_missed(standing, say) for standing in standings if standing.unseen],
            "notes": [(_name(each), note) for each in standings for note in _told(each, say)],
        },
    )


def _line(standing: Standing, catalogue: Catalogue, say: Say, link: str) -> Line:
    score = standing.last.score if standing.last else Score()
    states = [waiver["state"] for waiver in standing.waivers]
    return Line(
        name=_name(standing),
        finess=safe(standing.finess, 20),
        link=quote(link, errors="replace") if link else "",
        percent=score.proven_percent,
        verified=score.verified_percent,
        heat=_heat(score.proven_percent),
        cells=[_cell(standing, measure, catalogue) for measure in catalogue.measures],
        spark=_spark(standing, say),
        urgent=standing.urgent,
        expired=states.count("expired"),
        expiring=states.count("expiring"),
        unseen=len(standing.unseen),
        hosts=standing.hosts,
        when=standing.last.when if standing.last else "",
        problem="" if standing.never else standing.problem,
    )


def _spark(standing: Standing, say: Say) -> Markup:
    shares = [point.score.proven_percent for point in standing.trend]
    if not shares:
        return Markup("")
    return charts.spark(shares, say("spark", _name(standing), say.percent(shares[0]), say.percent(shares[-1])))


def _cell(standing: Standing, measure: str, catalogue: Catalogue) -> Cell:
    if standing.last is None:
        return Cell(None, UNSEEN, 0)
    controls = sum(control.measure == measure for control in catalogue.controls.values())
    score = standing.last.measures.get(measure, Score())
    found = state(score, controls)
    return Cell(score.proven_percent, found, _heat(score.proven_percent) if found != UNCOVERED else 0)


def _heat(percent: int | None) -> int:
    """Return the band of a share: 4 is all, 0 is less than half or unknown."""
    return sum((percent or 0) >= limit for limit in (50, 70, 85, 100))


def _name(standing: Standing) -> Markup:
    return safe(standing.name or standing.slug, HOST_NAME)


def _ending(standing: Standing, waiver: Waived, catalogue: Catalogue, say: Say) -> Ending:
    known = catalogue.controls.get(waiver["control"])
    return Ending(
        establishment=_name(standing),
        control=waiver["control"],
        title=say.title(known.title) if known else say("unknown_control"),
        scope=say(f"scope_{waiver['scope']}", safe(waiver["name"], HOST_NAME)),
        owner=waiver["owner"],
        end=say.day(waiver["end"]),
        state=waiver["state"],
    )


def _missed(standing: Standing, say: Say) -> Missed:
    named = [_sighting(each, say) for each in standing.unseen[:_HOSTS_NAMED]]
    more = len(standing.unseen) - len(named)
    return Missed(
        _name(standing), len(standing.unseen), say.joined([*named, *([say.count("more", more)] if more else [])])
    )


def _sighting(sighting: Sighting, say: Say) -> Markup:
    when = say.day(sighting.seen) if sighting.seen else say("never")
    return say("seen_on", safe(sighting.host, HOST_NAME), when)


def _told(standing: Standing, say: Say) -> Sequence[Markup]:
    return [say.note(each) for each in (*([standing.problem] if standing.problem else []), *standing.notes[:_NOTES])]
