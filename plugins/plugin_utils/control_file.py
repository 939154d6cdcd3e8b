# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One control file: from YAML to a Control and the parameters it owns."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import bodies, reading, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.model import (
    PLATFORMS,
    Control,
    Measure,
    Parameter,
    Part,
    Setting,
)

_JSON_TYPES = {"int": "integer", "bool": "boolean", "str": "string", "list": "array"}
_BOUNDS = {
    "int": {"minimum", "maximum", "enum"},
    "bool": set[str](),
    "str": {"pattern", "enum", "minLength", "maxLength"},
    "list": {"items", "minItems", "maxItems", "uniqueItems"},
}
"""The bounds that mean something for each type; JSON Schema would ignore the others in silence."""
_ALL_BOUNDS = set[str]().union(*_BOUNDS.values())


def parse(
    path: Path, name: str, schema: str, measures: Mapping[str, Measure], profiles: Collection[str]
) -> tuple[Control, list[Parameter]]:
    """Return the control of a file and its parameters.

    ``name`` is how errors call the file. Raises CatalogueError.
    """
    data = reading.read(path, name, schema)
    role = path.parent.parent.name
    measure = data["id"][:3]
    _check_place(data["id"], path, name, role, measures)
    parameters = [
        _parameter(data, key, body, f"{name}: parameters.{key}", profiles)
        for key, body in data.get("parameters", {}).items()
    ]
    control = Control(
        id=data["id"],
        measure=measure,
        role=role,
        title=data["title"],
        why=data["why"],
        origin=data["origin"],
        references=data["references"],
        risk=data.get("risk", ""),
        parameters=tuple(parameter.name for parameter in parameters),
        platforms={key: _part(key, data[key], f"{name}: {key}") for key in PLATFORMS if key in data},
        path=name,
    )
    return control, parameters


_DIRECTIONS = {"int": ("smaller", "larger"), "list": ("shorter", "longer")}
"""How values of a type can be weaker than another one, where they are not listed in order."""


def _check_place(control: str, path: Path, name: str, role: str, measures: Mapping[str, Measure]) -> None:
    """Check that a control stands in the role of its measure, in a file that bears its id."""
    if not re.fullmatch(rf"{control}_[a-z0-9_]+", path.stem):
        raise CatalogueError(f"{name}: id: {control} does not match the file name; name the file {control}_<words>.yml")
    measure = measures.get(control[:3])
    if measure is None:
        raise CatalogueError(
            f"{name}: id: measure {control[:3]} is not in measures.yml; {nearest(control[:3], measures)}"
        )
    if measure.role != role:
        raise CatalogueError(f"{name}: id: {measure.id} belongs to {measure.role}; move it to roles/{measure.role}")


def _part(platform: str, data: Mapping[str, Any], where: str) -> Part:
    known = bodies.KINDS_OF.get(platform, {})
    settings = []
    for index, item in enumerate(data["settings"]):
        ((kind, body),) = item.items()
        if kind not in known:
            raise CatalogueError(f"{where}.settings[{index}]: unknown kind {kind}; {nearest(kind, known)}")
        broken = bodies.template_problem(body)
        if broken:
            raise CatalogueError(f"{where}.settings[{index}].{kind}: {broken}")
        settings.append(Setting(kind, body))
    uses = tuple(dict.fromkeys(name for setting in settings for name in bodies.names_in(setting.body)))
    groups = next(bodies.names_in(data.get("groups", "")), "")
    return Part(data["evidence"], tuple(settings), tuple(dict.fromkeys((*uses, *([groups] if groups else [])))), groups)


def _parameter(
    data: Mapping[str, Any], name: str, body: Mapping[str, Any], where: str, profiles: Collection[str]
) -> Parameter:
    allowed = _BOUNDS[body["type"]]
    for key in sorted(_ALL_BOUNDS - allowed):
        if key in body:
            raise CatalogueError(f"{where}.{key}: means nothing for type {body['type']}; remove it")
    bounds = {"type": _JSON_TYPES[body["type"]], **{key: body[key] for key in sorted(allowed) if key in body}}
    if bounds.get("items", {}).get("type") == "object":
        bounds["items"] = {**bounds["items"], "additionalProperties": False}
    _check_patterns(bounds, where)
    bounds_key = schemas.key_of(bounds)
    values = _values(body, where, profiles)
    for profile, value in values.items():
        broken = schemas.problem(bounds_key, value)
        if broken:
            key = f"profiles.{profile}" if "profiles" in body else "default"
            raise CatalogueError(f"{where}.{key}: {broken}")
    return Parameter(
        name=name,
        control=data["id"],
        type=body["type"],
        description=body["description"],
        unit=body.get("unit", ""),
        bounds=bounds,
        bounds_key=bounds_key,
        accepted=_not_weaker(body, values, where, _accepted(body.get("accepted", {}), where, allowed, profiles)),
        values=values,
        origins=_origins(body, data["origin"], where, profiles),
        personal=body.get("personal", False),
    )


def _check_patterns(bounds: Mapping[str, Any], where: str) -> None:
    items = bounds.get("items", {})
    properties = items.get("properties", {}).items()
    inner = [(f"items.{key}.items", value["items"]) for key, value in properties if "items" in value]
    for place, schema in (
        ("", bounds),
        ("items", items),
        *((f"items.{key}", value) for key, value in properties),
        *inner,
    ):
        path = f"{place}.pattern".lstrip(".")
        broken = _pattern_problem(schema.get("pattern", ""))
        if broken:
            raise CatalogueError(f"{where}.{path}: not a regular expression ({broken}); correct it")


def _pattern_problem(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return str(error)
    return ""


def _values(body: Mapping[str, Any], where: str, profiles: Collection[str]) -> dict[str, Any]:
    """Return the value of each profile."""
    if ("default" in body) == ("profiles" in body):
        raise CatalogueError(f"{where}: give either default (every profile agrees) or profiles (one value for each)")
    if "default" in body:
        return dict.fromkeys(profiles, body["default"])
    given = body["profiles"]
    _check_profiles(given, f"{where}.profiles", profiles)
    for profile in profiles:
        if profile not in given:
            raise CatalogueError(f"{where}.profiles: no value for profile {profile}; add it")
    return {profile: given[profile] for profile in profiles}


def _check_profiles(given: Mapping[str, Any], where: str, profiles: Collection[str]) -> None:
    for profile in given:
        if profile not in profiles:
            raise CatalogueError(f"{where}: unknown profile {profile}; {nearest(profile, profiles)}")


def _accepted(
    given: Mapping[str, Any], where: str, allowed: Collection[str], profiles: Collection[str]
) -> dict[str, dict[str, Any]]:
    """Return the accepted range per profile; one range for all may be written without naming any."""
    if not given:
        return {}
    ranges = dict(given) if all(isinstance(value, dict) for value in given.values()) else {"default": dict(given)}
    _check_profiles(ranges, f"{where}.accepted", (*profiles, "default"))
    for value in ranges.values():
        for key in value:
            if key not in allowed:
                raise CatalogueError(f"{where}.accepted: unknown key {key}; {nearest(key, allowed)}")
    return ranges


def _not_weaker(
    body: Mapping[str, Any], values: Mapping[str, Any], where: str, accepted: Mapping[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the accepted range per profile, in which no value is weaker than the profile's own."""
    if "weaker" not in body:
        return dict(accepted)
    weaker, kind = body["weaker"], body["type"]
    if weaker not in _DIRECTIONS.get(kind, ()) and not (kind in ("str", "bool") and isinstance(weaker, list)):
        known = " or ".join(_DIRECTIONS.get(kind, ("a list from the weakest to the strictest value",)))
        raise CatalogueError(f"{where}.weaker: means nothing for type {kind}; give {known}")
    ranges = {}
    for profile, value in values.items():
        if isinstance(weaker, list) and value not in weaker:
            raise CatalogueError(f"{where}.weaker: {shown(value)} of profile {profile} is not in it; add it")
        own = accepted.get(profile, accepted.get("default", {}))
        ranges[profile] = {**own, **_limit(weaker, value)}
    return ranges


def _limit(weaker: str | list[Any], value: Any) -> dict[str, Any]:
    """Return the JSON Schema of the values that are no weaker than this one."""
    if isinstance(weaker, list):
        return {"enum": weaker[weaker.index(value) :]}
    if weaker == "shorter":
        return {"allOf": [{"contains": {"const": item}} for item in value]} if value else {}
    if weaker == "longer":
        return {"items": {"enum": value}} if value else {"maxItems": 0}
    return {"minimum" if weaker == "smaller" else "maximum": value}


def _origins(body: Mapping[str, Any], origin: str, where: str, profiles: Collection[str]) -> dict[str, str]:
    origins = {"default": origin, **body.get("origin", {})}
    _check_profiles(origins, f"{where}.origin", (*profiles, "default"))
    return origins
