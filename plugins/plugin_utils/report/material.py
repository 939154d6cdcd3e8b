# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything a report is made of, gathered before the first line of it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Action, Change, Point, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document


@dataclass(frozen=True)
class Material:
    """What is known of an establishment when a report is made.

    :ivar document: the latest verdict of every control on every host; each result may say when it was ``seen``.
    :ivar establishment: the content of establishment.yml; empty without one.
    :ivar trend: oldest first; the last one is the state reported.
    :ivar drift: what the last run changed against what was known before it.
    :ivar closed: the entries of action_plan.yml that are done: their control passes everywhere it applies.
    :ivar now: aware; waivers and due dates are judged on it.
    :ivar missing: a sentence when the history could not be used, or ends with another run than the one reported, so
        that the report says what it lacks.
    """

    document: Document
    catalogue: Catalogue
    now: datetime
    establishment: Mapping[str, Any]
    trend: Sequence[Point] = ()
    drift: Sequence[Change] = ()
    actions: Sequence[Action] = ()
    closed: Sequence[Mapping[str, Any]] = ()
    sightings: Sequence[Sighting] = ()
    missing: str = ""
