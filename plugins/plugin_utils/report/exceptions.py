# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The waivers of an establishment as a page shows them."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import told_state
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import HOST_NAME, Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Waived
from markupsafe import Markup

_ORDER = ("expired", "orphan", "expiring", "active", "future")


@dataclass(frozen=True, slots=True)
class WaiverView:
    """A waiver; ``state`` is active, expiring, expired, future or orphan, expired before orphan."""

    control: str
    title: Markup
    state: str
    scope: Markup
    reason: str
    owner: str
    approved_by: str
    period: Markup
    orphan: Markup


def waivers(scene: Scene) -> list[WaiverView]:
    """Return the waivers, those that ask for attention first."""
    views = [_view(waiver, scene) for waiver in scene.material.document["waivers"]]
    return sorted(views, key=lambda view: (_ORDER.index(view.state), view.control))


def _view(waiver: Waived, scene: Scene) -> WaiverView:
    say = scene.say
    return WaiverView(
        control=waiver["control"],
        title=scene.control_title(waiver["control"]),
        state=told_state(waiver),
        scope=say(f"scope_{waiver['scope']}", safe(waiver["name"], HOST_NAME)),
        reason=waiver["reason"],
        owner=waiver["owner"],
        approved_by=waiver["approved_by"],
        period=say("from_until", say.day(waiver["start"]), say.day(waiver["end"])),
        orphan=say.note(waiver["orphan"]),
    )
