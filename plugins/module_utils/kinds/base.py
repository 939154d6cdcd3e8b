# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every kind of setting has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.host import Host
from ..engine.rules import EQUALS, Rule

TEXT = {
    "type": "string",
    "minLength": 1,
    "maxLength": 400,
    "pattern": r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+$",
}
"""JSON Schema of a string that may stand in a configuration file: one line, printable, of bounded length."""


def fields(required: tuple[str, ...] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema of a body with these properties and no other; at least one has to be given."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
        "minProperties": 1,
    }


def integer(minimum: int, maximum: int) -> dict[str, Any]:
    """Return the JSON Schema of a bounded integer."""
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


class Kind:
    """One type of setting: how it is observed in force, compared, edited, validated and activated.

    A body is what a control file says; it expands to named values, and each name becomes a row of the results.
    """

    schema: dict[str, Any] = {}
    """JSON Schema of a resolved body."""
    rules: dict[str, Rule] = {}
    """The comparison of each name; equality for those that are not listed."""
    check_only = False
    """True when no edit can repair it: apply then leaves it to a person and keeps the control's other changes."""
    evidence = "proven"
    """The most that tests have shown of its rows: ``proven`` on real hosts, ``simulated`` where a container has nothing
    to look at and an emulated machine has, ``not-exercised`` where no test machine has it either."""
    needs_root = True
    """True when an ordinary user cannot observe it."""

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        """Return the expected value of each name."""
        return dict(body)

    def rule(self, name: str) -> Rule:
        """Return the comparison of a name."""
        return self.rules.get(name, EQUALS)

    def shown(self, name: str) -> str:
        """Return the most that tests have shown of one row, for kinds whose rows differ."""
        return self.evidence

    def names(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the names that a list of bodies expands to, each once."""
        return list(dict.fromkeys(name for body in bodies for name in self.expand(body, host.family)))

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return for each name of the bodies the value in force, None when unset, or Unknown, NotApplicable or Seen."""
        raise NotImplementedError

    def journalled(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body as the journal may hold it: it names no person, and still says what to do."""
        return dict(body)

    def packages(self, host: Host) -> tuple[str, ...]:
        """Return the packages that editing needs on this host; apply installs them first."""
        return ()

    def undecided(self, body: Mapping[str, Any]) -> bool:
        """Say whether a person has to decide first what to write: apply then reports the setting and leaves it."""
        return False

    def needs(self, host: Host, body: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the packages that this very setting needs, where that depends on what it says."""
        return self.packages(host)

    def precheck(self, host: Host) -> str:
        """Return why nothing may be changed here: a configuration that is broken before us. Empty when all is well."""
        return ""

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        """Put into the overlay what gives each wanted name its value.

        :raises SettingError: when it cannot be done, with what to do about it.
        """
        raise NotImplementedError

    def validate(self, host: Host) -> str:
        """Check the written files before they are activated; return what is wrong with them, or an empty text."""
        return ""

    def explain(self, host: Host, name: str) -> str:
        """Return why a name that was written is still not in force, and what to do, when the kind knows."""
        return "something else on the host overrides it"
