# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Both callbacks in real ansible-playbook runs, with an action plugin that says what a test wants."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.callback import results as callback
from ansible_collections.essms.hardening.plugins.plugin_utils import collector, results

from tests.unit.result_samples import CONTROLS, record, silent

ROOT = Path(__file__).parents[2]

ACTION = """
import json, time
from ansible.plugins.action import ActionBase

class ActionModule(ActionBase):
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        said = json.loads((task_vars or {})["said"])
        time.sleep(said.pop("sleep", 0))
        if said.pop("crash", False):
            raise RuntimeError("boom")
        return said
"""

CONFIG = """
[defaults]
collections_path = {folder}
inventory = {folder}/site/hosts.yml
stdout_callback = essms.hardening.terminal
callbacks_enabled = essms.hardening.results
gathering = explicit
retry_files_enabled = False
localhost_warning = False
"""


class Site:
    """A throw-away folder with an inventory, a playbook and the copy of the collection."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.reports = folder / "reports"
        self.play: list[dict[str, Any]] = [
            {
                "hosts": "all",
                "gather_facts": False,
                "tasks": [{"name": "Look", "essms.hardening.settings": {"state": "audited"}}],
            }
        ]
        self.environment: dict[str, str] = {}
        home = folder / "ansible_collections" / "essms" / "hardening"
        for part in (
            "plugins/callback",
            "plugins/plugin_utils",
            "plugins/module_utils",
            "schema",
            "profiles",
            "roles",
            "meta",
        ):
            shutil.copytree(ROOT / part, home / part, ignore=shutil.ignore_patterns("__pycache__", "tests"))
        for file in ("galaxy.yml", "labels.yml", "measures.yml"):
            shutil.copy(ROOT / file, home)
        (home / "plugins" / "action").mkdir()
        (home / "plugins" / "action" / "settings.py").write_text(ACTION)
        (home / "plugins" / "modules").mkdir()
        (home / "plugins" / "modules" / "settings.py").write_text("")
        (folder / "ansible.cfg").write_text(CONFIG.format(folder=folder))
        (folder / "site").mkdir()

    def command(self, hosts: dict[str, dict[str, Any]], *options: str) -> dict[str, Any]:
        inventory = {
            name: {
                "ansible_connection": "local",
                "ansible_python_interpreter": sys.executable,
                "said": json.dumps(said),
            }
            for name, said in hosts.items()
        }
        (self.folder / "site" / "hosts.yml").write_text(json.dumps({"all": {"hosts": inventory}}))
        (self.folder / "play.yml").write_text(json.dumps(self.play))
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ESSMS_"))}
        return {
            "args": [sys.executable, "-m", "ansible", "playbook", "play.yml", *options],
            "cwd": self.folder,
            "env": {**environment, "COLUMNS": "100", **self.environment},
            "text": True,
        }

    def run(self, hosts: dict[str, dict[str, Any]], *options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(**self.command(hosts, *options), capture_output=True, timeout=120, check=False)

    def document(self, establishment: str = "ehpad-les-tilleuls") -> results.Document:
        return results.read(self.reports / establishment / "latest")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def verdicts_of(made: results.Document, host: str) -> set[str]:
    return {item["verdict"] for item in made["results"] if item["host"] == host}


def test_every_host_ends_in_the_results(site: Site) -> None:
    problem = "Host unreachable: no route to host. Check that it is on."
    ended = site.run(
        {
            "good": {"essms": record("good", {"M08-01": "fail"})},
            "lost": {"unreachable": True, "msg": problem, "essms": silent("lost", problem)},
            "broken": {"failed": True, "msg": "No space left.", "essms": silent("broken", "No space left.")},
            "crashed": {"crash": True},
        }
    )
    assert ended.returncode in (2, 4, 6), ended.stderr
    made = site.document()
    assert [(host["name"], host["state"]) for host in made["hosts"]] == [
        ("broken", "not_verified"),
        ("crashed", "not_verified"),
        ("good", "verified"),
        ("lost", "not_verified"),
    ]
    assert "boom" in made["hosts"][1]["problem"]
    assert verdicts_of(made, "good") == {"compliant", "non_compliant"}
    for host in ("lost", "broken", "crashed"):
        assert verdicts_of(made, host) == {"not_verified"}
    assert len(made["results"]) == 4 * len(CONTROLS)

    assert f"unreachable: [lost] {problem}\n" in ended.stdout
    assert "failed: [broken] No space left.\n" in ended.stdout
    assert "PLAY RECAP" in ended.stdout
    assert "attendu" in ended.stdout
    assert "reports/ehpad-les-tilleuls/latest/results.json" in ended.stdout
    for noise in ("essms-host/1", "'observed'", '"observed"', "Traceback"):
        assert noise not in ended.stdout + ended.stderr


@pytest.mark.parametrize("verbose", ["-v", "-vvv"])
def test_settings_are_never_dumped(site: Site, verbose: str) -> None:
    ended = site.run({"good": {"changed": True, "essms": record("good")}}, verbose)
    assert ended.returncode == 0
    assert "changed: [good]" in ended.stdout
    assert '"observed"' not in ended.stdout
    assert "'observed'" not in ended.stdout


def test_hosts_of_batches_the_play_never_came_to(site: Site) -> None:
    site.play[0].update(serial=1, order="sorted")
    ended = site.run({name: {"failed": True, "msg": "Bad.", "essms": silent(name, "Bad.")} for name in ("a", "b", "c")})
    assert ended.returncode == 2
    made = site.document()
    assert [host["problem"] for host in made["hosts"]] == ["Bad.", collector.NEVER_REACHED, collector.NEVER_REACHED]
    assert verdicts_of(made, "c") == {"not_verified"}


def test_limit_leaves_the_other_hosts_out(site: Site) -> None:
    site.run({name: {"essms": record(name)} for name in ("a", "b")}, "--limit", "a")
    assert [host["name"] for host in site.document()["hosts"]] == ["a"]


@pytest.mark.parametrize(
    ("hosts", "settings", "options", "scope"),
    [
        ("all", {}, [], ("all", "all")),
        ("a", {}, [], ("some", "all")),
        ("all", {"measures": ["M08"]}, [], ("all", "some")),
        ("all", {"controls": ["M08-01"]}, [], ("all", "some")),
        ("all", {}, ["--limit", "a"], ("some", "all")),
        ("all", {}, ["--tags", "M08-01"], ("all", "some")),
        ("all", {}, ["--skip-tags", "M08-01"], ("all", "some")),
    ],
)
def test_a_run_over_everything_is_told_from_one_over_a_part(
    site: Site, hosts: str, settings: dict[str, Any], options: list[str], scope: tuple[str, str]
) -> None:
    site.play[0]["hosts"] = hosts
    site.play[0]["tasks"][0].update({"tags": ["always"], "essms.hardening.settings": {"state": "audited", **settings}})
    ended = site.run({name: {"essms": record(name)} for name in ("a", "b")}, *options)
    assert ended.returncode == 0, ended.stderr
    assert tuple(site.document()["scope"].values()) == scope


def test_a_task_before_ours_that_fails_everywhere_still_gives_the_matrix(site: Site) -> None:
    site.play[0]["tasks"].insert(0, {"name": "Check first", "ansible.builtin.fail": {"msg": "Not today."}})
    ended = site.run({"a": {"essms": record("a")}}, "--tags", "all,M08-01,M08-02")
    assert ended.returncode == 2
    made = site.document("site")
    assert made["hosts"][0]["problem"] == "Not today."
    assert verdicts_of(made, "a") == {"not_verified"}
    assert {"M08-01", "M08-02"} <= {item["control"] for item in made["results"]}


def test_a_rescued_or_ignored_failure_is_not_the_reason(site: Site) -> None:
    site.play[0]["tasks"].insert(0, {"ansible.builtin.fail": {"msg": "Never mind."}, "ignore_errors": True})
    assert site.run({"a": {"essms": record("a")}}).returncode == 0
    assert site.document()["hosts"][0]["state"] == "verified"


def test_a_skipped_host_is_not_verified(site: Site) -> None:
    site.play[0]["tasks"][0]["when"] = "inventory_hostname != 'b'"
    assert site.run({name: {"essms": record(name)} for name in ("a", "b")}).returncode == 0
    made = site.document()
    assert verdicts_of(made, "b") == {"not_verified"}
    assert made["hosts"][1]["problem"] == collector.SKIPPED


def test_a_playbook_without_settings_writes_nothing(site: Site) -> None:
    site.play[0]["tasks"] = [{"ansible.builtin.debug": {"msg": "hello"}}]
    ended = site.run({"a": {}})
    assert ended.returncode == 0
    assert "hello" in ended.stdout
    assert not site.reports.exists()


def test_a_vault_without_its_password_is_named(site: Site) -> None:
    vault = site.folder / "site" / "group_vars" / "all" / "vault.yml"
    vault.parent.mkdir(parents=True)
    cipher = ROOT / "inventories/ehpad-les-tilleuls/group_vars/all/vault.yml"
    shutil.copy(cipher, vault)
    site.environment["ESSMS_VAULT_DIR"] = "/safe"
    ended = site.run({"a": {"essms": record("a")}})
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    made = site.document("site")
    assert made["refused"]
    assert verdicts_of(made, "a") == {"not_verified"}
    (told,) = [host["problem"] for host in made["hosts"]]
    assert told.startswith("No host was touched, the variables of the inventory cannot be read: ")
    assert told.endswith(" A vault needs its password: --vault-id site@/safe/site")


def test_a_run_over_one_file_of_several_is_not_one_over_all_hosts(site: Site) -> None:
    for expected in ("all", "some"):
        site.run({"a": {"essms": record("a")}})
        assert site.document()["scope"]["hosts"] == expected
        (site.folder / "site" / "more.yml").write_text("all: {hosts: {b: }}")


def test_a_variable_moves_no_result_to_another_establishment(site: Site) -> None:
    (site.folder / "other").mkdir()
    spoof = ["-e", f"inventory_dir={site.folder / 'other'}", "-e", '{"ansible_inventory_sources": []}']
    assert site.run({"lost": {"crash": True}}, *spoof).returncode == 2
    assert not (site.reports / "other").exists()
    assert verdicts_of(site.document("site"), "lost") == {"not_verified"}


def test_results_that_cannot_be_written_fail_the_run_in_one_sentence(site: Site) -> None:
    (site.folder / "file").write_text("")
    site.environment["ESSMS_REPORT_DIR"] = str(site.folder / "file" / "reports")
    ended = site.run({"a": {"essms": record("a")}})
    assert ended.returncode == 1
    (sentence,) = [line for line in ended.stderr.splitlines() if line.strip()]
    assert sentence.startswith("The results could not be written to")
    assert "Set ESSMS_REPORT_DIR" in sentence
    assert "100" in ended.stdout or "M08" in ended.stdout


def test_the_report_folder_and_the_language_can_be_chosen(site: Site) -> None:
    site.reports = site.folder / "elsewhere"
    site.environment.update(ESSMS_REPORT_DIR=str(site.reports), ESSMS_LANG="en")
    ended = site.run({"a": {"essms": record("a", {"M08-01": "fail"})}})
    assert "Minimum password length" in ended.stdout
    assert "expected ≥\N{NO-BREAK SPACE}12, observed 8" in ended.stdout
    assert site.document()["mode"] == "audit"


def test_why_a_report_is_not_complete_is_said_in_french(site: Site) -> None:
    folder = site.reports / "ehpad-les-tilleuls"
    folder.mkdir(parents=True)
    (folder / "history.sqlite3").write_bytes(b"no database at all" * 100)
    ended = site.run({"a": {"essms": record("a")}})
    said = " ".join(ended.stderr.split())
    assert "Le rapport n’est pas complet" in said
    assert "fichier abîmé" in said
    assert "is damaged" not in said


def test_the_command_that_takes_a_run_back_opens_the_same_vaults(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"inventory": ["inventories/site"], "vault_ids": ["site@/safe/my password"], "subset": "a,b"}
    monkeypatch.setattr(callback.context, "CLIARGS", given)
    assert callback._undo() == (
        "ansible-playbook -i inventories/site --vault-id 'site@/safe/my password' --limit a,b essms.hardening.rollback"
    )


def test_check_mode_and_versions_are_recorded(site: Site) -> None:
    site.play[0]["tasks"][0]["essms.hardening.settings"] = {"state": "applied"}
    site.run({"a": {"essms": record("a", mode="apply (check)")}}, "--check")
    made = site.document()
    assert (made["mode"], made["check"]) == ("apply", True)
    assert made["versions"].keys() == {"ansible", "collection"}
    assert (site.reports / "ehpad-les-tilleuls" / "latest").readlink().name.endswith("-apply-check")


def test_an_interrupted_run_leaves_its_results(site: Site) -> None:
    site.play[0]["strategy"] = "ansible.builtin.free"
    hosts = {"fast": {"essms": record("fast")}, "slow": {"essms": record("slow"), "sleep": 60}}
    running = subprocess.Popen(
        **site.command(hosts), stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    assert running.stdout is not None
    for line in running.stdout:
        if "[fast]" in line:
            break
    time.sleep(0.3)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    made = site.document()
    assert [(host["name"], host["problem"]) for host in made["hosts"]] == [
        ("fast", ""),
        ("slow", collector.INTERRUPTED),
    ]


def test_another_module_of_a_host_cannot_pose_as_ours(site: Site) -> None:
    said = {"essms": record("poste-01", establishment="another")}
    site.play[0]["tasks"].append(
        {"name": "Forge", "essms.hardening.establishment": {}, "vars": {"said": json.dumps(said)}}
    )
    action = site.folder / "ansible_collections" / "essms" / "hardening" / "plugins" / "action"
    (action / "establishment.py").write_text(ACTION)
    (action.parent / "modules" / "establishment.py").write_text("")
    site.run({"poste-01": {"essms": record("poste-01")}})
    assert sorted(path.name for path in site.reports.iterdir()) == ["ehpad-les-tilleuls"]


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ({"platform": {"id": float("nan")}}, "The results could not be written"),
        ({"seconds": {"module": "text"}}, "The results could not be put together"),
        ({"controls": [5]}, "The results could not be put together"),
    ],
)
def test_results_that_cannot_be_made_are_never_passed_over(site: Site, broken: dict[str, Any], fault: str) -> None:
    run = site.run({"poste-01": {"essms": record("poste-01", **broken)}})
    assert run.returncode == 1, run.stdout + run.stderr
    assert run.stderr.count(fault) == 1
    assert not list(site.reports.glob("*/*"))


def test_a_summary_or_report_that_fails_is_told_and_costs_nothing(site: Site) -> None:
    utils = site.folder / "ansible_collections" / "essms" / "hardening" / "plugins" / "plugin_utils"
    for file, function in (("summary.py", "summary"), ("report/publish.py", "gather")):
        with (utils / file).open("a") as source:
            source.write(f"\n\ndef {function}(*_arguments, **_named):\n    raise KeyError('boom')\n")
    run = site.run({"poste-01": {"essms": record("poste-01")}})
    assert run.returncode == 0, run.stdout + run.stderr
    assert "The summary could not be made: KeyError: 'boom'" in run.stderr
    assert run.stderr.count("KeyError") == 2
    assert site.document()["results"]
