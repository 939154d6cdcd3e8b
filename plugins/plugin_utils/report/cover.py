# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first page: what a director reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils.report import charts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.exceptions import WaiverView
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.machines import HostView, unseen_days
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
class Effect:
    """What the last apply changed on what it looked at. Without anything to compare, ``chart`` is empty."""

    title: Markup
    chart: Markup
    moved: Markup


@dataclass(frozen=True, slots=True)
class Cover:
    """What stands on the first page beside the measures and the urgent actions.

    :ivar effect: None when the history holds no apply.
    :ivar urgent: what to say where the plan has no action.
    :ivar calm: what to say where there is nothing to watch.
    """

    name: Markup
    facts: list[tuple[Markup, Markup]]
    ring: Markup
    meaning: Markup
    verified: Markup
    effect: Effect | None
    urgent: Markup
    watch: list[Watch]
    calm: Markup


def cover(scene: Scene, waivers: Sequence[WaiverView], hosts: Sequence[HostView], weakened: int) -> Cover:
    """Return the first page; ``weakened`` is how many values are weaker than the profile's."""
    document, say = scene.material.document, scene.say
    name = document["identity"]["name"] or document["establishment"]
    return Cover(
        name=safe(name, 120),
        facts=_facts(scene),
        ring=charts.ring(
            [(verdict, getattr(scene.score, verdict)) for verdict in (COMPLIANT, NON_COMPLIANT, NOT_VERIFIED)],
            say.percent(scene.score.proven_percent),
            _told(scene.score, scene),
        ),
        meaning=_meaning(scene.score, scene),
        verified=say("colon", say("verified"), say.percent(scene.score.verified_percent)),
        effect=_effect(scene),
        urgent=_urgent(scene),
        watch=list(_watch(scene, waivers, hosts, weakened)),
        calm=say.count("watch_calm", len(hosts)) if hosts else say("watch_no_host"),
    )


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
    counted = (COMPLIANT, NON_COMPLIANT, NOT_VERIFIED)
    figures = (scene.say.count(f"n_{verdict}", getattr(score, verdict)) for verdict in counted)
    return scene.say("gauge", scene.say.percent(score.proven_percent), *figures)


def _meaning(score: Score, scene: Scene) -> Markup:
    say = scene.say
    if not score.judged:
        return say("meaning_void" if score.total and not score.due else "meaning_none")
    told = [say("meaning", say.count("points_due", score.due), say.count("seen_compliant", score.compliant))]
    if score.non_compliant and score.not_verified:
        told.append(say("meaning_both", score.non_compliant, score.not_verified))
    elif score.not_verified:
        told.append(say("meaning_unsure", score.not_verified))
    elif score.non_compliant:
        told.append(say("meaning_fail", score.non_compliant))
    if not score.not_verified and not scene.never[0]:
        told.append(say("meaning_complete"))
    return Markup(" ").join(told)


def _effect(scene: Scene) -> Effect | None:
    """Return what the last apply changed; the score of the whole is of other points, and of today."""
    say = scene.say
    last = next((point for point in reversed(scene.material.trend) if applied(point)), None)
    if last is None:
        return None
    was, became = (score.proven_percent for score in last.effect) if last.effect else (None, None)
    if was is None or became is None:
        return Effect(say("effect_unknown", say.day(last.when)), Markup(""), Markup(""))
    figures = (say.percent(was), say.percent(became))
    return Effect(
        title=say("effect", say.day(last.when), *figures),
        chart=charts.two_bars(was, became, (say("before"), say("after")), figures, say("bars", *figures)),
        moved=moved(became - was, scene),
    )


def _urgent(scene: Scene) -> Markup:
    score = scene.score
    if score.non_compliant:
        return scene.say("urgent_unknown")
    if not score.judged:
        return scene.say("urgent_unseen")
    return scene.say("urgent_unlooked" if score.not_verified or scene.never[0] else "urgent_none")


def _watch(scene: Scene, waivers: Sequence[WaiverView], hosts: Sequence[HostView], weakened: int) -> Iterator[Watch]:
    say, states, days = scene.say, [waiver.state for waiver in waivers], unseen_days(scene.material)
    controls, machines = scene.never
    if controls:
        told = say("watch_never", say.count("never_controls", controls), say.count("hosts", machines))
        yield Watch(told, "controles", True)
    counted = (
        ("watch_expired", states.count("expired"), "derogations", True),
        ("watch_expiring", states.count("expiring"), "derogations", False),
        ("watch_hosts", sum(not host.verified for host in hosts), "machines", True),
        ("watch_unseen", sum(host.state == "unseen" for host in hosts), "machines", True),
        ("watch_deviations", weakened, "ecarts", False),
    )
    for phrase, number, anchor, serious in counted:
        if number:
            more = (say.count("days", days),) if phrase == "watch_unseen" else ()
            yield Watch(say.count(phrase, number, *more), anchor, serious)
