# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose hosts a run is for, told from what was given with -i: no variable of an inventory can say otherwise.

A host that two inventories name stands in the first one for Ansible, but has the variables and secrets of both.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ansible.inventory.manager import IGNORED
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import inventory, layout
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import NO_FOLDER
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

REFUSED = "_refused"
"""How a run is reported that is not for the hosts of one establishment."""


class Site(NamedTuple):
    """Where the hosts of a run belong.

    :ivar folder: of the establishment, or of a plain inventory; None when it is not exactly one.
    :ivar name: under which the run is reported.
    :ivar problem: the sentence why the run must not touch a host, else empty.
    """

    folder: Path | None
    name: str
    problem: str = ""


def site(given: Sequence[str]) -> Site:
    """Return where the hosts of a run belong; ``given`` is what stood after each -i."""
    paths = _paths(given)
    found = _establishments(paths)
    if not found:
        return Site(None, NO_FOLDER)
    if len(found) > 1:
        told = " and ".join(shown(folder.name) for folder in found[:3])
        advice = "give one establishment with -i, and run once for each"
        return Site(None, REFUSED, f"the inventory is that of several establishments, {told}: {advice}")
    (folder,) = found
    if len(paths) < len(given):
        sentence = f"the command line names hosts beside the inventory {shown(folder.name)}: give one or the other"
        return Site(None, REFUSED, sentence)
    return Site(folder, folder.name, _incomplete(folder, paths))


def is_whole(given: Sequence[str], folder: Path) -> bool:
    """Return whether a run has everything that a folder names as hosts, and not only some of its files."""
    read = {_real(file) for path in _paths(given) for file in _files(path)}
    return read.issuperset(_real(file) for file in _files(folder))


def folders(given: Sequence[str], folder: Path) -> list[Path]:
    """Return the folder of an establishment, and the common one when the run has it."""
    common = folder.parent / layout.COMMON
    return [folder, common] if _real(common) in map(_real, _paths(given)) and common != folder else [folder]


def bases(folder: Path | None) -> tuple[Path, ...]:
    """Return the folders in which variables of an establishment are written."""
    return (folder, folder.parent / layout.COMMON) if folder else (Path.cwd(),)


def _paths(given: Sequence[str]) -> list[Path]:
    return [Path(os.path.normpath(Path(source).absolute())) for source in given if "," not in source]


def _real(path: Path) -> str:
    """Return where a path leads; unlike ``Path.resolve`` this ends at a link to itself."""
    return os.path.realpath(path)


def _establishments(paths: list[Path]) -> list[Path]:
    """Return the folders the hosts come from, each once, what they have in common left out."""
    found: dict[str, Path] = {}
    for path in paths:
        for file in [*_files(path)] or [path]:
            folder = _folder(file)
            found.setdefault(_real(folder), folder)
    beside = {folder.parent for folder in found.values() if folder.name != layout.COMMON}
    own = [folder for folder in found.values() if folder.name != layout.COMMON or folder.parent not in beside]
    return own if len(own) < 2 else [folder for folder in own if _says_anything(folder)]


def _folder(path: Path) -> Path:
    """Return the establishment a file is part of, else the folder it stands in; a path to nothing is its own."""
    own = path.parent if path.is_file() else path
    return next((each for each in (own, *own.parents) if (each / layout.IDENTITY).is_file()), own)


def _says_anything(folder: Path) -> bool:
    """Return whether a folder may name hosts or has variables for them: some tools add one that does neither."""
    if (folder / layout.IDENTITY).is_file() or any((folder / kind).is_dir() for kind in layout.VARIABLES):
        return True
    return any(inventory.names_hosts(file) for file in _files(folder))


def _incomplete(folder: Path, paths: list[Path]) -> str:
    """Return why the sources are not the whole of an establishment in the right order, else an empty text."""
    given = [_real(path) for path in paths]
    own, common = _real(folder), _real(folder.parent / layout.COMMON)
    if (folder / layout.IDENTITY).is_file() and set(given) - {own, common}:
        other = next(path for path in paths if _real(path) not in (own, common))
        told = printable(other, 400)
        return f"{folder.name}: {told} is not the folder of this establishment: give it whole, -i {folder}"
    if common in given and own in given and given.index(own) < given.index(common):
        return f"{folder.name}: {layout.COMMON} would win over it, being the last: give -i {common} before -i {folder}"
    return ""


def _files(path: Path) -> Iterator[Path]:
    """Yield the files in which Ansible looks for hosts."""
    if not path.is_dir():
        yield path
        return
    for entry in sorted(path.iterdir()):
        if not IGNORED.search(os.fsencode(entry.name)):
            yield from _files(entry)
