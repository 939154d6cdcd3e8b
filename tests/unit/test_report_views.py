# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a report says of controls, hosts, values and actions: grouped, ordered, and never greener than it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import NO_FOLDER
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import (
    NEVER_LOOKED,
    Action,
    Change,
    Sighting,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.report import fixing
from ansible_collections.essms.hardening.plugins.plugin_utils.report.controls import ControlView, controls
from ansible_collections.essms.hardening.plugins.plugin_utils.report.cover import Cover, cover
from ansible_collections.essms.hardening.plugins.plugin_utils.report.drift import direction, drift
from ansible_collections.essms.hardening.plugins.plugin_utils.report.exceptions import waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say
from ansible_collections.essms.hardening.plugins.plugin_utils.report.machines import hosts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.measures import measures, state
from ansible_collections.essms.hardening.plugins.plugin_utils.report.plan import actions
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.report.values import deviations
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Score

from tests.unit.report_samples import NOW, scene
from tests.unit.result_samples import CONTROLS, VALUE, WAIVER, control, document, record, row, silent

GONE = "The host does not answer over SSH: check that it is on, its address, and the network between."


def of(view: Scene, identifier: str) -> ControlView:
    return next(each for each in controls(view) if each.id == identifier)


def test_hosts_with_the_same_findings_stand_together_the_worst_first() -> None:
    bad = {"M08-01": "fail"}
    found = of(scene(document(record("a"), record("b", bad), record("c", bad), silent("d", GONE))), "M08-01")
    assert [(each.verdict, each.names) for each in found.outcomes] == [
        ("non_compliant", ["b", "c"]),
        ("not_verified", ["d"]),
        ("compliant", ["a"]),
    ]
    assert found.verdict == "non_compliant"
    assert found.counts == [("non_compliant", 2), ("not_verified", 1), ("compliant", 1)]


def test_of_nearly_all_hosts_the_others_are_named() -> None:
    many = [f"h{number:02}" for number in range(14)]
    view = scene(document(*(record(host) for host in many)))
    assert view.hosts(many) == "toutes les machines (14)"
    assert view.hosts(many[2:]) == "toutes les machines sauf h00, h01"
    assert view.hosts(many[4:]) == ", ".join(many[4:])
    assert view.hosts([*many[1:], "gone"]) == ", ".join([*many[1:], "gone"])
    few = scene(document(*(record(host) for host in many[:4])))
    assert few.hosts(many[:3]) == "h00, h01, h02"
    assert few.hosts(many[:4]) == "toutes les machines (4)"
    assert scene(document(record("h00"))).hosts(["h00"]) == "h00"


def test_one_other_value_is_another_outcome() -> None:
    other = control("M08-01", [row("M08-01", "fail", observed=6)])
    found = of(scene(document(record("a", {"M08-01": "fail"}), record("b", controls=[other]))), "M08-01")
    assert [str(each.rows[0].observed) for each in found.outcomes] == ["8", "6"]
    assert str(found.outcomes[0].rows[0].expected) == "≥\N{NO-BREAK SPACE}12"


def test_why_nothing_applies_is_said_once_instead_of_its_rows() -> None:
    rows = [row("M08-01", "not_applicable", name=name, reason="no OpenSSH server is installed") for name in ("a", "b")]
    (only,) = of(scene(document(record("h", controls=[control("M08-01", rows)]))), "M08-01").outcomes
    assert (only.verdict, only.rows) == ("not_applicable", ())
    assert only.reason == "aucun serveur OpenSSH installé"


def test_a_control_for_other_groups_says_for_which() -> None:
    asked = "only for hosts of the groups of essms_linux_av_groups: partage_fichiers"
    made = control("M08-01", [], verdict="not_applicable", reason=asked)
    (only,) = of(scene(document(record("h", controls=[made]))), "M08-01").outcomes
    assert only.reason == "seulement pour les machines de\xa0: partage_fichiers (essms_linux_av_groups)"


def test_what_every_row_says_is_said_once() -> None:
    rows = [row("M08-01", "unknown", name=name) for name in ("minlen", "minclass")]
    found = of(scene(document(record("h", controls=[control("M08-01", rows)])), "en"), "M08-01")
    (only,) = found.outcomes
    assert only.reason == "sshd -T needs root, and this run has no privilege."
    assert [str(each.note) for each in only.rows] == ["", ""]
    assert "sshd -T needs root" in found.fix.steps[0]
    other = [row("M08-01", "unknown", name="minlen"), row("M08-01", name="minclass")]
    (only,) = of(scene(document(record("h", controls=[control("M08-01", other)])), "en"), "M08-01").outcomes
    assert [bool(each.note) for each in only.rows] == [True, False]


def test_a_control_that_nobody_ran_is_not_verified() -> None:
    found = of(scene(document(record("a"))), "M02-06")
    assert (found.verdict, found.outcomes, found.counts) == ("not_verified", [], [])
    assert found.fix.audit.unescape() == 'make audit ETAB=ehpad-les-tilleuls ARGS="--tags M02-06"'
    assert found.fix.needed


def unlooked(host: str, **changes: Any) -> dict[str, Any]:
    return record(host, controls=[control("M08-01", [], reason=NEVER_LOOKED)], **changes)


def test_what_no_run_looked_at_asks_for_an_audit() -> None:
    bad = record("a", {"M08-01": "fail"})
    found = of(scene(document(bad, record("b"), unlooked("c"))), "M08-01")
    assert found.fix.command.unescape() == 'make apply ETAB=ehpad-les-tilleuls ARGS="--tags M08-01 --limit a"'
    assert found.fix.audit.unescape() == 'make audit ETAB=ehpad-les-tilleuls ARGS="--tags M08-01 --limit c"'
    assert found.fix.steps == ()
    (never,) = [each for each in found.outcomes if each.names == ["c"]]
    assert never.reason == "aucune vérification jusqu’ici"
    assert not never.looked
    assert of(scene(document(record("b"), silent("c", GONE))), "M08-01").fix.audit == ""


def test_controls_no_run_looked_at_are_counted_on_their_hosts() -> None:
    known = {"M08-01": load().controls["M08-01"]}
    catalogue = replace(load(), controls=known)
    view = scene(document(unlooked("a"), unlooked("b"), record("c", controls=[control("M08-01", [row("M08-01")])])))
    assert replace(view, material=replace(view.material, catalogue=catalogue)).never == (1, 2)
    # of a control without any result there is no host that somebody looked at
    others = len(load().controls) - 1
    assert view.never == (others + 1, 3)
    assert scene({**document(record("a")), "hosts": [], "results": []}).never == (0, 0)


def test_an_installed_collection_has_no_makefile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    view = scene(document(record("a", {"M08-01": "fail"})))
    assert of(view, "M08-01").fix.command.startswith("make apply")
    monkeypatch.setattr(fixing, "MAKEFILE", tmp_path / "Makefile")
    assert str(of(view, "M08-01").fix.command) == (
        "ansible-playbook -i inventories/_common -i inventories/ehpad-les-tilleuls essms.hardening.apply"
        " --tags M08-01 --limit a"
    )
    assert "essms.hardening.audit --tags M02-06" in of(view, "M02-06").fix.audit
    here = scene({**document(record("a", {"M08-01": "fail"})), "establishment": NO_FOLDER})
    assert of(here, "M08-01").fix.command.startswith("ansible-playbook -i … essms.hardening.apply")


def test_a_service_that_does_not_answer_is_no_unreachable_host() -> None:
    silence = "systemd does not answer: look at `systemctl status`"
    found = of(scene(document(record("a", controls=[control("M08-01", [], reason=silence)]))), "M08-01")
    assert found.outcomes[0].reason == "systemd ne répond pas\xa0: voir systemctl status"
    assert found.fix.steps == ("À vérifier\xa0: systemd ne répond pas\xa0: voir systemctl status.",)


def test_a_control_the_catalogue_no_longer_knows_is_told_all_the_same() -> None:
    gone = {**control("M08-01", [row("M08-01")]), "control": "M08-99"}
    found = of(scene(document(record("a", controls=[gone]))), "M08-99")
    assert found.title == "Contrôle que le catalogue de cet outil ne connaît plus"
    assert found.verdict == "compliant"


def test_how_to_correct_is_a_command_for_the_hosts_that_need_it() -> None:
    bad = {"M08-01": "fail"}
    found = of(scene(document(record("a"), record("b", bad), record("c", bad))), "M08-01")
    assert found.fix.command.unescape() == 'make apply ETAB=ehpad-les-tilleuls ARGS="--tags M08-01 --limit b,c"'
    assert found.fix.steps == ()


def test_a_command_never_holds_what_a_shell_would_act_on() -> None:
    view = scene({**document(record("x; reboot", {"M08-01": "fail"})), "establishment": "a b; reboot"})
    command = str(of(view, "M08-01").fix.command)
    assert "--limit" not in command
    assert "&#39;inventories/a b; reboot&#39;" in command


def test_what_no_apply_can_do_is_left_to_a_person() -> None:
    rows = [row("M08-01", "fail", kind="password_entropy", name="bits", expected=79.5, reason="set a lockout first")]
    found = of(scene(document(record("a", controls=[control("M08-01", rows)]))), "M08-01")
    assert found.fix.command == ""
    assert "set a lockout first" in found.fix.steps[0]
    assert "À faire à la main" in found.fix.steps[0]


def test_a_variable_to_fill_in_comes_before_any_apply() -> None:
    why = "no administration network is declared, so every network reaches them: fill essms_admin_networks in"
    rows = [row("M08-01", "fail", kind="firewall_administration", name="administration networks", reason=why)]
    found = of(scene(document(record("a", controls=[control("M08-01", rows)]))), "M08-01")
    assert found.fix.command == ""
    assert "remplir essms_admin_networks" in found.fix.steps[0]


def test_a_host_that_was_not_reached_says_what_to_do_in_plain_words() -> None:
    found = of(scene(document(silent("a", GONE))), "M08-01")
    assert found.outcomes[0].reason == "injoignable : aucune connexion n’a pu être établie".replace(" :", "\xa0:")
    assert "Vérifier que la machine est allumée" in found.fix.steps[0]


def test_a_waiver_is_told_where_it_covers() -> None:
    found = of(scene(document(record("a", {"M07-05": "waived"}))), "M07-05")
    assert found.verdict == "waived"
    assert "31/01/2027" in found.outcomes[0].waiver
    assert "Directrice" in found.outcomes[0].waiver


def test_changed_is_only_said_of_the_run_that_changed_it() -> None:
    made = document(record("a", controls=[control("M08-01", [row("M08-01")], changed=True)]))
    assert of(scene(made), "M08-01").outcomes[0].changed
    for result in made["results"]:
        result["seen"] = "2026-01-01T00:00:00Z"
    assert not of(scene(made), "M08-01").outcomes[0].changed
    assert of(scene(made), "M08-01").outcomes[0].seen == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("score", "known", "wanted"),
    [
        (Score(), 0, "uncovered"),
        (Score(), 3, "unseen"),
        (Score(compliant=3), 3, "ok"),
        (Score(compliant=3, waived=1), 3, "but_waived"),
        (Score(compliant=3, not_verified=1), 3, "unverified"),
        (Score(not_verified=4), 3, "unseen"),
        (Score(compliant=9, non_compliant=1, not_verified=4), 3, "fail"),
        (Score(not_applicable=4), 3, "void"),
        (Score(waived=1), 3, "waived"),
        (Score(waived=2, not_applicable=3), 3, "waived"),
    ],
)
def test_a_measure_is_only_green_when_all_of_it_was_seen_to_be(score: Score, known: int, wanted: str) -> None:
    assert state(score, known) == wanted


def test_gaps_under_waiver_are_not_called_compliant() -> None:
    made = document(record("a", dict.fromkeys(CONTROLS, "waived")), record("b", dict.fromkeys(CONTROLS, "waived")))
    for language, void, some in (
        ("fr", "écarts sous dérogation", "aucun écart hors dérogation"),
        ("en", "gaps under waiver", "no gap but under waiver"),
    ):
        say = Say(language)
        assert (say("state_waived"), say("state_but_waived")) == (void, some)
        for state_of in ("waived", "but_waived"):
            assert not re.search(r"\bconforme|\bcompliant", say(f"state_{state_of}"))
    assert {each.state for each in measures(scene(made)) if each.score.total} == {"waived"}


def test_all_twelve_measures_are_there() -> None:
    found = measures(scene(document(record("a"))))
    assert [each.id for each in found] == [f"M{number:02}" for number in range(1, 13)]
    assert {each.id: each.state for each in found} | {} == {
        **dict.fromkeys(("M01", "M03", "M09", "M10", "M11", "M12"), "uncovered"),
        **dict.fromkeys(("M02", "M04", "M05", "M06"), "unseen"),
        **dict.fromkeys(("M07", "M08"), "ok"),
    }


def test_each_value_says_who_decided_it() -> None:
    def with_value(host: str, **changes: object) -> dict[str, Any]:
        value = {**VALUE, **changes}
        return record(
            host, controls=[control("M08-01", [row("M08-01")], parameters={"essms_password_min_length": value})]
        )

    weak = {"reason": "Ancien logiciel.", "author": "Responsable informatique", "date": "2026-03-12"}
    view = scene(
        document(
            with_value("a"),
            with_value("b", value=14, layer="group", layer_name="kiosques", source="group_vars/kiosques.yml:3"),
            with_value("c", value=10, layer="host", layer_name="c", source="host_vars/c.yml:1", deviation=weak),
        )
    )
    found = of(view, "M08-01").values
    assert [(str(each.value), str(each.layer), each.source, each.hosts) for each in found] == [
        ("12\xa0caractères", "profil combine (valeur de l’état de l’art)", "", ["a"]),
        ("14\xa0caractères", "groupe kiosques", "group_vars/kiosques.yml:3", ["b"]),
        ("10\xa0caractères", "machine c", "host_vars/c.yml:1", ["c"]),
    ]
    assert [str(each.profile_value) for each in found] == ["", "12", "12"]
    (only,) = deviations(view)
    assert (only.hosts, only.deviation and only.deviation.reason) == (["c"], "Ancien logiciel.")


def test_hosts_are_only_named_where_a_value_differs() -> None:
    found = of(scene(document(record("a"), record("b"))), "M08-01").values
    assert [each.hosts for each in found] == [[]]


@pytest.mark.parametrize(
    ("before", "after", "way"),
    [
        ("compliant", "non_compliant", "worse"),
        ("compliant", "not_verified", "worse"),
        ("waived", "non_compliant", "worse"),
        ("non_compliant", "compliant", "better"),
        ("not_verified", "compliant", "better"),
        ("non_compliant", "waived", "other"),
        ("not_verified", "non_compliant", "other"),
        ("non_compliant", "not_verified", "other"),
        (None, "compliant", "appeared"),
        ("compliant", None, "gone"),
    ],
)
def test_which_way_a_verdict_went(before: str | None, after: str | None, way: str) -> None:
    assert direction(Change("M08-01", "a", before, after)) == way


def test_drift_groups_hosts_and_says_worse_first() -> None:
    moved = [
        Change("M08-01", "a", "non_compliant", "compliant"),
        Change("M08-02", "a", "compliant", "non_compliant"),
        Change("M08-02", "c", "compliant", "non_compliant"),
    ]
    found = drift(scene(document(record("a"), record("b"), record("c")), drift=moved))
    assert [each.direction for each in found] == ["worse", "better"]
    assert str(found[0].moves[0].hosts) == "a, c"


def test_the_plan_begins_with_what_is_late() -> None:
    def action(name: str, priority: int, due: str, *, overdue: bool = False) -> Action:
        return Action(name, ("a",), "non_compliant", "2026-10-01", "Direction", due, priority, "", False, overdue)

    plan = [
        action("M08-01", 1, "2026-12-01"),
        action("M08-02", 3, "2026-11-01", overdue=True),
        action("M08-03", 1, "2026-11-30"),
    ]
    assert [each.control for each in actions(scene(document(record("a")), actions=plan))] == [
        "M08-02",
        "M08-03",
        "M08-01",
    ]


def test_waivers_that_ask_for_attention_come_first() -> None:
    states = ("active", "future", "expired", "expiring")
    made = document(record("a"))
    made["waivers"] = [{**WAIVER, "state": state} for state in states] + [{**WAIVER, "orphan": "no such host"}]
    assert [each.state for each in waivers(scene(made))] == ["expired", "orphan", "expiring", "active", "future"]
    # that it applies to nothing does not hide that it is over
    made["waivers"] = [{**WAIVER, "state": "expired", "orphan": "no such host"}]
    assert [(each.state, bool(each.orphan)) for each in waivers(scene(made))] == [("expired", True)]


@pytest.mark.parametrize(
    ("control", "scope", "name", "said"),
    [
        ("M08-99", "establishment", "", "contrôle M08-99 inconnu"),
        ("M08-01", "host", "hall", "aucune machine «\xa0hall\xa0» dans l’inventaire"),
        ("M08-01", "group", "bornes", "aucun groupe «\xa0bornes\xa0» dans l’inventaire"),
    ],
)
def test_why_a_waiver_applies_to_nothing_is_said_in_french(control: str, scope: str, name: str, said: str) -> None:
    day = NOW.date()
    waiver = Waiver(control, scope, name, "reason", "owner", "approved", day, day)
    made = document(record("a"))
    made["waivers"] = [waiver.as_result(day, waiver.orphan({"M08-01", "M08-02"}, {"kiosques"}, {"a"}))]
    (only,) = waivers(scene(made))
    assert said in only.orphan


def test_a_host_that_put_its_settings_back_says_so() -> None:
    (only,) = hosts(scene(document(record("a", guard="reverted"))))
    assert only.state == "verified"
    assert "la machine a remis ses anciens réglages d’elle-même" in only.problem


def test_hosts_nobody_has_seen_come_first() -> None:
    old = (NOW - timedelta(days=31)).isoformat()
    fresh = (NOW - timedelta(days=2)).isoformat()
    sightings = [Sighting("a", fresh), Sighting("b", old), Sighting("c", None), Sighting("d", fresh)]
    made = document(record("a"), record("b"), silent("d", GONE))
    view = scene(made, sightings=sightings)
    assert [(each.name, each.state) for each in hosts(view)] == [
        ("b", "unseen"),
        ("c", "unseen"),
        ("d", "not_verified"),
        ("a", "verified"),
    ]
    patient = scene(made, sightings=sightings, establishment={"hosts_unseen_days": 60})
    assert [each.name for each in hosts(patient) if each.state == "unseen"] == ["c"]


def test_unverified_and_unseen_hosts_are_two_lines() -> None:
    old, fresh = ((NOW - timedelta(days=days)).isoformat() for days in (31, 2))
    sightings = [Sighting("a", fresh), Sighting("b", old), Sighting("c", None), Sighting("d", fresh)]
    made = document(record("a"), record("b"), silent("d", GONE), silent("e", NEVER_LOOKED))

    def watched(**changes: Any) -> list[str]:
        view = scene(made, sightings=[*sightings, Sighting("e", None)], **changes)
        return [str(each.text) for each in cover(view, [], hosts(view), 0).watch if each.anchor == "machines"]

    assert watched() == ["3 machines non vérifiées à la dernière exécution", "3 machines non vues depuis 30 jours"]
    assert watched(establishment={"hosts_unseen_days": 60})[1] == "2 machines non vues depuis 60 jours"
    assert watched(establishment={"hosts_unseen_days": 1})[1] == "5 machines non vues depuis 1 jour"
    # not applicable by inventory alone is no look at a host: no run has seen this one
    view = scene(document(record("a")), sightings=[Sighting("a", None)])
    found = cover(view, [], hosts(view), 0)
    assert [str(each.text) for each in found.watch if each.anchor == "machines"] == [
        "1 machine non vérifiée à la dernière exécution",
        "1 machine non vue depuis 30 jours",
    ]


def first_page(*records: dict[str, Any], language: str = "fr", **changes: Any) -> Cover:
    view = scene(document(*records), language, **changes)
    wanted = {name: each for name, each in load().controls.items() if name in view.by_control}
    view = replace(view, material=replace(view.material, catalogue=replace(load(), controls=wanted)))
    return cover(view, [], hosts(view), 0)


def only(*states: str) -> list[dict[str, Any]]:
    return [
        record(f"h{number}", controls=[control("M08-01", [row("M08-01", state)])])
        for number, state in enumerate(states)
    ]


@pytest.mark.parametrize(
    ("states", "meaning", "urgent"),
    [
        (
            ("ok",),
            "Sur 1 point de contrôle exigible, 1 a été vu conforme. Tout a été vérifié.",
            "Aucun écart ouvert",
        ),
        (("fail",), "Sur 1 point de contrôle exigible, 0 a été vu conforme. Il en reste 1 à corriger.", "Des écarts"),
        (
            ("ok", "unknown"),
            "Sur 2 points de contrôle exigibles, 1 a été vu conforme. Il en reste 1 à vérifier",
            "Aucun écart n’a été constaté, mais",
        ),
        (("unknown",), "Rien n’a pu être jugé", "Rien n’a encore été jugé"),
        (("not_applicable",), "Aucun point de contrôle n’est exigible", "Rien n’a encore été jugé"),
        (("ok", "fail", "unknown"), "Il en reste 1 à corriger et 1 à vérifier", "Des écarts"),
    ],
)
def test_the_first_page_only_says_what_is_so(states: tuple[str, ...], meaning: str, urgent: str) -> None:
    page = first_page(*only(*states))
    assert meaning in page.meaning.replace("\xa0", " ")
    assert page.urgent.startswith(urgent)
    assert ("Tout a été vérifié" in page.meaning) is not bool({"unknown", "not_applicable"} & {*states})


def test_all_is_calm_only_when_everything_was_looked_at() -> None:
    page = first_page(*only("ok", "ok"))
    assert (page.watch, page.verified) == ([], "Part vérifiée\xa0: 100\xa0%")
    assert page.calm.endswith("et toutes les machines (2) ont été vérifiées.")
    assert "l’unique machine (1) a été vérifiée" in first_page(*only("ok")).calm
    empty = scene({**document(record("a")), "hosts": [], "results": []})
    assert "Aucune machine n’a encore été auditée" in cover(empty, [], hosts(empty), 0).calm
    one = first_page(*only("ok"), unlooked("z"))
    assert [str(each.text).replace("\xa0", " ") for each in one.watch] == [
        "1 contrôle jamais vérifié sur 1 machine : lancer un audit complet"
    ]
    assert "Tout a été vérifié" not in one.meaning
    assert one.urgent == "Aucun écart n’a été constaté, mais tout n’a pas été vérifié."
    # controls of the catalogue that no result is of
    view = scene(document(*only("ok")))
    part = cover(view, [], hosts(view), 0)
    assert "Tout a été vérifié" not in part.meaning
    assert "rien d’urgent" not in part.urgent
    assert "contrôles jamais vérifiés sur 1" in part.watch[0].text
