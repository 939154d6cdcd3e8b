# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Print the whole catalogue as JSON, with the values of one profile filled in: ``make -s catalogue``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT / "collections") not in sys.path:  # run as a program, no conftest has done it
    sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.essms.hardening.plugins.plugin_utils import bodies, evidence  # noqa: E402  # after the path
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import (  # noqa: E402  # after the path
    Catalogue,
    CatalogueError,
    Control,
    Parameter,
    Part,
    load,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import nearest, shown  # noqa: E402

SCHEMA = "essms-catalogue/1"


def document(catalogue: Catalogue, profile: str) -> dict[str, Any]:
    """Return the catalogue as plain data, schema ``essms-catalogue/1``.

    Raises CatalogueError for an unknown profile.
    """
    if profile not in catalogue.profiles:
        raise CatalogueError(f"unknown profile {shown(profile)}; {nearest(profile, catalogue.profiles)}")
    return {
        "schema": SCHEMA,
        "profile": profile,
        "controls": [_control(catalogue, control, profile) for control in catalogue.controls.values()],
    }


def _control(catalogue: Catalogue, control: Control, profile: str) -> dict[str, Any]:
    return {
        "id": control.id,
        "measure": control.measure,
        "role": control.role,
        "title": control.title,
        "why": control.why,
        "origin": control.origin,
        "references": control.references,
        "risk": control.risk,
        "parameters": {name: _parameter(catalogue.parameters[name], profile) for name in control.parameters},
        **{platform: _part(catalogue, part, profile) for platform, part in control.platforms.items()},
    }


def _parameter(parameter: Parameter, profile: str) -> dict[str, Any]:
    return {
        "value": parameter.values[profile],
        "type": parameter.type,
        "unit": parameter.unit,
        "description": parameter.description,
        "origin": parameter.origin_in(profile),
        "bounds": {key: value for key, value in parameter.bounds.items() if key != "type"},
        "accepted": parameter.accepted_in(profile),
        "profiles": parameter.values,
    }


def _part(catalogue: Catalogue, part: Part, profile: str) -> dict[str, Any]:
    values = catalogue.values(part, profile)
    first, *weaker = evidence.of_part(part, values)
    return {
        "evidence": first,
        "evidence_in_part": weaker,
        "settings": [{setting.kind: bodies.substitute(setting.body, values)} for setting in part.settings],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the catalogue; return 1 with one line on standard error when it is not valid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="combine", help="profile whose values are filled in (default: combine)")
    options = parser.parse_args(arguments)
    try:
        found = document(load(), options.profile)
    except CatalogueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
