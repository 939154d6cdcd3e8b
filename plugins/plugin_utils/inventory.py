# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible knows of the inventory of a run: the only place that knows its private names for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict

from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Owners

COMMON = "_common"
"""The folder beside the establishments that holds what they have in common."""
_IMPLICIT = frozenset({"all", "ungrouped"})


def of_task(variables: Mapping[str, Any]) -> Any:
    """Return the inventory of a run from the variables of a task."""
    return variables["hostvars"]._inventory


def owners(host: Any) -> Owners:
    """Return which variables stand in an inventory file with a host and with its groups."""
    nearest_first = sorted(host.get_groups(), key=lambda group: (-group.depth, -group.priority, group.name))
    return Owners(host.name, host.vars, {group.name: group.vars for group in nearest_first})


def folder_of(variables: Mapping[str, Any]) -> Path | None:
    """Return the folder of the inventory that named a host, from its variables; None for names on a command line.

    Of those Ansible says "None", as a text.
    """
    given = Path(str(variables.get("inventory_dir") or ""))
    return given if given.is_absolute() and given.is_dir() else None


def groups_of(host: Any) -> list[str]:
    """Return the groups of a host, those that every host has left out."""
    return sorted(group.name for group in host.get_groups() if group.name not in _IMPLICIT)


def folders(inventory: Any) -> dict[Path, list[str]]:
    """Return the hosts of an inventory by the folder in which they were first named, --limit notwithstanding."""
    found: dict[Path, list[str]] = {}
    for name, host in inventory.hosts.items():
        folder = folder_of(host.vars)
        if folder and not host.implicit:
            found.setdefault(folder, []).append(name)
    return found


class Members(TypedDict):
    """Hosts with their groups, and all groups, those that every host has left out."""

    hosts: dict[str, list[str]]
    groups: list[str]


def fleet(inventory: Any, folder: Path | None) -> Members:
    """Return the hosts and groups of an establishment's inventory; of the whole inventory when it has no folder."""
    names = folders(inventory).get(folder, []) if folder else list(inventory.hosts)
    return {
        "hosts": {name: groups_of(inventory.get_host(name)) for name in names},
        "groups": sorted(set(inventory.groups) - _IMPLICIT),
    }


def one_establishment(inventory: Any) -> None:
    """Refuse a run over the hosts of two establishments: variables and secrets of one would reach the other.

    Raises CatalogueError.
    """
    found = sorted(folders(inventory).items())
    if len(found) > 1:
        told = " and ".join(f"{shown(folder.name)} ({hosts[0]})" for folder, hosts in found[:3])
        raise CatalogueError(
            f"the inventory holds hosts of several establishments, {told}: give one establishment with -i,"
            " and run once for each"
        )


def check_common(host: Any, inventory: Any) -> None:
    """Refuse a run that leaves out what the establishments have in common for a group of the host.

    Raises CatalogueError: without these values the host would be weaker, or stricter, than anybody expects.
    """
    folder = folder_of(host.vars)
    if folder is None:
        return
    common = folder.parent / COMMON
    written = {path.stem for path in (common / "group_vars").glob("*")}
    if not written or common.resolve() in {Path(source).resolve() for source in _sources(inventory)}:
        return
    for group in groups_of(host):
        if group in written:
            raise CatalogueError(
                f"{folder.name}: group {group} has values in {COMMON} that this run leaves out:"
                f" add -i {common} before -i {folder}"
            )


def _sources(inventory: Any) -> list[str]:
    return [source for source in inventory._sources if "," not in source]
