# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks as a person would, on hosts of a test, and reads what the callback wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import engine, lab

_BIN = Path(sys.executable).parent


@dataclass
class Played:
    """How a playbook ended: exit code, terminal output, results per host and, per host, of each control."""

    code: int
    text: str
    hosts: dict[str, dict[str, Any]]
    results: dict[str, dict[str, dict[str, Any]]]

    def verdicts(self, host: str) -> dict[str, str]:
        """Return the verdict of each control on a host."""
        return {control: result["verdict"] for control, result in self.results[host].items()}


def play(
    playbook: str | list[dict[str, Any]],
    hosts: Sequence[str],
    *options: str,
    variables: Mapping[str, object] | None = None,
    beside: Mapping[str, object] | None = None,
    timeout: float = 240,
) -> Played:
    """Run a playbook of the collection by name, or plays written in a test.

    :param options: further options of ansible-playbook.
    :param beside: content of further files of the inventory folder, by name.
    :param timeout: seconds.
    """
    given = engine.with_reasons(variables or {})
    with lab.inventory(*hosts, variables=given) as inventory, tempfile.TemporaryDirectory() as folder:
        for name, content in (beside or {}).items():
            (inventory.parent / name).write_text(json.dumps(content), encoding="utf-8")
        path = engine.ROOT / "playbooks" / f"{playbook}.yml"
        if not isinstance(playbook, str):
            path = Path(folder) / "playbook.json"
            path.write_text(json.dumps(playbook), encoding="utf-8")
        environment = {"ANSIBLE_CONFIG": str(engine.ROOT / "ansible.cfg"), "ESSMS_REPORT_DIR": f"{folder}/reports"}
        done = subprocess.run(
            [str(_BIN / "ansible-playbook"), "--inventory", str(inventory), str(path), *options],
            cwd=engine.ROOT,
            env={**os.environ, **environment, "ESSMS_LANG": "en", "ANSIBLE_NOCOLOR": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        written = Path(folder) / "reports" / "lab" / "latest" / "results.json"
        document = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {"hosts": [], "results": []}
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for result in document["results"]:
        results.setdefault(result["host"], {})[result["control"]] = result
    return Played(
        done.returncode, done.stdout + done.stderr, {host["name"]: host for host in document["hosts"]}, results
    )


def settings_task(settings: list[dict[str, Any]], **options: object) -> dict[str, Any]:
    """Return a task that applies settings of the test's own."""
    return {"essms.hardening.settings": {"state": "applied", "settings": settings, **options}, "tags": ["always"]}


def play_of(*tasks: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a play on all hosts with privilege escalation."""
    return [{"hosts": "all", "gather_facts": False, "become": True, "tasks": list(tasks)}]
