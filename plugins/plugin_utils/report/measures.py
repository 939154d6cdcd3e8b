# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The twelve measures and where each stands."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Score
from markupsafe import Markup

UNCOVERED = "uncovered"
UNSEEN = "unseen"
VOID = "void"
FAIL = "fail"
UNVERIFIED = "unverified"
WAIVED = "waived"
BUT_WAIVED = "but_waived"
OK = "ok"


@dataclass(frozen=True, slots=True)
class MeasureView:
    """A measure as the first page shows it; ``state`` is one of the words above."""

    id: str
    title: Markup
    state: str
    score: Score
    controls: int

    @property
    def covered(self) -> bool:
        """Whether this tool has a control of it."""
        return self.state != UNCOVERED


def measures(scene: Scene) -> list[MeasureView]:
    """Return every measure of the catalogue, and any other that the document has results of, in order."""
    catalogue = scene.material.catalogue
    views = []
    for identifier in sorted({*catalogue.measures, *scene.by_measure}):
        known = catalogue.measures.get(identifier)
        controls = sum(control.measure == identifier for control in catalogue.controls.values())
        score = scene.by_measure.get(identifier, Score())
        title = scene.say.title(known.title) if known else safe(identifier)
        views.append(MeasureView(identifier, title, state(score, controls), score, controls))
    return views


def state(score: Score, controls: int) -> str:
    """Return where a measure stands. Green needs something compliant, nothing failing and nothing left unverified."""
    if not score.total:
        return UNSEEN if controls else UNCOVERED
    if score.non_compliant:
        return FAIL
    if score.not_verified:
        return UNVERIFIED if score.verified_percent else UNSEEN
    if score.waived:
        return BUT_WAIVED if score.compliant else WAIVED
    return OK if score.compliant else VOID
