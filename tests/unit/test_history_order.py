# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same runs in any order and any grouping end in the same history."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import collector, results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.fold import State, Vector
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.history.store import History
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.history_samples import NOW, everything, fleet, run, verdicts_now
from tests.unit.result_samples import WAIVER

HOSTS = ("pc1", "pc2", "pc3")
CONTROLS = ("M07-04", "M08-01", "M08-02")
SCOPES = st.sampled_from(("all", "some"))
FOUND = st.dictionaries(
    st.sampled_from(HOSTS),
    st.dictionaries(st.sampled_from(CONTROLS), st.sampled_from(verdicts.VERDICTS), max_size=3),
    max_size=3,
)


@st.composite
def runs(draw: st.DrawFn, *, fleets: bool = False, **fixed: Any) -> list[tuple[str, Document]]:
    """Return runs in the order of their end, some of which end at the very same moment."""
    days = draw(st.lists(st.integers(0, 9), min_size=1, max_size=7))
    made = []
    for index, day in enumerate(sorted(days)):
        found = draw(FOUND)
        lost = tuple(draw(st.sets(st.sampled_from(HOSTS), max_size=2)))
        scope = {"hosts": draw(SCOPES), "controls": draw(SCOPES), **fixed}
        _name, document = run(day, found, lost=lost, waivers=[WAIVER] * draw(st.integers(0, 2)), **scope)
        document["check"] = draw(st.integers(0, 9)) == 0
        if fleets:
            there = fleet(draw(st.sets(st.sampled_from(HOSTS))), draw(st.sets(st.sampled_from(CONTROLS))))
            document["fleet"], document["mode"] = there, draw(st.sampled_from(("audit", "apply")))
            for item in (*document["hosts"], *document["results"]):
                if item.get("problem") or item.get("verdict") == verdicts.NOT_VERIFIED:
                    told = draw(st.sampled_from((collector.INTERRUPTED, collector.NEVER_REACHED)))
                    item.update({"problem" if "name" in item else "reason": told})
        made.append((f"run-{index}", document))
    return made


@given(st.data())
def test_order_and_grouping_do_not_matter(data: st.DataObject) -> None:
    made = data.draw(runs(fleets=True))
    shuffled = data.draw(st.permutations(made))
    cuts = sorted(data.draw(st.sets(st.integers(0, len(made)))) | {0, len(made)})
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        in_order, mixed = History(Path(one), NOW), History(Path(other), NOW)
        for name, document in made:
            in_order.record(name, document)
        for start, end in itertools.pairwise(cuts):
            mixed.record_all([*shuffled[start:end], *shuffled[:1]])
        assert everything(mixed) == everything(in_order)


@given(runs(hosts="some", controls="some"))
def test_of_partial_runs_the_last_that_names_a_pair_counts(made: list[tuple[str, Document]]) -> None:
    expected: dict[tuple[str, str], str] = {}
    seen: dict[str, str | None] = {}
    for _name, document in made:
        if not document["check"]:
            seen |= {host["name"]: seen.get(host["name"]) for host in document["hosts"]}
            expected |= {(item["control"], item["host"]): item["verdict"] for item in document["results"]}
            up = {host["name"] for host in document["hosts"] if host["state"] == "verified"}
            # that a control is for other hosts needs no look at this one
            found = {(i["host"], i["verdict"]) for i in document["results"]}
            looked = {host for host, verdict in found if verdict != "not_verified"} & up
            looked |= {host for host, verdict in found if verdict not in ("not_verified", "not_applicable")}
            seen |= dict.fromkeys(looked, document["finished"])
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder), NOW)
        history.record_all(reversed(made))
        assert verdicts_now(history) == expected
        assert history.sightings() == [Sighting(host, when) for host, when in sorted(seen.items())]
        points = history.trend()
        assert [point.run for point in points] == [name for name, document in made if not document["check"]]
        if points:
            assert points[-1].score.total == len(expected)
            assert points[-1].score.compliant == sum(verdict == "compliant" for verdict in expected.values())


@given(runs(fleets=True))
def test_the_last_point_counts_what_the_document_shows(made: list[tuple[str, Document]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = History(Path(folder), NOW)
        history.record_all(made)
        current, points = history.current(), history.trend()
        assert (current is None) == (not points)
        if current:
            assert points[-1].score == results.score(current["results"])
            assert {host["name"] for host in current["hosts"]} == {each.host for each in history.sightings()}
            fleet_ = current["fleet"]
            pairs = {(item["control"], item["host"]) for item in current["results"]}
            assert {(control, host) for host in fleet_["hosts"] for control in fleet_["controls"]} <= pairs


@given(runs(fleets=True))
def test_what_is_written_down_reads_back(made: list[tuple[str, Document]]) -> None:
    state = State()
    for number, (_name, document) in enumerate(made):
        vector = Vector.of(document)
        assert Vector.decoded(vector.encoded()) == vector
        state.apply(vector, number, document["finished"])
        assert State.decoded(state.encoded()) == state
