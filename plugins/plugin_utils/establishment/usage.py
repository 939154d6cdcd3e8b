# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard groups a host belongs to, told from what its variables say of its use."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout

_YES = frozenset({"1", "on", "true", "y", "yes", "t"})


def groups(values: Mapping[str, Any], today: date) -> set[str]:
    """Return the standard groups that ``etab_usage``, ``etab_mobile`` and ``etab_end_of_support`` put a host into.

    Raises CatalogueError for a usage nobody knows.
    """
    used = values.get("etab_usage")
    found: set[str] = set()
    if used:
        if str(used) not in layout.USAGES:
            raise CatalogueError(f"etab_usage: unknown value {shown(used)}; {nearest(str(used)[:60], layout.USAGES)}")
        found |= layout.USAGES[str(used)]
    if str(values.get("etab_mobile", "")).lower() in _YES:
        found.add("nomades")
    # a day later than the group has it: a run may have sorted its hosts before midnight
    if str(values.get("etab_end_of_support") or "9999-12-31") < (today - timedelta(days=1)).isoformat():
        found.add("obsoletes")
    return found
