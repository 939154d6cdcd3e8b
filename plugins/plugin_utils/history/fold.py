# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of an establishment after its runs, one after the other: a pure fold, without files or clock.

The history keeps of every run only its vector, the bare verdicts. The same vectors in the same order always give the
same state, so a run that turns up late is put in its place and everything after it is folded again.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Change
from ansible_collections.essms.hardening.plugins.plugin_utils.history.vector import Key, Vector
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Score

GAPS = frozenset({verdicts.NON_COMPLIANT, verdicts.NOT_VERIFIED})
"""Verdicts that leave something to do."""


class Pair(NamedTuple):
    """One control on one host.

    ``since`` is when it became a gap; of a waived one when that was last seen; else None. ``run`` is the run whose look
    counts, ``until`` the last day of the waiver of a waived one, an ISO date.
    """

    verdict: str
    since: str | None
    run: int
    until: str | None = None


class Presence(NamedTuple):
    """A host: the last run that named it, and when a run last verified anything on it (None: never)."""

    run: int
    seen: str | None


@dataclass(slots=True)
class State:
    """Every control × host known after some runs.

    :ivar fleet: the hosts that the last run found in the inventory; empty when it does not say. ``catalogue``: all
        controls, likewise. Each control × host of them that has no pair yet is one that no run has looked at.
    """

    pairs: dict[Key, Pair] = field(default_factory=dict)
    hosts: dict[str, Presence] = field(default_factory=dict)
    fleet: frozenset[str] = frozenset()
    catalogue: frozenset[str] = frozenset()

    def apply(self, vector: Vector, run: int, when: str) -> list[Change]:
        """Go on by one run that ended at ``when``; return what it changed, by control and host."""
        changes = []
        for pair in [known for known in self.pairs if known not in vector.verdicts]:
            before = self.pairs[pair]
            if vector.retires(pair):
                del self.pairs[pair]
                changes.append(Change(*pair, before.verdict, None))
            elif vector.loses(pair) and before.verdict != verdicts.NOT_VERIFIED:
                since = _since(before, verdicts.NOT_VERIFIED, when)
                self.pairs[pair] = Pair(verdicts.NOT_VERIFIED, since, before.run)
                changes.append(Change(*pair, before.verdict, verdicts.NOT_VERIFIED))
        for pair, verdict in vector.verdicts.items():
            earlier = self.pairs.get(pair)
            self.pairs[pair] = Pair(verdict, _since(earlier, verdict, when), run, vector.waived_until.get(pair))
            if earlier is None or earlier.verdict != verdict:
                changes.append(Change(*pair, earlier and earlier.verdict, verdict))
        self._meet(vector, run, when)
        return sorted(changes, key=lambda change: (change.control, change.host))

    def effect(self, vector: Vector) -> tuple[Score, Score] | None:
        """Return before and after a run, over the pairs it looked at; to be asked before it is applied.

        What it did not find first itself is as it was known, and not verified when it was not. None: it looked at none.
        """
        looked = [
            (vector.before.get(pair) or self._verdict(pair), verdict)
            for pair, verdict in vector.verdicts.items()
            if verdict != verdicts.NOT_VERIFIED or pair in vector.before
        ]
        if not looked:
            return None
        return Score(**Counter(before for before, _after in looked)), Score(
            **Counter(after for _before, after in looked)
        )

    def copy(self) -> State:
        """Return a state that goes on independently."""
        return State(dict(self.pairs), dict(self.hosts), self.fleet, self.catalogue)

    def scores(self) -> dict[str, Score]:
        """Return the score of every measure, in order; what no run has looked at counts as not verified."""
        counts: dict[str, Counter[str]] = {}
        for (control, _host), pair in self.pairs.items():
            counts.setdefault(_measure(control), Counter())[pair.verdict] += 1
        for control, missing in self._missing().items():
            counts.setdefault(_measure(control), Counter())[verdicts.NOT_VERIFIED] += missing
        return {measure: Score(**counts[measure]) for measure in sorted(counts)}

    def encoded(self) -> dict[str, Any]:
        """Return the state as a JSON value."""
        return {
            "pairs": [[*pair, *known] for pair, known in self.pairs.items()],
            "hosts": [[host, *known] for host, known in self.hosts.items()],
            "fleet": sorted(self.fleet),
            "catalogue": sorted(self.catalogue),
        }

    @classmethod
    def decoded(cls, value: Mapping[str, Any]) -> State:
        """Return the state that was encoded. Raises ValueError, TypeError or KeyError for anything else."""
        state = cls(
            {(control, host): Pair(*known) for control, host, *known in value["pairs"]},
            {host: Presence(*known) for host, *known in value["hosts"]},
            frozenset(value["fleet"]),
            frozenset(value["catalogue"]),
        )
        if not all(_is_pair(key, pair) for key, pair in state.pairs.items()):
            raise ValueError("holds a pair that no run made")
        if not all(
            isinstance(host, str) and isinstance(known.run, int) and isinstance(known.seen, (str, type(None)))
            for host, known in state.hosts.items()
        ):
            raise ValueError("holds a host that no run made")
        if not all(isinstance(name, str) for name in (*state.fleet, *state.catalogue)):
            raise ValueError("holds a name that is none")
        return state

    def _verdict(self, pair: Key) -> str:
        known = self.pairs.get(pair)
        return known.verdict if known else verdicts.NOT_VERIFIED

    def _missing(self) -> dict[str, int]:
        """Return on how many hosts of the fleet no run has looked at a control, where there are any."""
        if not self.fleet or not self.catalogue:
            return {}
        known = Counter(control for control, host in self.pairs if host in self.fleet)
        counted = {control: len(self.fleet) - known[control] for control in self.catalogue}
        return {control: missing for control, missing in counted.items() if missing}

    def _meet(self, vector: Vector, run: int, when: str) -> None:
        self.fleet, self.catalogue = vector.fleet, vector.catalogue
        self.hosts = {host: known for host, known in self.hosts.items() if not vector.leaves(host)}
        looked = {host for (_control, host), verdict in vector.verdicts.items() if vector.looked(host, verdict)}
        for host in vector.hosts:
            earlier = self.hosts.get(host)
            self.hosts[host] = Presence(run, when if host in looked else earlier and earlier.seen)


def _is_pair(key: Key, pair: Pair) -> bool:
    return (
        isinstance(key[0], str)
        and isinstance(key[1], str)
        and pair.verdict in verdicts.VERDICTS
        and isinstance(pair.since, (str, type(None)))
        and isinstance(pair.run, int)
        and isinstance(pair.until, (str, type(None)))
    )


def after_waiver(until: str | None, looked: str, when: str) -> str:
    """Return since when a gap is open that a waiver had set aside, as of ``when``.

    It is the day after the last day of the waiver, ``until``; when the waiver was withdrawn before, the last look that
    found it in force, ``looked``. All but ``until`` are ISO 8601 UTC.
    """
    try:
        over = dt.date.fromisoformat(until or "") + dt.timedelta(days=1)
    except (ValueError, OverflowError):  # a day that does not exist: nobody checked the file that said so
        return looked
    opened = f"{over}T00:00:00Z"
    return opened if opened <= when else looked


def _since(earlier: Pair | None, verdict: str, when: str) -> str | None:
    """Return what a look makes of ``since``: only a look that passes closes a gap, and a waiver begins it anew."""
    if verdict == verdicts.WAIVED:
        return when
    if verdict not in GAPS:
        return None
    if earlier is None or earlier.since is None:
        return when
    if earlier.verdict == verdicts.WAIVED:
        # where nobody could look, the waiver may well be in force still
        looked = earlier.since if verdict == verdicts.NON_COMPLIANT else when
        return after_waiver(earlier.until, looked, when)
    return earlier.since


def _measure(control: str) -> str:
    return control.split("-", maxsplit=1)[0]
