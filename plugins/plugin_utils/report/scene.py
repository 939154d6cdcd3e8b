# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the parts of a report share: its hosts by number, its results by control, its titles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from ansible_collections.essms.hardening.plugins.plugin_utils import results
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import never_looked
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say, safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result, Score
from markupsafe import Markup

HOST_NAME = 80
"""Longest host or group name shown, in characters."""
_MANY, _LEFT_OUT = 10, 3
"""Of so many hosts or more, those that are not meant are named instead, when they are few enough."""


class Fleet:
    """The hosts of a document by number, and when its run ended."""

    def __init__(self, document: Document) -> None:
        self.finished = document["finished"]
        self.names = [host["name"] for host in document["hosts"]]
        self._numbers = {name: number for number, name in enumerate(self.names)}
        self._groups: dict[str, list[int]] = defaultdict(list)
        for number, host in enumerate(document["hosts"]):
            for group in host["groups"]:
                self._groups[group].append(number)

    def number(self, host: str) -> int:
        """Return the number of a host; one the document does not list gets the next."""
        return self._numbers.setdefault(host, len(self._numbers))

    @property
    def groups(self) -> list[tuple[str, list[int]]]:
        """Each group and the numbers of its hosts, by name."""
        return sorted(self._groups.items())


@dataclass(frozen=True)
class Scene:
    """A material and the language it is told in."""

    material: Material
    say: Say

    @cached_property
    def fleet(self) -> Fleet:
        """The hosts by number."""
        return Fleet(self.material.document)

    @cached_property
    def by_control(self) -> dict[str, list[Result]]:
        """The results of each control, by id, in order."""
        found: dict[str, list[Result]] = defaultdict(list)
        for result in self.material.document["results"]:
            found[result["control"]].append(result)
        return dict(sorted(found.items()))

    @cached_property
    def by_measure(self) -> dict[str, Score]:
        """The score of each measure that has results."""
        found: dict[str, list[Result]] = defaultdict(list)
        for result in self.material.document["results"]:
            found[result["measure"]].append(result)
        return {measure: results.score(items) for measure, items in sorted(found.items())}

    @cached_property
    def score(self) -> Score:
        """The score over everything."""
        return results.score(self.material.document["results"])

    @cached_property
    def never(self) -> tuple[int, int]:
        """How many controls no run has looked at on some host, and on how many hosts.

        A control of the catalogue without any result was looked at nowhere.
        """
        waiting = [each for each in self.material.document["results"] if never_looked(each)]
        hosts = {each["host"] for each in waiting}
        unknown = self.material.catalogue.controls.keys() - self.by_control.keys() if self.fleet.names else set()
        controls = unknown | {each["control"] for each in waiting}
        return len(controls), len(self.fleet.names) if unknown else len(hosts)

    def control_title(self, control: str) -> Markup:
        """Return the title of a control, or what stands for one that the catalogue does not know."""
        known = self.material.catalogue.controls.get(control)
        return self.say.title(known.title) if known else self.say("unknown_control")

    def hosts(self, names: Iterable[str]) -> Markup:
        """Return some hosts by name; of nearly all of many, only those that are not among them."""
        listed = list(names)
        if not 1 < len(listed) >= len(self.fleet.names) - _LEFT_OUT:
            return _named(listed)
        here = set(listed)
        others = [name for name in self.fleet.names if name not in here]
        if len(listed) + len(others) != len(self.fleet.names) or (others and len(listed) < _MANY):
            return _named(listed)
        return self.say("all_but", _named(others)) if others else self.say("every_host", len(listed))


def _named(hosts: Iterable[str]) -> Markup:
    return Markup(", ").join(safe(name, HOST_NAME) for name in hosts)
