# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small catalogue in a temporary folder, to be broken one rule at a time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue

CHECKOUT = Path(__file__).resolve().parents[2]
PROFILES = ("anssi-2021", "combine", "instruction-2017", "renforce")
TEXT = {"fr": "Une phrase", "en": "A sentence"}
LENGTH = {
    "id": "M08-01",
    "title": TEXT,
    "why": TEXT,
    "origin": "instruction",
    "references": {"instruction": "M08", "cis_debian_12": ["5.3.3.2.2"]},
    "parameters": {
        "essms_length": {
            "description": TEXT,
            "type": "int",
            "minimum": 8,
            "maximum": 64,
            "profiles": {"instruction-2017": 10, "combine": 12, "anssi-2021": 12, "renforce": 14},
        }
    },
    "linux": {"evidence": "proven", "settings": [{"pwquality": {"minlen": "{{ essms_length }}"}}]},
}
REMOVE = object()
"""Value that takes a key away."""


class Folder:
    """A collection with the real schemas, profiles and measures, and the control files a test writes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(CHECKOUT / "schema", root / "schema")
        shutil.copytree(CHECKOUT / "profiles", root / "profiles")
        shutil.copy(CHECKOUT / "measures.yml", root)

    def text(self, text: str, name: str = "M08-01_length.yml", role: str = "password_policy") -> Path:
        """Write a control file as it is."""
        path = self.root / "roles" / role / "controls" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def control(self, name: str = "M08-01_length.yml", role: str = "password_policy", **changes: Any) -> Path:
        """Write the sample control; ``a__b=value`` changes the key ``b`` of the key ``a``."""
        data: dict[str, Any] = json.loads(json.dumps(LENGTH))
        for dotted, value in changes.items():
            change(data, dotted.split("__"), value)
        return self.text(yaml.safe_dump(data, allow_unicode=True), name, role)

    def load(self) -> catalogue.Catalogue:
        """Load the folder."""
        return catalogue.load(self.root)

    def error(self) -> str:
        """Return the sentence the folder is refused with."""
        try:
            self.load()
        except catalogue.CatalogueError as error:
            return str(error)
        return "accepted"


def change(data: Any, keys: list[str], value: Any) -> None:
    """Set or remove the key at the end of a path."""
    *path, last = keys
    for key in path:
        data = data[key]
    if value is REMOVE:
        del data[last]
    else:
        data[last] = value
