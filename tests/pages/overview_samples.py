# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up establishments as the history answers for them: most fare well, some badly, one cannot be read."""

from __future__ import annotations

import random
from datetime import timedelta

from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Point, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.overview import Overview, Standing
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Score

from tests.pages.samples import NOW, waiver

MEASURES = ("M02", "M04", "M05", "M06", "M07", "M08")


def overview(count: int = 40, months: int = 36) -> Overview:
    """Return an overview of so many establishments with so many months of history, worst first."""
    standings = [_standing(number, months) for number in range(1, count)]
    standings.sort(key=lambda each: each.last.score.proven_percent or 0 if each.last else 0)
    broken = Standing(
        "ehpad-exemple-00",
        problem="history.sqlite3: is damaged; move it away, the next run makes one from the run folders.",
        notes=["20260901T030000Z-audit/results.json: is empty; run again, or take the file of another run."],
    )
    return Overview(NOW.date(), [broken, *standings])


def links(found: Overview) -> dict[str, str]:
    """Return where each readable establishment's latest report stands, seen from beside their folders."""
    return {each.slug: f"{each.slug}/latest/report.html" for each in found.establishments if not each.problem}


def _standing(number: int, months: int) -> Standing:
    chance = random.Random(number)
    level = min(chance.betavariate(5, 1.6), 0.999) if number % 13 else 1
    hosts = chance.randint(4, 50)
    trend = [
        _point(months - 1 - index, level * (0.35 + 0.65 * (index + 1) / months), hosts, chance)
        for index in range(months)
    ]
    slug = f"ehpad-exemple-{number:02}"
    gone = chance.choice((0, 0, 0, 0, 1, 2, 30))
    stamp = (NOW - timedelta(days=61)).isoformat()
    waivers = [waiver("M07-05", "expired", "2026-10-31")] * (number % 5 == 0)
    waivers += [waiver("M06-04", "expiring", "2026-12-12", "host", "poste-02")] * (number % 7 == 0)
    return Standing(
        slug=slug,
        name=f"EHPAD Exemple {number:02}",
        finess=f"99{number:07}",
        category="EHPAD",
        trend=trend,
        waivers=waivers,
        unseen=[Sighting(f"poste-{host:02}", stamp if host % 3 else None) for host in range(1, min(gone, hosts) + 1)],
        hosts=hosts,
        urgent=round((1 - level) * hosts),
    )


def _point(back: int, level: float, hosts: int, chance: random.Random) -> Point:
    when = (NOW - timedelta(days=30 * back)).isoformat().replace("+00:00", "Z")
    measures = {name: _score(min(1, level * chance.uniform(0.85, 1.1)), hosts * 8) for name in MEASURES}
    whole = Score(*(sum(getattr(each, field) for each in measures.values()) for field in Score.__dataclass_fields__))
    return Point(f"{when}-audit", when, "audit", whole, measures)


def _score(level: float, pairs: int) -> Score:
    compliant = pairs if level > 0.97 else round(pairs * level)
    unread = (pairs - compliant) // 4
    return Score(compliant, pairs - compliant - unread, 0, 3, unread)
