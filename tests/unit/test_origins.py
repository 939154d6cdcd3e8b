# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which variables may hold a secret, judged by how they were written, in a real run of Ansible."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import is_secret

ROOT = Path(__file__).parents[2]
ACTION = """
from ansible.plugins.action import ActionBase
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import is_secret

class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        return {"secret": sorted(name for name in task_vars if name.startswith("x_") and is_secret(task_vars[name]))}
"""


@pytest.mark.parametrize("value", ["{{ vault_x }}", ["a", "{% if x %}b{% endif %}"], {"a": {"{{ b }}": 1}}, "{# x #}"])
def test_a_template_may_draw_from_the_vault(value: Any) -> None:
    assert is_secret(value)


@pytest.mark.parametrize("value", ["plain", 12, None, ["a"], {"a": "b"}, "{ x }", True])
def test_what_is_plain_may_be_shown(value: Any) -> None:
    assert not is_secret(value)


def test_what_is_encrypted_is_secret_in_a_variable_and_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("password")
    vault = [sys.executable, "-m", "ansible", "vault"]
    options = ["--vault-id", f"own@{tmp_path / 'password'}"]
    word = subprocess.run(
        [*vault, "encrypt_string", *options, "--name", "x_word", "SECRET"], capture_output=True, text=True, check=True
    ).stdout
    folder = tmp_path / "group_vars" / "all"
    folder.mkdir(parents=True)
    (folder / "main.yml").write_text(f'{word}\nx_plain: text\nx_template: "{{{{ x_file }}}}"\n')
    (folder / "vault.yml").write_text("x_file: SECRET\n")
    subprocess.run([*vault, "encrypt", *options, str(folder / "vault.yml")], check=True, capture_output=True)
    (tmp_path / "hosts.yml").write_text("all: {hosts: {localhost: {ansible_connection: local}}}")
    (tmp_path / "action_plugins").mkdir()
    (tmp_path / "action_plugins" / "judge.py").write_text(ACTION)
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "judge.py").write_text("")
    play = [{"hosts": "all", "gather_facts": False, "tasks": [{"judge": {}}]}]
    (tmp_path / "play.yml").write_text(json.dumps(play))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    run = subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.yml", *options, "play.yml", "-v"],
        cwd=tmp_path,
        env={**clean, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections"), "ANSIBLE_STDOUT_CALLBACK": "default"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert '"secret": ["x_file", "x_template", "x_word"]' in run.stdout, run.stdout + run.stderr
