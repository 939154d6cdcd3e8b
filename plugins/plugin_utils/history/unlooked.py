# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What no run has looked at yet stands in a document too, as not verified: a partial run never reads as a whole one."""

from __future__ import annotations

from ansible_collections.essms.hardening.plugins.plugin_utils import results
from ansible_collections.essms.hardening.plugins.plugin_utils.history.model import NEVER_LOOKED
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document


def completed(document: Document) -> Document:
    """Return a document with every host of its fleet, and on each of them a result for every control there is.

    Its scope says "some" where it had to be completed. A fleet that names nothing adds nothing.
    """
    fleet = document["fleet"]
    hosts = {host["name"]: host for host in document["hosts"]}
    found = {(item["control"], item["host"]): item for item in document["results"]}
    origins = {item["control"]: item["origin"] for item in document["results"]}
    unmet = {
        name: results.host_state(name, groups, problem=NEVER_LOOKED)
        for name, groups in fleet["hosts"].items()
        if name not in hosts
    }
    missing = {
        (control, host): results.unverified(control, host, origins.get(control, ""), NEVER_LOOKED)
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
