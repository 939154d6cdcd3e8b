# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The values controls were held against: who decided each, and which of them are weaker than the profile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field

from ansible_collections.essms.hardening.plugins.plugin_utils.model import Parameter
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say, frozen, safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import HOST_NAME, Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Result, Value
from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Deviation:
    """The written reason for a value weaker than the profile's."""

    reason: str
    author: str
    day: Markup


@dataclass(slots=True)
class Held:
    """A parameter with one value, from one place, on some hosts."""

    name: str
    description: Markup
    value: Markup
    layer: Markup
    source: str
    profile_value: Markup
    deviation: Deviation | None
    control: str
    hosts: list[str] = field(default_factory=list)


def held(results: Iterable[Result], scene: Scene, wanted: Callable[[Value], bool] = lambda _value: True) -> list[Held]:
    """Return the wanted values of parameters, hosts with the same value from the same place together."""
    groups: dict[Hashable, Held] = {}
    for result in results:
        for name, value in result["parameters"].items():
            if not wanted(value):
                continue
            key = (name, value["layer"], value["layer_name"], value["source"], frozen(value["value"]))
            known = groups.get(key)
            if known is None:
                known = groups[key] = _held(name, value, result["control"], scene)
            if result["host"] not in known.hosts[-1:]:
                known.hosts.append(result["host"])
    return sorted(groups.values(), key=lambda each: (each.name, -len(each.hosts)))


def told(results: Iterable[Result], scene: Scene) -> list[Held]:
    """Return the values for the page of one control; hosts are only named where a parameter differs among them."""
    found = held(results, scene)
    several = Counter(each.name for each in found)
    for each in found:
        if several[each.name] == 1:
            each.hosts = []
    return found


def deviations(scene: Scene) -> list[Held]:
    """Return every value that needed a written reason, by parameter."""
    found = held(scene.material.document["results"], scene, lambda value: value["deviation"] is not None)
    for each in found:
        each.hosts = list(dict.fromkeys(each.hosts))
    return found


def _held(name: str, value: Value, control: str, scene: Scene) -> Held:
    say = scene.say
    known = scene.material.catalogue.parameters.get(name)
    unit = say.unit(known.unit, value["value"]) if known and known.unit else Markup("")
    note = value["deviation"]
    differs = value["value"] != value["profile_value"]
    return Held(
        name=name,
        description=say.title(known.description) if known else safe(name),
        value=_with_unit(say.value(value["value"]), unit),
        layer=_layer(value, known, say),
        source="" if value["layer"] == "profile" else value["source"],
        profile_value=say.value(value["profile_value"]) if differs and value["layer"] != "profile" else Markup(""),
        deviation=Deviation(note["reason"], note["author"], say.day(note["date"])) if note else None,
        control=control,
    )


def _layer(value: Value, known: Parameter | None, say: Say) -> Markup:
    """Return who decided a value; of a profile's own also which text it follows, which need not be the control's."""
    decided = say(f"layer_{value['layer']}", safe(value["layer_name"], HOST_NAME))
    if value["layer"] != "profile" or known is None or value["layer_name"] not in known.values:
        return decided
    return say("follows", decided, say(f"origin_{known.origin_in(value['layer_name'])}"))


def _with_unit(value: Markup, unit: Markup) -> Markup:
    return Markup("{}\N{NO-BREAK SPACE}{}").format(value, unit) if unit else value
