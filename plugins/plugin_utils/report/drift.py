# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last run changed, in the order in which people ask: worse, better, other, new, gone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Change
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from markupsafe import Markup

DIRECTIONS = ("worse", "better", "other", "appeared", "gone")
_OPEN = (verdicts.NON_COMPLIANT, verdicts.NOT_VERIFIED)


@dataclass(frozen=True, slots=True)
class Move:
    """A control whose verdict went the same way on some hosts; ``None``: unknown then."""

    control: str
    title: Markup
    before: str | None
    after: str | None
    hosts: Markup


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves in one direction."""

    direction: str
    moves: list[Move]


def drift(scene: Scene) -> list[Moves]:
    """Return the directions in which something moved, each with its moves by control."""
    groups: dict[str, dict[tuple[str, str | None, str | None], list[str]]] = defaultdict(lambda: defaultdict(list))
    for change in scene.material.drift:
        groups[direction(change)][change.control, _known(change.before), _known(change.after)].append(change.host)
    return [
        Moves(
            name,
            [
                Move(control, scene.control_title(control), before, after, scene.hosts(hosts))
                for (control, before, after), hosts in sorted(groups[name].items(), key=lambda item: item[0][0])
            ],
        )
        for name in DIRECTIONS
        if name in groups
    ]


def without(scene: Scene) -> str:
    """Return which phrase says that nothing moved: nothing did, or there is nothing to compare with."""
    if len(scene.material.trend) > 1:
        return "drift_none"
    return "drift_unknown" if scene.material.missing else "drift_first"


def _known(verdict: str | None) -> str | None:
    return verdict if verdict is None or verdict in verdicts.VERDICTS else verdicts.NOT_VERIFIED


def direction(change: Change) -> str:
    """Return which way a verdict went. From a gap to a waiver is no improvement: nothing on the host got better."""
    if change.before is None:
        return "appeared"
    if change.after is None:
        return "gone"
    if change.after in _OPEN and change.before not in _OPEN:
        return "worse"
    if change.before == verdicts.NOT_VERIFIED and change.after == verdicts.NON_COMPLIANT:
        return "other"  # it is known now, and may have been so before
    if change.before in _OPEN and change.after == verdicts.COMPLIANT:
        return "better"
    return "other"
