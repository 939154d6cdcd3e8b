# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an establishment says of itself in its establishment.yml, as a page shows it."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from markupsafe import Markup

ROLES = ("director", "it_referent", "security_correspondent", "dpo", "provider", "biomedical", "on_call")


@dataclass(frozen=True, slots=True)
class Site:
    """Whom to ask, each a function and how to reach it, and what deserves particular care, each with why."""

    contacts: list[tuple[Markup, Markup]]
    sensitivities: list[tuple[Markup, Markup]]


def site(scene: Scene) -> Site:
    """Return what is known; empty lists without an establishment.yml."""
    content = scene.material.establishment
    return Site(
        [(_role(each["role"], scene), _reach(each)) for each in content.get("contacts", ())],
        [(safe(each["what"]), safe(each["why"])) for each in content.get("sensitivities", ())],
    )


def size(scene: Scene) -> Markup:
    """Return « 84 places, 62 professionnels », or nothing when it is not known."""
    known = scene.material.establishment.get("size")
    return scene.say("size", known["places"], known["staff"]) if known else Markup("")


def _role(role: str, scene: Scene) -> Markup:
    return scene.say(f"contact_{role}") if role in ROLES else safe(role, 60)


def _reach(contact: dict[str, str]) -> Markup:
    return Markup(" · ").join(safe(contact[way], 120) for way in ("mail", "phone") if contact.get(way))
