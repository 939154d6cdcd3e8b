# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the catalogue is made of: plain frozen records, cheap to pickle and to share with forked workers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Text = dict[str, str]
"""A sentence in the two languages: ``{"fr": …, "en": …}``."""

PLATFORMS = ("linux", "windows", "directory", "establishment")


@dataclass(frozen=True, slots=True)
class Setting:
    """One typed desired state; ``body`` may still hold ``{{ parameter }}``."""

    kind: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """What a control does on one platform, how far that is proven, and the parameters its settings use.

    ``groups`` names the parameter that lists the inventory groups it is for; every host when empty.
    """

    evidence: str
    settings: tuple[Setting, ...]
    uses: tuple[str, ...]
    groups: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value an establishment may change.

    ``bounds`` is a JSON Schema no value may leave; ``accepted`` maps a profile (or ``default``) to the JSON Schema
    outside which a written reason is needed; ``values`` maps each profile to its own value; ``personal`` says that the
    entries of a list name people.
    """

    name: str
    control: str
    type: str
    description: Text
    unit: str
    bounds: dict[str, Any]
    bounds_key: str
    accepted: dict[str, dict[str, Any]]
    values: dict[str, Any]
    origins: dict[str, str]
    personal: bool = False

    def shown(self, value: Any) -> Any:
        """Return a value as results may hold it: of what names people, only how much there is."""
        return len(value) if self.personal else value

    def accepted_in(self, profile: str) -> dict[str, Any]:
        """Return the range that needs no reason under ``profile``; an empty schema accepts everything."""
        return self.accepted.get(profile, self.accepted.get("default", {}))

    def origin_in(self, profile: str) -> str:
        """Return where the profile's own value comes from: instruction, pgssi-s or state-of-the-art."""
        return self.origins.get(profile, self.origins["default"])


@dataclass(frozen=True, slots=True)
class Control:
    """One requirement. ``path`` is relative to the collection; ``parameters`` are the names it owns."""

    id: str
    measure: str
    role: str
    title: Text
    why: Text
    origin: str
    references: dict[str, Any]
    risk: str
    parameters: tuple[str, ...]
    platforms: dict[str, Part]
    path: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Named defaults, the texts they follow and the text they set aside."""

    id: str
    title: Text
    why: Text
    sources: tuple[str, ...]
    deviation: Text


@dataclass(frozen=True, slots=True)
class Measure:
    """One of the twelve measures of the instruction."""

    id: str
    role: str
    title: Text


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every control, parameter, profile and measure, by id and in order."""

    controls: dict[str, Control]
    parameters: dict[str, Parameter]
    profiles: dict[str, Profile]
    measures: dict[str, Measure]

    def values(self, part: Part, profile: str) -> dict[str, Any]:
        """Return the values that a profile gives to the parameters a part uses."""
        return {name: self.parameters[name].values[profile] for name in part.uses}
