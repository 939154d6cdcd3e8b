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
_COLON = "\N{NO-BREAK SPACE}: "
_MAIL = "Une boîte partagée plutôt que celle d’une personne, par exemple direction@tilleuls.example."
_NAME = "Lettres minuscules, chiffres, tirets et points, par exemple poste-1."
_ADDRESS = "Une adresse IP ou un nom, par exemple 192.0.2.21."
_DAYS = {"lun": "Mon", "mar": "Tue", "mer": "Wed", "jeu": "Thu", "ven": "Fri", "sam": "Sat", "dim": "Sun"}


def asked(slug: str, profiles: Sequence[str], ask: Callable[[str], str]) -> dict[str, Any]:
    """Return the answers of a person, as ``scaffold.read_answers`` does those of a file.

    ``ask`` shows a question and returns the line typed. What is not allowed is said and asked again; EOFError and
    KeyboardInterrupt of ``ask`` pass through.
    """
    own = json.loads(layout.schema("establishment"))["properties"]
    host = json.loads(layout.schema("answers"))["properties"]["hosts"]
    contact = own["contacts"]["items"]["properties"]

    def question(
        text: str, rule: dict[str, Any], advice: str = "", default: str = "", read: Callable[[str], Any] = str
    ) -> Any:
        hint = f" [{default}]" if default else ""
        while True:
            given = ask(f"{text}{hint}{_COLON}").strip() or default
            try:
                value = read(given)
                if not schemas.problem(rule, value):
                    return value
            except (ValueError, KeyError):
                pass  # no number, no day: said like any other answer that is not allowed
            sys.stderr.write(f"  {advice or _advice(rule)}\n")

    words = [word.upper() if word.upper() in _CATEGORIES else word.title() for word in slug.split("-")]
    establishment: dict[str, Any] = {
        "name": question("Nom de l’établissement", own["name"], "De 2 à 120 caractères.", " ".join(words)),
        "finess": question("Numéro FINESS", own["finess"], "Neuf chiffres, par exemple 990000017."),
        "category": question("Catégorie", own["category"], default=words[0] if words[0] in _CATEGORIES else "autre"),
        "size": {
            "places": question("Nombre de places", own["size"]["properties"]["places"], read=int),
            "staff": question("Nombre de salariés", own["size"]["properties"]["staff"], read=int),
        },
        "profile": question("Profil", {"enum": list(profiles)}, default="combine"),
        "maintenance_window": {
            "days": question(
                "Jours de maintenance",
                own["maintenance_window"]["properties"]["days"],
                f"Un ou plusieurs jours, chacun une fois, parmi{_COLON}{' '.join(_DAYS)}.",
                "mar jeu",
                lambda text: [_DAYS[day[:3].lower()] for day in text.replace(",", " ").split()],
            ),
            "hour": question("Heure de début", own["maintenance_window"]["properties"]["hour"], default="3", read=int),
        },
        "contacts": [
            {"role": role, "mail": question(f"Adresse électronique de {who}", contact["mail"], _MAIL)}
            for role, who in (("director", "la direction"), ("it_referent", "la personne référente informatique"))
        ],
    }
    name = question("Première machine, son nom", host["propertyNames"], _NAME, "poste-1")
    facts = host["additionalProperties"]["properties"]
    return {
        "establishment": establishment,
        "hosts": {
            name: {
                "address": question("Son adresse", facts["address"], _ADDRESS),
                "usage": question("Son usage", facts["usage"], default="soins"),
            }
        },
    }


def _advice(rule: dict[str, Any]) -> str:
    """Return in French what a question accepts: one of a few words, or a number."""
    if "enum" in rule:
        return f"Choisissez parmi{_COLON}{', '.join(rule['enum'])}."
    return f"Un nombre entier de {rule['minimum']} à {rule['maximum']}."
