# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A made-up establishment with every control of the catalogue, for the tests and benchmarks of the pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import bodies, catalogue, results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import Action, Change, Point, Sighting
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Control
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result, Score, Value, Waived

NOW = datetime(2026, 11, 20, 18, 5, tzinfo=UTC)
PROFILE = "combine"

#: name: groups
HOSTS = {
    "accueil-1": ("kiosques",),
    "admin-1": ("postes_administratifs",),
    "admin-2": ("postes_administratifs",),
    "comptabilite": ("postes_administratifs",),
    "direction": ("postes_administratifs", "nomades"),
    "dossiers": ("serveurs", "partage_fichiers"),
    "infirmerie-1": ("postes_soins",),
    "infirmerie-2": ("postes_soins",),
    "medecin": ("postes_soins", "nomades"),
    "pharmacie": ("postes_soins",),
    "salle-de-soins": ("postes_soins",),
    "sauvegarde": ("serveurs",),
}
ESTABLISHMENT = {
    "size": {"places": 84, "staff": 62},
    "contacts": [
        {"role": "director", "mail": "direction@ehpad-les-tilleuls.example", "phone": "+33 1 99 00 10 00"},
        {"role": "it_referent", "mail": "informatique@ehpad-les-tilleuls.example"},
        {"role": "on_call", "phone": "+33 6 39 98 00 00"},
    ],
    "sensitivities": [
        {"what": "Dossier de soins informatisé", "why": "Les traitements y sont lus à toute heure."},
        {"what": "Appel malade", "why": "Son serveur ne redémarre qu’avec le service technique."},
    ],
    "hosts_unseen_days": 30,
}
SILENT = "medecin"
NO_ANSWER = "The host does not answer over SSH: check that it is on, its address, and the network between."
NEVER = "animation"
"""A host of the inventory that no run has reached."""

#: control: hosts where it fails
FAILS = {
    "M02-05": ("dossiers",),
    "M02-06": ("sauvegarde", "dossiers"),
    "M04-01": ("sauvegarde",),
    "M04-02": ("admin-1", "admin-2", "comptabilite"),
    "M04-07": ("dossiers",),
    "M05-03": ("infirmerie-2", "salle-de-soins", "pharmacie"),
    "M05-04": tuple(HOSTS),
    "M06-01": ("direction",),
    "M06-04": ("infirmerie-1", "infirmerie-2"),
    "M06-21": ("dossiers", "sauvegarde"),
    "M07-03": ("comptabilite",),
}
UNREAD = {"M04-13": ("accueil-1",), "M06-05": ("admin-1", "admin-2")}
NOT_APPLICABLE = {"M06-01": ("dossiers", "sauvegarde"), "M07-02": ("dossiers", "sauvegarde")}
WAIVED = {"M07-02": ("accueil-1",), "M07-05": ("accueil-1",)}


def waiver(
    control: str, state: str, end: str, scope: str = "group", name: str = "kiosques", orphan: str = ""
) -> Waived:
    """Return one waiver."""
    return {
        "control": control,
        "scope": scope,
        "name": name,
        "reason": "Borne d’accueil sans clavier ni donnée de résident, qui doit rester allumée.",
        "owner": "Responsable informatique",
        "approved_by": "Directrice",
        "start": "2026-02-01",
        "end": end,
        "state": state,
        "orphan": orphan,
    }


WAIVERS = [
    waiver("M07-02", "active", "2027-01-31"),
    waiver("M07-05", "expiring", "2026-12-10"),
    waiver("M06-04", "expired", "2026-10-31", "host", "infirmerie-1"),
    waiver("M08-03", "future", "2027-06-30", "establishment", ""),
    waiver("M04-14", "active", "2027-01-31", "host", "ancien-poste", "aucune machine de ce nom dans l’inventaire"),
]


def value(name: str, given: Any, own: Any, host: str) -> Value:
    """Return a parameter as results hold it; a few are decided below the profile."""
    plain: Value = {
        "value": own,
        "source": f"profile {PROFILE}",
        "layer": "profile",
        "layer_name": PROFILE,
        "profile_value": own,
        "deviation": None,
    }
    if name == "essms_lock_seconds" and "postes_soins" in HOSTS.get(host, ()):
        return {
            **plain,
            "value": 300,
            "layer": "group",
            "layer_name": "postes_soins",
            "source": "group_vars/postes_soins.yml:3",
        }
    if name == "essms_password_min_length":
        note = {
            "reason": "Logiciel de soins limité à dix caractères jusqu’à sa prochaine version.",
            "author": "Responsable informatique",
            "date": "2026-03-12",
        }
        return {
            **plain,
            "value": 10,
            "layer": "establishment",
            "layer_name": "",
            "deviation": note,
            "source": "group_vars/all/essms.yml:12",
        }
    if name == "essms_usb" and host == "accueil-1":
        return {**plain, "value": given, "layer": "host", "layer_name": host, "source": "host_vars/accueil-1.yml:2"}
    return plain


def material(hosts: Mapping[str, tuple[str, ...]] = HOSTS, *, months: int = 18) -> Material:
    """Return everything a report is made of, for these hosts and with a history of so many months."""
    known = catalogue.load()
    document = _document(known.controls.values(), hosts)
    trend = points(document, months)
    return Material(
        document=document,
        catalogue=known,
        now=NOW,
        establishment=ESTABLISHMENT,
        trend=trend,
        drift=[
            Change("M04-01", "sauvegarde", verdicts.COMPLIANT, verdicts.NON_COMPLIANT),
            Change("M08-01", "comptabilite", verdicts.NON_COMPLIANT, verdicts.COMPLIANT),
            Change("M08-02", "comptabilite", verdicts.NON_COMPLIANT, verdicts.COMPLIANT),
            Change("M06-04", "infirmerie-1", verdicts.WAIVED, verdicts.NON_COMPLIANT),
            Change("M02-14", "pharmacie", None, verdicts.COMPLIANT),
            Change("M02-14", "ancien-poste", verdicts.COMPLIANT, None),
        ],
        actions=_actions(document),
        sightings=[
            *(Sighting(host, None if host == NEVER else _seen(host)) for host in [*hosts, NEVER]),
        ],
    )


def points(document: Document, months: int) -> list[Point]:
    """Return one run a month, its score growing to that of the document, with two applies."""
    by_measure: dict[str, list[Result]] = {}
    for result in document["results"]:
        by_measure.setdefault(result["measure"], []).append(result)
    found = []
    for index in range(months):
        left = (months - 1 - index) / max(months - 1, 1)
        applied = index in (months // 3, months - 2)
        when = NOW - timedelta(days=30 * (months - 1 - index))
        step = 0.55 if index < months // 3 else 0.3 if index < months - 2 else 0.05
        share = step * left**0.5 if index < months - 1 else 0
        score = _earlier(results.score(document["results"]), share)
        found.append(
            Point(
                run=f"{when:%Y%m%dT%H%M%SZ}-{'apply' if applied else 'audit'}",
                when=when.isoformat().replace("+00:00", "Z"),
                mode="apply" if applied else "audit",
                score=score,
                measures={name: _earlier(results.score(items), share) for name, items in by_measure.items()},
                effect=(_earlier(score, 0.1), score) if applied else None,
            )
        )
    return found


def _earlier(score: Score, share: float) -> Score:
    lost = round(score.compliant * share)
    unread = lost // 4
    return Score(
        score.compliant - lost,
        score.non_compliant + lost - unread,
        score.waived,
        score.not_applicable,
        score.not_verified + unread,
    )


def _document(controls: Any, hosts: Mapping[str, tuple[str, ...]]) -> Document:
    stamp = NOW.isoformat().replace("+00:00", "Z")
    return {
        "schema": results.SCHEMA,
        "establishment": "ehpad-les-tilleuls",
        "identity": {"name": "EHPAD Les Tilleuls", "finess": "990000017", "category": "EHPAD"},
        "profile": PROFILE,
        "mode": "audit",
        "check": False,
        "refused": False,
        "scope": {"hosts": "all", "controls": "all"},
        "fleet": {"hosts": {}, "groups": [], "controls": []},
        "started": stamp,
        "finished": stamp,
        "versions": {"ansible": "2.19.14", "collection": "0.1.0"},
        "waivers": WAIVERS,
        "hosts": [_host(host, groups) for host, groups in hosts.items()],
        "results": [_result(control, host) for control in controls for host in hosts],
    }


def _host(name: str, groups: tuple[str, ...]) -> results.HostState:
    silent = name == SILENT
    return {
        "name": name,
        "groups": list(groups),
        "state": results.NOT_VERIFIED if silent else results.VERIFIED,
        "problem": NO_ANSWER if silent else "",
        "profile": PROFILE,
        "platform": {}
        if silent
        else {"id": "debian", "version": "13" if "serveurs" in groups else "12", "family": "debian"},
        "transaction": None,
        "guard": None,
        "seconds": {"module": 0.4},
    }


def _result(control: Control, host: str) -> Result:
    part = control.platforms["linux"]
    silent = host == SILENT
    rows = [] if silent else _rows(control, host)
    held = next((each for each in WAIVERS if each["control"] == control.id), None)
    waived = held if host in WAIVED.get(control.id, ()) else None
    own = catalogue.load().values(part, PROFILE)
    verdict = verdicts.with_waiver(verdicts.verdict(rows), waived)
    return {
        "control": control.id,
        "measure": control.measure,
        "host": host,
        "verdict": verdict,
        "before_verdict": None,
        "settings": rows,
        "evidence": part.evidence,
        "origin": control.origin,
        "reason": NO_ANSWER if silent else "",
        "parameters": {}
        if silent
        else {name: value(name, own.get(name), own.get(name), host) for name in control.parameters if name in own},
        "waiver": waived if verdict == verdicts.WAIVED else None,
        "changed": False,
        "seen": _seen(host),
    }


def _seen(host: str) -> str:
    when = NOW - timedelta(days=47 if host == SILENT else 0)
    return when.isoformat().replace("+00:00", "Z")


def _rows(control: Control, host: str) -> list[dict[str, Any]]:
    part = control.platforms["linux"]
    fails = host in FAILS.get(control.id, ()) or host in WAIVED.get(control.id, ())
    found = []
    own = catalogue.load().values(part, PROFILE)
    values = {name: value(name, given, given, host)["value"] for name, given in own.items()}
    for setting in part.settings:
        kind = KINDS[setting.kind]
        for name, expected in kind.expand(bodies.substitute(setting.body, values)).items():
            state = "ok"
            if host in NOT_APPLICABLE.get(control.id, ()):
                state = "not_applicable"
            elif host in UNREAD.get(control.id, ()):
                state = "unknown"
            elif fails and not (found and setting.kind == "package"):
                state, fails = "fail", False
            found.append(
                {
                    "kind": setting.kind,
                    "name": name,
                    "expected": expected,
                    "rule": kind.rule(name).label,
                    "observed": expected if state == "ok" else None if state != "fail" else _bad(expected),
                    "state": state,
                    "reason": "no TPM is visible to the system" if state in ("unknown", "not_applicable") else "",
                }
            )
    return found


def _bad(expected: object) -> object:
    if isinstance(expected, bool):
        return not expected
    if isinstance(expected, int):
        return expected * 3 + 7
    return [] if isinstance(expected, list) else None


def _actions(document: Document) -> list[Action]:
    gaps: dict[tuple[str, str], list[str]] = {}
    for result in document["results"]:
        if result["verdict"] in (verdicts.NON_COMPLIANT, verdicts.NOT_VERIFIED) and result["host"] != SILENT:
            gaps.setdefault((result["control"], result["verdict"]), []).append(result["host"])
    found = []
    for index, ((control, verdict), hosts) in enumerate(gaps.items()):
        due = NOW + timedelta(days=12 * index - 9)
        found.append(
            Action(
                control=control,
                hosts=tuple(hosts),
                verdict=verdict,
                since=(NOW - timedelta(days=20 + 5 * index)).date().isoformat(),
                owner="Responsable informatique" if index % 3 else "Directrice",
                due=due.date().isoformat(),
                priority=1 + index // 4 if index < 12 else 3,
                note="Commande passée, livraison attendue." if index == 1 else "",
                decided=index % 3 == 1,
                overdue=due < NOW,
            )
        )
    return found
