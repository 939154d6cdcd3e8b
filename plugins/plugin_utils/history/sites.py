# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory folders of the establishments say today; one that cannot be read costs itself only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import reports
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import folder as establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout, waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver

UNSEEN_DAYS = 30
"""Days after which a host that no run verified is missed, where an establishment says nothing else."""


@dataclass(frozen=True, slots=True)
class Site:
    """One establishment as its folder describes it today.

    :ivar folder: None when no inventory folder is known for it.
    :ivar described: whether it has an establishment.yml, or that cannot be known.
    :ivar identity: name, finess and category; empty when they are not known.
    :ivar declared: its waivers; None when they are not known.
    :ivar decisions: the lines of action_plan.yml.
    :ivar problems: a sentence for each file that cannot be used.
    """

    folder: Path | None = None
    described: bool = False
    identity: Mapping[str, Any] = field(default_factory=dict)
    unseen_days: int = UNSEEN_DAYS
    declared: Sequence[Waiver] | None = None
    decisions: Sequence[Mapping[str, Any]] = ()
    problems: Sequence[str] = ()


def sites(inventories: Path | None) -> dict[str, Site]:
    """Return the establishments of an inventory folder by the name of their report folder.

    Raises OSError when the folder itself cannot be read.
    """
    if inventories is None:
        return {}
    found = {}
    for path in sorted(inventories.iterdir()):
        if path.name.startswith((".", "_")):
            continue
        try:
            if path.is_dir():
                found[reports.folder_name(path.name)] = _site(path)
        except OSError as error:
            found[reports.folder_name(path.name)] = Site(path, described=True, problems=[_unreadable(path, error)])
    return found


def _unreadable(path: Path, error: OSError) -> str:
    return f"{error.filename or path}: cannot be read: {error.strerror}; check the path and its rights."


def _site(path: Path) -> Site:
    problems: list[str] = []
    identity: dict[str, str] = {}
    days, declared, decisions = UNSEEN_DAYS, None, []
    try:
        site = establishment.load(path)
        identity, days = site.identity, int(site.content.get("hosts_unseen_days") or UNSEEN_DAYS)
        declared = waivers.load(path)
        decisions = site.decisions
    except CatalogueError as error:
        problems.append(f"{path.name}: {error}")
    return Site(path, (path / layout.IDENTITY).exists(), identity, days, declared, decisions, problems)
