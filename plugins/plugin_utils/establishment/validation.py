# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is wrong with an inventory folder, said before any host is touched."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import reading, resolution, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import (
    folder as establishment,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import (
    inventory,
    layout,
    variables,
    vaults,
    waivers,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable


def problems(folder: Path, catalogue: Catalogue) -> list[str]:
    """Return everything that is wrong in an inventory folder, one line each, in the same order every time.

    A folder without establishment.yml is a plain inventory: only the variables with our prefixes are checked there.
    """
    if not folder.is_dir():
        name = printable(folder.name)
        return [f"{name}: there is no such folder; check the name, or make it: make establishment NAME={name}"]
    try:
        # before any is opened: reading a pipe nobody writes to would wait for ever, for us as for Ansible
        odd = [path for path in sorted(folder.rglob("*")) if path.exists() and not (path.is_file() or path.is_dir())]
        if odd:
            return [f"{folder.name}/{printable(path.relative_to(folder))}: is no file; remove it" for path in odd]
        return list(_problems(inventory.read(folder), catalogue))
    except OSError as error:
        return [f"{printable(error.filename, 200)}: cannot be read: {error.strerror}; check it and its rights"]


def _problems(found: inventory.Inventory, catalogue: Catalogue) -> Iterator[str]:
    own = (each for variable in found.variables for each in variables.problems(variable, catalogue))
    if (found.folder / layout.IDENTITY).is_file():
        yield from _places(found)
        yield from _identity(found, catalogue)
        yield from _lists(found, catalogue)
        yield from waivers.problems(found.folder)
        yield from found.problems
        yield from _effects(found)
        yield from _targets(found)
        yield from own
        yield from _unexplained(found, catalogue)
        yield from vaults.problems(found)
    else:
        if found.folder.name == layout.COMMON:
            yield from _common(found)
        yield from own


def _common(found: inventory.Inventory) -> Iterator[str]:
    """Yield hosts and secrets in the folder that every establishment is given."""
    for name in found.hosts:
        yield f"{found.folder.name}: {shown(name)} would be a host of every establishment; write it in the one it is of"
    rule = f"is encrypted, and every establishment would share it; move it to {layout.VAULT} of each"
    for vault in found.vaults:
        yield f"{found.name(vault)}:1: {rule}"
    for variable in found.variables:
        for path, _cipher in inventory.encrypted_in(variable.value):
            yield f"{variable.at(*path)}: {printable(variable.name)}: {rule}"


def _places(found: inventory.Inventory) -> Iterator[str]:
    """Yield a name that nothing reads, which would be ignored in silence, and a link that leaves the establishment."""
    slug = found.folder.name
    if not layout.SLUG.fullmatch(slug) or len(slug) > layout.SLUG_LENGTH:
        yield f"{shown(slug)}: is no name for an establishment; use lower case letters, digits and single hyphens"
    known = (*layout.FILES, *layout.VARIABLES, layout.REGISTERS)
    for path in sorted(found.folder.glob("[!.]*")):
        if path.name not in known and path.name not in found.sources:
            yield f"{found.name(path)}: nothing reads this file; {nearest(path.name[:60], known)}"
        elif path.is_file() and os.access(path, os.X_OK):
            yield f"{found.name(path)}: may be run as a program, and Ansible would run it; run: chmod a-x on it"
    registers = [f"{kind}.yml" for kind in layout.REGISTER_KINDS]
    for path in sorted((found.folder / layout.REGISTERS).glob("[!.]*")):
        if path.name not in registers:
            yield f"{found.name(path)}: is no register; {nearest(path.name[:60], registers)}"
    home = Path(os.path.realpath(found.folder))
    for path in sorted(found.folder.rglob("*")):
        target = Path(os.path.realpath(path))  # Path.resolve stops at a link to itself
        if path.is_symlink() and not target.is_relative_to(home):
            yield f"{found.name(path)}: leads out of the folder; copy the file, establishments share nothing"


def _identity(found: inventory.Inventory, catalogue: Catalogue) -> Iterator[str]:
    path = found.folder / layout.IDENTITY
    try:
        file = reading.load(path, found.name(path))
    except CatalogueError as error:
        yield str(error)
        return
    broken = identity_problems(file.data, catalogue)
    if not broken and file.data["folder"] != found.folder.name:
        sentence = (
            f"{shown(file.data['folder'])} differs from the name of the folder, {found.folder.name};"
            " was it copied? correct the one that is wrong"
        )
        broken.append(schemas.Problem(("folder",), sentence, ("folder",)))
    yield from map(file.said, broken)


def identity_problems(content: Any, catalogue: Catalogue) -> list[schemas.Problem]:
    """Return what is wrong with the content of establishment.yml, wherever it stands."""
    found = schemas.problems(layout.schema("establishment"), content)
    if not found and content["profile"] not in catalogue.profiles:
        sentence = f"unknown profile {shown(content['profile'])}; {nearest(content['profile'], catalogue.profiles)}"
        found.append(schemas.Problem(("profile",), sentence, ("profile",)))
    return found


def _lists(found: inventory.Inventory, catalogue: Catalogue) -> Iterator[str]:
    """Yield what is wrong with the files that are lists: the action plan and the registers."""
    named = {layout.ACTION_PLAN: "action_plan"}
    named |= {f"{layout.REGISTERS}/{kind}.yml": "register" for kind in layout.REGISTER_KINDS}
    for name, schema in named.items():
        path = found.folder / name
        if not path.is_file():
            continue
        try:
            file = reading.load(path, found.name(path))
        except CatalogueError as error:
            yield str(error)
            continue
        broken = establishment.list_problems(file, schema)
        yield from broken
        if name == layout.ACTION_PLAN and not broken:
            yield from _actions(found, file, catalogue)


def _actions(found: inventory.Inventory, file: reading.File, catalogue: Catalogue) -> Iterator[str]:
    for index, action in enumerate(file.data or ()):
        control = action["control"]
        if control not in catalogue.controls:
            where = f"{file.name}:{file.line((index, 'control'))}: [{index}].control"
            yield f"{where}: unknown control {control}; {nearest(control, catalogue.controls)}"
        for place, host in enumerate(action.get("hosts", ())):
            if not found.has_host(host) and not found.open_ended:
                where = f"{file.name}:{file.line((index, 'hosts', place))}: [{index}].hosts[{place}]"
                yield f"{where}: unknown host {shown(host)}; {nearest(host, found.hosts)}"


def _effects(found: inventory.Inventory) -> Iterator[str]:
    """Yield what is written where it has no effect, or less than it seems to have."""
    for each in found.variables:
        # in a source names of groups and their parts take turns: (all, children, x, vars, essms_y)
        written, group = each.path[-2:-1] == ("vars",) and len(each.path) % 2 == 1, each.path[-3:-2]
        if written and group != ("all",) and each.name.startswith("essms_"):
            place = f"write it in group_vars/{printable(group[0])}.yml, for here a common group wins over it"
            yield f"{each.at()}: {printable(each.name)}: {place}"
    used = next((each for each in found.variables if each.name in layout.HOST_VARIABLES), None)
    if used and layout.GROUPS not in found.sources:
        missing = f"has no effect without {layout.GROUPS}; copy that file from inventories/ehpad-les-tilleuls"
        yield f"{used.at()}: {used.name}: {missing}"
    for name in found.sources:
        if name > layout.GROUPS:
            yield f"{found.folder.name}/{name}: is read after {layout.GROUPS}, too late for it; choose a name before it"


def _targets(found: inventory.Inventory) -> Iterator[str]:
    """Yield an inventory without hosts, and variables for hosts and groups that do not exist."""
    if found.open_ended:
        return
    if not found.hosts:
        yield f"{found.folder.name}/{layout.HOSTS}: defines no host; write them under all: hosts:"
    groups = {*found.groups, *layout.STANDARD_GROUPS}
    for path in sorted((found.folder / "group_vars").glob("[!.]*")):
        name = _target(path)
        if name not in groups:
            yield f"{found.name(path)}: is for a group that does not exist; {nearest(name[:60], groups)}"
    for path in sorted((found.folder / "host_vars").glob("[!.]*")):
        name = _target(path)
        if not found.has_host(name):
            yield f"{found.name(path)}: is for a host that does not exist; {nearest(name[:60], found.hosts)}"


def _unexplained(found: inventory.Inventory, catalogue: Catalogue) -> Iterator[str]:
    """Yield a value that is weaker than the profile's and for which no file of the folder gives any reason."""
    try:
        profile = establishment.load(found.folder).content["profile"]
    except CatalogueError:
        return
    if profile not in catalogue.profiles:
        return
    explained = {
        name
        for variable in found.variables
        if resolution.holds_reasons(variable.name) and isinstance(variable.value, Mapping)
        for name in variable.value
    }
    for variable in found.variables:
        parameter = catalogue.parameters.get(variable.name)
        if parameter is None or variable.name in explained or inventory.is_template(variable.value):
            continue
        value = resolution.plain(parameter, variable.value)
        sentence = resolution.unaccepted(parameter, value, profile)
        if sentence and not schemas.problem(parameter.bounds_key, value):
            yield f"{variable.at()}: {variable.name}: {sentence}"


def _target(path: Path) -> str:
    """Return the group or host a file or folder of variables is for."""
    return path.name if path.is_dir() else re.sub(r"\.(yml|yaml|json)$", "", path.name)
