# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of the catalogue has a name that people can read."""

from __future__ import annotations

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import labels
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Source
from ansible_collections.essms.hardening.plugins.plugin_utils.resolution import resolve

CATALOGUE = load()
SETTINGS = resolve(
    CATALOGUE,
    CATALOGUE.controls.values(),
    platform="linux",
    family=None,
    profile="combine",
    variables={"essms_banned_words": ["tilleuls"]},
    source_of=lambda name, _value: Source(name, "group"),
).settings
NAMES = sorted({(item["kind"], name) for item in SETTINGS for name in KINDS[item["kind"]].expand(item["body"])})


@pytest.mark.parametrize(("kind", "name"), NAMES)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_setting_has_a_label(kind: str, name: str, language: str) -> None:
    label = labels.name(kind, name, language)
    assert label != name
    assert "{" not in label


def test_a_name_without_a_label_stays_technical() -> None:
    assert labels.name("key_value", "/etc/x.conf key", "fr") == "/etc/x.conf key"
    assert labels.name("no_such_kind", "x", "fr") == "x"


def test_a_note_is_told_in_french_with_its_figures() -> None:
    assert labels.note("2 of 3 accounts (uids 1001, 1004)", "fr") == "2 compte(s) sur 3, uid 1001, 1004"
    assert labels.note("2 of 3 accounts (uids 1001, 1004)", "en") == "2 of 3 accounts (uids 1001, 1004)"


@pytest.mark.parametrize(
    ("technical", "french"),
    [
        (
            "debian 12: until 2028-06-30 (distro-info-data); plan its replacement now",
            "debian 12 : jusqu'au 2028-06-30 (distro-info-data) ; prévoir son remplacement dès maintenant",
        ),
        (
            "an update asks for a restart of the host; services that run replaced files: a.service, b.service",
            (
                "un correctif demande le redémarrage de la machine ; services qui utilisent des fichiers remplacés : "
                "a.service, b.service"
            ),
        ),
        (
            "2 privileged: uids 0, 1000; gone since the last audit: uid 1001",
            "2 compte(s) privilégié(s) : uid 0, 1000 ; partis depuis le dernier audit : uid 1001",
        ),
        (
            "2 security updates wait: a, b; for at least 1 and at most 40 days: later audits will tell",
            (
                "2 correctif(s) de sécurité en attente : a, b ; depuis 1 jours au moins et 40 au plus, "
                "ce que les prochains audits préciseront"
            ),
        ),
    ],
)
def test_notes_that_were_joined_are_told_one_by_one(technical: str, french: str) -> None:
    assert labels.note(technical, "fr") == french
    assert labels.note(technical, "en") == technical


def test_a_text_no_label_can_be_for_is_neither_searched_nor_remembered() -> None:
    remembered = [labels._name, labels._value, labels._note]
    before = [found.cache_info().currsize for found in remembered]
    endless = "; " * 500_000
    assert labels.note(endless, "fr") == labels.value(endless, "fr") == labels.name("sshd", endless, "fr") == endless
    assert [found.cache_info().currsize for found in remembered] == before
