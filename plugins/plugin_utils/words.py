# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of the terminal summary, in French and in English.

French is written here with plain spaces and set when shown: no-break spaces inside « » and before : ; ! ? % and the
typographic apostrophe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import labels
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import LIMIT, printable

LANGUAGES = ("fr", "en")

_FRENCH_SPACE = re.compile(r" (?=[:;!?%»])|(?<=«) ")

_PHRASES: dict[str, dict[str, Any]] = {
    "fr": {
        "audit": "Audit",
        "apply": "Mise en conformité",
        "rollback": "Retour arrière",
        "check": "simulation, rien n’est écrit",
        "profile": "profil {}",
        "when": "{:%d/%m/%Y à %H:%M}",
        "day": "{:%d/%m/%Y}",
        "score": "de conformité prouvée",
        "no_score": "Rien n’a pu être jugé",
        "seen": "part vérifiée : {} % ; {} % de conformité sur ce qui a pu l’être",
        "seen_nothing": "rien n’a pu être vérifié",
        "all_seen": "tout a pu être vérifié",
        "expected": "attendu {}",
        "observed": "observé {}",
        "equals": "{}",
        "at_least": "≥\N{NO-BREAK SPACE}{}",
        "at_most": "≤\N{NO-BREAK SPACE}{}",
        "one_of": "l’un de : {}",
        "includes": "contenant {}",
        "unset": "non défini",
        "empty": "vide",
        "true": "oui",
        "false": "non",
        "colon": "{} : {}",
        "semicolon": " ; ",
        "more_settings": ("et {} autre réglage", "et {} autres réglages"),
        "more_hosts": ("et {} autre", "et {} autres"),
        "every_host": "toutes les machines ({})",
        "hosts": ("{} machine", "{} machines"),
        "compliant": ("{} conforme", "{} conformes"),
        "non_compliant": ("{} non conforme", "{} non conformes"),
        "waived": ("{} dérogation", "{} dérogations"),
        "not_applicable": ("{} non applicable", "{} non applicables"),
        "not_verified": ("{} non vérifié", "{} non vérifiés"),
        "unverified": "non vérifié",
        "waiver": "dérogation jusqu’au {end} : {reason} ({owner})",
        "waivers_to_review": "Dérogations à revoir",
        "waiver_expiring": "échoit le {} ({})",
        "waiver_expired": "échue le {} : le contrôle est exigé de nouveau ({})",
        "waiver_orphan": "ne s’applique à rien : contrôle, groupe ou machine inconnus ; échoit le {} ({})",
        "whole_establishment": "tout l’établissement",
        "unverified_hosts": "Machines non vérifiées",
        "troubled_hosts": "Incidents",
        "changed": "Modifications",
        "would_change": "Ce qui serait modifié",
        "controls": ("{} contrôle", "{} contrôles"),
        "transaction": "transaction {}",
        "guard_reverted": "l’accès n’a pas été confirmé à temps : la machine a remis ses anciens réglages d’elle-même",
        "undo": "Pour annuler :",
        "file": "Résultats :",
        "report": "Rapport :",
        "report_problem": "Le rapport n’est pas complet : {}",
        "role_it_referent": "Responsable informatique",
        "role_provider": "Prestataire d’infogérance",
        "role_director": "Direction",
        "before_after": "Avant → après",
        "fixed": ("{} écart corrigé", "{} écarts corrigés"),
        "left": ("{} écart restant", "{} écarts restants"),
        "worse": ("{} contrôle dégradé", "{} contrôles dégradés"),
        "no_fixed": "aucun écart corrigé",
        "no_left": "aucun écart restant",
        "title_fixed": "Corrigés",
        "title_left": "Restent à traiter",
        "title_worse": "Dégradés",
        "from_to": "{} → {}",
        "never": "aucune vérification jusqu’ici",
        "never_do": "lancer un audit de tout l’établissement",
        "unreachable": "injoignable : aucune connexion n’a pu être établie",
        "unreachable_do": "vérifier que la machine est allumée, que son adresse est la bonne et que SSH y répond",
        "login": "connexion refusée : l’identifiant ou la clé ne sont pas acceptés",
        "login_do": "vérifier le compte d’administration et sa clé SSH sur cette machine",
        "host_key": "identité de la machine non reconnue (clé SSH inconnue ou changée)",
        "host_key_do": "s’assurer que c’est la bonne machine, puis mettre à jour known_hosts",
        "privilege": "droits d’administration refusés",
        "privilege_do": "autoriser sudo pour le compte d’administration, ou lancer avec --ask-become-pass",
        "python": "Python est absent ou trop ancien sur cette machine",
        "python_do": "y installer le paquet python3 (3.9 ou plus récent)",
        "platform": "système non pris en charge",
        "platform_do": "retirer cette machine de l’inventaire ou la suivre par un autre moyen",
        "stopped": "jamais atteinte : l’exécution s’est arrêtée avant",
        "stopped_do": "corriger ce qui l’a arrêtée, puis relancer",
        "guard": "l’accès a été coupé par un réglage : la machine a remis ses anciens réglages d’elle-même",
        "guard_do": "chercher le réglage en cause (SSH, PAM ou pare-feu), puis réappliquer contrôle par contrôle",
        "value": "réglage refusé avant de toucher la machine",
        "value_do": "corriger la valeur ou l’option nommée ci-dessous",
        "busy": "une autre exécution est en cours sur cette machine",
        "busy_do": "attendre qu’elle se termine, puis relancer",
        "disk": "disque plein",
        "disk_do": "libérer de la place sur cette machine, puis relancer",
        "slow": "la machine a répondu trop lentement",
        "slow_do": "vérifier sa charge, puis relancer ou augmenter « timeout » dans ansible.cfg",
        "killed": "vérification interrompue sur la machine",
        "killed_do": "relancer : ce qui avait été commencé sera remis en état",
        "answer": "ce que cette machine a répondu n’est pas une réponse de cet outil : rien n’en est retenu",
        "answer_do": "examiner cette machine avant de s’y fier, puis relancer",
        "other": "vérification impossible",
        "other_do": "lire la raison ci-dessous, corriger, puis relancer sur cette machine",
    },
    "en": {
        "audit": "Audit",
        "apply": "Hardening",
        "rollback": "Rollback",
        "check": "dry run, nothing is written",
        "profile": "profile {}",
        "when": "{:%Y-%m-%d %H:%M}",
        "day": "{:%Y-%m-%d}",
        "score": "proven compliant",
        "no_score": "Nothing could be judged",
        "seen": "{}% verified; {}% compliant of what could be",
        "seen_nothing": "nothing could be verified",
        "all_seen": "everything could be verified",
        "expected": "expected {}",
        "observed": "observed {}",
        "equals": "{}",
        "at_least": "≥\N{NO-BREAK SPACE}{}",
        "at_most": "≤\N{NO-BREAK SPACE}{}",
        "one_of": "one of {}",
        "includes": "containing {}",
        "unset": "not set",
        "empty": "empty",
        "true": "yes",
        "false": "no",
        "colon": "{}: {}",
        "semicolon": "; ",
        "more_settings": ("and {} more setting", "and {} more settings"),
        "more_hosts": ("and {} more", "and {} more"),
        "every_host": "all hosts ({})",
        "hosts": ("{} host", "{} hosts"),
        "compliant": ("{} compliant", "{} compliant"),
        "non_compliant": ("{} non-compliant", "{} non-compliant"),
        "waived": ("{} waived", "{} waived"),
        "not_applicable": ("{} not applicable", "{} not applicable"),
        "not_verified": ("{} not verified", "{} not verified"),
        "unverified": "not verified",
        "waiver": "waived until {end}: {reason} ({owner})",
        "waivers_to_review": "Waivers to review",
        "waiver_expiring": "ends on {} ({})",
        "waiver_expired": "ended on {}: the control is due again ({})",
        "waiver_orphan": "applies to nothing: unknown control, group or host; ends on {} ({})",
        "whole_establishment": "the whole establishment",
        "unverified_hosts": "Hosts not verified",
        "troubled_hosts": "Incidents",
        "changed": "Changes",
        "would_change": "What would change",
        "controls": ("{} control", "{} controls"),
        "transaction": "transaction {}",
        "guard_reverted": "access was not confirmed in time: the machine put its former settings back by itself",
        "undo": "To undo:",
        "file": "Results:",
        "report": "Report:",
        "report_problem": "The report is not complete: {}",
        "role_it_referent": "IT manager",
        "role_provider": "Managed service provider",
        "role_director": "Director",
        "before_after": "Before → after",
        "fixed": ("{} gap closed", "{} gaps closed"),
        "left": ("{} gap left", "{} gaps left"),
        "worse": ("{} control got worse", "{} controls got worse"),
        "no_fixed": "no gap closed",
        "no_left": "no gap left",
        "title_fixed": "Closed",
        "title_left": "Still to do",
        "title_worse": "Got worse",
        "from_to": "{} → {}",
        "never": "not verified so far",
        "never_do": "audit the whole establishment",
        "unreachable": "unreachable: no connection could be made",
        "unreachable_do": "check that the machine is on, that its address is right and that SSH answers there",
        "login": "login refused: the user or the key is not accepted",
        "login_do": "check the administration account and its SSH key on this machine",
        "host_key": "identity of the machine not recognised (SSH key unknown or changed)",
        "host_key_do": "make sure it is the right machine, then update known_hosts",
        "privilege": "administration rights refused",
        "privilege_do": "allow sudo for the administration account, or run with --ask-become-pass",
        "python": "Python is missing or too old on this machine",
        "python_do": "install the package python3 (3.9 or newer) there",
        "platform": "unsupported system",
        "platform_do": "take this machine out of the inventory or follow it by other means",
        "stopped": "never reached: the run stopped before",
        "stopped_do": "fix what stopped it, then run again",
        "guard": "a setting cut access: the machine put its former settings back by itself",
        "guard_do": "find the setting at fault (SSH, PAM or firewall), then apply again control by control",
        "value": "setting refused before the machine was touched",
        "value_do": "correct the value or option named below",
        "busy": "another run is under way on this machine",
        "busy_do": "wait until it ends, then run again",
        "disk": "disk full",
        "disk_do": "free some room on this machine, then run again",
        "slow": "the machine answered too slowly",
        "slow_do": "check its load, then run again or raise timeout in ansible.cfg",
        "killed": "the check was interrupted on the machine",
        "killed_do": "run again: what had been begun will be put right",
        "answer": "what this machine answered is no answer of this tool: nothing it said counts",
        "answer_do": "look at this machine before you trust it, then run again",
        "other": "could not be verified",
        "other_do": "read the reason below, fix it, then run again on this machine",
    },
}

#: Words of a technical sentence that tell what is the matter; the first line that matches decides.
_PROBLEMS = (
    ("answer", r"is no answer of essms"),
    ("never", r"^no run has looked at this yet"),
    ("guard", r"guard puts everything back"),
    ("stopped", r"^the run (stopped|was interrupted)"),
    ("value", r"essms_|select no control|no host was touched|several establishments|this run leaves out|\.yml:[0-9]"),
    ("busy", r"another run|\block(ed)? (is )?held"),
    ("disk", r"disk .*full|no space left"),
    ("slow", r"too slow"),
    ("killed", r"was killed"),
    ("host_key", r"host key (verification|is unknown)|remote host identification"),
    ("login", r"permission denied \(|refused the login|authentication fail|too many authentication"),
    ("privilege", r"sudo|become|privilege|escalat|not root"),
    ("python", r"python|interpreter"),
    (
        "unreachable",
        (
            r"\bunreachable\b|^the host does not answer|resolve hostname|of this host cannot be resolved"
            r"|name or service|(failed to connect|connect to|connection to) (the )?host"
            r"|connection (refused|reset|closed|timed)|timed? ?out|no route to host"
        ),
    ),
    ("platform", r"unsupported|not (a )?supported"),
)


class Advice(NamedTuple):
    """A problem in plain words, and what to do about it."""

    problem: str
    action: str


class Words:
    """The phrases of one language."""

    def __init__(self, language: str, limit: int = LIMIT) -> None:
        """Take ``fr`` or ``en`` (any spelling that starts so, such as ``en_GB.UTF-8``); anything else is French.

        ``limit`` is how much of a value is shown, in characters.
        """
        self._limit = limit
        self.language = "en" if language.lower().startswith("en") else "fr"
        self._phrases: Mapping[str, Any] = _PHRASES[self.language]

    def __call__(self, key: str, *values: object, **named: object) -> str:
        """Return a phrase with its values filled in."""
        return self._typeset(self._phrases[key]).format(*values, **named)

    def count(self, key: str, number: int) -> str:
        """Return « 1 conforme », « 2 conformes »; in French zero is singular."""
        singular, plural = self._phrases[key]
        few = number < 2 if self.language == "fr" else number == 1
        return self._typeset(singular if few else plural).format(number)

    def title(self, titles: Mapping[str, str]) -> str:
        """Return a title or sentence of the catalogue in this language, in its typography."""
        return self._typeset(titles[self.language])

    def _typeset(self, text: str) -> str:
        if self.language != "fr":
            return text
        return _FRENCH_SPACE.sub("\N{NO-BREAK SPACE}", text.replace("'", "’"))

    def day(self, date: object) -> str:
        """Return an ISO date as people of this language write it; what is no date is shown as it stands."""
        try:
            return self("day", datetime.fromisoformat(str(date)))
        except ValueError:
            return printable(date)

    def moment(self, instant: str) -> str:
        """Return an ISO 8601 instant as people of this language write it, in the time zone of this machine."""
        return self("when", datetime.fromisoformat(instant).astimezone())

    def value(self, value: object) -> str:
        """Return a value as a person would say it, safe for a terminal."""
        if isinstance(value, bool):
            return self("true" if value else "false")
        if value is None:
            return self("unset")
        if isinstance(value, float) and self.language == "fr":
            return printable(value, self._limit).replace(".", ",")
        if isinstance(value, list):
            told = [labels.value(item, self.language) if isinstance(item, str) else item for item in value]
            if told != value:
                return self._typeset(printable(told, self._limit))
        return self("empty") if value in ("", [], {}) else printable(value, self._limit)

    def expected(self, row: Mapping[str, Any]) -> str:
        """Return « attendu ≥ 12 »."""
        return self("expected", self(str(row["rule"]), self.value(row["expected"])))

    def note(self, technical: str) -> str:
        """Return a note of the engine in this language, where it has one."""
        return self._typeset(labels.note(technical, self.language))

    def name(self, row: Mapping[str, Any]) -> str:
        """Return the label of a setting, or its technical name."""
        return self._typeset(printable(labels.name(str(row.get("kind")), str(row["name"]), self.language)))

    def gap(self, row: Mapping[str, Any]) -> str:
        """Return « longueur minimale : attendu ≥ 12, observé 8 », with the reason in brackets when there is one."""
        observed = self.value(row["observed"])
        if row["observed"] not in (None, "", [], {}):
            observed = self("observed", observed)
        text = f"{self.expected(row)}, {observed}"
        said = self.note(str(row.get("reason") or ""))
        reason = f" ({printable(said, 160)})" if said else ""
        return self("colon", self.name(row), text) + reason

    def advice(self, problem: str) -> Advice:
        """Put a technical sentence in plain words."""
        known = (key for key, pattern in _PROBLEMS if re.search(pattern, problem, re.IGNORECASE))
        key = next(known, "other")
        return Advice(self(key), self(f"{key}_do"))


def shown_item(item: object) -> str:
    """Return an item of a list for people: text as it is, a map as ``key: value, key: value``."""
    if isinstance(item, Mapping):
        inner = ((key, ", ".join(map(str, value)) if isinstance(value, list) else value) for key, value in item.items())
        return "{" + ", ".join(f"{key}: {value}" for key, value in inner) + "}"
    return str(item)
