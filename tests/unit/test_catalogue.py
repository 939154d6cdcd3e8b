# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loader: what a control file may say, and the one line that answers everything else."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import schemas

from tests.support.catalogue_files import REMOVE, TEXT, Folder

FILE = "roles/password_policy/controls/M08-01_length.yml"
LIST = {"description": TEXT, "type": "list", "maxItems": 2, "default": []}
PARAMETER = {"description": TEXT, "type": "int", "minimum": 1, "maximum": 9, "default": 5}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_the_sample_is_accepted(folder: Folder) -> None:
    folder.control()
    loaded = folder.load()
    control = loaded.controls["M08-01"]
    assert (control.measure, control.role, control.risk, control.path) == ("M08", "password_policy", "", FILE)
    assert control.parameters == control.platforms["linux"].uses == ("essms_length",)
    assert loaded.parameters["essms_length"].values == {
        "anssi-2021": 12,
        "combine": 12,
        "instruction-2017": 10,
        "renforce": 14,
    }


MORE = "is more than a plain parameter; write {{ essms_name }} and nothing else in braces"
OTHER = "parameters.essms_text"
KEYS = "parameters.essms_length"
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"tittle": TEXT}, "unknown key tittle; did you mean title?"),
    "missing key": ({"why": REMOVE}, "key why is missing; add it"),
    "missing translation": ({"title": {"fr": "Titre"}}, "title: key en is missing; add it"),
    "no platform": ({"linux": REMOVE}, "a key is missing; add linux or windows or directory or establishment"),
    "unknown origin": (
        {"origin": "anssi"},
        'origin: "anssi" is not allowed; use "instruction" or "pgssi-s" or "state-of-the-art"',
    ),
    "yaml 1.1 no for text": ({"title__fr": False}, "title.fr: must be a string, not false; put it in quotes"),
    "yaml 1.1 octal for text": ({"why__en": 0o644}, "why.en: must be a string, not 420; put it in quotes"),
    "yaml 1.1 no in a body": (
        {"linux__settings": [{"sshd": {"PermitEmptyPasswords": False}}]},
        'linux.settings[0].sshd: PermitEmptyPasswords: false is not allowed; use "no" (profile anssi-2021)',
    ),
    "CIS wording": (
        {"references__cis_debian_12": ["5.3 Ensure"]},
        'references.cis_debian_12[0]: "5.3 Ensure" has another form than ^[0-9]+(\\.[0-9]+)+$',
    ),
    "invisible character": (
        {"title__fr": "Longueur\u202e"},
        'title.fr: "Longueur\\u202e" holds a control or invisible character; write one line of plain text',
    ),
    "unknown kind": (
        {"linux__settings": [{"pwqality": {"minlen": 12}}]},
        "linux.settings[0]: unknown kind pwqality; did you mean pwquality?",
    ),
    "kind of a platform that has none": (
        {"windows": {"evidence": "simulated", "settings": [{"registry": {"a": 1}}]}},
        "windows.settings[0]: unknown kind registry; remove it",
    ),
    "two kinds in one setting": (
        {"linux__settings": [{"pam": {"pwquality": True}, "pwquality": {"minlen": 12}}]},
        "linux.settings[0]: {pam: {'pwquality': True}, pwquality: {'minlen': 12}} has too many keys; give 1 or fewer",
    ),
    "body its kind refuses": (
        {"linux__settings": [{"pwquality": {"minlenn": 12}}]},
        "linux.settings[0].pwquality: unknown key minlenn; did you mean minlen? (profile anssi-2021)",
    ),
    "value its kind refuses under one profile": (
        {"parameters__essms_length__minimum": 1, "parameters__essms_length__profiles__renforce": 2},
        "linux.settings[0].pwquality: minlen: 2 is too small; use 6 or more (profile renforce)",
    ),
    "unknown parameter": (
        {"linux__settings": [{"pwquality": {"minlen": "{{ essms_lenght }}"}}]},
        "linux.settings[0].pwquality: unknown parameter essms_lenght; did you mean essms_length?",
    ),
    "filter in a template": (
        {"linux__settings": [{"pwquality": {"minlen": "{{ essms_length | int }}"}}]},
        f'linux.settings[0].pwquality: "{{{{ essms_length | int }}}}" {MORE}',
    ),
    "statement in a nested template": (
        {"linux__settings": [{"pwquality": {"badwords": ["{% if x %}"]}}]},
        f'linux.settings[0].pwquality: "{{% if x %}}" {MORE}',
    ),
    "template in a key": (
        {"linux__settings": [{"pwquality": {"{{ essms_length }}": 12}}]},
        'linux.settings[0].pwquality: key "{{ essms_length }}" holds braces; write it out',
    ),
    "parameter without our prefix": (
        {"parameters": {"length": PARAMETER}},
        'parameters: "length" has another form than ^essms_[a-z0-9_]+$',
    ),
    "number without bounds": (
        {"parameters__essms_length__maximum": REMOVE},
        f"{KEYS}: key maximum is missing; add it",
    ),
    "text without a form": (
        {"parameters__essms_text": {"description": TEXT, "type": "str", "default": "x"}},
        "parameters.essms_text: a key is missing; add pattern or enum",
    ),
    "list without items": (
        {"parameters__essms_text": LIST},
        f"{OTHER}: key items is missing; add it",
    ),
    "list of text without a form": (
        {"parameters__essms_text": {**LIST, "items": {"type": "string"}}},
        f"{OTHER}.items: a key is missing; add pattern or enum or properties or minimum or maximum",
    ),
    "reference twice": (
        {"references__pgssi_s": ["4.5.1.1", "4.5.1.1"]},
        "references.pgssi_s: [4.5.1.1, 4.5.1.1] repeats an item; write each one once",
    ),
    "bound that means nothing": (
        {"parameters__essms_length__pattern": "x"},
        f"{KEYS}.pattern: means nothing for type int; remove it",
    ),
    "pattern that is none": (
        {"parameters__essms_text": {"description": TEXT, "type": "str", "pattern": "[", "default": ""}},
        f"{OTHER}.pattern: not a regular expression (unterminated character set at position 0); correct it",
    ),
    "missing profile value": (
        {"parameters__essms_length__profiles__renforce": REMOVE},
        f"{KEYS}.profiles: no value for profile renforce; add it",
    ),
    "unknown profile": (
        {"parameters__essms_length__profiles__renforcee": 14},
        f"{KEYS}.profiles: unknown profile renforcee; did you mean renforce?",
    ),
    "default and profiles": (
        {"parameters__essms_length__default": 12},
        f"{KEYS}: give either default (every profile agrees) or profiles (one value for each)",
    ),
    "neither default nor profiles": (
        {"parameters__essms_length__profiles": REMOVE},
        f"{KEYS}: give either default (every profile agrees) or profiles (one value for each)",
    ),
    "profile out of its own bounds": (
        {"parameters__essms_length__profiles__combine": 65},
        f"{KEYS}.profiles.combine: 65 is too large; use 64 or less",
    ),
    "default out of its own bounds": (
        {"parameters__essms_other": {**PARAMETER, "default": 10}},
        "parameters.essms_other.default: 10 is too large; use 9 or less",
    ),
    "default of another type": (
        {"parameters__essms_other": {**PARAMETER, "default": "5"}},
        'parameters.essms_other.default: must be a whole number, not "5"',
    ),
    "accepted range for no profile": (
        {"parameters__essms_length__accepted": {"combin": {"minimum": 10}}},
        f"{KEYS}.accepted: unknown profile combin; did you mean combine?",
    ),
    "accepted range that is none": (
        {"parameters__essms_length__accepted": {"minimun": 10}},
        f"{KEYS}.accepted: unknown key minimun; did you mean minimum?",
    ),
    "origin of no profile": (
        {"parameters__essms_length__origin": {"default": "pgssi-s", "combin": "instruction"}},
        f"{KEYS}.origin: unknown profile combin; did you mean combine?",
    ),
}


@pytest.mark.parametrize(("changes", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_a_broken_control_file_is_one_line(folder: Folder, changes: dict[str, Any], sentence: str) -> None:
    folder.control(**changes)
    assert without_line(folder.error()) == f"{FILE}: {sentence}"


def without_line(error: str) -> str:
    return re.sub(r"^([^:]+):[0-9]+: ", r"\1: ", error)


def test_an_error_names_the_line_of_the_key(folder: Folder) -> None:
    path = folder.control()
    lines = path.read_text(encoding="utf-8").splitlines()
    number = next(index for index, line in enumerate(lines) if line.startswith("origin:"))
    lines[number] = "origin: anssi"
    folder.text("\n".join(lines))
    said = 'origin: "anssi" is not allowed; use "instruction" or "pgssi-s" or "state-of-the-art"'
    assert folder.error() == f"{FILE}:{number + 1}: {said}"
    lines[number : number + 1] = ["origin: instruction", "", "# a comment", "orgin: x"]
    folder.text("\n".join(lines))
    assert folder.error() == f"{FILE}:{number + 4}: unknown key orgin; did you mean origin?"


PLACES = {
    "file name": (
        "M08-02_length.yml",
        "password_policy",
        "id: M08-01 does not match the file name; name the file M08-01_<words>.yml",
    ),
    "role": (
        "M08-01_length.yml",
        "session_lock",
        "id: M08 belongs to password_policy; move it to roles/password_policy",
    ),
    "extension": ("M08-01_length.yaml", "password_policy", "not a .yml file; rename or remove it"),
}


@pytest.mark.parametrize(("name", "role", "sentence"), PLACES.values(), ids=PLACES.keys())
def test_a_control_in_the_wrong_place(folder: Folder, name: str, role: str, sentence: str) -> None:
    folder.control(name, role)
    assert folder.error() == f"roles/{role}/controls/{name}: {sentence}"


def test_an_id_is_never_used_twice(folder: Folder) -> None:
    folder.control()
    folder.control("M08-01_other.yml", parameters=REMOVE, linux__settings=[{"pam": {"pwquality": True}}])
    assert folder.error() == (
        f"roles/password_policy/controls/M08-01_other.yml: id: M08-01 is already in {FILE};"
        " ids are never reused, take the next one"
    )


def test_a_parameter_has_one_owner(folder: Folder) -> None:
    folder.control()
    folder.control("M08-02_other.yml", id="M08-02")
    assert folder.error() == (
        f"roles/password_policy/controls/M08-02_other.yml: {KEYS}: already defined in {FILE};"
        " use it there without defining it again"
    )


def test_a_parameter_of_another_control_may_be_used(folder: Folder) -> None:
    folder.control()
    folder.control("M08-02_other.yml", id="M08-02", parameters=REMOVE)
    assert folder.load().controls["M08-02"].platforms["linux"].uses == ("essms_length",)


YAML = {
    "syntax": ("id: [M08-01\n", ":2:1: not valid YAML: did not find expected ',' or ']'"),
    "key twice": ("id: M08-01\nid: M08-02\n", ":2:1: not valid YAML: key id is written twice; keep one"),
    "list": ("- id: M08-01\n", ":1: must be a map, not [{'id': 'M08-01'}]"),
    "empty": ("", ":1: must be a map, not None"),
    "number beyond what Python reads": ("id: 1" + "0" * 5000 + "\n", None),
    "nested too deeply": ("id: " + "[" * 900_000 + "\n", ": is nested more than 100 levels deep; write it flatter"),
    "object": ("id: !!python/object/apply:os.system [id]\n", None),
    "key that is no text": ("id: M08-01\nno: 1\n", ":1: key false is not a string; put it in quotes"),
}


@pytest.mark.parametrize(("text", "sentence"), YAML.values(), ids=YAML.keys())
def test_yaml_that_is_not_valid(folder: Folder, text: str, sentence: str | None) -> None:
    folder.text(text)
    if sentence is None:
        assert folder.error().startswith(f"{FILE}:")
        assert re.search("could not determine a constructor|put the value in quotes|did not find", folder.error())
    else:
        assert folder.error() == FILE + sentence


def test_a_file_that_is_not_utf8(folder: Folder) -> None:
    folder.text("").write_bytes(b"title: \xe9\n")
    assert folder.error().startswith(f"{FILE}: not valid YAML: 'utf-8' codec can't decode byte 0xe9")
    assert folder.error().endswith("save it as UTF-8 text")


@pytest.mark.parametrize("path", ["measures.yml", "schema/control.schema.json"])
def test_a_missing_part_of_the_collection(folder: Folder, path: str) -> None:
    folder.control()
    (folder.root / path).unlink()
    assert folder.error().startswith(f"{path}: cannot be read: ")


@pytest.mark.parametrize("path", ["profiles", "roles"])
def test_a_missing_folder_of_the_collection(folder: Folder, path: str) -> None:
    folder.control()
    shutil.rmtree(folder.root / path)
    assert folder.error().startswith(f"{folder.root.name}: no ")
    assert folder.error().endswith("; reinstall the collection")


def test_a_profile_bears_the_name_of_its_file(folder: Folder) -> None:
    (folder.root / "profiles/combine.yml").rename(folder.root / "profiles/autre.yml")
    assert folder.error() == "profiles/autre.yml: id: combine differs from the file name; name the file combine.yml"


def test_default_is_no_name_for_a_profile(folder: Folder) -> None:
    # Where a parameter says something per profile, default stands for all the others.
    path = folder.root / "profiles/combine.yml"
    path.write_text(path.read_text(encoding="utf-8").replace("id: combine", "id: default"), encoding="utf-8")
    assert folder.error() == 'profiles/combine.yml:2: id: "default" is reserved; choose another'


def test_an_error_names_no_path_of_the_machine_and_stays_short(folder: Folder) -> None:
    folder.control(title__fr="x" * 10_000_000)
    assert str(folder.root) not in folder.error()
    assert len(folder.error()) < 300


def test_text_without_any_other_rule_is_still_one_bounded_printable_line() -> None:
    assert schemas.problem({}, "x" * 1024) == ""
    assert schemas.problem({}, "x" * 1025).endswith(" has 1025 characters; write at most 1024")
    assert schemas.problem({}, {"a\nb": 1}) == (
        '"a\\nb": "a\\nb" holds a control or invisible character; write one line of plain text'
    )


def test_accepted_is_one_range_or_one_per_profile(folder: Folder) -> None:
    folder.control(parameters__essms_length__accepted={"default": {"minimum": 9}, "renforce": {"minimum": 14}})
    parameter = folder.load().parameters["essms_length"]
    assert parameter.accepted_in("renforce") == {"minimum": 14}
    assert parameter.accepted_in("combine") == {"minimum": 9}
