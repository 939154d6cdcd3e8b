# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The results document of one run (schema ``essms-results/1``): its shape, its score, reading and checking it.

Everything that shows, exports or compares results starts from this document. ``collector.py`` builds it from
the events of a run, ``reports.py`` writes it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired, TypedDict

from ansible_collections.essms.hardening.plugins.plugin_utils import json_file, results_check, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

SCHEMA = "essms-results/1"

VERIFIED = "verified"
NOT_VERIFIED = "not_verified"


class Waived(TypedDict):
    """One entry of an establishment's waivers.yml, and what had become of it on the day of the run.

    ``scope`` is establishment, group or host, ``name`` that of the group or host; ``start`` and ``end`` are ISO dates,
    the end included; ``state`` is active, expiring (within 30 days), expired or future; ``orphan`` is empty or the
    sentence why it applies to nothing.
    """

    control: str
    scope: str
    name: str
    reason: str
    owner: str
    approved_by: str
    start: str
    end: str
    state: str
    orphan: str


class Value(TypedDict):
    """A parameter of a control on a host, and who decided it.

    ``layer`` is profile, establishment, group, host or run (the command line), ``layer_name`` the name of that profile,
    group or host; ``source`` the file and line; ``deviation`` the reason, author and date that a value needs which is
    weaker than the profile accepts, else None.
    """

    value: Any
    source: str
    layer: str
    layer_name: str
    profile_value: Any
    deviation: dict[str, str] | None


class HostState(TypedDict):
    """What is known of one host as a whole. ``problem`` is empty or the sentence why it could not be verified."""

    name: str
    groups: list[str]
    state: str
    problem: str
    profile: str
    platform: dict[str, str]
    transaction: str | None
    guard: str | None
    seconds: dict[str, float]


class Result(TypedDict):
    """The verdict of one control on one host, with everything it rests on.

    ``seen`` (ISO 8601 UTC) is only there in a document that was put together from several runs.
    """

    control: str
    measure: str
    host: str
    verdict: str
    before_verdict: str | None
    settings: list[dict[str, Any]]
    evidence: str
    origin: str
    reason: str
    parameters: dict[str, Value]
    waiver: Waived | None
    changed: bool
    seen: NotRequired[str]


class Fleet(TypedDict):
    """Everything there is when a run begins, whether it is meant for it or not.

    ``hosts`` of the inventory with their groups (those that every host has left out), ``groups`` of the inventory with
    or without hosts, ``controls`` of the catalogue.
    """

    hosts: dict[str, list[str]]
    groups: list[str]
    controls: list[str]


class Document(TypedDict):
    """One run on one establishment.

    ``establishment`` is the name of its folder, ``identity`` its name, FINESS number and category; ``started`` and
    ``finished`` are ISO 8601 UTC; ``check`` is true when nothing was written, ``refused`` when something wrong in the
    inventory or on the command line kept the run from every host; ``scope`` says of hosts and of controls whether the
    run was meant for ``all`` or for ``some`` of those in ``fleet``.
    """

    schema: str
    establishment: str
    identity: dict[str, str]
    profile: str
    mode: str
    check: bool
    refused: bool
    scope: dict[str, str]
    fleet: Fleet
    started: str
    finished: str
    versions: dict[str, str]
    waivers: list[Waived]
    hosts: list[HostState]
    results: list[Result]


def host_state(name: str, groups: Iterable[str], profile: str = "", problem: str = "") -> HostState:
    """Return the state of a host of which nothing more is known: not verified where there is a problem."""
    return {
        "name": name,
        "groups": sorted(groups),
        "state": NOT_VERIFIED if problem else VERIFIED,
        "problem": problem,
        "profile": profile,
        "platform": {},
        "transaction": None,
        "guard": None,
        "seconds": {},
    }


def unverified(control: str, host: str, origin: str, reason: str) -> Result:
    """Return the result of a control that nobody looked at."""
    return {
        "control": control,
        "measure": control.split("-", maxsplit=1)[0],
        "host": host,
        "verdict": NOT_VERIFIED,
        "before_verdict": None,
        "settings": [],
        "evidence": "not-exercised",
        "origin": origin,
        "reason": reason,
        "parameters": {},
        "waiver": None,
        "changed": False,
    }


class ResultsError(ValueError):
    """A results file that cannot be used; its text is one line: file, place, rule."""


@dataclass(frozen=True)
class Score:
    """How many control × host pairs carry each verdict."""

    compliant: int = 0
    non_compliant: int = 0
    waived: int = 0
    not_applicable: int = 0
    not_verified: int = 0

    @property
    def total(self) -> int:
        """All pairs."""
        return self.judged + self.waived + self.not_applicable + self.not_verified

    @property
    def judged(self) -> int:
        """Pairs that were looked at and either pass or fail."""
        return self.compliant + self.non_compliant

    @property
    def due(self) -> int:
        """Pairs that ought to pass: what was not verified counts among them, never as passing."""
        return self.judged + self.not_verified

    @property
    def percent(self) -> int | None:
        """Compliant among judged, in whole percent rounded down (100 means all); None when nothing was judged."""
        return 100 * self.compliant // self.judged if self.judged else None

    @property
    def proven_percent(self) -> int | None:
        """Compliant among all that ought to pass, in whole percent rounded down; None when nothing ought to."""
        return 100 * self.compliant // self.due if self.due else None

    @property
    def verified_percent(self) -> int | None:
        """Pairs that were looked at among all, in whole percent rounded down; None when there are none."""
        return 100 * (self.total - self.not_verified) // self.total if self.total else None


def score(results: Iterable[Mapping[str, Any]]) -> Score:
    """Count verdicts. A word that is not a verdict counts as not verified."""
    counts = Counter(item["verdict"] if item["verdict"] in verdicts.VERDICTS else NOT_VERIFIED for item in results)
    return Score(**counts)


def read(path: Path) -> Document:
    """Read and check a results file, or the one in a report folder.

    Raises ResultsError (one line: file, what is wrong, what to do) when it cannot be read, is cut short, comes from
    another program or a newer version, or does not match the schema.
    """
    try:
        file = path / "results.json" if path.is_dir() else path
    except OSError:  # a folder above it may not be entered; opening it says so
        file = path
    try:
        document = json_file.load(file)
    except json_file.JsonFileError as error:
        raise ResultsError(str(error)) from error
    name = json_file.shown(file)
    foreign = _foreign(document)
    if foreign:
        raise ResultsError(f"{name}: {foreign}")
    try:
        return validate(document)
    except ResultsError as error:
        raise ResultsError(f"{name}: {error} Take the file of another run, or a copy of this one.") from error


def _foreign(document: Any) -> str:
    """Return the sentence why a file is none this version can read, judging by the schema it names; else empty."""
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema == SCHEMA:
        return ""
    family, _slash, number = SCHEMA.partition("/")
    later = re.fullmatch(rf"{family}/([0-9]{{1,6}})", schema) if isinstance(schema, str) else None
    if later and int(later[1]) > int(number):
        return f"was written by a newer version of essms.hardening ({schema}); update it on this machine."
    if schema is None:
        return "is no results file of essms.hardening; give the results.json of a run."
    return f"follows the schema {printable(schema)} instead of {SCHEMA}; give the results.json of a run."


def validate(document: Any) -> Document:
    """Return the document if it matches the schema; raise ResultsError naming the place and the rule otherwise."""
    broken = results_check.problem(document)
    if broken:
        raise ResultsError(broken)
    checked: Document = document
    return checked
