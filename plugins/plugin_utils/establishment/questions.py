# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The few questions, in French, that a new establishment starts from; each with an answer that enter gives."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout

_CATEGORIES = frozenset(json.loads(layout.schema("establishment"))["properties"]["category"]["enum"])
_DAYS = {"lun": "Mon", "mar": "Tue", "mer": "Wed", "jeu": "Thu", "ven": "Fri", "sam": "Sat", "dim": "Sun"}


def asked(slug: str, profiles: Sequence[str], ask: Callable[[str], str]) -> dict[str, Any]:
    """Return the answers of a person, as ``scaffold.read_answers`` does those of a file.

    ``ask`` shows a question and returns the line typed. What is not allowed is said and asked again; EOFError and
    KeyboardInterrupt of ``ask`` pass through.
    """
    own = json.loads(layout.schema("establishment"))["properties"]
    host = json.loads(layout.schema("answers"))["properties"]["hosts"]
    contact = own["contacts"]["items"]["properties"]

    def question(text: str, rule: dict[str, Any], default: str = "", read: Callable[[str], Any] = str) -> Any:
        hint = f" [{default}]" if default else ""
        while True:
            given = ask(f"{text}{hint} : ").strip() or default
            try:
                value = read(given)
                wrong = schemas.problem(rule, value)
            except (ValueError, KeyError):
                wrong = "réponse illisible"
            if not wrong:
                return value
            sys.stderr.write(f"  {_choices(rule) or wrong}\n")

    words = [word.upper() if word.upper() in _CATEGORIES else word.title() for word in slug.split("-")]
    establishment: dict[str, Any] = {
        "name": question("Nom de l’établissement", own["name"], " ".join(words)),
        "finess": question("Numéro FINESS (9 chiffres)", own["finess"]),
        "category": question("Catégorie", own["category"], words[0] if words[0] in _CATEGORIES else "autre"),
        "size": {
            "places": question("Nombre de places", own["size"]["properties"]["places"], read=int),
            "staff": question("Nombre de salariés", own["size"]["properties"]["staff"], read=int),
        },
        "profile": question("Profil", {"enum": list(profiles)}, "combine"),
        "maintenance_window": {
            "days": question(
                "Jours de maintenance (lun mar mer jeu ven sam dim)",
                own["maintenance_window"]["properties"]["days"],
                "mar jeu",
                lambda text: [_DAYS[day[:3].lower()] for day in text.replace(",", " ").split()],
            ),
            "hour": question("Heure de début (0 à 23)", own["maintenance_window"]["properties"]["hour"], "3", int),
        },
        "contacts": [
            {"role": role, "mail": question(f"Adresse électronique de {who}", contact["mail"])}
            for role, who in (("director", "la direction"), ("it_referent", "la personne référente informatique"))
        ],
    }
    name = question("Première machine, son nom", host["propertyNames"], "poste-1")
    facts = host["additionalProperties"]["properties"]
    return {
        "establishment": establishment,
        "hosts": {
            name: {
                "address": question("Son adresse (IP ou nom)", facts["address"]),
                "usage": question("Son usage", facts["usage"], "soins"),
            }
        },
    }


def _choices(rule: dict[str, Any]) -> str:
    """Return in French what a question accepts, when it is one of a few words."""
    return f"Choisissez parmi : {', '.join(rule['enum'])}." if "enum" in rule else ""
