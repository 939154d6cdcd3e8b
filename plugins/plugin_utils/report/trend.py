# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the score moved over the months, in all and by measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Point
from ansible_collections.essms.hardening.plugins.plugin_utils.report import charts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from markupsafe import Markup

MOST = 120
"""More runs than that are thinned out in the chart and its table: the last of each stretch stays, and every apply."""

_MODES = ("audit", "apply", "rollback")


@dataclass(frozen=True, slots=True)
class Line:
    """One run in the table of the chart."""

    day: Markup
    mode: Markup
    proven: Markup
    verified: Markup


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """How one measure moved from the first run that judged it to the last."""

    id: str
    title: Markup
    first: Markup
    last: Markup
    change: Markup
    better: int
    spark: Markup


@dataclass(frozen=True, slots=True)
class TrendView:
    """The chart and the figures it is made of."""

    chart: Markup
    lines: list[Line]
    measures: list[MeasureLine]


def trend(scene: Scene) -> TrendView | None:
    """Return the trend, or None while there are not two runs to compare."""
    points = thinned(scene.material.trend)
    if len(points) < 2:
        return None
    say = scene.say
    samples = [
        charts.Sample(instant(point), point.score.proven_percent, point.score.verified_percent, applied(point))
        for point in points
    ]
    first, last = points[0], points[-1]
    description = say(
        "trend_desc",
        say.percent(first.score.proven_percent),
        say.day(first.when),
        say.percent(last.score.proven_percent),
        say.day(last.when),
    )
    return TrendView(
        chart=charts.trend(samples, say("trend_title"), description, say),
        lines=[
            Line(
                say.day(point.when),
                say(point.mode) if point.mode in _MODES else safe(point.mode, 20),
                say.percent(point.score.proven_percent),
                say.percent(point.score.verified_percent),
            )
            for point in reversed(points)
        ],
        measures=_measures(points, scene),
    )


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most about ``MOST`` points: the first, the last, every apply, and the last of each stretch between."""
    if len(points) <= MOST:
        return list(points)
    stretch = -(-len(points) // MOST)
    last = len(points) - 1
    return [
        point
        for index, point in enumerate(points)
        if index in (0, last) or index % stretch == stretch - 1 or applied(point)
    ]


def applied(point: Point) -> bool:
    """Return whether a run was meant to write; a history holds no dry run."""
    return point.mode == "apply"


def instant(point: Point) -> datetime:
    """Return when a run ended."""
    when = datetime.fromisoformat(point.when)
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _measures(points: Sequence[Point], scene: Scene) -> list[MeasureLine]:
    say, lines = scene.say, []
    for identifier in sorted({name for point in points for name in point.measures}):
        shares = [
            point.measures[identifier].proven_percent if identifier in point.measures else None for point in points
        ]
        judged = [share for share in shares if share is not None]
        if not judged:
            continue
        known = scene.material.catalogue.measures.get(identifier)
        first, last = say.percent(judged[0]), say.percent(judged[-1])
        lines.append(
            MeasureLine(
                id=identifier,
                title=say.title(known.title) if known else Markup(""),
                first=first,
                last=last,
                change=moved(judged[-1] - judged[0], scene),
                better=judged[-1] - judged[0],
                spark=charts.spark(shares, say("spark", identifier, first, last)),
            )
        )
    return lines


def moved(points: int, scene: Scene) -> Markup:
    """Return « +12 points », « −3 points » or « inchangé »."""
    if not points:
        return scene.say("points_same")
    return scene.say.count("points_up" if points > 0 else "points_down", abs(points))
