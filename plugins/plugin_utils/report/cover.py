# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first page: what a director reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Point
from ansible_collections.essms.hardening.plugins.plugin_utils.report import charts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.exceptions import WaiverView
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.machines import HostView
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.report.site import size
from ansible_collections.essms.hardening.plugins.plugin_utils.report.trend import applied, moved
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Score
from ansible_collections.essms.hardening.plugins.plugin_utils.verdicts import COMPLIANT, NON_COMPLIANT, NOT_VERIFIED
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Watch:
    """Something to keep an eye on, and where the page says more of it."""

    text: Markup
    anchor: str
    serious: bool


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page beside the measures and the urgent actions."""

    name: Markup
    facts: list[tuple[Markup, Markup]]
    ring: Markup
    meaning: Markup
    verified: Markup
    before_after: Markup
    moved: Markup
    watch: list[Watch]


def cover(scene: Scene, waivers: Sequence[WaiverView], hosts: Sequence[HostView], weakened: int) -> Cover:
    """Return the first page; ``weakened`` is how many values are weaker than the profile's."""
    document, say = scene.material.document, scene.say
    name = document["identity"]["name"] or document["establishment"]
    before, now = before_last_apply(scene.material.trend), scene.score.proven_percent
    return Cover(
        name=safe(name, 120),
        facts=_facts(scene),
        ring=charts.ring(
            [(verdict, getattr(scene.score, verdict)) for verdict in (COMPLIANT, NON_COMPLIANT, NOT_VERIFIED)],
            say.percent(now),
            _told(scene.score, scene),
        ),
        meaning=_meaning(scene.score, scene),
        verified=say.percent(scene.score.verified_percent),
        before_after=_bars(before, now, scene),
        moved=moved(now - before.score.proven_percent, scene)
        if before and now is not None and before.score.proven_percent is not None
        else Markup(""),
        watch=_watch(scene, waivers, hosts, weakened),
    )


def before_last_apply(trend: Sequence[Point]) -> Point | None:
    """Return where the establishment stood before the last run that wrote something; None when none is known."""
    last = max((index for index, point in enumerate(trend) if applied(point)), default=0)
    return trend[last - 1] if last else None


def _facts(scene: Scene) -> list[tuple[Markup, Markup]]:
    document, say = scene.material.document, scene.say
    mode = "check" if document["check"] else document["mode"]
    facts = [
        (say("finess"), safe(document["identity"]["finess"], 20)),
        (say("category"), safe(document["identity"]["category"], 80)),
        (say("size_label"), size(scene)),
        (say("run"), say(f"mode_{mode}", say.moment(document["finished"]))),
        (say("profile_label"), safe(document["profile"], 60)),
        (say("fleet"), say.count("hosts", len(document["hosts"]))),
    ]
    return [(label, value) for label, value in facts if value]


def _told(score: Score, scene: Scene) -> Markup:
    if score.proven_percent is None:
        return scene.say("gauge_empty")
    figures = (score.compliant, score.non_compliant, score.not_verified)
    return scene.say("gauge", scene.say.percent(score.proven_percent), *figures)


def _meaning(score: Score, scene: Scene) -> Markup:
    say = scene.say
    if not score.judged:
        return say("meaning_none")
    begun = (say.count("points_due", score.due), say.count("seen_compliant", score.compliant))
    if not score.not_verified:
        return say("meaning_all", *begun, score.non_compliant)
    return say("meaning", *begun, score.non_compliant, score.not_verified)


def _bars(before: Point | None, now: int | None, scene: Scene) -> Markup:
    if before is None or now is None or before.score.proven_percent is None:
        return Markup("")
    say, was = scene.say, before.score.proven_percent
    figures = (say.percent(was), say.percent(now))
    labels = (say("before", say.day(before.when)), say("now"))
    return charts.two_bars(was, now, labels, figures, say("bars", *figures))


def _watch(scene: Scene, waivers: Sequence[WaiverView], hosts: Sequence[HostView], weakened: int) -> list[Watch]:
    states = [waiver.state for waiver in waivers]
    counted = (
        ("watch_expired", states.count("expired"), "derogations", True),
        ("watch_expiring", states.count("expiring"), "derogations", False),
        ("watch_hosts", sum(host.state != "verified" for host in hosts), "machines", True),
        ("watch_deviations", weakened, "ecarts", False),
    )
    return [
        Watch(scene.say.count(phrase, number), anchor, serious) for phrase, number, anchor, serious in counted if number
    ]
