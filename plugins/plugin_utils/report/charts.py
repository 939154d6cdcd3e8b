# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Charts as SVG: plain shapes with classes, whose colours the style sheet knows; no style of their own, no script.

Each has a title and, where it needs one, a description; the page has a table of the same figures beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say
from markupsafe import Markup

_WIDTH, _HEIGHT = 760, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 52, 16, 34
_DOTS = 40
_MONTHS_NAMED = 9


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a chart over time; shares in percent, None when nothing could be judged."""

    when: datetime
    proven: int | None
    verified: int | None
    applied: bool = False


def ring(parts: Sequence[tuple[str, int]], text: str, title: Markup) -> Markup:
    """Return a ring whose parts, each a class and a number, share it in proportion, with a text in its middle."""
    whole = sum(number for _, number in parts)
    drawn, start = [], 0.0
    for name, number in parts:
        if number:
            share = 100 * number / whole
            drawn.append(
                Markup(
                    '<circle class="arc {}" cx="70" cy="70" r="58" pathLength="100" '
                    'stroke-dasharray="{:.2f} 100" stroke-dashoffset="{:.2f}" transform="rotate(-90 70 70)"/>'
                ).format(name, share, -start)
            )
            start += share
    inner = Markup('<circle class="arc track" cx="70" cy="70" r="58"/>{}<text x="70" y="72">{}</text>').format(
        Markup("").join(drawn), text
    )
    return _svg("ring", 140, 140, title, inner)


def bar(parts: Sequence[tuple[str, int]], whole: int) -> Markup:
    """Return a bar of one line, filled by parts of a whole; it only repeats a figure that stands beside it."""
    drawn, start = [], 0.0
    for name, number in parts:
        share = 100 * number / whole if whole else 0
        if share:
            drawn.append(Markup('<rect class="{}" x="{:.2f}" width="{:.2f}" height="6"/>').format(name, start, share))
        start += share
    return Markup(
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="track" width="100" height="6"/>{}</svg>'
    ).format(Markup("").join(drawn))


def two_bars(
    before: int, now: int, labels: tuple[Markup, Markup], figures: tuple[Markup, Markup], title: Markup
) -> Markup:
    """Return two bars one under the other, in percent, each with its label above and its figure at the end."""
    rows = [
        Markup(
            '<text class="label" x="0" y="{}">{}</text><text class="figure {}" x="320" y="{}">{}</text>'
            '<rect class="track" x="0" y="{}" width="320" height="10" rx="5"/>'
            '<rect class="{}" x="0" y="{}" width="{:.1f}" height="10" rx="5"/>'
        ).format(y + 14, label, name, y + 14, figure, y + 22, name, y + 22, 3.2 * share)
        for y, name, label, figure, share in zip((0, 44), ("was", "is"), labels, figures, (before, now), strict=True)
    ]
    return _svg("two-bars", 320, 80, title, Markup("").join(rows))


def spark(shares: Sequence[int | None], title: Markup) -> Markup:
    """Return a small line of shares in percent."""
    points = [(index, share) for index, share in enumerate(shares) if share is not None]
    if not points:
        return Markup("")
    step = 116 / max(len(shares) - 1, 1)
    places = [(2 + index * step, 26 - 0.24 * share) for index, share in points]
    last_x, last_y = places[-1]
    inner = Markup('<polyline points="{}"/><circle cx="{:.1f}" cy="{:.1f}" r="2.4"/>').format(
        " ".join(f"{x:.1f},{y:.1f}" for x, y in places), last_x, last_y
    )
    return _svg("spark", 120, 28, title, inner)


def trend(samples: Sequence[Sample], title: Markup, description: Markup, say: Say) -> Markup:
    """Return the line of the proven share over time with the area under it, the verified share, and each apply."""
    frame = _Frame(samples[0].when, samples[-1].when)
    proven = frame.places([(sample.when, sample.proven) for sample in samples])
    verified = frame.places([(sample.when, sample.verified) for sample in samples])
    inner = [frame.grid(say), frame.months(samples, say)]
    for sample in samples:
        if sample.applied:
            x = frame.x(sample.when)
            inner.append(
                Markup(
                    '<path class="applied" d="M{:.1f} {}V{}"/><path class="applied-mark" d="M{:.1f} {}l5 8h-10z"/>'
                ).format(x, _TOP, frame.floor, x, frame.floor - 8)
            )
    inner += [
        Markup('<path class="area" d="M{}V{}H{:.1f}Z"/>').format(_path(run), frame.floor, run[0][0]) for run in proven
    ]
    inner += [Markup('<path class="verified" d="M{}"/>').format(_path(run)) for run in verified]
    inner += [Markup('<path class="proven" d="M{}"/>').format(_path(run)) for run in proven]
    flat = [place for run in proven for place in run]
    inner += [
        Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(x, y, 4 if (x, y) == flat[-1] else 2.5)
        for x, y in (flat if len(flat) <= _DOTS else flat[-1:])
    ]
    last = next((sample.proven for sample in reversed(samples) if sample.proven is not None), None)
    if flat and last is not None:
        x, y = flat[-1]
        inner.append(
            Markup('<text class="last" x="{:.1f}" y="{:.1f}">{}</text>').format(x + 8, y + 5, say.percent(last))
        )
    return _svg("trend", _WIDTH, _HEIGHT, title, Markup("").join(inner), description)


class _Frame:
    """Where instants and shares lie on the trend chart."""

    floor = _HEIGHT - _BOTTOM

    def __init__(self, first: datetime, last: datetime) -> None:
        self._first = first
        self._seconds = max((last - first).total_seconds(), 1)

    def x(self, when: datetime) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (when - self._first).total_seconds() / self._seconds

    def y(self, share: float) -> float:
        return self.floor - (self.floor - _TOP) * share / 100

    def places(self, values: Sequence[tuple[datetime, int | None]]) -> list[list[tuple[float, float]]]:
        """Return the stretches of the line; a share nobody knows interrupts it."""
        runs: list[list[tuple[float, float]]] = [[]]
        for when, share in values:
            if share is None:
                runs.append([])
            else:
                runs[-1].append((self.x(when), self.y(share)))
        return [run for run in runs if run]

    def grid(self, say: Say) -> Markup:
        return Markup("").join(
            Markup('<path class="grid" d="M{} {:.1f}H{}"/><text class="scale" x="{}" y="{:.1f}">{}</text>').format(
                _LEFT, self.y(share), _WIDTH - _RIGHT, _LEFT - 8, self.y(share) + 4, say.percent(share)
            )
            for share in (0, 25, 50, 75, 100)
        )

    def months(self, samples: Sequence[Sample], say: Say) -> Markup:
        """Name the first of some months between the first and the last point."""
        starts, year, month = [], self._first.year, self._first.month
        while True:
            year, month = (year, month + 1) if month < 12 else (year + 1, 1)
            start = datetime(year, month, 1, tzinfo=UTC)
            if start > samples[-1].when:
                break
            starts.append(start)
        every = -(-len(starts) // _MONTHS_NAMED) or 1
        return Markup("").join(
            Markup('<text class="month" x="{:.1f}" y="{}">{}</text>').format(
                self.x(start), _HEIGHT - 10, say.month(start)
            )
            for start in starts[::every]
        )


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _svg(name: str, width: int, height: int, title: Markup, inner: Markup, description: Markup | None = None) -> Markup:
    """Return a picture that a screen reader tells by its title. No ids: a page may hold any number of them."""
    told = Markup("<desc>{}</desc>").format(description) if description else Markup("")
    return Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>{}{}</svg>').format(
        name, width, height, title, title, told, inner
    )
