# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each control as a page shows it: what for, what was found where, how to close it, who asks for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils import references
from ansible_collections.essms.hardening.plugins.plugin_utils.report.fixing import Fix, fix
from ansible_collections.essms.hardening.plugins.plugin_utils.report.outcomes import ORDER, Findings, Outcome, worst
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.report.values import Held, told
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class ControlView:
    """A control with everything found of it. ``counts`` gives the hosts of each verdict, the worst verdict first."""

    id: str
    measure: str
    title: Markup
    why: Markup
    origin: str
    texts: list[Markup]
    risk: bool
    verdict: str
    counts: list[tuple[str, int]]
    outcomes: list[Outcome]
    fix: Fix
    values: list[Held]


def controls(scene: Scene) -> list[ControlView]:
    """Return every control of the catalogue and every other one that the document has results of, by id."""
    findings = Findings(scene.fleet, scene.say)
    identifiers = sorted({*scene.material.catalogue.controls, *scene.by_control})
    return [_view(identifier, findings, scene) for identifier in identifiers]


def _view(identifier: str, findings: Findings, scene: Scene) -> ControlView:
    say, known = scene.say, scene.material.catalogue.controls.get(identifier)
    found = scene.by_control.get(identifier, [])
    outcomes = findings.outcomes(found)
    counted = Counter(dict.fromkeys(ORDER, 0))
    for outcome in outcomes:
        counted[outcome.verdict] += len(outcome.hosts)
    origin = known.origin if known else found[0]["origin"]
    return ControlView(
        id=identifier,
        measure=known.measure if known else found[0]["measure"],
        title=scene.control_title(identifier),
        why=say.title(known.why) if known else Markup(""),
        origin=origin if origin in ("instruction", "pgssi-s") else "state-of-the-art",
        texts=[say.own(say.words.title({"fr": text, "en": text})) for text in references.cited(known.references)]
        if known
        else [],
        risk=bool(known and known.risk),
        verdict=worst(outcomes),
        counts=[(verdict, number) for verdict, number in counted.items() if number],
        outcomes=outcomes,
        fix=fix(identifier, outcomes, scene.material.document["establishment"], say),
        values=told(found, scene),
    )
