# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An establishment as its folder describes it, read as cheaply as every worker process of a run needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import reading
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout

_FEEDS = {
    "essms_profile": ("profile",),
    "essms_maintenance_days": ("maintenance_window", "days"),
    "essms_maintenance_hour": ("maintenance_window", "hour"),
}


NO_FOLDER = "here"
"""How hosts are reported that belong to no inventory folder: those named on the command line."""


class Default(NamedTuple):
    """The value of a variable that establishment.yml feeds; ``source`` is its file and line."""

    value: Any
    source: str


@dataclass(frozen=True)
class Establishment:
    """One establishment.

    ``content`` is that of establishment.yml, empty when the folder has none: a plain inventory is one too.
    """

    folder: Path
    content: Mapping[str, Any]
    file: reading.File | None = None

    @property
    def slug(self) -> str:
        """The name of the folder, which is also that of its reports and the id of its vault."""
        return self.folder.name

    @property
    def identity(self) -> dict[str, str]:
        """Name, FINESS number and category as texts, empty where nothing says them."""
        return {key: str(self.content.get(key, "")) for key in ("name", "finess", "category")}

    @cached_property
    def defaults(self) -> dict[str, Default]:
        """The variables that establishment.yml feeds, below whatever the inventory itself says of them."""
        found = {}
        for variable, path in _FEEDS.items():
            value: Any = self.content
            for key in path:
                value = value.get(key) if isinstance(value, Mapping) else None
            if value is not None and self.file is not None:
                found[variable] = Default(value, f"{layout.IDENTITY}:{self.file.line(path)}")
        return found

    @cached_property
    def decisions(self) -> list[dict[str, Any]]:
        """The lines of action_plan.yml. Raises CatalogueError when they break their schema."""
        return read_list(self.folder / layout.ACTION_PLAN, layout.ACTION_PLAN, "action_plan")


def load(folder: Path) -> Establishment:
    """Return the establishment of an inventory folder.

    Raises CatalogueError, with file, line and key, when its establishment.yml is not valid; one that is missing is not.
    """
    path = folder / layout.IDENTITY
    if not path.is_file():
        return Establishment(folder, {})
    file = reading.load(path, layout.IDENTITY)
    broken = file.problems(layout.schema("establishment"))
    if broken:
        raise CatalogueError(broken[0])
    return Establishment(folder, file.data, file)


def read_list(path: Path, name: str, schema: str) -> list[dict[str, Any]]:
    """Return the entries of a file that is a list; none when it is absent or empty. Raises CatalogueError."""
    if not path.is_file():
        return []
    file = reading.load(path, name)
    broken = list_problems(file, schema)
    if broken:
        raise CatalogueError(broken[0])
    return list(file.data or [])


def list_problems(file: reading.File, schema: str) -> list[str]:
    """Return what is wrong with a file that is a list; one that holds nothing but comments is an empty one."""
    return [] if file.data is None else file.problems(layout.schema(schema))
