# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bare verdicts of one run: all that the history keeps of it, so that runs can be put in order at any time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import collector, results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result

Key = tuple[str, str]
"""Control and host."""

_WRITES = ("apply", "rollback")
_LETTERS = dict(zip(verdicts.VERDICTS, "CNWAU", strict=True))
_VERDICTS = {letter: verdict for verdict, letter in _LETTERS.items()}
_ABSENT = "."


@dataclass(frozen=True, slots=True)
class Vector:
    """The bare verdicts of one run.

    :ivar hosts: by name, whether the host could be verified as a whole.
    :ivar every_host: whether the run was meant for every host of the inventory; ``every_control`` likewise.
    :ivar fleet: the hosts of the inventory; empty when the run does not say. ``catalogue``: its controls, likewise.
    :ivar before: of a run that writes, the verdicts that it found first.
    :ivar waived_until: the last day of the waiver of each pair that is waived, an ISO date.
    """

    hosts: Mapping[str, bool]
    verdicts: Mapping[Key, str]
    every_host: bool
    every_control: bool
    fleet: frozenset[str] = frozenset()
    catalogue: frozenset[str] = frozenset()
    before: Mapping[Key, str] = field(default_factory=dict)
    waived_until: Mapping[Key, str] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Document) -> Vector:
        """Return the vector of a document; raises ValueError when a pair is there twice or its host is not listed.

        What an interrupted run did not reach is left out, and what it does not name is not taken for gone.
        """
        hosts = {host["name"]: host["state"] == results.VERIFIED for host in document["hosts"]}
        pairs = {(item["control"], item["host"]) for item in document["results"]}
        if any(host not in hosts for _control, host in pairs):
            raise ValueError("has results of a host that it does not list")
        if len(pairs) < len(document["results"]):
            raise ValueError("has two results for the same control and host")
        reached = [item for item in document["results"] if not _is_unreached(item)]
        named = {item["host"] for item in reached}
        cut_off = {host["name"] for host in document["hosts"] if host["problem"] == collector.INTERRUPTED}
        whole = len(reached) == len(document["results"]) and not cut_off
        scope, fleet = document["scope"], document["fleet"]
        return cls(
            hosts={host: verified for host, verified in hosts.items() if host in named or host not in cut_off},
            verdicts={(item["control"], item["host"]): item["verdict"] for item in reached},
            every_host=whole and scope["hosts"] == "all",
            every_control=whole and scope["controls"] == "all",
            fleet=frozenset(fleet["hosts"]),
            catalogue=frozenset(fleet["controls"]),
            before=_found_first(reached) if document["mode"] in _WRITES else {},
            waived_until={
                (item["control"], item["host"]): item["waiver"]["end"]
                for item in reached
                if item["verdict"] == verdicts.WAIVED and item["waiver"]
            },
        )

    def encoded(self) -> dict[str, Any]:
        """Return the vector as a small JSON value: one letter for each verdict, one row for each host."""
        controls = sorted({control for control, _host in self.verdicts})
        return {
            "all": [self.every_host, self.every_control],
            "controls": controls,
            "rows": [
                [host, verified, _row(self.verdicts, host, controls), _row(self.before, host, controls)]
                for host, verified in self.hosts.items()
            ],
            "fleet": sorted(self.fleet),
            "catalogue": sorted(self.catalogue),
            "waived": [[*pair, end] for pair, end in self.waived_until.items()],
        }

    @classmethod
    def decoded(cls, value: Mapping[str, Any]) -> Vector:
        """Return the vector that was encoded."""
        controls, rows = value["controls"], value["rows"]
        every_host, every_control = value["all"]
        return cls(
            hosts={host: verified for host, verified, _found, _before in rows},
            verdicts=dict(pair for host, _ok, found, _before in rows for pair in _read(host, controls, found)),
            every_host=every_host,
            every_control=every_control,
            fleet=frozenset(value["fleet"]),
            catalogue=frozenset(value["catalogue"]),
            before=dict(pair for host, _ok, _found, before in rows for pair in _read(host, controls, before)),
            waived_until={(control, host): end for control, host, end in value["waived"]},
        )

    def retires(self, pair: Key) -> bool:
        """Return whether a pair the run does not name is no longer there: its host, or the control on this host."""
        control, host = pair
        verified = self.hosts.get(host)
        if verified is None and self.fleet and host not in self.fleet:
            return True
        if self.catalogue and control not in self.catalogue:
            return True
        return self.every_host if verified is None else self.every_control and verified

    def loses(self, pair: Key) -> bool:
        """Return whether a pair the run does not name could not be looked at: its host did not get that far."""
        return self.every_control and self.hosts.get(pair[1]) is False

    def leaves(self, host: str) -> bool:
        """Return whether a host is no longer in the inventory."""
        return host not in self.hosts and (self.every_host or bool(self.fleet and host not in self.fleet))

    def looked(self, host: str, verdict: str) -> bool:
        """Return whether a verdict shows that the run looked at its host.

        That a control is meant for other groups is not applicable without a look, also on a host that is off.
        """
        if verdict == verdicts.NOT_APPLICABLE:
            return self.hosts[host]
        return verdict != verdicts.NOT_VERIFIED


def _is_unreached(result: Result) -> bool:
    return result["verdict"] == verdicts.NOT_VERIFIED and result["reason"] == collector.INTERRUPTED


def _found_first(found: Iterable[Result]) -> dict[Key, str]:
    """Return the verdicts before a run that writes; what a waiver covers after it was covered before it too."""
    return {
        (item["control"], item["host"]): verdicts.with_waiver(item["before_verdict"], item["waiver"])
        for item in found
        if item["before_verdict"] is not None
    }


def _row(found: Mapping[Key, str], host: str, controls: Iterable[str]) -> str:
    return "".join(_LETTERS.get(found.get((name, host), ""), _ABSENT) for name in controls) if found else ""


def _read(host: str, controls: Iterable[str], row: str) -> Iterable[tuple[Key, str]]:
    return [
        ((control, host), _VERDICTS[letter])
        for control, letter in zip(controls, row, strict=bool(row))
        if letter != _ABSENT
    ]
