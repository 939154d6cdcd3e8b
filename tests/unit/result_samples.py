# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up yet realistic results, for the tests of everything that reads them."""

from __future__ import annotations

from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.collector import (
    Circumstances,
    Collector,
    Expected,
    Identity,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Waived

VERSIONS = {"ansible": "2.19.14", "collection": "0.1.0"}

#: control: (kind, name, rule, expected, observed when it fails)
CONTROLS: dict[str, tuple[str, str, str, object, object]] = {
    "M07-02": ("dconf", "org/gnome/desktop/session/idle-delay", "at_most", 600, 0),
    "M07-03": ("shell_timeout", "TMOUT", "at_most", 600, None),
    "M07-04": ("sshd", "clientaliveinterval", "at_most", 300, 0),
    "M07-05": ("dconf", "org/gnome/desktop/screensaver/lock-enabled", "equals", True, False),
    "M07-07": ("login_message", "text", "equals", "Verrouillez votre session en partant.", ""),
    "M08-01": ("pwquality", "minlen", "at_least", 12, 8),
    "M08-02": ("pwquality", "minclass", "at_least", 4, 0),
    "M08-03": ("login_defs", "PASS_MAX_DAYS", "at_most", 365, 99999),
    "M08-04": ("account_ageing", "max_days", "at_most", 365, ["uid 1000: 99999"]),
    "M08-05": ("pwhistory", "remember", "at_least", 5, None),
    "M08-06": ("faillock", "deny", "at_most", 5, None),
    "M08-07": ("pwquality", "badwords", "includes", ["tilleuls", "ehpad"], []),
    "M08-08": ("pam_unix", "hash", "one_of", ["yescrypt", "sha512"], "md5"),
    "M08-09": ("sshd", "permitemptypasswords", "equals", "no", "yes"),
}

WAIVER: Waived = {
    "control": "M07-05",
    "reason": "borne d’accueil sans données",
    "owner": "Responsable informatique",
    "approved_by": "Directrice",
    "scope": "group",
    "name": "kiosques",
    "start": "2026-02-01",
    "end": "2027-01-31",
    "state": "active",
    "orphan": "",
}

VALUE = {
    "value": 12,
    "source": "profile combine",
    "layer": "profile",
    "layer_name": "combine",
    "profile_value": 12,
    "deviation": None,
}


def row(control: str, state: str = "ok", **changes: Any) -> dict[str, Any]:
    """Return one row of a control in the given state."""
    kind, name, rule, expected, bad = CONTROLS[control]
    observed = {"ok": expected, "fail": bad}.get(state)
    reason = "sshd -T needs root, and this run has no privilege." if state == "unknown" else ""
    return {
        "control": control,
        "kind": kind,
        "name": name,
        "expected": expected,
        "rule": rule,
        "observed": observed,
        "state": state,
        "reason": reason,
        **changes,
    }


def control(name: str, rows: list[dict[str, Any]], waiver: Waived | None = None, **changes: Any) -> dict[str, Any]:
    """Return a control as the action plugin reports it."""
    return {
        "control": name,
        "measure": name[:3],
        "verdict": verdicts.with_waiver(verdicts.verdict(rows), waiver),
        "evidence": "proven",
        "origin": "instruction",
        "reason": "",
        "settings": rows,
        "changed": False,
        "parameters": {"essms_example": {**VALUE}},
        "waiver": waiver,
        **changes,
    }


def record(host: str, states: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    """Return what the action plugin says of a host: every control ok but those named in ``states``."""
    states = states or {}
    waived = {name for name, state in states.items() if state == "waived"}
    controls = [
        control(
            name,
            [row(name, "fail" if name in waived else states.get(name, "ok"))],
            {**WAIVER} if name in waived else None,
        )
        for name in CONTROLS
    ]
    return {
        "schema": "essms-host/1",
        "host": host,
        "groups": ["postes_soins"],
        "establishment": "ehpad-les-tilleuls",
        "profile": "combine",
        "mode": "audit",
        "platform": {"id": "debian", "version": "12", "family": "debian"},
        "controls": controls,
        "transaction": None,
        "guard": None,
        "problem": "",
        "seconds": {"module": 0.31},
        **changes,
    }


def silent(host: str, problem: str, **changes: Any) -> dict[str, Any]:
    """Return the record of a host that could not be verified."""
    controls = [control(name, [], reason=problem) for name in CONTROLS]
    return record(host, controls=controls, problem=problem, platform={}, **changes)


def collector() -> Collector:
    """Return a collector whose silent hosts belong to the sample establishment."""
    return Collector(
        lambda _host: Identity("ehpad-les-tilleuls", "combine"), lambda: [Expected("M08-01", "instruction")]
    )


def circumstances(_establishment: str) -> Circumstances:
    """Return what the document of a whole run of the sample establishment says beside its hosts' results."""
    return Circumstances(
        {"name": "EHPAD Les Tilleuls", "finess": "990000017", "category": "EHPAD"},
        {"hosts": "all", "controls": "all"},
        {"hosts": {}, "groups": [], "controls": []},
        [{**WAIVER}],
    )


def document(*records: dict[str, Any]) -> Document:
    """Return the document of a run in which these records came back."""
    run = collector()
    for item in records:
        run.record("task", item["host"], item)
    (only,) = run.documents(VERSIONS, circumstances)
    return only
