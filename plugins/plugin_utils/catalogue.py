# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue: every control of every role, read and checked as a whole before any host is touched.

A file of the catalogue is one of

* ``roles/<role>/controls/<id>_<slug>.yml``: a control,
* ``profiles/<id>.yml``: a named set of defaults,
* ``measures.yml``: the titles of the twelve measures and the role that carries each, at the root because it belongs
  to no role.

Each has its JSON Schema in ``schema/``. What a schema cannot say (ids, parameters, kinds, values inside their own
bounds) is checked here and in ``control_file``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import bodies, control_file, reading
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest
from ansible_collections.essms.hardening.plugins.plugin_utils.model import (
    Catalogue,
    Control,
    Measure,
    Parameter,
    Part,
    Profile,
)

__all__ = ["Catalogue", "CatalogueError", "Control", "Measure", "Parameter", "Part", "Profile", "load"]

COLLECTION = Path(__file__).absolute().parents[2]
"""The collection this file stands in, a checkout as well as an installed one."""


def load(root: Path | None = None) -> Catalogue:
    """Return the checked catalogue of a collection, by default of the one this file stands in.

    Read once per process and root. Raises CatalogueError at the first thing that is wrong.
    """
    return _load(root.absolute() if root else COLLECTION)


@lru_cache(maxsize=8)
def _load(root: Path) -> Catalogue:
    measures = _measures(root)
    profiles = _profiles(root)
    controls: dict[str, Control] = {}
    parameters: dict[str, Parameter] = {}
    schema = _schema(root, "control")
    for path in _files(root, "roles/*/controls/*"):
        name = path.relative_to(root).as_posix()
        control, own = control_file.parse(path, name, schema, measures, tuple(profiles))
        if control.id in controls:
            raise CatalogueError(
                f"{name}: id: {control.id} is already in {controls[control.id].path};"
                " ids are never reused, take the next one"
            )
        controls[control.id] = control
        for parameter in own:
            _add(parameters, parameter, name, controls)
    if not controls:
        raise CatalogueError(f"{root.name}: no control file in roles/*/controls; reinstall the collection")
    catalogue = Catalogue(dict(sorted(controls.items())), parameters, profiles, measures)
    for control in catalogue.controls.values():
        _check_bodies(catalogue, control)
    return catalogue


def _add(known: dict[str, Parameter], parameter: Parameter, name: str, controls: dict[str, Control]) -> None:
    """Add a parameter to the known ones; two controls must not own the same name."""
    if parameter.name in known:
        other = controls[known[parameter.name].control].path
        raise CatalogueError(
            f"{name}: parameters.{parameter.name}: already defined in {other}; use it there without defining it again"
        )
    known[parameter.name] = parameter


def _measures(root: Path) -> dict[str, Measure]:
    data = reading.read(root / "measures.yml", "measures.yml", _schema(root, "measures"))
    return {key: Measure(key, data[key]["role"], data[key]["title"]) for key in sorted(data)}


def _profiles(root: Path) -> dict[str, Profile]:
    profiles = {}
    schema = _schema(root, "profile")
    for path in _files(root, "profiles/*"):
        name = path.relative_to(root).as_posix()
        data = reading.read(path, name, schema)
        if data["id"] != path.stem:
            raise CatalogueError(f"{name}: id: {data['id']} differs from the file name; name the file {data['id']}.yml")
        profiles[path.stem] = Profile(data["id"], data["title"], data["why"], tuple(data["sources"]), data["deviation"])
    if not profiles:
        raise CatalogueError(f"{root.name}: no profile in profiles/; reinstall the collection")
    return profiles


def _files(root: Path, pattern: str) -> Iterator[Path]:
    """Yield the YAML files of a folder in order; any other name would be ignored in silence, so it is refused."""
    for path in sorted(root.glob(pattern)):
        if path.suffix != ".yml":
            raise CatalogueError(f"{path.relative_to(root).as_posix()}: not a .yml file; rename or remove it")
        yield path


def _schema(root: Path, name: str) -> str:
    file = f"schema/{name}.schema.json"
    return reading.read_schema(root / file, file)


def _check_bodies(catalogue: Catalogue, control: Control) -> None:
    """Check that every parameter a control uses exists and that its bodies suit their kinds under every profile."""
    for platform, part in control.platforms.items():
        if part.groups and (
            part.groups not in catalogue.parameters or catalogue.parameters[part.groups].type != "list"
        ):
            raise CatalogueError(f"{control.path}: {platform}.groups: {part.groups} is not a parameter of type list")
        for index, setting in enumerate(part.settings):
            where = f"{control.path}: {platform}.settings[{index}].{setting.kind}"
            for name in bodies.names_in(setting.body):
                if name not in catalogue.parameters:
                    raise CatalogueError(f"{where}: unknown parameter {name}; {nearest(name, catalogue.parameters)}")
            for profile in catalogue.profiles:
                values = catalogue.values(part, profile)
                broken = bodies.body_problem(platform, setting.kind, bodies.substitute(setting.body, values))
                if broken:
                    raise CatalogueError(f"{where}: {broken} (profile {profile})")
