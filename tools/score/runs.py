# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our apply on the host that is scored, exactly as a user plays it, and whether the host can still be administered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from ..lab import hosts
from ..lab.hosts import Host

ESTABLISHMENT = Path(__file__).with_name("establishment.yml")
"""The variables of the establishment that is scored: profile and values."""


class ApplyError(RuntimeError):
    """Why nothing could be applied, in one sentence."""


def apply(host: Host) -> list[str]:
    """Play ``playbooks/apply.yml`` with the scored establishment's variables; return what it could not do.

    :raises ApplyError: when the run ended without results.
    """
    folder = hosts.STATE / "score"
    variables = yaml.safe_load(ESTABLISHMENT.read_text(encoding="utf-8"))
    inventory = hosts.write_inventory(folder / "hosts.json", [host], variables)
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "ANSIBLE_CONFIG": str(hosts.ROOT / "ansible.cfg"),
        "ESSMS_REPORT_DIR": str(folder / "reports"),
        "ESSMS_LANG": "en",
    }
    command = ["ansible-playbook", "--inventory", str(inventory), "playbooks/apply.yml"]
    code = subprocess.run(
        command, cwd=hosts.ROOT, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, stdout=sys.stderr,
        check=False,
    ).returncode  # fmt: skip
    results = folder / "reports" / "score" / "latest" / "results.json"
    if not results.exists():
        raise ApplyError(f"playbooks/apply.yml ended with code {code} and no results: its words are above.")
    document = json.loads(results.read_text(encoding="utf-8"))
    problems = [f"{each['name']}: {each['problem']}" for each in document["hosts"] if each["problem"]]
    if code != 0 and not problems:
        problems = [f"playbooks/apply.yml ended with code {code}: its words are above"]
    return problems


def access(host: Host) -> list[str]:
    """Return which of ssh and ``sudo -n``, each over a connection of its own, no longer work."""
    login = ["ssh", "-F", str(hosts.SSH_CONFIG), "-o", "ControlPath=none", "-o", "BatchMode=yes", host.name]
    problems = []
    for what, command in (("ssh", "true"), ("sudo -n", "sudo -n true")):
        done = subprocess.run([*login, command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            problems.append(f"{what} no longer works: {done.stderr.strip()}")
    return problems
