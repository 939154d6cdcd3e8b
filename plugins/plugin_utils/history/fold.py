# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of an establishment after its runs, one after the other: a pure fold, without files or clock.

The history keeps of every run only its vector, the bare verdicts. The same vectors in the same order always give the
same state, so a run that turns up late is put in its place and everything after it is folded again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Change
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Score

Key = tuple[str, str]
"""Control and host."""

GAPS = frozenset({verdicts.NON_COMPLIANT, verdicts.NOT_VERIFIED})
"""Verdicts that leave something to do."""

_LETTERS = dict(zip(verdicts.VERDICTS, "CNWAU", strict=True))
_VERDICTS = {letter: verdict for verdict, letter in _LETTERS.items()}
_ABSENT = "."


class Pair(NamedTuple):
    """One control on one host: its verdict, since when it is a gap (None: it is none), the run whose look counts."""

    verdict: str
    since: str | None
    run: int


class Presence(NamedTuple):
    """A host: the last run that named it, and when a run last verified anything on it (None: never)."""

    run: int
    seen: str | None


@dataclass(frozen=True, slots=True)
class Vector:
    """The bare verdicts of one run.

    :ivar hosts: by name, whether the host could be verified as a whole.
    :ivar every_host: whether the run was meant for every host of the inventory; ``every_control`` likewise.
    """

    hosts: Mapping[str, bool]
    verdicts: Mapping[Key, str]
    every_host: bool
    every_control: bool

    @classmethod
    def of(cls, document: Document) -> Vector:
        """Return the vector of a document; raises ValueError when a pair is there twice or its host is not listed."""
        hosts = {host["name"]: host["state"] == results.VERIFIED for host in document["hosts"]}
        found = {(item["control"], item["host"]): item["verdict"] for item in document["results"]}
        stray = next((host for _control, host in found if host not in hosts), None)
        if stray is not None:
            raise ValueError("has results of a host that it does not list")
        if len(found) < len(document["results"]):
            raise ValueError("has two results for the same control and host")
        scope = document["scope"]
        return cls(hosts, found, scope["hosts"] == "all", scope["controls"] == "all")

    def encoded(self) -> dict[str, Any]:
        """Return the vector as a small JSON value: one letter for each verdict, one row for each host."""
        controls = sorted({control for control, _host in self.verdicts})
        rows = [
            [host, verified, "".join(_LETTERS.get(self.verdicts.get((name, host), ""), _ABSENT) for name in controls)]
            for host, verified in self.hosts.items()
        ]
        return {"all": [self.every_host, self.every_control], "controls": controls, "rows": rows}

    @classmethod
    def decoded(cls, value: Mapping[str, Any]) -> Vector:
        """Return the vector that was encoded."""
        found = {
            (control, host): _VERDICTS[letter]
            for host, _verified, row in value["rows"]
            for control, letter in zip(value["controls"], row, strict=True)
            if letter != _ABSENT
        }
        return cls({host: verified for host, verified, _row in value["rows"]}, found, *value["all"])

    def retires(self, pair: Key) -> bool:
        """Return whether a pair the run does not name is no longer there: its host, or the control on this host."""
        verified = self.hosts.get(pair[1])
        return self.every_host if verified is None else self.every_control and verified

    def loses(self, pair: Key) -> bool:
        """Return whether a pair the run does not name could not be looked at: its host did not get that far."""
        return self.every_control and self.hosts.get(pair[1]) is False

    def looked(self, host: str, verdict: str) -> bool:
        """Return whether a verdict shows that the run looked at its host.

        That a control is meant for other groups is not applicable without a look, also on a host that is off.
        """
        if verdict == verdicts.NOT_APPLICABLE:
            return self.hosts[host]
        return verdict != verdicts.NOT_VERIFIED


@dataclass(slots=True)
class State:
    """Every control × host known after some runs."""

    pairs: dict[Key, Pair] = field(default_factory=dict)
    hosts: dict[str, Presence] = field(default_factory=dict)

    def apply(self, vector: Vector, run: int, when: str) -> list[Change]:
        """Go on by one run that ended at ``when``; return what it changed, by control and host."""
        changes = []
        for pair in [known for known in self.pairs if known not in vector.verdicts]:
            before = self.pairs[pair]
            if vector.retires(pair):
                del self.pairs[pair]
                changes.append(Change(*pair, before.verdict, None))
            elif vector.loses(pair) and before.verdict != verdicts.NOT_VERIFIED:
                self.pairs[pair] = Pair(verdicts.NOT_VERIFIED, before.since or when, before.run)
                changes.append(Change(*pair, before.verdict, verdicts.NOT_VERIFIED))
        for pair, verdict in vector.verdicts.items():
            earlier = self.pairs.get(pair)
            self.pairs[pair] = Pair(verdict, _since(earlier, verdict, when), run)
            if earlier is None or earlier.verdict != verdict:
                changes.append(Change(*pair, earlier and earlier.verdict, verdict))
        self._meet(vector, run, when)
        return sorted(changes, key=lambda change: (change.control, change.host))

    def copy(self) -> State:
        """Return a state that goes on independently."""
        return State(dict(self.pairs), dict(self.hosts))

    def scores(self) -> dict[str, Score]:
        """Return the score of every measure, in order."""
        counts: dict[str, Counter[str]] = {}
        for (control, _host), pair in self.pairs.items():
            counts.setdefault(control.split("-")[0], Counter())[pair.verdict] += 1
        return {measure: Score(**counts[measure]) for measure in sorted(counts)}

    def encoded(self) -> dict[str, Any]:
        """Return the state as a JSON value."""
        return {
            "pairs": [[*pair, *known] for pair, known in self.pairs.items()],
            "hosts": [[host, *known] for host, known in self.hosts.items()],
        }

    @classmethod
    def decoded(cls, value: Mapping[str, Any]) -> State:
        """Return the state that was encoded. Raises ValueError, TypeError or KeyError for anything else."""
        state = cls(
            {(control, host): Pair(*known) for control, host, *known in value["pairs"]},
            {host: Presence(*known) for host, *known in value["hosts"]},
        )
        if not all(_is_pair(key, pair) for key, pair in state.pairs.items()):
            raise ValueError("holds a pair that no run made")
        if not all(
            isinstance(host, str) and isinstance(known.run, int) and isinstance(known.seen, (str, type(None)))
            for host, known in state.hosts.items()
        ):
            raise ValueError("holds a host that no run made")
        return state

    def _meet(self, vector: Vector, run: int, when: str) -> None:
        if vector.every_host:
            self.hosts = {host: known for host, known in self.hosts.items() if host in vector.hosts}
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
    )


def _since(earlier: Pair | None, verdict: str, when: str) -> str | None:
    """Return since when a pair is a gap. A waiver sets a gap aside without closing it; only a look that passes does."""
    known = earlier.since if earlier else None
    if verdict in GAPS:
        return known or when
    return known if verdict == verdicts.WAIVED else None
