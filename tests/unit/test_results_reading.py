# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading results that are whole, cut short, foreign, from the future, or made to harm: one sentence, at once."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import bounded, json_file, reports, results, results_check
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.hostile_samples import hostile
from tests.unit.result_samples import WAIVER, control, document, record, row, silent

SCHEMA = jsonschema.Draft202012Validator(json.loads(results_check.SCHEMA_FILE.read_text(encoding="utf-8")))


def ordinary() -> results.Document:
    made = document(
        record("deb12", {"M08-01": "fail", "M08-02": "unknown", "M08-03": "not_applicable", "M07-05": "waived"}),
        record("deb13", controls=[control("M08-01", [row("M08-01")], before_verdict="non_compliant", changed=True)]),
        silent("deb14", "Host unreachable: timed out"),
    )
    made["results"][0]["seen"] = made["finished"]
    made["results"][1]["parameters"]["essms_example"]["deviation"] = {
        "reason": "old software",
        "author": "Directrice",
        "date": "2026-02-01",
    }
    return made


TEXT = json.dumps(ordinary())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "results.json"


def sentence(path: Path) -> str:
    """Return the error of reading a file: one printable sentence that names it and says what to do."""
    with pytest.raises(results.ResultsError) as caught:
        results.read(path)
    said = str(caught.value)
    assert said.isprintable()
    assert len(said) < 1200
    assert said.endswith(".")
    assert "; " in said or ". " in said
    return said


def test_a_file_or_its_folder(file: Path) -> None:
    file.write_text(TEXT, encoding="utf-8")
    assert results.read(file) == results.read(file.parent) == json.loads(TEXT)


def test_what_reports_write_is_read_hostile_or_not(tmp_path: Path) -> None:
    made = hostile(longest=2000)
    assert results.read(reports.write(made, tmp_path)) == made


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


EXCESS: dict[str, Any] = {
    "nested": _nested(300),
    "nested without end": _nested(100_000),
    "maps without end": {"a": _nested(100_000)},
    "no number": float("nan"),
    "infinite, in a list": [float("-inf")],
    "a long text": "x" * 100_000,
    "a long list": ["x" * 50] * 100_000,
    "the longest number that JSON gives": 10**4299,
}


@pytest.mark.parametrize("value", EXCESS.values(), ids=EXCESS.keys())
def test_what_one_host_sends_never_costs_the_others_their_results(tmp_path: Path, value: Any) -> None:
    rows = [row("M08-01", "fail", observed=value, name="n" * 100_000)]
    made = document(record("deb12"), record("evil", controls=[control("M08-01", rows, reason="r" * 100_000)]))
    found = results.read(reports.write(made, tmp_path))
    (evil,) = [result for result in found["results"] if result["host"] == "evil"]
    assert evil["verdict"] == "non_compliant"
    assert len(json.dumps(evil)) < 10_000
    assert sum(result["verdict"] == "compliant" for result in found["results"]) == len(found["results"]) - 1


def test_what_is_ordinary_stays_what_it_is() -> None:
    for value in (None, True, 0, 1.5, "x" * 60_000, ["a", {"b": [1, None]}], _nested(19), {"k": "\ud800"}):
        assert bounded.bounded(value) == value


BYTES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty;"),
    "blank": (b" \n\n", "is empty;"),
    "cut short": (TEXT.encode()[: len(TEXT) // 2], "is not valid JSON, cut short or changed: "),
    "one byte short": (TEXT.encode()[:-1], "is not valid JSON, cut short or changed: "),
    "something after": (TEXT.encode() + b"}", "is not valid JSON, cut short or changed: Extra data"),
    "no JSON": (b"<html>\x1b</html>", "is not valid JSON"),
    "not UTF-8": (TEXT.replace("deb12", "é").encode("latin-1"), "is not UTF-8 text (byte "),
    "UTF-16": (TEXT.encode("utf-16"), "is not UTF-8 text (byte 0)"),
    "zero bytes": (b"\0" * 4096, "is not valid JSON"),
    "NaN": (TEXT.replace("0.31", "NaN").encode(), "NaN is no number of JSON"),
    "infinite": (TEXT.replace("0.31", "-Infinity").encode(), "-Infinity is no number of JSON"),
    "too large a number": (TEXT.replace("0.31", "1e999").encode(), "1e999 is too large a number"),
    "digits without end": (TEXT.replace("0.31", "9" * 5000).encode(), "is not valid JSON"),
    "a key twice": (
        TEXT.replace('"verdict": "non_compliant"', '"verdict": "non_compliant", "verdict": "compliant"').encode(),
        "key verdict is written twice",
    ),
    "very deep lists": (b"[" * 500_000, "nests lists and maps more than 40 levels deep"),
    "very deep maps": (b'{"a":' * 500_000, "nests lists and maps more than 40 levels deep"),
    "deep value": (
        TEXT.replace('"observed": 8', f'"observed": {"[" * 60}{"]" * 60}').encode(),
        "nests lists and maps more than 40 levels deep",
    ),
    "list": (b"[1, 2]", "is no results file of essms.hardening; give the results.json of a run"),
    "text": (b'"essms-results/1"', "is no results file of essms.hardening;"),
    "other JSON": (b'{"name": "x"}', "is no results file of essms.hardening;"),
    "newer": (
        b'{"schema": "essms-results/2", "verdicts": {}}',
        "was written by a newer version of essms.hardening (essms-results/2); update it",
    ),
    "much newer": (b'{"schema": "essms-results/17"}', "was written by a newer version of essms.hardening"),
    "foreign": (b'{"schema": "other/1"}', "follows the schema other/1 instead of essms-results/1;"),
    "nearly newer": (b'{"schema": "essms-results/2\\u202e"}', "follows the schema essms-results/2\\u202e instead of"),
    "schema of a host": (b'{"schema": "essms-host/1"}', "follows the schema essms-host/1 instead of"),
    "schema of no text": (b'{"schema": [1]}', "follows the schema 1 instead of"),
    "incomplete": (b'{"schema": "essms-results/1"}', "$: 'establishment' is a required property (rule required). Take"),
    "a result too little": (
        TEXT.replace('"verdict": "waived"', '"verdict": "fine"').encode(),
        "$.results[6].verdict: 'fine' is not one of",
    ),
}


@pytest.mark.parametrize(("content", "said"), BYTES.values(), ids=BYTES.keys())
def test_what_is_wrong_with_the_content(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    found = sentence(file)
    assert found.startswith(f"{file}: ")
    assert said in found
    assert file.read_bytes() == content


def test_a_huge_file_is_refused_without_reading_it(file: Path) -> None:
    with file.open("wb") as stream:
        stream.truncate(2**30)  # sparse: it takes no room
    assert "is larger than 192 MB, which no run writes; check that" in sentence(file)


def test_the_limit_is_the_last_size_that_is_read(file: Path) -> None:
    file.write_text("[1]", encoding="utf-8")
    assert json_file.load(file, limit=3) == [1]
    with pytest.raises(json_file.JsonFileError):
        json_file.load(file, limit=2)


def _loop(file: Path) -> None:
    file.symlink_to(file.name)


def _folder(file: Path) -> None:
    file.mkdir()


def _pipe(file: Path) -> None:
    os.mkfifo(file)


def _device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def _dangling(file: Path) -> None:
    file.symlink_to("nowhere")


def _nothing(_file: Path) -> None:
    pass


ODD: dict[str, tuple[Callable[[Path], None], str]] = {
    "loop of links": (_loop, "cannot be read: Too many levels of symbolic links; check the path"),
    "pipe nobody writes to": (_pipe, "is a pipe or a device, not a file;"),
    "device without end": (_device, "is a pipe or a device, not a file;"),
    "folder": (_folder, "is a folder, not a file;"),
    "dangling link": (_dangling, "cannot be read: No such file or directory; check the path"),
    "missing": (_nothing, "cannot be read: No such file or directory; check the path"),
}


@pytest.mark.parametrize(("make", "said"), ODD.values(), ids=ODD.keys())
def test_what_is_no_file(file: Path, make: Callable[[Path], None], said: str) -> None:
    make(file)
    assert said in sentence(file.parent)


def test_rights_are_missing(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(TEXT, encoding="utf-8")

    def refused(*_arguments: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(Path, "is_dir", refused)
    assert "cannot be read: Permission denied; check the path and its rights." in sentence(file)


@pytest.mark.parametrize("name", ["a\0b", "a\nb\x1b", "x" * 5000])
def test_names_no_file_can_have(tmp_path: Path, name: str) -> None:
    assert "\n" not in sentence(tmp_path / name)


def test_lone_surrogates_are_text(file: Path) -> None:
    file.write_text(TEXT.replace("deb12", "\\ud800"), encoding="utf-8")
    assert results.read(file)["hosts"][0]["name"] == "\ud800"


def test_ordinary_results_need_no_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fleet is read at once only because jsonschema is asked about the frame and nothing else."""
    asked: list[str] = []
    broken = results_check._broken

    def noted(definition: str, value: Any, place: str) -> str:
        asked.append(place)
        return broken(definition, value, place)

    monkeypatch.setattr(results_check, "_broken", noted)
    results.validate(ordinary())
    assert asked == ["$"]
    results.validate(hostile())
    assert asked == ["$", "$"]


MISSING = object()
ODDITIES: list[Any] = [
    None, True, False, 0, -1, 1.5, "", "x", "ok", "fail", "compliant", "non_compliant", "waived", "not_verified",
    "not_applicable", "unknown", "verified", "group", "equals", "proven", "2026-01-01", "2026-01-01\n",
    "٢٠٢٦-01-01", "2026-01-01T00:00:00Z", "M08-01", "M08-01\n", [], [None], ["x"], [{}], {}, {"x": 1}, {"x": "y"},
    WAIVER,
]  # fmt: skip


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in items for place in _places(item, (*path, key)))]


PLACES = _places(ordinary())[1:]


@given(st.data())
def test_nothing_passes_that_the_schema_refuses(data: st.DataObject) -> None:
    """Break a document in one or two places, then ask both the quick look and the schema as a whole."""
    made: Any = copy.deepcopy(ordinary())
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from(PLACES))
        holder = made
        try:
            for key in way:
                holder = holder[key]
            _change(holder, last, data)
        except (KeyError, IndexError, TypeError, AttributeError):  # an earlier change took the place away
            continue
    assert (results_check.problem(made) == "") == SCHEMA.is_valid(made)


def _change(holder: Any, last: Any, data: st.DataObject) -> None:
    deed = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if deed == "replace":
        holder[last] = data.draw(st.sampled_from(ODDITIES))
    elif deed == "remove":
        del holder[last]
    elif isinstance(holder, dict):
        holder[data.draw(st.sampled_from(["seen", "note", "control"]))] = data.draw(st.sampled_from(ODDITIES))
    else:
        holder.append(data.draw(st.sampled_from(ODDITIES)))


def _recognised() -> list[tuple[str, Callable[[Any], bool], Any]]:
    """Return one item of each sort that the quick look knows, with the definition of the schema for it."""
    made = ordinary()
    verdicts = {result["verdict"]: result for result in made["results"]}
    assert len(verdicts) == 5
    return [
        ("waiver", results_check._is_waiver, made["waivers"][0]),
        *(("host", results_check._is_host, host) for host in made["hosts"]),
        *(("result", results_check._is_result, result) for result in (*verdicts.values(), *made["results"][:2])),
    ]


def _broken_ways(item: Any) -> Iterator[Any]:
    """Yield an item with each of its parts replaced by each oddity, or left out, or with one too many beside it."""
    for *way, last in _places(item)[1:]:
        for oddity in (*ODDITIES, MISSING):
            made = copy.deepcopy(item)
            holder = made
            for key in way:
                holder = holder[key]
            if oddity is MISSING:
                del holder[last]
            elif oddity == {} and isinstance(holder, dict):
                holder["note"] = "x"
            else:
                holder[last] = oddity
            yield made


@pytest.mark.parametrize("number", range(len(_recognised())))
def test_no_part_of_an_item_is_waved_through(number: int) -> None:
    definition, recognise, item = _recognised()[number]
    assert recognise(item)
    for made in _broken_ways(item):
        assert not recognise(made) or results_check._validator(definition).is_valid(made), made


def test_every_key_and_word_of_the_quick_look_stands_in_the_schema() -> None:
    definitions = json.loads(results_check.SCHEMA_FILE.read_text(encoding="utf-8"))["$defs"]
    assert set(definitions["waiver"]["required"]) == results_check._WAIVER
    assert set(definitions["host"]["required"]) == results_check._HOST
    assert set(definitions["result"]["required"]) == results_check._RESULT
    assert set(definitions["setting"]["required"]) == results_check._ROW
    assert set(definitions["verdict"]["enum"]) == results_check._VERDICTS
    assert set(definitions["result"]["properties"]["evidence"]["enum"]) == results_check._EVIDENCE
    assert re.fullmatch(definitions["day"]["pattern"], "2026-01-01")


def _with(document: Any, verdict: str, states: list[str], **changes: Any) -> Any:
    """Return a document whose first result has this verdict and rows in these states."""
    made = copy.deepcopy(document)
    first = made["results"][0]
    first.update(verdict=verdict, settings=[{**first["settings"][0], "state": state} for state in states], **changes)
    return made


@pytest.mark.parametrize(
    ("verdict", "states", "changes"),
    [
        ("compliant", ["ok", "fail", "fail"], {}),
        ("compliant", ["ok", "unknown"], {}),
        ("compliant", ["not_applicable"], {}),
        ("compliant", [], {}),
        ("non_compliant", ["ok"], {}),
        ("non_compliant", [], {}),
        ("waived", ["ok"], {"waiver": WAIVER}),
        ("waived", [], {"waiver": WAIVER}),
        ("waived", ["fail"], {"waiver": None}),
        ("not_applicable", ["ok"], {}),
        ("not_applicable", ["not_applicable", "fail"], {}),
        ("not_verified", ["ok"], {"reason": ""}),
    ],
)
def test_a_verdict_that_does_not_follow_from_its_rows_is_refused(
    file: Path, verdict: str, states: list[str], changes: dict[str, Any]
) -> None:
    made = _with(ordinary(), verdict, states, **changes)
    file.write_text(json.dumps(made), encoding="utf-8")
    assert "$.results[0]" in sentence(file)
    assert not SCHEMA.is_valid(made)


@pytest.mark.parametrize(
    ("verdict", "states", "changes"),
    [
        ("compliant", ["ok", "not_applicable"], {}),
        ("non_compliant", ["ok", "fail", "unknown"], {}),
        ("waived", ["fail", "ok"], {"waiver": WAIVER}),
        ("not_applicable", [], {"reason": "only for hosts of the groups of essms_example_groups: kiosques"}),
        ("not_applicable", ["not_applicable"], {}),
        ("not_verified", [], {"reason": "The host is off."}),
        ("not_verified", ["ok", "unknown"], {}),
        ("compliant", ["ok"], {"waiver": WAIVER}),
    ],
)
def test_a_verdict_that_follows_from_its_rows_is_read(
    file: Path, verdict: str, states: list[str], changes: dict[str, Any]
) -> None:
    file.write_text(json.dumps(_with(ordinary(), verdict, states, **changes)), encoding="utf-8")
    assert results.read(file)["results"][0]["verdict"] == verdict


@pytest.mark.parametrize("day", ["2026-99-99", "2026-02-30", "0000-01-01"])
def test_a_date_is_one_of_the_calendar(file: Path, day: str) -> None:
    made: Any = copy.deepcopy(ordinary())
    waived = next(result for result in made["results"] if result["verdict"] == "waived")
    waived["waiver"] = {**waived["waiver"], "end": day}
    file.write_text(json.dumps(made), encoding="utf-8")
    assert f"'{day}' is not a 'date'" in sentence(file)
    made = {**copy.deepcopy(ordinary()), "finished": f"{day}T00:00:00Z"}
    file.write_text(json.dumps(made), encoding="utf-8")
    assert "$.finished" in sentence(file)


def test_values_without_end_are_refused_before_they_take_memory(file: Path) -> None:
    file.write_bytes(b"[" + b"[]," * 4_000_000 + b"[]]")
    assert "holds more than 7 million values" in sentence(file)
