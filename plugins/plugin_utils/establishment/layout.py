# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an establishment's folder is made of: the names of its files, and the standard groups of hosts."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import reading
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import COLLECTION

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SLUG_LENGTH = 40
COMMON = "_common"
"""The folder beside the establishments that holds what they have in common."""
IDENTITY = "establishment.yml"
WAIVERS = "waivers.yml"
ACTION_PLAN = "action_plan.yml"
HOSTS = "hosts.yml"
GROUPS = "standard_groups.yml"
"""Ansible reads the files of a folder by name: this one, which sorts the hosts, has to come after those of HOSTS."""
REGISTERS = "registers"
VARIABLES = ("group_vars", "host_vars")
VAULT = "group_vars/all/vault.yml"
OURS = (IDENTITY, WAIVERS, ACTION_PLAN)
FILES = (HOSTS, GROUPS, *OURS, "README.md")
REGISTER_KINDS = ("exercises", "external_checks", "incidents", "management_reviews", "restore_tests", "training")

STANDARD_GROUPS = (
    "postes_soins",
    "postes_administratifs",
    "serveurs",
    "partage_fichiers",
    "nomades",
    "kiosques",
    "controleurs_domaine",
    "equipements_medicaux",
    "obsoletes",
)
USAGES = {
    "soins": {"postes_soins"},
    "administratif": {"postes_administratifs"},
    "serveur": {"serveurs"},
    "partage": {"serveurs", "partage_fichiers"},
    "domaine": {"serveurs", "controleurs_domaine"},
    "kiosque": {"kiosques"},
    "medical": {"equipements_medicaux"},
}
"""What ``etab_usage`` of a host may say, and the standard groups that GROUPS turns it into."""
HOST_VARIABLES = ("etab_end_of_support", "etab_mobile", "etab_usage")


def vault_folder() -> Path:
    """Return the folder that holds one vault password per establishment, outside of every inventory."""
    given = os.environ.get("ESSMS_VAULT_DIR")
    return Path(given) if given else Path.home() / ".config" / "essms-hardening" / "vault"


@lru_cache(maxsize=8)
def schema(name: str) -> str:
    """Return the text of a schema of ours, ready for ``schemas.problems``. Raises CatalogueError."""
    file = f"schema/{name}.schema.json"
    return reading.read_schema(COLLECTION / file, file)
