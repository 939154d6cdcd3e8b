# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far tests have shown what a result says, on the very release of its host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import bodies
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Part

NOT_EXERCISED = "not-exercised"
LEVELS = ("proven", "enforced-ad", "cross-checked", "simulated", NOT_EXERCISED)
"""From the strongest to the weakest."""
HOLDS_ON = {
    "proven": frozenset({("debian", "12"), ("debian", "13")}),
    "simulated": frozenset({("debian", "12")}),
}
"""Releases on which the tests of a level run. Elsewhere, and for a level that is not here, nothing was exercised."""


def weakest(levels: Iterable[str]) -> str:
    """Return the weakest of some levels, of which there is at least one."""
    return max(levels, key=LEVELS.index)


def on_release(level: str, release: Mapping[str, str]) -> str:
    """Return what is left of a level on a release; a host that told none counts as one nobody has tried."""
    known = (release.get("id", ""), release.get("version", "")) in HOLDS_ON.get(level, ())
    return level if known else NOT_EXERCISED


def of_rows(level: str, rows: Iterable[Mapping[str, Any]], release: Mapping[str, str]) -> str:
    """Return what a control of this level shows on a host: no more than the weakest of the rows that apply there."""
    kinds = [KINDS[row["kind"]].shown(row["name"]) for row in rows if row["state"] != "not_applicable"]
    return weakest(on_release(each, release) for each in (level, *kinds))


def of_part(part: Part, values: Mapping[str, Any]) -> list[str]:
    """Return every level among the rows of a control with these values of its parameters, the strongest first."""
    shown = {
        weakest((part.evidence, KINDS[setting.kind].shown(name)))
        for setting in part.settings
        for name in KINDS[setting.kind].expand(bodies.substitute(setting.body, values))
    }
    return sorted(shown, key=LEVELS.index)
