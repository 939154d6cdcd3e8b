# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no run has looked at yet stands in a document too, as not verified: a partial run never reads as a whole one."""

from __future__ import annotations

from ansible_collections.essms.hardening.plugins.plugin_utils import results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import NEVER_LOOKED
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, HostState, Result


def completed(document: Document) -> Document:
    """Return a document with every host of its fleet, and on each of them a result for every control there is.

    Its scope says "some" where it had to be completed. A fleet that names nothing adds nothing.
    """
    fleet = document["fleet"]
    hosts = {host["name"]: host for host in document["hosts"]}
    found = {(item["control"], item["host"]): item for item in document["results"]}
    origins = {item["control"]: item["origin"] for item in document["results"]}
    unmet = {name: _host(name, groups) for name, groups in fleet["hosts"].items() if name not in hosts}
    missing = {
        (control, host): _result(control, host, origins.get(control, ""))
        for host in fleet["hosts"]
        for control in fleet["controls"]
        if (control, host) not in found
    }
    partial = any(host in hosts for _control, host in missing)
    return {
        **document,
        "scope": {
            "hosts": "some" if unmet else document["scope"]["hosts"],
            "controls": "some" if partial else document["scope"]["controls"],
        },
        "hosts": [host for _name, host in sorted({**hosts, **unmet}.items())],
        "results": [item for _pair, item in sorted({**found, **missing}.items())],
    }


def _host(name: str, groups: list[str]) -> HostState:
    return {
        "name": name,
        "groups": sorted(groups),
        "state": results.NOT_VERIFIED,
        "problem": NEVER_LOOKED,
        "profile": "",
        "platform": {},
        "transaction": None,
        "guard": None,
        "seconds": {},
    }


def _result(control: str, host: str, origin: str) -> Result:
    return {
        "control": control,
        "measure": control.split("-", maxsplit=1)[0],
        "host": host,
        "verdict": verdicts.NOT_VERIFIED,
        "before_verdict": None,
        "settings": [],
        "evidence": "not-exercised",
        "origin": origin,
        "reason": NEVER_LOOKED,
        "parameters": {},
        "waiver": None,
        "changed": False,
    }
