# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a report folder is: two inventories of one name must never write into each other's reports and history.

``<report folder>/<establishment>/owner.json`` says it from the first run on: the FINESS number where there is one, and
the path of the inventory seen from the report folder, so that both may be moved together.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import json_file, private, sources
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import folder as establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.reports import folder_name

FILE = "owner.json"
_LARGEST = 10_000


def site(given: Sequence[str], root: Path | None) -> sources.Site:
    """Return where the hosts of a run belong, with a problem when the reports of that name are somebody else's.

    :param given: what stood after each -i.
    :param root: the report folder; None keeps nothing.
    """
    found = sources.site(given)
    foreign = problem(root, found.folder) if found.folder and not found.problem else ""
    return sources.Site(found.folder, sources.REFUSED, foreign) if foreign else found


def problem(root: Path | None, folder: Path) -> str:
    """Return why an inventory must not write into the report folder of its name; empty when it may.

    :param root: the report folder; None keeps nothing.
    """
    path = _path(root, folder)
    try:
        if root is None or path is None or not path.exists():
            return ""
    except OSError:
        # where nothing can be read nothing can be written either, and the end of the run says so
        return ""
    try:
        known = json_file.load(path, _LARGEST)
    except json_file.JsonFileError as error:
        return str(error)
    if not isinstance(known, dict):
        known = {}
    own = _owner(root, folder)
    one = "finess" if own["finess"] and known.get("finess") else "inventory"
    if known.get(one) == own[one]:
        return ""
    other = shown(str(known.get(one, "")))
    return (
        f"{folder.name}: {printable(path.parent, 400)} belongs to another establishment of that name"
        f" ({'FINESS' if one == 'finess' else 'inventory'} {other}): rename this folder or set ESSMS_REPORT_DIR;"
        f" if it is the same one, moved or corrected, delete {FILE} there"
    )


def claim(root: Path | None, folder: Path) -> None:
    """Say whose a report folder is, the first time. Raises CatalogueError when it is somebody else's."""
    path = _path(root, folder)
    if root is None or path is None:
        return
    # a folder nobody can write to keeps no results either, and the end of the run says so
    with suppress(OSError):
        private.make(path.parent)
        if not path.exists():
            _create(path, json.dumps(_owner(root, folder), indent=1) + "\n")
    found = problem(root, folder)
    if found:
        raise CatalogueError(found)


def _path(root: Path | None, folder: Path) -> Path | None:
    return root / folder_name(folder.name) / FILE if root else None


def _owner(root: Path, folder: Path) -> dict[str, str]:
    try:
        finess = establishment.load(folder).identity["finess"]
    except CatalogueError:
        # the run is refused for it anyway
        finess = ""
    return {"finess": finess, "inventory": os.path.relpath(os.path.realpath(folder), os.path.realpath(root))}


def _create(path: Path, text: str) -> None:
    """Write a file whole, unless somebody else was faster."""
    descriptor, draft = tempfile.mkstemp(prefix=".unfinished-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()
