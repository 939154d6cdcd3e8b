# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controls of this collection: the values of their texts, honest origins, the guard where access is at stake."""

from __future__ import annotations

import json
import pickle

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import bodies, catalogue, schemas

from tests.support.catalogue_files import CHECKOUT, PROFILES


@pytest.fixture(scope="module")
def real() -> catalogue.Catalogue:
    return catalogue.load()


def test_password_and_session_controls_are_there(real: catalogue.Catalogue) -> None:
    password = [f"M08-0{number}" for number in range(1, 10)]
    assert [key for key in real.controls if key[:3] in ("M07", "M08")] == [
        "M07-02",
        "M07-03",
        "M07-04",
        "M07-05",
        "M07-07",
        *password,
        "M08-14",
    ]


TABLE = {
    "essms_password_min_length": (12, 12, 10, 14),
    "essms_password_max_age_days": (0, 365, 180, 0),
    "essms_admin_password_max_age_days": (365, 365, 180, 365),
    "essms_password_history": (5, 5, 3, 24),
    "essms_lockout_tries": (10, 5, 5, 5),
    "essms_lockout_seconds": (900, 900, 900, 900),
    "essms_lock_seconds": (600, 600, 600, 600),
}


@pytest.mark.parametrize(("name", "values"), TABLE.items())
def test_profiles_hold_the_values_of_their_texts(real: catalogue.Catalogue, name: str, values: tuple[int, ...]) -> None:
    assert real.parameters[name].values == dict(zip(PROFILES, values, strict=True))


def test_every_control_that_touches_access_arms_the_guard(real: catalogue.Catalogue) -> None:
    dangerous = {
        "account_ageing",
        "fail2ban",
        "faillock",
        "file_rights",
        "firewall",
        # accounts may come from NIS
        "forbidden_service",
        "inactive_accounts",
        "firewall_administration",
        "pam",
        "pam_unix",
        "pwhistory",
        "sshd",
        "su_group",
        "sudoers",
        "umask",
        "web_filter",
    }
    for control in real.controls.values():
        settings = control.platforms["linux"].settings
        kinds = {setting.kind for setting in settings}
        network = any("net." in str(setting.body) for setting in settings if setting.kind == "sysctl")
        assert (control.risk == "access") == (network or bool(kinds & dangerous)), control.id


def test_a_short_password_needs_a_lockout(real: catalogue.Catalogue) -> None:
    bodies_of = {setting.kind: setting.body for setting in real.controls["M08-01"].platforms["linux"].settings}
    assert bodies_of["password_entropy"] == {"bits": 79.5, "bits_with_lockout": 50}


def test_the_instruction_is_only_credited_with_what_it_says(real: catalogue.Catalogue) -> None:
    literal = {control.id for control in real.controls.values() if control.origin == "instruction"}
    assert literal == {"M07-02", "M07-07", "M08-01", "M08-02", "M08-03"}
    figures = {
        p.name for p in real.parameters.values() for profile in PROFILES if p.origin_in(profile) == "instruction"
    }
    assert figures == {"essms_password_min_length", "essms_password_max_age_days"}


def test_the_catalogue_survives_pickling(real: catalogue.Catalogue) -> None:
    assert pickle.loads(pickle.dumps(real)) == real


def test_a_catalogue_is_read_once(real: catalogue.Catalogue) -> None:
    assert catalogue.load(CHECKOUT / "collections/ansible_collections/essms/hardening") is not None
    assert catalogue.load() is real


def _rules(schema: object) -> set[str]:
    if isinstance(schema, dict):
        return set(schema).union(*map(_rules, schema.values()))
    return set().union(*map(_rules, schema)) if isinstance(schema, list) else set()


def test_every_rule_in_use_has_its_sentence() -> None:
    checks = {"exclusiveMinimum", "exclusiveMaximum", "multipleOf", "oneOf", "contains", "format", "dependentRequired"}
    said = set(schemas._LIMITS) | {"required", "additionalProperties", "type", "enum", "const", "anyOf"}
    ours = [json.loads(path.read_text()) for path in sorted((CHECKOUT / "schema").glob("*.json"))]
    ours = [schema for schema in ours if "results" not in str(schema.get("title", "")).lower()]
    kinds = [kind.schema for known in bodies.KINDS_OF.values() for kind in known.values()]
    assert not (_rules(ours) | _rules(kinds)) & (checks - said)
    assert bodies.KINDS_OF["linux"] is KINDS
