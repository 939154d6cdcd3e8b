# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary in the terminal: what it says, how it is typeset, and that nothing a host sends can act on it."""

from __future__ import annotations

import io
import re
import unicodedata

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import words as words_module
from ansible_collections.essms.hardening.plugins.plugin_utils.canvas import Canvas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.collector import NEVER_REACHED
from ansible_collections.essms.hardening.plugins.plugin_utils.comparison import comparison
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import fit, printable, width
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Score
from ansible_collections.essms.hardening.plugins.plugin_utils.summary import View, measure_line, summary, titles_of
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

from tests.unit.result_samples import CONTROLS, WAIVER, document, record, silent

NBSP = "\N{NO-BREAK SPACE}"
EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\u200b\ufeff\r\n\t\0\x7f\udc80\u2028"


def view(language: str = "fr", colour: bool = False, columns: int = 100) -> View:
    return View(titles_of(load()), Words(language), Canvas(colour, columns))


def plain(text: str) -> str:
    """Return a text with plain spaces and its lines joined, to look for sentences whatever the wrapping."""
    return re.sub(r"\s+", " ", text)


def fleet() -> Document:
    good = [record(f"poste-{number:02d}", {"M08-01": "fail"} if number % 3 else {}) for number in range(18)]
    lost = [silent(name, f"Host unreachable: ssh: connect to host {name} port 22: no route.") for name in ("z1", "z2")]
    return document(*good, *lost)


def test_gaps_are_told_in_words_and_hosts_with_the_same_gap_together() -> None:
    shown = plain(summary(document(record("deb12", {"M08-01": "fail"}), record("deb13", {"M08-01": "fail"})), view()))
    assert (
        "✗ M08-01 Longueur minimale des mots de passe deb12, deb13 longueur minimale : attendu ≥ 12, observé 8" in shown
    )
    assert shown.count("longueur minimale") == 1


@pytest.mark.parametrize(
    ("control", "french", "english"),
    [
        ("M08-01", "longueur minimale : attendu ≥ 12, observé 8", "minimum length: expected ≥ 12, observed 8"),
        ("M07-03", "TMOUT : attendu ≤ 600, non défini", "TMOUT: expected ≤ 600, not set"),
        ("M08-09", "permitemptypasswords : attendu no, observé yes", "permitemptypasswords: expected no, observed yes"),
        (
            "M08-08",
            "protection des mots de passe : attendu l’un de : yescrypt, sha512, observé md5",
            "password hash: expected one of yescrypt, sha512, observed md5",
        ),
        (
            "M08-07",
            "mots interdits : attendu contenant tilleuls, ehpad, vide",
            "banned words: expected containing tilleuls, ehpad, empty",
        ),
        ("M07-05", "attendu oui, observé non", "expected yes, observed no"),
    ],
)
def test_every_rule_reads_as_a_sentence(control: str, french: str, english: str) -> None:
    made = document(record("deb12", {control: "fail"}))
    assert french in plain(summary(made, view("fr")))
    assert english in plain(summary(made, view("en")))


def test_the_score_never_counts_what_was_not_verified() -> None:
    made = document(record("deb12"), silent("deb13", "Host unreachable: timed out"))
    shown = plain(summary(made, view()))
    assert "14 conformes · 14 non vérifiés" in shown
    assert "part vérifiée : 50 % ; 100 % de conformité sur ce qui a pu l’être" in shown
    assert "100" not in shown.split("de conformité prouvée")[0]
    assert re.search(r"M08 Mots de passe █████░░░░░ 9/18 9 non vérifiés", shown)


@pytest.mark.parametrize(
    ("score", "cells"),
    [
        (Score(), 0),
        (Score(compliant=1, non_compliant=99), 1),
        (Score(compliant=99, non_compliant=1), 9),
        (Score(compliant=99, not_verified=1), 9),
        (Score(compliant=99, waived=1, not_applicable=1), 10),
        (Score(non_compliant=3), 0),
    ],
)
def test_a_bar_is_full_only_when_nothing_is_missing(score: Score, cells: int) -> None:
    assert measure_line("M08", ["M08"], score, view()).count("█") == cells


def test_silent_hosts_get_a_sentence_and_what_to_do() -> None:
    shown = plain(summary(fleet(), view()))
    assert "Machines non vérifiées ? z1, z2 injoignable : aucune connexion n’a pu être établie" in shown
    assert "→ vérifier que la machine est allumée" in shown
    assert "connect to host z1 port 22" in shown
    assert "connect to host z2" not in shown


@pytest.mark.parametrize(
    ("problem", "key"),
    [
        ("Host unreachable: ssh: Could not resolve hostname deb99", "unreachable"),
        ("Failed to connect to the host via ssh: root@10.0.0.2: Permission denied (publickey).", "login"),
        ("Host key verification failed.", "host_key"),
        ("Privilege escalation failed: sudo: a password is required", "privilege"),
        ("Missing sudo password", "privilege"),
        ("The module interpreter '/usr/bin/python3' was not found.", "python"),
        (
            "The run stopped before this host was verified: see the problems of the other hosts, then run again.",
            "stopped",
        ),
        ("freebsd 14 is not a supported platform: Debian, Ubuntu and the RHEL family are", "platform"),
        ("Windows hosts are not supported by this version: put them in a group of their own", "platform"),
        ("state applied needs root: run with --become, or allow sudo for this account", "privilege"),
        ("another run is at work on this host (pid 12): wait for its end, then run this again", "busy"),
        ("SSH refused the login: check ansible_user and the key of this host.", "login"),
        ("The SSH host key is unknown or has changed: check it, then add it to known_hosts.", "host_key"),
        (
            "The host does not answer over SSH: check that it is on, its address, and the network between.",
            "unreachable",
        ),
        ("The disk of this host is full: free some room, then run again.", "disk"),
        ("The module was killed on this host: run again, the next run puts back what it had begun.", "killed"),
        ("The host was too slow to answer: check its load, or raise timeout in ansible.cfg.", "slow"),
        ("A new connection could not confirm the change, so the guard puts everything back: timed out", "guard"),
        ("essms_password_min_length: 4 is below the minimum of 8", "value"),
        ("Task failed: boom", "other"),
        ("systemd does not answer: look at `systemctl status`", "other"),
        ("the resolver does not run", "other"),
        ("SSH refused a setting: PermitConnect", "other"),
    ],
)
def test_problems_are_recognised(problem: str, key: str) -> None:
    for language in words_module.LANGUAGES:
        words = Words(language)
        assert words.advice(problem) == (words(key), words(f"{key}_do"))


def test_the_sentence_about_a_silent_host_is_in_the_language_of_the_reader() -> None:
    made = document(record("a"), silent("b", NEVER_REACHED))
    assert "L’exécution s’est arrêtée avant cette machine" in plain(summary(made, view()))
    assert NEVER_REACHED in plain(summary(made, view("en")))


def test_a_control_that_could_not_be_read_says_why() -> None:
    shown = plain(summary(document(record("deb12", {"M07-04": "unknown"})), view()))
    assert "? M07-04" in shown
    assert "non vérifié : sshd -T needs root, and this run has no privilege." in shown


def test_controls_that_could_not_be_read_for_the_same_reason_share_one_line() -> None:
    made = document(record("deb12", dict.fromkeys(CONTROLS, "unknown")))
    shown = plain(summary(made, view()))
    assert "? M07-02, M07-03, M07-04, M07-05, M07-07 non vérifié" in shown
    assert shown.count("sshd -T needs root") == 2


def test_a_failure_to_apply_says_why_beside_the_gap() -> None:
    made = record("deb12", {"M08-01": "fail"}, mode="apply")
    made["controls"][5]["reason"] = "apply put it back: PAM refused the new stack"
    shown = plain(summary(document(made), view()))
    assert "· longueur minimale : attendu ≥ 12, observé 8 · remis en l’état : PAM refused the new stack" in shown


def test_a_host_put_back_by_its_guard_is_an_incident_not_an_unverified_host() -> None:
    made = record("deb12", problem="A new connection could not confirm the change, so the guard puts everything back")
    shown = plain(summary(document(made), view()))
    assert "Incidents ? deb12 l’accès a été coupé par un réglage" in shown
    assert "Machines non vérifiées" not in shown


def test_waivers_to_review_are_told_and_others_are_not() -> None:
    made = document(record("deb12"))
    made["waivers"] = [
        {**WAIVER, "state": "active", "name": "calm"},
        {**WAIVER, "state": "future", "name": "later"},
        {**WAIVER, "state": "expiring", "name": EVIL},
        {**WAIVER, "state": "expired", "name": "", "scope": "establishment"},
        {**WAIVER, "state": "active", "orphan": "unknown host", "name": "gone"},
    ]
    shown = plain(summary(made, view()))
    assert "Dérogations à revoir" in shown
    assert "échoit le 31/01/2027 (Responsable informatique)" in shown
    assert "M07-05 tout l’établissement échue le 31/01/2027 : le contrôle est exigé de nouveau" in shown
    assert "M07-05 gone ne s’applique à rien" in shown
    assert "calm" not in shown
    assert "later" not in shown
    assert not set("\x1b\u202e\u200b\x07") & set(summary(made, view()))
    assert "à revoir" not in plain(summary(document(record("deb12")), view()))


def test_waivers_name_their_end_reason_and_owner() -> None:
    shown = plain(summary(document(record("deb12", {"M07-05": "waived"})), view()))
    assert "dérogation jusqu’au 31/01/2027 : borne d’accueil sans données (Responsable informatique)" in shown


def test_what_was_changed_and_how_to_undo_it() -> None:
    touched = record("deb12", mode="apply", transaction="20261123T1", guard="reverted")
    touched["controls"][5]["changed"] = True
    shown = plain(summary(document(touched), view(), "reports/x/latest/results.json"))
    assert "Modifications deb12 1 contrôle · transaction 20261123T1 M08-01 ! l’accès n’a pas été confirmé" in shown
    assert "Pour annuler : ansible-playbook essms.hardening.rollback" in shown
    assert shown.rstrip().endswith("Résultats : reports/x/latest/results.json")


def test_a_dry_run_is_called_one_and_offers_nothing_to_undo() -> None:
    touched = record("deb12", mode="apply (check)")
    touched["controls"][5]["changed"] = True
    shown = plain(summary(document(touched), view()))
    assert "simulation, rien n’est écrit" in shown
    assert "Ce qui serait modifié" in shown
    assert "Pour annuler" not in shown


@pytest.mark.parametrize("language", words_module.LANGUAGES)
@pytest.mark.parametrize("columns", [80, 93, 120])
@pytest.mark.parametrize("colour", [False, True])
def test_no_line_is_wider_than_the_terminal(language: str, columns: int, colour: bool) -> None:
    worst = document(
        record("un-nom-de-machine-vraiment-tres-long.etablissement.example.org", dict.fromkeys(CONTROLS, "fail")),
        record("b" * 63, {**dict.fromkeys(CONTROLS, "unknown"), "M07-05": "waived"}),
        silent("c" * 63, "Host unreachable: " + "x" * 500),
    )
    for text in (
        summary(worst, view(language, colour, columns)),
        comparison(worst, fleet(), view(language, colour, columns)),
    ):
        assert max(width(line) for line in text.splitlines()) <= columns


@pytest.mark.parametrize("colour", [False, True])
def test_nothing_a_host_sends_can_act_on_the_terminal(colour: bool) -> None:
    evil = record(
        f"h{EVIL}", {"M08-01": "fail", "M07-04": "unknown", "M07-05": "waived"}, mode="apply", transaction=EVIL
    )
    evil.update(establishment=EVIL, profile=EVIL, problem="")
    for item in evil["controls"]:
        item["changed"] = True
        for line in item["settings"]:
            line.update(name=EVIL, observed=[EVIL, {"k": EVIL}], expected=EVIL, reason=EVIL)
        if item["waiver"]:
            item["waiver"] = dict.fromkeys(item["waiver"], EVIL)
    lost = silent(f"lost{EVIL}", f"unreachable {EVIL}")
    lost.update(establishment=EVIL, mode="apply")
    made = document(evil, lost)
    for text in (summary(made, view(colour=colour)), comparison(made, made, view(colour=colour))):
        bare = re.sub(r"\x1b\[[0-9;]*m", "", text) if colour else text
        assert {c for c in bare if unicodedata.category(c)[0] == "C" and c != "\n"} == set()
        assert "owned" in bare


def test_colours_only_where_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for name in ("NO_COLOR", "ANSIBLE_NOCOLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Canvas.of(Terminal()).colour
    assert not Canvas.of(io.StringIO()).colour
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Canvas.of(Terminal()).colour
    assert "\x1b" not in summary(fleet(), view())
    assert "\x1b[" in summary(fleet(), view(colour=True))


def test_the_width_follows_the_terminal_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns, used in (("20", 80), ("97", 97), ("300", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert Canvas.of(io.StringIO()).columns == used


def test_both_languages_say_the_same_things() -> None:
    french, english = (words_module._PHRASES[language] for language in words_module.LANGUAGES)
    assert french.keys() == english.keys()
    for key, phrase in french.items():
        for one, other in zip(
            *([item] if isinstance(item, str) else item for item in (phrase, english[key])), strict=True
        ):
            assert re.findall(r"{[^:}]*", one) == re.findall(r"{[^:}]*", other), key


def test_french_typography() -> None:
    shown = summary(fleet(), view(), "results.json") + comparison(fleet(), fleet(), view())
    shown += summary(document(record("deb12", {"M07-05": "waived", "M07-04": "unknown"})), view())
    assert not re.search(r"\w[ ][:;!?%»]|«[ ]|\w'\w", shown)
    assert not re.search(rf"[^\s{NBSP}\d][;!?%](?!\w)", shown)
    assert f"longueur minimale{NBSP}: " in shown


def test_language_falls_back_to_french() -> None:
    assert [Words(name).language for name in ("en", "EN_gb.UTF-8", "fr", "", "de", "C")] == [
        "en",
        "en",
        "fr",
        "fr",
        "fr",
        "fr",
    ]


def test_french_zero_is_singular_and_english_zero_is_not() -> None:
    assert Words("fr").count("hosts", 0) == "0 machine"
    assert Words("en").count("hosts", 0) == "0 hosts"


def test_comparison_tells_fixed_left_and_worse_apart() -> None:
    before = document(record("deb12", {"M08-01": "fail", "M08-02": "fail"}), record("deb13"))
    after = document(record("deb12", {"M08-02": "fail"}), record("deb13", {"M08-06": "fail"}))
    shown = plain(comparison(before, after, view()))
    assert "1 écart corrigé" in shown
    assert "1 écart restant" in shown
    assert "1 contrôle dégradé" in shown
    assert "Dégradés ✗ M08-06 Blocage" in shown
    assert "Restent à traiter ✗ M08-02" in shown
    assert "Corrigés ✓ M08-01 Longueur minimale des mots de passe deb12 longueur minimale : 8 → 12" in shown


def test_a_gap_that_was_not_looked_at_again_is_not_called_fixed() -> None:
    before = document(record("deb12", {"M08-01": "fail"}))
    after = document(silent("deb12", "Host unreachable: timed out"))
    shown = plain(comparison(before, after, view()))
    assert "aucun écart corrigé" in shown
    assert "14 non vérifiés" in shown
    assert "Machines non vérifiées" in shown


def test_empty_documents_and_unknown_controls_are_shown_too() -> None:
    bare = View()
    nothing = document(record("deb12", controls=[]))
    assert "Rien n’a pu être jugé" in plain(summary(nothing, bare))
    assert "Avant → après" in comparison(nothing, nothing, bare)
    assert "✗ M08-01" in summary(document(record("deb12", {"M08-01": "fail"})), bare)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a" * 81, "a" * 79 + "…"),
        ("a" * 80, "a" * 80),
        ("x" * 10_000_000, "x" * 79 + "…"),
        ("\n\x1b\u202e", r"\n\x1b\u202e"),
        (f"a{NBSP}b\u3000c", "a b c"),
        ("été 日本", "été 日本"),
        ([1, True, None], "1, True, None"),
        ({"a": 1}, "a: 1"),
        (range(3), "range(0, 3)"),
        ("\x1b" * 80, r"\x1b" * 19 + "…"),
    ],
)
def test_printable(value: object, shown: str) -> None:
    assert printable(value) == shown
    assert len(printable(value)) <= 80


def test_wide_characters_take_two_columns() -> None:
    assert width("日本e\u0301") == 5
    assert fit("日本語", 5) == "日本…"
    assert fit("ab", 4) == "ab  "
