# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From controls and an inventory's values to the settings one host gets.

Order of values: profile, then whatever Ansible's own precedence says of the variable. A value has hard bounds nobody
may leave, and a range that the profile accepts: a value outside it is weaker and needs a written reason.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import bodies, reading, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import COLLECTION
from ansible_collections.essms.hardening.plugins.plugin_utils.credentials import masked
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue, Control, Parameter, Part
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


class _Claim(NamedTuple):
    """What a control wants of a key, and whether errors may not show it."""

    control: str
    value: Any
    hidden: bool


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
    secret: Collection[str] = (),
) -> Resolution:
    """Return the settings of the controls that apply to a platform, and their parameters.

    ``variables`` holds the already templated values an inventory or command line gives, and JUSTIFICATIONS;
    ``source_of(name, value)`` says who decided one, and where; ``groups`` are the host's, None standing for all there
    are. ``base`` is the profile of the establishment, where a host or group has another one: what is weaker than that
    profile needs its written reason all the same. ``secret`` names the variables whose value no error may show.
    Raises CatalogueError for the first thing that is wrong.
    """
    if profile not in catalogue.profiles:
        said = "" if "essms_profile" in secret else f" {shown(profile)}"
        raise CatalogueError(f"essms_profile: unknown profile{said}; {nearest(profile, catalogue.profiles)}")
    check_names(catalogue, variables)
    reasons = justified(catalogue, variables, secret)
    known: dict[str, Value] = {}
    result = Resolution()
    owners: dict[tuple[str, str], _Claim] = {}
    for control in controls:
        part = control.platforms.get(platform)
        if part is None:
            continue
        names = dict.fromkeys((*control.parameters, *part.uses))
        for name in names:
            if name not in known:
                known[name] = _value(
                    catalogue.parameters[name], profile, base or profile, variables, reasons, source_of, name in secret
                )
        values = {name: known[name]["value"] for name in names}
        result.parameters[control.id] = {name: _as_shown(catalogue.parameters[name], known[name]) for name in names}
        if part.groups and groups is not None and not set(values[part.groups]) & set(groups):
            wanted = ", ".join(values[part.groups]) or "none"
            result.excluded[control.id] = f"only for hosts of the groups of {part.groups}: {wanted}"
            continue
        unseen = [name for name in names if name in secret]
        for kind, body in _bodies(control.id, part, platform, values, unseen):
            for name, value in bodies.expected(platform, kind, body, family):
                _claim(owners, _Claim(control.id, value, bool(unseen)), kind, name)
            result.settings.append({"control": control.id, "kind": kind, "body": body})
    return result


def _bodies(
    control: str, part: Part, platform: str, values: Mapping[str, Any], unseen: Sequence[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield kind and body of each setting of a control; ``unseen`` are the parameters whose value is not shown."""
    for setting in part.settings:
        body = bodies.substitute(setting.body, values)
        broken = bodies.body_problem(platform, setting.kind, body)
        if broken and unseen:
            broken = f"{schemas.UNSHOWN} correct {' or '.join(unseen)}"
        if broken:
            raise CatalogueError(f"{control}: {setting.kind}: {broken}")
        yield setting.kind, body


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


def justified(
    catalogue: Catalogue, variables: Mapping[str, object], secret: Collection[str] = ()
) -> dict[str, dict[str, str]]:
    """Return the written reason, its author and date by parameter. Raises CatalogueError when one is malformed.

    ``secret`` names the variables whose value no error may show.
    """
    reasons: dict[str, dict[str, str]] = {}
    # the one without a further name is the nearest to whoever wrote it
    for name in sorted(filter(holds_reasons, variables), reverse=True):
        given = variables[name]
        if isinstance(given, Mapping):
            given = {key: _with_text_date(entry) for key, entry in given.items()}
        broken = schemas.problem(_justification_schema(), given, name in secret)
        if broken:
            raise CatalogueError(f"{name}: {broken}")
        for parameter, entry in given.items() if isinstance(given, Mapping) else ():
            if parameter not in catalogue.parameters:
                known = nearest(str(parameter), catalogue.parameters)
                raise CatalogueError(f"{name}: unknown parameter {'' if name in secret else parameter}; {known}")
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
    secret: bool,
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
    broken = schemas.problem(parameter.bounds_key, value, secret)
    if broken:
        raise CatalogueError(f"{where}: {broken}")
    weak = unaccepted(parameter, value, base, secret)
    if not weak:
        return _decided(value, source, parameter.values[base])
    if parameter.name not in reasons:
        raise CatalogueError(f"{where}: {weak}")
    return _decided(value, source, parameter.values[base], reasons[parameter.name])


def unaccepted(parameter: Parameter, value: Any, profile: str, secret: bool = False) -> str:
    """Return why a value needs a written reason under a profile, or an empty text; a ``secret`` one is not shown."""
    accepted = parameter.accepted_in(profile)
    if value == parameter.values[profile] or not schemas.problem(accepted, value):
        return ""
    said = f"{schemas.UNSHOWN} it" if secret else shown(value)
    return (
        f"{said} is outside what profile {profile} accepts ({schemas.limits(accepted)});"
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
    shown_value, profile_value = parameter.shown(value["value"]), parameter.shown(value["profile_value"])
    return {**value, "value": masked(shown_value), "profile_value": masked(profile_value)}


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


def _claim(owners: dict[tuple[str, str], _Claim], claim: _Claim, kind: str, name: str) -> None:
    """Note that a control sets a key; two controls with different values would undo each other for ever."""
    first = owners.setdefault((kind, name), claim)
    if first.value != claim.value or type(first.value) is not type(claim.value):
        said = "" if first.hidden or claim.hidden else f" ({shown(first.value)} and {shown(claim.value)})"
        raise CatalogueError(
            f"{first.control} and {claim.control} set {kind} {name} to different values{said};"
            " change a parameter of one of them, or select only one"
        )
