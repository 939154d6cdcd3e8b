# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of an establishment as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.essms.hardening.plugins.plugin_utils import results
from ansible_collections.essms.hardening.plugins.plugin_utils.history.sites import UNSEEN_DAYS
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import HOST_NAME, Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.results import HostState, Score
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class HostView:
    """A host.

    :ivar state: verified, not_verified or unseen: the first of these words from the end that holds.
    :ivar verified: whether the last run that was meant for it could verify it.
    :ivar seen: when something was last verified on it.
    """

    name: str
    system: Markup
    groups: Markup
    state: str
    verified: bool
    problem: Markup
    advice: Markup
    seen: Markup
    score: Score


def hosts(scene: Scene) -> list[HostView]:
    """Return every host of the document, and those of the inventory that no run has ever reached, worst first."""
    seen = {sighting.host: sighting.seen for sighting in scene.material.sightings}
    found: dict[str, list[results.Result]] = {}
    for result in scene.material.document["results"]:
        found.setdefault(result["host"], []).append(result)
    known = {host["name"] for host in scene.material.document["hosts"]}
    views = [
        _view(host, seen.get(host["name"], ""), results.score(found.get(host["name"], ())), scene)
        for host in scene.material.document["hosts"]
    ]
    views += [
        HostView(name, Markup(""), Markup(""), "unseen", False, Markup(""), Markup(""), _when(when, scene), Score())
        for name, when in seen.items()
        if name not in known
    ]
    return sorted(views, key=lambda view: (("unseen", "not_verified", "verified").index(view.state), view.name))


def _view(host: HostState, seen: str | None, score: Score, scene: Scene) -> HostView:
    say = scene.say
    problem = advice = Markup("")
    if host["problem"]:
        told = say.words.advice(host["problem"][:1000])
        problem, advice = say.own(told.problem), say.own(told.action)
    elif host["guard"] == "reverted":
        problem = say.own(say.words("guard_reverted"))
    verified = host["state"] == results.VERIFIED and seen is not None
    state = "verified" if verified else "not_verified"
    if seen is None or (seen and _old(seen, scene.material)):
        state = "unseen"
    if not seen and seen is not None and state == "verified":
        seen = scene.material.document["finished"]  # no history: this very run saw it
    platform = host["platform"]
    return HostView(
        name=host["name"],
        system=safe(" ".join(filter(None, (platform.get("id", "").capitalize(), platform.get("version", "")))), 60),
        groups=Markup(", ").join(safe(group, HOST_NAME) for group in host["groups"]),
        state=state,
        verified=verified,
        problem=problem,
        advice=advice,
        seen=_when(seen, scene),
        score=score,
    )


def unseen_days(material: Material) -> int:
    """Return after how many days without a look a host of this establishment is missed."""
    return int(material.establishment.get("hosts_unseen_days", UNSEEN_DAYS))


def _old(seen: str, material: Material) -> bool:
    return material.now - datetime.fromisoformat(seen) > timedelta(days=unseen_days(material))


def _when(seen: str | None, scene: Scene) -> Markup:
    return scene.say.day(seen) if seen else scene.say("never")
