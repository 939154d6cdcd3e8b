# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tables of a history hold, put into records again. Every function takes an open connection or a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, replace
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.fold import Pair, State
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Point
from ansible_collections.essms.hardening.plugins.plugin_utils.history.packing import (
    DamagedError,
    key,
    plain,
    unpack,
    unpack_all,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.history.vector import Key
from ansible_collections.essms.hardening.plugins.plugin_utils.results import HostState, Result, Score, Waived

_UNSEEN = (
    "The host could not be verified in a later run, which did not get as far as this control: run the audit again."
)


def state(connection: sqlite3.Connection) -> State:
    """Return what is known after the last run."""
    found = connection.execute("SELECT body FROM state WHERE name = 'current'").fetchone()
    return State.decoded(unpack(found[0])) if found else State()


def details(connection: sqlite3.Connection, state: State) -> tuple[dict[str, HostState], dict[Key, Result]]:
    """Return every host as its last run saw it, and every result as the last run that looked gave it."""
    hosts: dict[str, HostState] = {}
    found: dict[Key, Result] = {}
    rows = connection.execute("SELECT run, seen, body FROM detail").fetchall()
    unpacked = unpack_all(body for _run, _seen, body in rows)
    for (run, seen, _body), detail in zip(rows, unpacked, strict=True):
        host: HostState = detail["host"]
        if state.hosts[host["name"]].run == run:
            hosts[host["name"]] = host
        results_of_host: list[Result] = detail["results"]
        for result in results_of_host:
            pair = (result["control"], result["host"])
            if pair in state.pairs and state.pairs[pair].run == run:
                result["seen"] = seen
                found[pair] = result
    return hosts, found


def judged(result: Result, known: Pair, host: HostState) -> Result:
    """Return a result as the last run leaves it: without a verdict when that run lost the host before this control."""
    if known.verdict == result["verdict"]:
        return result
    return {
        **result,
        "verdict": verdicts.NOT_VERIFIED,
        "before_verdict": None,
        "settings": [],
        "reason": host["problem"] or _UNSEEN,
        "waiver": None,
        "changed": False,
    }


def waivers(connection: sqlite3.Connection) -> list[Waived]:
    """Return the waivers of the last run over everything, else of the last run."""
    found = connection.execute(
        "SELECT waivers FROM run WHERE waivers IS NOT NULL ORDER BY complete DESC, moment DESC, name DESC LIMIT 1"
    ).fetchone()
    waivers: list[Waived] = unpack(found[0]) if found else []
    return waivers


def groups(connection: sqlite3.Connection, state: State, hosts: Iterable[str]) -> dict[str, Collection[str]]:
    """Return the groups of hosts: those of the inventory, else those of the run that named them last."""
    newest = connection.execute("SELECT facts FROM newest").fetchone()
    known: Mapping[str, Collection[str]] = unpack(newest[0])["fleet"]["hosts"] if newest else {}
    found: dict[str, Collection[str]] = {}
    for host in hosts:
        if host in known:
            found[host] = known[host]
            continue
        row = (state.hosts[host].run, key(host))
        (body,) = connection.execute("SELECT body FROM detail WHERE run = ? AND host = ?", row).fetchone()
        found[host] = unpack(body)["host"]["groups"]
    return found


def point(name: str, finished: str, mode: str, scores: bytes) -> Point:
    """Return where an establishment stood after a run, from the row of that run."""
    known = unpack(scores)
    counts: dict[str, list[int]] = known["measures"]
    measures = {measure: _score(numbers) for measure, numbers in counts.items()}
    return Point(plain(name), finished, mode, _total(measures.values()), measures, _effect(known["effect"]))


def _effect(numbers: list[list[int]] | None) -> tuple[Score, Score] | None:
    return (_score(numbers[0]), _score(numbers[1])) if numbers else None


def _score(numbers: list[int]) -> Score:
    if len(numbers) != len(verdicts.VERDICTS) or not all(isinstance(number, int) for number in numbers):
        raise DamagedError("holds a score that no run made")
    return Score(*numbers)


def _total(scores: Iterable[Score]) -> Score:
    total: Any = [sum(column) for column in zip(*map(astuple, scores), strict=True)]
    return Score(*total)


def without(point: Point, lapsed: Iterable[Key]) -> Point:
    """Return a point in which these pairs, counted as waived, are not compliant."""
    measures = dict(point.measures)
    for control, _host in lapsed:
        measure = control.split("-")[0]
        score = measures[measure]
        measures[measure] = replace(score, waived=score.waived - 1, non_compliant=score.non_compliant + 1)
    return replace(point, score=_total(measures.values()), measures=measures)
