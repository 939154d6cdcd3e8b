# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible knows of the inventory of a run: the only place that knows its private names for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, TypedDict

from ansible.errors import AnsibleError
from ansible.plugins.inventory import detect_range, expand_hostname_range
from ansible_collections.essms.hardening.plugins.plugin_utils import sources
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import inventory as files
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout, usage
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Owners

_IMPLICIT = frozenset({"all", "ungrouped"})


def of_task(variables: Mapping[str, Any]) -> Any:
    """Return the inventory of a run from the variables of a task."""
    return variables["hostvars"]._inventory


def given(inventory: Any) -> list[str]:
    """Return what stood after each -i of a run; no variable can change it."""
    return [str(source) for source in inventory._sources if source]


def owners(host: Any) -> Owners:
    """Return which variables stand in an inventory file with a host and with its groups."""
    nearest_first = sorted(host.get_groups(), key=lambda group: (-group.depth, -group.priority, group.name))
    return Owners(host.name, host.vars, {group.name: group.vars for group in nearest_first})


def groups_of(host: Any) -> list[str]:
    """Return the groups of a host, those that every host has left out."""
    return sorted(group.name for group in host.get_groups() if group.name not in _IMPLICIT)


def hosts(inventory: Any) -> list[str]:
    """Return the names of all hosts of an inventory, --limit notwithstanding."""
    return [name for name, host in inventory.hosts.items() if not host.implicit]


class Members(TypedDict):
    """Hosts with their groups, and all groups, those that every host has left out."""

    hosts: dict[str, list[str]]
    groups: list[str]


def fleet(inventory: Any) -> Members:
    """Return the hosts and groups of an inventory."""
    return {
        "hosts": {name: groups_of(inventory.get_host(name)) for name in hosts(inventory)},
        "groups": sorted(set(inventory.groups) - _IMPLICIT),
    }


def check_common(host: Any, inventory: Any, folder: Path | None) -> None:
    """Refuse a run that leaves out what the establishments have in common for a group of the host.

    Raises CatalogueError: without these values the host would be weaker, or stricter, than anybody expects.
    """
    if folder is None:
        return
    common = folder.parent / layout.COMMON
    written = {path.stem for path in (common / "group_vars").glob("*")}
    if not written or common in sources.folders(given(inventory), folder):
        return
    for group in groups_of(host):
        if group in written:
            raise CatalogueError(
                f"{folder.name}: group {group} has values in {layout.COMMON} that this run leaves out:"
                f" add -i {common} before -i {folder}"
            )


def check_groups(host: Any, values: Mapping[str, Any], today: date) -> None:
    """Refuse a host that is not in a standard group its variables put it into: what that group is spared would apply.

    ``values`` are those of its variables in ``layout.HOST_VARIABLES``. Raises CatalogueError.
    """
    missing = sorted(usage.groups(values, today) - set(groups_of(host)))
    if missing:
        said = ", ".join(f"{name}: {shown(values[name])}" for name in layout.HOST_VARIABLES if name in values)
        raise CatalogueError(
            f"{host.name}: is not in the group {missing[0]} although it has {said}: read what Ansible warns of above,"
            f" and give the whole folder of the establishment with its {layout.GROUPS}"
        )


def difference(inventory: Any, folder: Path) -> str:
    """Return the sentence that tells a host written in a folder that Ansible does not have, or the other way round.

    Ansible leaves out what it cannot read, and goes on. Empty when there is no such host.
    """
    written = files.read_sources(folder)
    expected = {name for each in written.hosts for name in _expanded(each)}
    has = set(hosts(inventory))
    for name in sorted(expected - has):
        return f"{folder.name}: Ansible left the host {shown(name)} out: correct what it warns of above"
    if (folder / layout.IDENTITY).is_file() and not written.open_ended:
        for name in sorted(has - expected):
            return f"{folder.name}: the host {shown(name)} stands in no file of the folder: write it in {layout.HOSTS}"
    return ""


def is_whole(inventory: Any, folder: Path | None) -> bool:
    """Return whether Ansible surely knows every host there is in the inventory a run is for."""
    return folder is None or (sources.is_whole(given(inventory), folder) and not difference(inventory, folder))


def _expanded(name: str) -> list[str]:
    try:
        return list(expand_hostname_range(name)) if detect_range(name) else [name]
    except (AnsibleError, ValueError):  # it says it both ways
        return [name]
