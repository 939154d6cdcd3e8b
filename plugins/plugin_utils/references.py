# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The texts that controls refer to, by the name they bear in any language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SOURCES = {
    "instruction": "instruction SG/HFDS/DGCS/2017/219",
    "pgssi_s": "PGSSI-S",
    "recyf": "ReCyF v2.5",
    "anssi_bp28_v2": "ANSSI-BP-028 v2.0",
    "anssi_hygiene": "ANSSI, guide d'hygiène informatique",
    "anssi_passwords_2021": "ANSSI, authentification multifacteur et mots de passe (2021)",
    "anssi_ad_points": "CERT-FR, points de contrôle Active Directory",
    "cnil_s": "CNIL, guide de la sécurité des données personnelles",
    "cnil_2022_100": "CNIL, délibération 2022-100",
    "cis_debian_12": "CIS Debian 12",
    "cis_debian_13": "CIS Debian 13",
    "cis_ubuntu_24_04": "CIS Ubuntu 24.04",
    "cis_rhel_9": "CIS RHEL 9",
    "cis_windows_11": "CIS Windows 11",
}


def cited(references: Mapping[str, Any]) -> list[str]:
    """Return each text a control refers to with the places in it, such as « CIS Debian 12 5.3.3.2.2 »."""
    return [f"{SOURCES.get(source, source)} {_places(places)}" for source, places in references.items()]


def _places(places: object) -> str:
    return ", ".join(str(place) for place in places) if isinstance(places, list) else str(places)
