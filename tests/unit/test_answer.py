# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host sends: whatever it is, the results of the run are valid, and the other hosts keep theirs."""

from __future__ import annotations

import copy
import datetime as dt
import json
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import run as engine
from ansible_collections.essms.hardening.plugins.plugin_utils import answer, credentials, results
from ansible_collections.essms.hardening.plugins.plugin_utils.host_record import Facet, HostRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.result_samples import VERSIONS, circumstances, collector, record, row

TODAY = dt.date(2026, 6, 30)
FACETS = [Facet(name, name[:3], "instruction", "proven") for name in ("M08-01", "M08-02")]


def ordinary() -> dict[str, Any]:
    """Return what a host answers to an apply, with every part a response may have."""
    return {
        "platform": {"id": "debian", "version": "12", "family": "debian"},
        "rows": [row("M08-01"), row("M08-02", "fail")],
        "changed": ["M08-01"],
        "failed": {"M08-02": "the file could not be written"},
        "transaction": "20260630T080000-000001",
        "armed": False,
        "notes": ["another run is at work"],
        "memory": {"file_walk": {"next": "/srv"}},
        "problem": "",
        "seconds": {"module": 0.5, "process": 1, "packages": 0.0},
        "rows_before": [{"control": "M08-01", "state": "fail"}],
        "packages_missing": ["libpam-pwquality"],
        "packages_planned": ["libpam-pwquality"],
        "packages_to_remove": [],
        "packages_to_restore": [],
        "transaction_status": "committed",
    }


def documented(response: Any) -> results.Document:
    """Return the document of a run of two hosts, of which one answers this: as the action and the callback make it."""
    made = HostRecord("evil", "ehpad-les-tilleuls", "combine", "apply", FACETS)
    try:
        made.response = answer.checked(response)
        made.problem, made.before = made.response["problem"], made.response.get("rows_before", [])
        made.seconds = made.response["seconds"]
    except answer.AnswerError as error:
        made.problem = str(error)
    run = collector()
    run.record("task", "evil", made.as_dict(TODAY))
    run.record("task", "poste-01", record("poste-01", mode="apply"))
    (document,) = run.documents(VERSIONS, circumstances)
    json.dumps(document, allow_nan=False)
    return results.validate(document)


def test_what_the_engine_says_passes_as_it_is() -> None:
    assert answer.checked(ordinary()) == ordinary()


def test_the_engine_itself_gives_an_answer() -> None:
    said = engine.run({"state": "audited", "settings": [["M08-01", "pwquality", {"minlen": 12}]]})
    said.pop("diff")
    assert answer.checked(json.loads(json.dumps(said)))["rows"]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("platform", "x"), float("nan")),
        (("platform", "x"), 5),
        (("platform", "family"), "beos"),
        (("rows", 0, "rule"), "xx"),
        (("rows", 0, "state"), "weird"),
        (("rows", 0, "kind"), "no kind"),
        (("rows", 0, "control"), ["M08-01"]),
        (("rows", 0, "extra"), 1),
        (("rows", 0, "observed"), float("inf")),
        (("transaction",), 7),
        (("transaction",), "../../x"),
        (("seconds",), {"module": -5}),
        (("seconds",), {"module": 10**400}),
        (("seconds",), {"lunch": 1}),
        (("failed",), {"M08-01": 1}),
        (("notes",), "text"),
        (("armed",), "no"),
        (("rows_before",), [{"control": "M08-01"}]),
        (("packages_missing",), [1]),
        (("memory",), [1]),
        (("problem",), None),
    ],
)
def test_what_has_another_form_costs_that_host_only(path: tuple[Any, ...], value: Any) -> None:
    response = ordinary()
    holder: Any = response
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = value
    with pytest.raises(answer.AnswerError, match="is no answer of essms") as found:
        answer.checked(response)
    assert str(found.value).isprintable()
    made = documented(response)
    assert {host["name"]: host["state"] for host in made["hosts"]} == {"evil": "not_verified", "poste-01": "verified"}
    assert {item["verdict"] for item in made["results"] if item["host"] == "evil"} == {"not_verified"}


@pytest.mark.parametrize("response", [None, [1], 5, "text", {}, {"rows": []}])
def test_what_is_no_response_at_all(response: Any) -> None:
    assert documented(response)["hosts"][0]["problem"].startswith("What this host sent is no answer")


def test_an_answer_is_bounded() -> None:
    response = ordinary()
    response["problem"] = "\x1b]0;title\x07" + "x" * 10_000
    response["notes"] = ["\u202e" * 10_000]
    response["rows"][0]["observed"] = "y" * 100_000
    said = answer.checked(response)
    assert len(said["problem"]) <= 1000 >= len(said["notes"][0])
    assert (said["problem"] + said["notes"][0]).isprintable()
    assert len(said["rows"][0]["observed"]) <= 65_536
    response["rows"][0]["observed"] = ["z" * 1_000_000] * 20
    with pytest.raises(answer.AnswerError, match="larger than"):
        answer.checked(response)


def test_nesting_without_end_is_no_answer() -> None:
    response = ordinary()
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    response["memory"] = {"kind": deep}
    with pytest.raises(answer.AnswerError, match="levels deep"):
        answer.checked(response)


def test_a_password_in_an_address_is_shown_nowhere() -> None:
    response = ordinary()
    address = "http://user:SECRET@proxy.example:3128"
    response["rows"][1].update(observed=[address], expected={"url": address}, reason=f"found {address}")
    response.update(problem=f"{address} does not answer", notes=[address], failed={"M08-02": address})
    said = answer.checked(response)
    assert "SECRET" not in json.dumps(said)
    assert said["rows"][1]["observed"] == ["http://***@proxy.example:3128"]
    assert "SECRET" not in json.dumps(answer.diffs([{"before": "", "after": f"Proxy {address};\n"}]))
    assert credentials.masked("http://proxy.example:3128 mail@example.org") == (
        "http://proxy.example:3128 mail@example.org"
    )


def test_a_difference_cannot_act_on_a_terminal() -> None:
    (shown,) = answer.diffs([{"before": "a\tb\n\x1b[2Jc\n", "after": 5, "prepared": "\x1b"}, 7])
    assert shown == {"before": "a\tb\n\\x1b[2Jc\n"}
    assert answer.diffs(5) == []


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("M08-01")
_ANYTHING = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in _places(item, (*path, key)))]


@given(data=st.data())
@settings(max_examples=400, deadline=None)
def test_whatever_a_host_sends_the_document_is_valid(data: st.DataObject) -> None:
    response = copy.deepcopy(ordinary())
    for _ in range(data.draw(st.integers(1, 3))):
        places = [place for place in _places(response) if place]
        path = data.draw(st.sampled_from(places))
        holder: Any = response
        for part in path[:-1]:
            holder = holder[part]
        if data.draw(st.booleans()) and isinstance(holder, dict):
            del holder[path[-1]]
        else:
            holder[path[-1]] = data.draw(_ANYTHING)
        if not isinstance(response, dict) or not response:
            break
    made = documented(response)
    assert {item["verdict"] for item in made["results"] if item["host"] == "poste-01"} == {"compliant"}
    assert json.loads(json.dumps(made)) == made
