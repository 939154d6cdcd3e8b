# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the results documents of a run from what happened to each host.

Nothing here knows Ansible: the callback reports events, this module keeps every control × host pair accounted for.
A pair nobody looked at ends as ``not_verified`` with the reason, never missing and never compliant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.bounded import bounded
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Fleet, HostState, Result, Waived

NEVER_REACHED = "The run stopped before this host was verified: see the problems of the other hosts, then run again."
SKIPPED = "The task was skipped on this host by its own conditions, so nothing was looked at."
INTERRUPTED = "The run was interrupted before this host was verified: run it again."
UNSEEN = "The host sent nothing about this control: run again on this host."
UNPROVEN = "It was called compliant, but no observed setting shows it."

_CHECK = " (check)"


class Expected(NamedTuple):
    """A control that ought to have been looked at, for filling gaps."""

    control: str
    origin: str


class Identity(NamedTuple):
    """What can be told of a host that never answered."""

    establishment: str
    profile: str
    groups: tuple[str, ...] = ()


class Circumstances(NamedTuple):
    """What the results of an establishment say beside what its hosts said: the fields of the document by that name."""

    identity: dict[str, str]
    scope: dict[str, str]
    fleet: Fleet
    waivers: list[Waived]


class _Key(NamedTuple):
    establishment: str
    mode: str
    check: bool


@dataclass
class _Pass:
    """One settings task and the hosts it was meant for."""

    mode: str
    check: bool
    hosts: list[str]
    records: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)


class Collector:
    """Everything that happened in one run, host by host."""

    def __init__(self, identity: Callable[[str], Identity], catalogue: Callable[[], Iterable[Expected]]) -> None:
        """Take two questions asked only when needed: who a silent host is, and which controls were selected."""
        self._identity = identity
        self._catalogue = catalogue
        self._passes: dict[str, _Pass] = {}
        self._lost: dict[str, str] = {}
        self._refused = False
        self._started = _now()

    @property
    def used(self) -> bool:
        """Whether any settings task was met."""
        return bool(self._passes)

    @property
    def has_hosts(self) -> bool:
        """Whether any settings task was meant for a host."""
        return any(task.hosts for task in self._passes.values())

    def expect(self, task: str, hosts: Iterable[str], mode: str, check: bool) -> None:
        """Note that a settings task is meant for these hosts; repeating it for the same task adds hosts."""
        known = self._passes.setdefault(task, _Pass(mode, check, []))
        known.hosts.extend(host for host in hosts if host not in known.hosts)

    def record(self, task: str, host: str, record: Mapping[str, Any]) -> None:
        """Keep what the action plugin said of a host."""
        mode, check = _mode(record)
        self.expect(task, [host], mode, check)
        self._passes[task].records.setdefault(host, []).append(record)

    def skip(self, task: str, host: str) -> None:
        """Note that a settings task was skipped on a host."""
        if task in self._passes:
            self._passes[task].skipped.add(host)

    def lose(self, host: str, problem: str) -> None:
        """Note why a host left the run; the first reason is the one that explains the rest."""
        self._lost.setdefault(host, problem)

    def refuse(self) -> None:
        """Note that the run was stopped before it touched a host."""
        self._refused = True

    def documents(
        self,
        versions: Mapping[str, str],
        circumstances: Callable[[str], Circumstances],
        absent: str = NEVER_REACHED,
    ) -> list[Document]:
        """Return one document per establishment and mode.

        ``circumstances`` answers for the establishment of a name; ``absent`` is the reason for hosts nothing is known
        of.
        """
        drafts: dict[_Key, _Draft] = {}
        for task in self._passes.values():
            for records in task.records.values():
                for record in records:
                    key = _Key(str(record.get("establishment") or ""), *_mode(record))
                    drafts.setdefault(key, _Draft(self._refused)).add(record)
        for task in self._passes.values():
            self._fill(task, drafts, absent)
        finished = _now()
        return [
            draft.document(key, (self._started, finished), versions, circumstances(key.establishment))
            for key, draft in drafts.items()
        ]

    def _fill(self, task: _Pass, drafts: dict[_Key, _Draft], absent: str) -> None:
        missing = [host for host in task.hosts if host not in task.records]
        if not missing:
            return
        seen = [record for records in task.records.values() for record in records]
        keys = {_Key(str(record.get("establishment") or ""), *_mode(record)) for record in seen}
        controls = {item["control"]: _expected(item) for record in seen for item in record.get("controls", ())}
        expected = list(controls.values()) or list(self._catalogue())
        for host in missing:
            identity = self._identity(host)
            key = next(iter(keys)) if len(keys) == 1 else _Key(identity.establishment, task.mode, task.check)
            reason = self._lost.get(host) or (SKIPPED if host in task.skipped else absent)
            drafts.setdefault(key, _Draft(self._refused)).fill(host, identity, expected, reason)


class _Draft:
    """A document in the making."""

    def __init__(self, refused: bool) -> None:
        self._refused = refused
        self._hosts: dict[str, HostState] = {}
        self._results: dict[tuple[str, str], Result] = {}
        self._problems: dict[tuple[str, str], str] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Merge a record: of two looks at the same control the later counts, what changed stays changed."""
        name = str(record["host"])
        problem = str(record.get("problem") or "")
        host = self._host(name, str(record.get("profile") or ""), record.get("groups") or ())
        self._refused = self._refused or bool(record.get("refused"))
        host["platform"] = dict(record.get("platform") or {}) or host["platform"]
        host["transaction"] = record.get("transaction") or host["transaction"]
        host["guard"] = record.get("guard") or host["guard"]
        for part, seconds in (record.get("seconds") or {}).items():
            host["seconds"][part] = round(host["seconds"].get(part, 0.0) + float(seconds), 3)
        for item in record.get("controls", ()):
            key = (str(item["control"]), name)
            self._results[key] = _result(item, name, problem, self._results.get(key))
            self._problems[key] = problem
        if not record.get("controls"):
            self._problems["", name] = problem

    def fill(self, name: str, identity: Identity, expected: Iterable[Expected], reason: str) -> None:
        """Account for controls nobody looked at; what was looked at stays."""
        self._host(name, identity.profile, identity.groups)
        for control, origin in expected:
            key = (control, name)
            if key not in self._results:
                self._results[key] = results.unverified(control, name, origin, reason or UNSEEN)
                self._problems[key] = reason
        if not any(known == name for _control, known in self._results):
            self._problems["", name] = reason

    def document(
        self, key: _Key, times: tuple[str, str], versions: Mapping[str, str], circumstances: Circumstances
    ) -> Document:
        """Return the finished document, hosts and results in a stable order."""
        for (_control, name), problem in self._problems.items():
            host = self._hosts[name]
            if problem and not host["problem"]:
                host["problem"], host["state"] = problem, results.NOT_VERIFIED
        return {
            "schema": results.SCHEMA,
            "establishment": key.establishment,
            "identity": circumstances.identity,
            "profile": ", ".join(sorted({host["profile"] for host in self._hosts.values() if host["profile"]})),
            "mode": key.mode,
            "check": key.check,
            "refused": self._refused and not any(map(_is_judged, self._results.values())),
            "scope": circumstances.scope,
            "fleet": circumstances.fleet,
            "started": times[0],
            "finished": times[1],
            "versions": dict(versions),
            "waivers": circumstances.waivers,
            "hosts": [self._hosts[name] for name in sorted(self._hosts)],
            "results": [self._results[pair] for pair in sorted(self._results)],
        }

    def _host(self, name: str, profile: str, groups: Iterable[str]) -> HostState:
        return self._hosts.setdefault(name, results.host_state(name, groups, profile))


def _result(item: Mapping[str, Any], host: str, problem: str, earlier: Result | None) -> Result:
    settings = [{key: bounded(value) for key, value in row.items()} for row in item.get("settings") or ()]
    verdict, reason = str(item["verdict"]), str(bounded(item.get("reason")) or "")
    if verdict == verdicts.COMPLIANT and verdicts.verdict(settings) != verdicts.COMPLIANT:
        verdict, reason = verdicts.NOT_VERIFIED, UNPROVEN
    if verdict == verdicts.NOT_VERIFIED:
        reason = reason or problem or ("" if settings else UNSEEN)
    return {
        "control": str(item["control"]),
        "measure": str(item.get("measure") or item["control"].split("-")[0]),
        "host": host,
        "verdict": verdict,
        "before_verdict": (earlier and earlier["before_verdict"]) or item.get("before_verdict"),
        "settings": settings,
        "evidence": str(item.get("evidence") or "not-exercised"),
        "origin": str(item.get("origin") or ""),
        "reason": reason,
        "parameters": dict(item.get("parameters") or {}),
        "waiver": item.get("waiver") or None,
        "changed": bool(item.get("changed")) or bool(earlier and earlier["changed"]),
    }


def _is_judged(result: Result) -> bool:
    return result["verdict"] != verdicts.NOT_VERIFIED


def _expected(item: Mapping[str, Any]) -> Expected:
    return Expected(str(item["control"]), str(item.get("origin") or ""))


def _mode(record: Mapping[str, Any]) -> tuple[str, bool]:
    mode = str(record.get("mode") or "audit")
    return mode.removesuffix(_CHECK), mode.endswith(_CHECK)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")[:-4] + "Z"
