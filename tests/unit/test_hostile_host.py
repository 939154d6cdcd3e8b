# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real audits of two hosts, of which one answers what its Python was made to answer; and values of the vault."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import results

ROOT = Path(__file__).parents[2]
PYTHON = """#!{python}
import json, subprocess, sys
run = subprocess.run(["{python}", *sys.argv[1:]], input=sys.stdin.buffer.read(), capture_output=True)
said = json.loads(run.stdout)
response = said["response"]
{forgery}
print(json.dumps(said))
"""


def audit(folder: Path, forgery: str, **extra: str) -> tuple[subprocess.CompletedProcess[str], results.Document]:
    forged = folder / "python"
    forged.write_text(PYTHON.format(python=sys.executable, forgery=forgery), encoding="utf-8")
    forged.chmod(0o700)
    own = folder / "inventories" / "ehpad-les-tilleuls"
    own.mkdir(parents=True, mode=0o700)
    here = {"ansible_connection": "local", "ansible_become": False}
    hosts = {
        "poste-01": {**here, "ansible_python_interpreter": sys.executable},
        "evil": {**here, "ansible_python_interpreter": str(forged)},
    }
    file = own / "hosts.yml"
    file.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
    file.chmod(0o600)
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            "-i",
            str(file),
            "playbooks/audit.yml",
            "--tags",
            "M08-01",
            "-e",
            json.dumps(extra),
        ],
        cwd=ROOT,
        env={**os.environ, "ESSMS_REPORT_DIR": str(folder / "reports"), "ANSIBLE_NOCOLOR": "1", "ESSMS_LANG": "en"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (latest,) = (folder / "reports").glob("*/latest")
    return run, results.read(latest)


@pytest.mark.parametrize(
    "forgery",
    ["response['platform']['x'] = float('nan')", "response['rows'][0]['rule'] = 'xx'", "said['response'] = [1]"],
)
def test_a_forged_answer_costs_that_host_only(tmp_path: Path, forgery: str) -> None:
    run, made = audit(tmp_path, forgery)
    assert run.returncode == 2, run.stdout + run.stderr
    states = {host["name"]: host["state"] for host in made["hosts"]}
    assert states == {"evil": "not_verified", "poste-01": "verified"}
    assert "What this host sent is no answer of essms.hardening" in run.stdout + run.stderr


def test_notes_of_a_host_cannot_act_on_the_terminal(tmp_path: Path) -> None:
    run, _made = audit(tmp_path, "response['notes'] = [chr(27) + ']0;title' + chr(7) + 'a note']")
    assert "\x1b" not in run.stdout + run.stderr
    assert "\\x1b]0;title\\x07a note" in run.stdout + run.stderr


def test_a_value_of_a_template_is_shown_nowhere(tmp_path: Path) -> None:
    secret = "S3CRET-of-the-vault"
    run, made = audit(tmp_path, "", essms_password_min_length="{{ site_secret }}", site_secret=secret)
    assert "essms_password_min_length" in run.stdout + run.stderr
    assert secret not in run.stdout + run.stderr + json.dumps(made)
