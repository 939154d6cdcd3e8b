# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From controls and an inventory's values to the settings one host gets.

Order of values: profile, then whatever Ansible's own precedence says of the variable. A value has hard bounds nobody
may leave, and a range that the profile accepts: a value outside it is weaker and needs a written reason.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import bodies, reading, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import COLLECTION
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue, Control, Parameter
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Source
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Value

JUSTIFICATIONS = "essms_justifications"
"""Variable: ``{parameter: {reason, author, date}}``. One whose name goes on after it, such as
``essms_justifications_kiosques``, adds to it: of two variables of the same name Ansible keeps only one."""
ENGINE_VARIABLES = frozenset(
    {
        "essms_break_glass_accounts",
        JUSTIFICATIONS,
        "essms_mode",
        "essms_profile",
    }
)
"""Variables with our prefix that are not parameters of a control."""
RUN_OPTIONS = {"essms_transaction": "transaction", "essms_guard_seconds": "guard_seconds", "essms_relax": "relax"}
"""Variables that stand for an option of the settings action, so that playbooks and roles need not pass them on."""
_WORDS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(slots=True)
class Resolution:
    """What one host gets: settings ready to send, and where each value came from."""

    settings: list[dict[str, Any]] = field(default_factory=list)
    parameters: dict[str, dict[str, Value]] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    """Controls that are meant for other groups of hosts, with the sentence that says so."""


def resolve(
    catalogue: Catalogue,
    controls: Iterable[Control],
    *,
    platform: str,
    family: str | None,
    profile: str,
    variables: Mapping[str, object],
    source_of: Callable[[str, object], Source],
    groups: Collection[str] | None = None,
    base: str = "",
) -> Resolution:
    """Return the settings of the controls that apply to a platform, and their parameters.

    ``variables`` holds the already templated values an inventory or command line gives, and JUSTIFICATIONS;
    ``source_of(name, value)`` says who decided one, and where; ``groups`` are the host's, None standing for all there
    are. ``base`` is the profile of the establishment, where a host or group has another one: what is weaker than that
    profile needs its written reason all the same.
    Raises CatalogueError for the first thing that is wrong.
    """
    if profile not in catalogue.profiles:
        raise CatalogueError(f"essms_profile: unknown profile {shown(profile)}; {nearest(profile, catalogue.profiles)}")
    check_names(catalogue, variables)
    reasons = justified(catalogue, variables)
    known: dict[str, Value] = {}
    result = Resolution()
    owners: dict[tuple[str, str], tuple[str, Any]] = {}
    for control in controls:
        part = control.platforms.get(platform)
        if part is None:
            continue
        names = dict.fromkeys((*control.parameters, *part.uses))
        for name in names:
            if name not in known:
                known[name] = _value(
                    catalogue.parameters[name], profile, base or profile, variables, reasons, source_of
                )
        values = {name: known[name]["value"] for name in names}
        result.parameters[control.id] = {name: _as_shown(catalogue.parameters[name], known[name]) for name in names}
        if part.groups and groups is not None and not set(values[part.groups]) & set(groups):
            wanted = ", ".join(values[part.groups]) or "none"
            result.excluded[control.id] = f"only for hosts of the groups of {part.groups}: {wanted}"
            continue
        for setting in part.settings:
            body = bodies.substitute(setting.body, values)
            broken = bodies.body_problem(platform, setting.kind, body)
            if broken:
                raise CatalogueError(f"{control.id}: {setting.kind}: {broken}")
            for name, value in bodies.expected(platform, setting.kind, body, family):
                _claim(owners, control.id, setting.kind, name, value)
            result.settings.append({"control": control.id, "kind": setting.kind, "body": body})
    return result


def check_names(catalogue: Catalogue, names: Iterable[str], others: Collection[str] = ()) -> None:
    """Refuse a variable with our prefix that nothing reads: a misspelt parameter would be ignored in silence.

    ``others`` are further names the caller knows. Raises CatalogueError.
    """
    known = {*catalogue.parameters, *ENGINE_VARIABLES, *others}
    for name in names:
        if name.startswith("essms_") and name not in known and not holds_reasons(name):
            raise CatalogueError(f"{printable(name)}: unknown parameter; {nearest(name[:80], known)}")


def holds_reasons(name: str) -> bool:
    """Return whether a variable holds written reasons."""
    return name == JUSTIFICATIONS or name.startswith(f"{JUSTIFICATIONS}_")


def justified(catalogue: Catalogue, variables: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """Return the written reason, its author and date by parameter. Raises CatalogueError when one is malformed."""
    reasons: dict[str, dict[str, str]] = {}
    # the one without a further name is the nearest to whoever wrote it
    for name in sorted(filter(holds_reasons, variables), reverse=True):
        given = variables[name]
        if isinstance(given, Mapping):
            given = {key: _with_text_date(entry) for key, entry in given.items()}
        broken = schemas.problem(_justification_schema(), given)
        if broken:
            raise CatalogueError(f"{name}: {broken}")
        for parameter, entry in given.items() if isinstance(given, Mapping) else ():
            if parameter not in catalogue.parameters:
                known = nearest(str(parameter), catalogue.parameters)
                raise CatalogueError(f"{name}: unknown parameter {parameter}; {known}")
            reasons[str(parameter)] = {key: str(text) for key, text in entry.items()}
            _check_day(f"{name}.{parameter}.date", reasons[str(parameter)]["date"])
    return reasons


def _check_day(place: str, text: str) -> None:
    """Refuse a day that has not come yet: nobody has decided then."""
    # whoever writes it may be a day ahead of this clock
    if dt.date.fromisoformat(text) > dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1):
        raise CatalogueError(f"{place}: {shown(text)} has not come yet; give the day of the decision")


@lru_cache(maxsize=1)
def _justification_schema() -> str:
    name = "schema/justifications.schema.json"
    return reading.read_schema(COLLECTION / name, name)


def _with_text_date(entry: object) -> object:
    """Return a justification with its date as text: YAML reads an unquoted one as a date."""
    if isinstance(entry, Mapping):
        return {key: str(item) if isinstance(item, dt.date) else item for key, item in entry.items()}
    return entry


def _value(
    parameter: Parameter,
    profile: str,
    base: str,
    variables: Mapping[str, object],
    reasons: Mapping[str, dict[str, str]],
    source_of: Callable[[str, object], Source],
) -> Value:
    """Return the value of a parameter and who decided it.

    A value equal to the profile's counts as the profile's own, wherever it is written again: the generated defaults of
    the roles repeat every profile.
    """
    own = parameter.values[profile]
    value = plain(parameter, variables.get(parameter.name, own))
    if type(value) is type(own) and value == own:
        if profile == base:
            return _decided(own, Source(f"profile {profile}", "profile", profile), own)
        source = source_of("essms_profile", variables.get("essms_profile"))
    else:
        source = source_of(parameter.name, variables[parameter.name])
    where = f"{parameter.name} ({printable(source.place)})"
    broken = schemas.problem(parameter.bounds_key, value)
    if broken:
        raise CatalogueError(f"{where}: {broken}")
    weak = unaccepted(parameter, value, base)
    if not weak:
        return _decided(value, source, parameter.values[base])
    if parameter.name not in reasons:
        raise CatalogueError(f"{where}: {weak}")
    return _decided(value, source, parameter.values[base], reasons[parameter.name])


def unaccepted(parameter: Parameter, value: Any, profile: str) -> str:
    """Return why a value needs a written reason under a profile, or an empty text."""
    accepted = parameter.accepted_in(profile)
    if value == parameter.values[profile] or not schemas.problem(accepted, value):
        return ""
    return (
        f"{shown(value)} is outside what profile {profile} accepts ({schemas.limits(accepted)});"
        f" choose such a value or write why in {JUSTIFICATIONS}.{parameter.name} (reason, author, date)"
    )


def _decided(value: Any, source: Source, own: Any, deviation: dict[str, str] | None = None) -> Value:
    return {
        "value": value,
        "source": printable(source.place),
        "layer": source.layer,
        "layer_name": printable(source.name),
        "profile_value": own,
        "deviation": deviation,
    }


def _as_shown(parameter: Parameter, value: Value) -> Value:
    """Return a value as results may hold it: of what names people, only how much there is."""
    return {**value, "value": parameter.shown(value["value"]), "profile_value": parameter.shown(value["profile_value"])}


def plain(parameter: Parameter, value: object) -> Any:
    """Return a value without Ansible's tags, and as a number or truth value when ``-e name=12`` gave it as text."""
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if isinstance(value, str):
        if parameter.type == "int" and re.fullmatch(r"-?[0-9]{1,9}", value):
            return int(value)
        return _WORDS.get(value[:6].lower(), str(value)) if parameter.type == "bool" else str(value)
    if isinstance(value, bool) or value is None:
        return value
    # JSON Schema takes 12.0 for a whole number; a configuration file would not.
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return value


def _untagged(value: Any) -> Any:
    """Return what a list holds, without the tags Ansible puts on every string of it."""
    if isinstance(value, Mapping):
        return {str(key): _untagged(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _claim(owners: dict[tuple[str, str], tuple[str, Any]], control: str, kind: str, name: str, value: Any) -> None:
    """Note that a control sets a key; two controls with different values would undo each other for ever."""
    first, other = owners.setdefault((kind, name), (control, value))
    if other != value or type(other) is not type(value):
        raise CatalogueError(
            f"{first} and {control} set {kind} {name} to different values ({shown(other)} and {shown(value)});"
            " change a parameter of one of them, or select only one"
        )
