# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plan as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Action
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from markupsafe import Markup

URGENT = 3
"""How many actions the first page names."""


@dataclass(frozen=True, slots=True)
class ActionView:
    """One line of the plan. ``hosts`` is ready to be shown, ``count`` how many they are."""

    control: str
    title: Markup
    verdict: str
    hosts: Markup
    count: int
    since: Markup
    owner: str
    due: Markup
    priority: int
    note: str
    decided: bool
    overdue: bool


def actions(scene: Scene) -> list[ActionView]:
    """Return the open actions: what is overdue first, then by priority and due date."""
    ordered = sorted(
        scene.material.actions, key=lambda each: (not each.overdue, each.priority, each.due, -len(each.hosts))
    )
    return [_view(action, scene) for action in ordered]


def _view(action: Action, scene: Scene) -> ActionView:
    return ActionView(
        control=action.control,
        title=scene.control_title(action.control),
        verdict=action.verdict,
        hosts=scene.hosts(action.hosts),
        count=len(action.hosts),
        since=scene.say.day(action.since),
        owner=action.owner,
        due=scene.say.day(action.due),
        priority=min(max(action.priority, 1), 3),
        note=action.note,
        decided=action.decided,
        overdue=action.overdue,
    )


@dataclass(frozen=True, slots=True)
class ClosedView:
    """A decision that is done. ``hosts`` is empty when it was for every host."""

    control: str
    title: Markup
    hosts: Markup
    owner: str
    due: Markup
    note: str


def closed(scene: Scene) -> list[ClosedView]:
    """Return the decisions whose control passes now, by control."""
    found = sorted(scene.material.closed, key=lambda each: (each["control"], each["due"]))
    return [
        ClosedView(
            control=each["control"],
            title=scene.control_title(each["control"]),
            hosts=scene.hosts(each.get("hosts") or ()),
            owner=each["owner"],
            due=scene.say.day(each["due"]),
            note=str(each.get("note") or ""),
        )
        for each in found
    ]
