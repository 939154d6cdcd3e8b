# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an inventory's values to settings: bounds, written reasons, conflicts, hostile values, plain substitution."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Source
from ansible_collections.essms.hardening.plugins.plugin_utils.resolution import Resolution, check_names, resolve
from hypothesis import given
from hypothesis import strategies as st

from tests.support.catalogue_files import PROFILES, REMOVE, TEXT, Folder

REASON = {"reason": "display in the hall, no record is shown", "author": "the director", "date": "2026-01-31"}


@pytest.fixture(scope="module")
def real() -> Catalogue:
    return catalogue.load()


def run(
    known: Catalogue,
    profile: str = "combine",
    family: str | None = "debian",
    ids: str = "",
    secret: Sequence[str] = (),
    **variables: Any,
) -> Resolution:
    controls = [control for key, control in known.controls.items() if key.startswith(ids)]
    return resolve(
        known,
        controls,
        platform="linux",
        family=family,
        profile=profile,
        variables=variables,
        source_of=lambda _name, _value: Source("group_vars/poste.yml:3", "group", "poste"),
        secret=secret,
    )


def refusal(known: Catalogue, **variables: Any) -> str:
    with pytest.raises(CatalogueError) as caught:
        run(known, **variables)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert len(sentence) < 400
    return sentence


def body(found: Resolution, control: str, kind: str) -> dict[str, Any]:
    bodies_found = [item["body"] for item in found.settings if (item["control"], item["kind"]) == (control, kind)]
    assert len(bodies_found) == 1
    return dict(bodies_found[0])


@pytest.mark.parametrize(("profile", "length"), list(zip(PROFILES, (12, 12, 10, 14), strict=True)))
def test_a_profile_gives_its_values(real: Catalogue, profile: str, length: int) -> None:
    found = run(real, profile)
    assert body(found, "M08-01", "pwquality")["minlen"] == length
    assert found.parameters["M08-01"]["essms_password_min_length"] == {
        "value": length,
        "source": f"profile {profile}",
        "layer": "profile",
        "layer_name": profile,
        "profile_value": length,
        "deviation": None,
    }


def test_an_inventory_wins_and_its_place_is_kept(real: Catalogue) -> None:
    found = run(real, essms_lock_seconds=300)
    assert found.parameters["M07-02"]["essms_lock_seconds"] == {
        "value": 300,
        "source": "group_vars/poste.yml:3",
        "layer": "group",
        "layer_name": "poste",
        "profile_value": 600,
        "deviation": None,
    }
    assert body(found, "M07-02", "kde_lock")["seconds"] == 300


def test_the_defaults_of_a_role_count_as_the_profile(real: Catalogue) -> None:
    found = run(real, essms_lock_seconds=600)
    assert found.parameters["M07-02"]["essms_lock_seconds"]["source"] == "profile combine"


def test_a_control_lists_the_parameters_it_borrows(real: Catalogue) -> None:
    assert set(run(real).parameters["M08-04"]) == {
        "essms_admin_password_max_age_days",
        "essms_privileged_groups",
        "essms_password_warn_days",
    }


def test_settings_are_plain_json_without_templates(real: Catalogue) -> None:
    for profile in PROFILES:
        text = json.dumps(run(real, profile).settings)
        assert "{{" not in text
        assert json.loads(text) == run(real, profile).settings


def test_a_platform_without_settings_gets_none(real: Catalogue) -> None:
    found = resolve(
        real,
        real.controls.values(),
        platform="windows",
        family=None,
        profile="combine",
        variables={},
        source_of=lambda _name, _value: Source("", "group", "poste"),
    )
    assert (found.settings, found.parameters) == ([], {})


PLACE = "(group_vars/poste.yml:3)"
BOUNDS = {
    "essms_password_min_length": [(7, "7 is too small; use 8 or more"), (129, "129 is too large; use 128 or less")],
    "essms_lockout_tries": [(2, "2 is too small; use 3 or more"), (11, "11 is too large; use 10 or less")],
    "essms_lockout_seconds": [
        (59, "59 is too small; use 60 or more"),
        (86401, "86401 is too large; use 86400 or less"),
    ],
    "essms_lock_seconds": [(59, "59 is too small; use 60 or more"), (1801, "1801 is too large; use 1800 or less")],
    "essms_tmout_seconds": [(59, "59 is too small; use 60 or more"), (1801, "1801 is too large; use 1800 or less")],
    "essms_ssh_alive_interval_seconds": [
        (14, "14 is too small; use 15 or more"),
        (901, "901 is too large; use 900 or less"),
    ],
    "essms_ssh_alive_count": [(0, "0 is too small; use 1 or more"), (11, "11 is too large; use 10 or less")],
    "essms_password_max_age_days": [
        (-1, "-1 is too small; use 0 or more"),
        (1096, "1096 is too large; use 1095 or less"),
    ],
    "essms_password_hash": [("md5", '"md5" is not allowed; use "yescrypt" or "sha512"')],
    "essms_privileged_groups": [([], "[] has too few items; give 1 or more")],
}
CASES = [(name, value, sentence) for name, cases in BOUNDS.items() for value, sentence in cases]


@pytest.mark.parametrize(("name", "value", "sentence"), CASES)
def test_nobody_leaves_the_bounds_even_with_a_reason(real: Catalogue, name: str, value: Any, sentence: str) -> None:
    assert refusal(real, **{name: value}) == f"{name} {PLACE}: {sentence}"
    assert refusal(real, **{name: value}, essms_justifications={name: REASON}) == f"{name} {PLACE}: {sentence}"


WEAKER = [
    ("combine", "essms_password_min_length", 10, "12 or more"),
    ("renforce", "essms_password_min_length", 12, "14 or more"),
    ("combine", "essms_password_min_classes", 3, "4 or more"),
    ("combine", "essms_password_history", 4, "5 or more"),
    ("combine", "essms_lockout_tries", 6, "5 or less"),
    ("combine", "essms_lock_seconds", 601, "600 or less"),
    ("combine", "essms_lock_seconds", 1800, "600 or less"),
    ("combine", "essms_tmout_seconds", 900, "600 or less"),
    ("combine", "essms_password_hash", "sha512", "yescrypt"),
    ("renforce", "essms_umask", "027", "077"),
    ("combine", "essms_ssh_password_auth", True, "false"),
    ("combine", "essms_privileged_groups", ["sudo"], "with sudo, wheel, admin"),
    ("combine", "essms_services_allow", ["cups"], "an empty list"),
    ("combine", "essms_integrity_groups", [], "not an empty list"),
    ("combine", "essms_password_max_age_days", 0, "1 to 365"),
    ("combine", "essms_password_max_age_days", 366, "1 to 365"),
    ("instruction-2017", "essms_password_max_age_days", 187, "1 to 186"),
    ("instruction-2017", "essms_admin_password_max_age_days", 187, "1 to 186"),
]


@pytest.mark.parametrize(("profile", "name", "value", "accepted"), WEAKER)
def test_a_weaker_value_needs_a_written_reason(
    real: Catalogue, profile: str, name: str, value: Any, accepted: str
) -> None:
    assert refusal(real, profile=profile, **{name: value}) == (
        f"{name} {PLACE}: {shown(value)} is outside what profile {profile} accepts ({accepted}); choose such a value or"
        f" write why in essms_justifications.{name} (reason, author, date)"
    )
    found = run(real, profile, **{name: value}, essms_justifications={name: REASON})
    (told, *others) = [p[name] for p in found.parameters.values() if name in p]
    assert all(other == told for other in others)
    assert (told["value"], told["deviation"]) == (value, REASON)


ACCEPTED = [
    ("combine", "essms_lock_seconds", 60),
    ("combine", "essms_lock_seconds", 599),
    ("combine", "essms_password_min_length", 13),
    ("combine", "essms_umask", "077"),
    ("combine", "essms_privileged_groups", ["sudo", "wheel", "admin", "docker"]),
    ("combine", "essms_ssh_macs", ["hmac-sha2-512-etm@openssh.com"]),
    ("instruction-2017", "essms_password_max_age_days", 186),
    ("anssi-2021", "essms_password_max_age_days", 0),
    ("anssi-2021", "essms_lockout_tries", 10),
    ("anssi-2021", "essms_admin_password_max_age_days", 1095),
]


@pytest.mark.parametrize(("profile", "name", "value"), ACCEPTED)
def test_an_accepted_value_needs_no_reason(real: Catalogue, profile: str, name: str, value: Any) -> None:
    found = run(real, profile, **{name: value}, essms_justifications={name: REASON})
    assert all(p[name]["deviation"] is None for p in found.parameters.values() if name in p)
    found = run(real, profile, **{name: value})
    assert all(p[name]["value"] == value for p in found.parameters.values() if name in p)


def test_a_profile_of_a_host_that_is_weaker_than_the_establishments_needs_its_reasons_too(real: Catalogue) -> None:
    def asked(**variables: Any) -> Resolution:
        return resolve(
            real,
            [real.controls["M08-01"], real.controls["M08-02"]],
            platform="linux",
            family=None,
            profile="instruction-2017",
            base="combine",
            variables={"essms_profile": "instruction-2017", **variables},
            source_of=lambda name, _value: Source(f"host_vars/hall.yml:{len(name)}", "host", "hall"),
        )

    name = "essms_password_min_length"
    with pytest.raises(CatalogueError) as caught:
        asked()
    assert str(caught.value).startswith(
        f"{name} (host_vars/hall.yml:13): 10 is outside what profile combine accepts (12 or more);"
    )
    told = asked(essms_justifications={name: REASON}).parameters["M08-01"][name]
    assert (told["value"], told["profile_value"], told["layer"], told["deviation"]) == (10, 12, "host", REASON)
    # what both profiles agree on, and what is stricter than the establishment's, needs none
    assert asked(**{name: 14}).parameters["M08-02"]["essms_password_min_classes"]["deviation"] is None


BAD_REASONS: dict[str, tuple[object, str]] = {
    "no author": ({"reason": REASON["reason"], "date": "2026-01-31"}, "key author is missing; add it"),
    "no words": ({**REASON, "reason": "x"}, 'reason: "x" is too short; write 10 characters or more'),
    "no date": ({**REASON, "date": "soon"}, 'date: "soon" is no date of the calendar; write YYYY-MM-DD'),
    "no such day": (
        {**REASON, "date": "2026-02-30"},
        'date: "2026-02-30" is no date of the calendar; write YYYY-MM-DD',
    ),
    "blank": ({**REASON, "author": "   "}, 'author: "   " has another form than ^\\S(.*\\S)?$'),
    "text": ("because", 'must be a map, not "because"'),
}


def test_a_reason_was_given_on_a_day_that_has_come(real: Catalogue) -> None:
    given = {"essms_lock_seconds": {**REASON, "date": "9999-12-31"}}
    assert refusal(real, essms_lock_seconds=1200, essms_justifications=given) == (
        'essms_justifications.essms_lock_seconds.date: "9999-12-31" has not come yet; give the day of the decision'
    )


@pytest.mark.parametrize(("reason", "sentence"), BAD_REASONS.values(), ids=BAD_REASONS.keys())
def test_a_reason_is_complete(real: Catalogue, reason: object, sentence: str) -> None:
    found = refusal(real, essms_lock_seconds=1200, essms_justifications={"essms_lock_seconds": reason})
    assert found in {
        f"essms_justifications: essms_lock_seconds: {sentence}",
        f"essms_justifications: essms_lock_seconds.{sentence}",
    }


def test_reasons_of_several_groups_add_up_and_the_plain_name_is_the_nearest(real: Catalogue) -> None:
    other = {**REASON, "author": "the MSP"}
    found = run(
        real,
        essms_lock_seconds=1200,
        essms_tmout_seconds=1200,
        essms_justifications={"essms_lock_seconds": REASON},
        essms_justifications_kiosques={"essms_lock_seconds": other, "essms_tmout_seconds": other},
    )
    assert found.parameters["M07-02"]["essms_lock_seconds"]["deviation"] == REASON
    assert found.parameters["M07-03"]["essms_tmout_seconds"]["deviation"] == other


def test_a_reason_for_another_parameter_does_not_count(real: Catalogue) -> None:
    assert "1200 is outside" in refusal(
        real, essms_lock_seconds=1200, essms_justifications={"essms_tmout_seconds": REASON}
    )
    assert refusal(real, essms_justifications={"essms_lock_second": REASON}).startswith(
        "essms_justifications: unknown parameter essms_lock_second; did you mean essms_lock_seconds"
    )


def test_yaml_reads_an_unquoted_date_as_a_date(real: Catalogue) -> None:
    run(
        real,
        essms_lock_seconds=1200,
        essms_justifications={"essms_lock_seconds": {**REASON, "date": dt.date(2026, 1, 31)}},
    )


def test_a_misspelt_parameter_is_not_ignored(real: Catalogue) -> None:
    assert refusal(real, essms_lock_second=300).startswith(
        "essms_lock_second: unknown parameter; did you mean essms_lock_seconds"
    )
    check_names(real, ["other_role_variable", "essms_guard_seconds"], others=["essms_guard_seconds"])


def test_an_unknown_profile_names_the_nearest(real: Catalogue) -> None:
    assert refusal(real, profile="combiné") == 'essms_profile: unknown profile "combiné"; did you mean combine?'


HOSTILE = [
    '"; rm -rf /',
    "12\n",
    "12\0",
    "\u202e21",
    "x" * 10_000_000,
    "$(reboot)",
    "{{ lookup('pipe', 'id') }}",
    "`id`",
]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: ascii(value[:12]))
@pytest.mark.parametrize(
    "name", ["essms_password_min_length", "essms_password_hash", "essms_lock_reminder", "essms_banned_words"]
)
def test_hostile_values_are_refused_in_one_short_line(real: Catalogue, name: str, value: str) -> None:
    given_value = [value] if name == "essms_banned_words" else value
    assert refusal(real, **{name: given_value}).startswith(f"{name} {PLACE}: ")


@pytest.mark.parametrize("value", [None, {}, [12], 12.5, True, "", "١٢", {"a": {}}], ids=repr)
def test_a_number_is_a_number(real: Catalogue, value: object) -> None:
    assert "must be a whole number" in refusal(real, essms_password_min_length=value)


def test_false_is_not_zero(real: Catalogue) -> None:
    assert "must be a whole number, not false" in refusal(real, profile="anssi-2021", essms_password_max_age_days=False)


def test_a_whole_number_written_with_a_point_becomes_one(real: Catalogue) -> None:
    assert json.dumps(body(run(real, essms_password_min_length=13.0), "M08-01", "pwquality")["minlen"]) == "13"


def test_a_truth_value_from_the_command_line_is_text(folder: Folder) -> None:
    switch = {"description": TEXT, "type": "bool", "default": True}
    folder.control(
        parameters={"essms_switch": switch}, linux__settings=[{"kde_lock": {"on_resume": "{{ essms_switch }}"}}]
    )
    known = folder.load()
    for word, value in (("no", False), ("False", False), ("true", True), ("yes", True), (False, False)):
        assert run(known, essms_switch=word).settings[0]["body"] == {"on_resume": value}
    assert refusal(known, essms_switch="maybe") == f'essms_switch {PLACE}: must be true or false, not "maybe"'


def test_a_kind_has_the_last_word_on_a_value(folder: Folder) -> None:
    folder.control(parameters__essms_length__minimum=1)
    assert refusal(folder.load(), essms_length=3) == "M08-01: pwquality: minlen: 3 is too small; use 6 or more"


GROUPS = {
    "description": TEXT,
    "type": "list",
    "maxItems": 5,
    "items": {"type": "string", "pattern": "^[a-z_]+$"},
    "default": ["partage_fichiers"],
}


@pytest.mark.parametrize(
    ("groups", "asked"), [(["lab", "partage_fichiers"], True), (["lab"], False), ([], False), (None, True)]
)
def test_a_control_may_be_meant_for_some_groups(folder: Folder, groups: list[str] | None, asked: bool) -> None:
    folder.control(parameters__essms_groups=GROUPS, linux__groups="{{ essms_groups }}")
    known = folder.load()
    found = resolve(
        known,
        known.controls.values(),
        platform="linux",
        family="debian",
        profile="combine",
        variables={},
        source_of=lambda _name, _value: Source("", "group", "poste"),
        groups=groups,
    )
    assert bool(found.settings) == asked
    expected = {} if asked else {"M08-01": "only for hosts of the groups of essms_groups: partage_fichiers"}
    assert found.excluded == expected
    assert found.parameters["M08-01"]["essms_groups"]["value"] == ["partage_fichiers"]


def test_the_groups_of_a_control_are_a_list_that_exists(folder: Folder) -> None:
    folder.control(linux__groups="{{ essms_nothing }}")
    assert folder.error().endswith("linux.groups: essms_nothing is not a parameter of type list")
    folder.control(linux__groups="{{ essms_length }}")
    assert folder.error().endswith("linux.groups: essms_length is not a parameter of type list")


SERVICES = {
    "description": TEXT,
    "type": "list",
    "maxItems": 5,
    "items": {
        "type": "object",
        "required": ["name", "port"],
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z]+$"},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535},
            "sources": {"type": "array", "maxItems": 2, "items": {"type": "string", "pattern": "^[0-9./]+$"}},
        },
    },
    "default": [],
}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([{"name": "web", "port": 443, "sources": ["10.0.0.0/8"]}], ""),
        ([{"name": "web"}], "[0]: key port is missing; add it"),
        ([{"name": "web", "port": 0}], "[0].port: 0 is too small; use 1 or more"),
        ([{"name": "web", "port": 1, "prot": 1}], "[0]: unknown key prot; did you mean port?"),
        ([{"name": "web", "port": 1, "sources": ["x"]}], '[0].sources[0]: "x" has another form than ^[0-9./]+$'),
        (["web"], '[0]: must be a map, not "web"'),
    ],
)
def test_a_list_may_hold_maps(folder: Folder, given: list[Any], sentence: str) -> None:
    folder.control(parameters__essms_services=SERVICES)
    known = folder.load()
    if not sentence:
        assert run(known, essms_services=given)
    else:
        assert refusal(known, essms_services=given) == f"essms_services {PLACE}: {sentence}"


def test_the_place_of_a_value_cannot_act_on_a_terminal(real: Catalogue) -> None:
    found = resolve(
        real,
        [real.controls["M07-02"]],
        platform="linux",
        family="debian",
        profile="combine",
        variables={"essms_lock_seconds": 300},
        source_of=lambda _name, _value: Source("a\x1b[2Jb", "group", "poste"),
    )
    assert found.parameters["M07-02"]["essms_lock_seconds"]["source"] == "a\\x1b[2Jb"


def test_a_number_from_the_command_line_is_text(real: Catalogue) -> None:
    found = run(real, essms_password_min_length="13")
    assert body(found, "M08-01", "pwquality")["minlen"] == 13


@pytest.mark.parametrize("word", ["abc", "deux mots", "mot-clé", "fin\n"])
def test_a_banned_word_is_letters_and_digits(real: Catalogue, word: str) -> None:
    assert refusal(real, essms_banned_words=[word]).startswith(f"essms_banned_words {PLACE}: [0]: ")


def test_banned_words_may_be_french(real: Catalogue) -> None:
    words = ["Résidence", "Éluard", "750000001"]
    assert body(run(real, essms_banned_words=words), "M08-07", "pwquality")["badwords"] == words


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "root")


def second(folder: Folder, *settings: dict[str, Any]) -> Catalogue:
    folder.control()
    folder.control("M08-02_other.yml", id="M08-02", parameters=REMOVE, linux__settings=list(settings))
    return folder.load()


def test_two_controls_that_disagree_are_both_named(folder: Folder) -> None:
    assert refusal(second(folder, {"pwquality": {"minlen": 20}})) == (
        "M08-01 and M08-02 set pwquality minlen to different values (12 and 20);"
        " change a parameter of one of them, or select only one"
    )


def test_a_conflict_outside_the_selection_is_none(folder: Folder) -> None:
    assert run(second(folder, {"pwquality": {"minlen": 20}}), ids="M08-02").settings[0]["body"] == {"minlen": 20}


def test_two_controls_may_agree_or_add_up(folder: Folder) -> None:
    words = [{"pwquality": {"badwords": [word]}} for word in ("lyon", "paris")]
    known = second(folder, {"pwquality": {"minlen": 12}}, *words)
    assert len(run(known, essms_length=12).settings) == 4


def test_the_same_key_of_two_things_is_no_conflict(folder: Folder) -> None:
    dconf = {"path": "org/a/b", "key": "x", "type": "boolean", "value": True}
    known = second(folder, {"dconf": dconf}, {"dconf": {**dconf, "path": "org/a/c", "value": False}})
    assert len(run(known).settings) == 3
    with pytest.raises(CatalogueError, match="M08-02 and M08-02 set dconf org/a/b/x to different values"):
        run(second(folder_again(folder), {"dconf": dconf}, {"dconf": {**dconf, "value": False}}))


def test_true_and_one_are_different_values(folder: Folder) -> None:
    dconf = {"path": "org/a/b", "key": "x", "type": "boolean", "value": True}
    known = second(folder, {"dconf": dconf}, {"dconf": {**dconf, "type": "uint32", "value": 1}})
    assert "set dconf org/a/b/x to different values (true and 1)" in refusal(known)


def folder_again(folder: Folder) -> Folder:
    """Return a fresh folder beside another: a catalogue is read once per root."""
    return Folder(folder.root.parent / "again")


@given(st.integers(-(10**12), 10**12))
def test_whatever_is_resolved_is_inside_the_bounds(value: int) -> None:
    known = catalogue.load()
    inside = 60 <= value <= 1800
    try:
        found = run(known, ids="M07-02", essms_lock_seconds=value, essms_justifications={"essms_lock_seconds": REASON})
    except CatalogueError:
        assert not inside
    else:
        assert inside
        assert body(found, "M07-02", "kde_lock")["seconds"] == value


SECRET = "S3CRET-of-the-vault"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"essms_proxy_url": f"http://user:{SECRET}@proxy"}, "it has another form than"),
        ({"essms_proxy_url": f"http://{SECRET}\x1b"}, "it has another form than"),
        ({"essms_password_min_length": SECRET}, "it must be a whole number"),
        ({"essms_banned_words": [f"{SECRET} x"]}, "it has another form than"),
        ({"essms_banned_words": {SECRET: 1}}, "it must be a list"),
        ({"essms_password_hash": SECRET}, "use "),
        ({"essms_justifications": {"essms_password_min_length": {SECRET: "x"}}}, "its value comes from a template"),
        ({"essms_justifications": {SECRET: {"reason": "r" * 20, "author": "DSI", "date": "2026-01-01"}}}, "unknown"),
    ],
)
def test_a_value_of_the_vault_is_never_shown(real: Catalogue, variables: dict[str, Any], said: str) -> None:
    sentence = refusal(real, secret=list(variables), **variables)
    assert said in sentence
    assert SECRET.lower() not in sentence.lower()
    assert sentence.startswith(next(iter(variables)))


def test_a_weak_value_of_the_vault_is_not_shown_either(real: Catalogue) -> None:
    sentence = refusal(real, secret=["essms_password_min_length"], essms_password_min_length=9)
    assert "is not shown here; it is outside what profile combine accepts (12 or more)" in sentence


def test_a_kind_does_not_show_a_value_of_the_vault(folder: Folder) -> None:
    folder.control(parameters__essms_length__minimum=1)
    assert refusal(folder.load(), secret=["essms_length"], essms_length=3) == (
        "M08-01: pwquality: its value comes from a template or the vault and is not shown here; correct essms_length"
    )


def test_a_conflict_does_not_show_a_value_of_the_vault(folder: Folder) -> None:
    known = second(folder, {"pwquality": {"minlen": 20}})
    assert "to different values; change" in refusal(known, secret=["essms_length"], essms_length=13)


def test_an_unknown_profile_of_the_vault_is_not_shown(real: Catalogue) -> None:
    with pytest.raises(CatalogueError) as found:
        run(real, profile=SECRET, secret=["essms_profile"])
    assert SECRET not in str(found.value)
