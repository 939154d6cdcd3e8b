# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The standard groups, who wins among them, and the check that every playbook begins with, in real runs of Ansible."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.essms.hardening.plugins.plugin_utils import resolution, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout

from tests.support.establishments import CHECKOUT, SLUG, Inventories
from tests.support.make import make

COMMON = sorted((CHECKOUT / "inventories/_common/group_vars").glob("*.yml"))


@pytest.fixture
def site(tmp_path: Path) -> Inventories:
    return Inventories(tmp_path)


def _list(site: Inventories) -> dict[str, Any]:
    done = site.ansible("ansible-inventory", "--list")
    assert (done.returncode, done.stderr) == (0, ""), "no warning either"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_hosts_are_sorted_by_what_they_are_used_for(site: Inventories) -> None:
    found = _list(site)
    assert {group: found.get(group, {}).get("hosts") for group in layout.STANDARD_GROUPS} == {
        "postes_soins": ["soins-rdc", "soins-etage-1", "soins-etage-2", "chariot-1"],
        "postes_administratifs": ["direction", "accueil", "paie"],
        "serveurs": ["srv-dossiers", "srv-fichiers", "srv-annuaire"],
        "partage_fichiers": ["srv-fichiers"],
        "nomades": ["chariot-1", "direction"],
        "kiosques": ["hall"],
        "controleurs_domaine": ["srv-annuaire"],
        "equipements_medicaux": ["appel-malade", "pilulier"],
        "obsoletes": ["pilulier"],
    }
    assert found["_meta"]["hostvars"]["hall"]["vault_become_password"] == "exemple-sans-valeur"


def test_the_skeleton_and_the_example_sort_alike() -> None:
    skeleton = CHECKOUT / "plugins/plugin_utils/establishment/skeleton" / layout.GROUPS
    assert (CHECKOUT / "inventories" / SLUG / layout.GROUPS).read_bytes() == skeleton.read_bytes()
    assert layout.GROUPS > layout.HOSTS, "Ansible reads the files of a folder by name"


def test_a_host_put_into_a_group_by_hand_counts_as_well(site: Inventories) -> None:
    site.change("hosts.yml", "  children:\n", "  children:\n    partage_fichiers:\n      hosts:\n        paie:\n")
    site.change("hosts.yml", "etab_usage: kiosque", "etab_usage: kiosque\n      etab_end_of_support: 2999-12-31")
    found = _list(site)
    assert "paie" in found["partage_fichiers"]["hosts"]
    assert "paie" in found["serveurs"]["hosts"], "what shares files is a server"
    assert found["obsoletes"]["hosts"] == ["pilulier"], "support that has not ended yet"


def test_who_wins(site: Inventories) -> None:
    seconds = "essms_tmout_seconds"
    site.write("group_vars/all/more.yml", f"{seconds}: 601\nessms_lock_seconds: 601\n")
    site.write("group_vars/aaa.yml", f"{seconds}: 602\n")
    site.write("group_vars/kiosques.yml", f"{seconds}: 603\n")
    site.write("host_vars/soins-etage-1.yml", f"{seconds}: 604\n")
    # one own group that a common one would follow by its name, and one that a common one is below of
    own = "    aaa: {hosts: {soins-etage-1: {}, soins-etage-2: {}}}\n    above: {children: {nomades: {}}}\n"
    site.change("hosts.yml", "  children:\n", f"  children:\n{own}")
    site.write("group_vars/above.yml", "essms_lock_seconds: 605\n")
    facts = _list(site)["_meta"]["hostvars"]
    assert facts["paie"][seconds] == 601, "the establishment's own value where no group says another"
    assert facts["soins-rdc"][seconds] == 300, "a common group before the establishment as a whole"
    assert facts["soins-etage-2"][seconds] == 602, (
        "a group of the establishment, whatever its name, before a common one"
    )
    assert facts["hall"][seconds] == 603, "the establishment's say of a common group before the common one"
    assert facts["direction"]["essms_lock_seconds"] == 605, "even when the common group is the deeper one"
    assert facts["soins-etage-1"][seconds] == 604, "a host before all"
    assert facts["pilulier"]["essms_lock_seconds"] == 1800
    assert facts["appel-malade"]["essms_lock_seconds"] == 900


def test_care_weighs_more_than_age_and_age_more_than_use(site: Inventories) -> None:
    site.change("hosts.yml", "etab_usage: kiosque", "etab_usage: kiosque\n      etab_end_of_support: 2020-12-31")
    (site.folder / "host_vars/pilulier.yml").unlink()
    facts = _list(site)["_meta"]["hostvars"]
    assert facts["hall"]["essms_tmout_seconds"] == 300
    assert facts["pilulier"]["essms_lock_seconds"] == 900


@pytest.mark.parametrize("path", COMMON, ids=[path.stem for path in COMMON])
@pytest.mark.parametrize("profile", sorted(load().profiles))
def test_what_common_groups_weaken_they_give_a_reason_for(path: Path, profile: str) -> None:
    assert path.stem in layout.STANDARD_GROUPS
    known, written = load(), yaml.safe_load(path.read_text(encoding="utf-8"))
    reasons = resolution.justified(known, written)
    for name, value in written.items():
        if resolution.holds_reasons(name):
            # one name for each group: of two variables of one name only one would be left
            assert name == f"{resolution.JUSTIFICATIONS}_{path.stem}"
            continue
        parameter = known.parameters[name]
        given = resolution.plain(parameter, value)
        assert schemas.problem(parameter.bounds_key, given) == ""
        assert name in reasons or schemas.problem(parameter.accepted_in(profile), given) == ""


def _audit(site: Inventories, tmp_path: Path, *arguments: str) -> tuple[Any, dict[str, Any]]:
    reports = tmp_path / "reports"
    done = site.ansible(
        "ansible-playbook",
        str(CHECKOUT / "playbooks/audit.yml"),
        *arguments,
        environment=[("ESSMS_REPORT_DIR", str(reports)), ("ANSIBLE_NOCOLOR", "1")],
    )
    file = reports / SLUG / "latest/results.json"
    return done, json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def test_a_run_says_everything_that_is_wrong_and_touches_no_host(site: Inventories, tmp_path: Path) -> None:
    line = site.change("establishment.yml", "places: 84", "places: many")
    site.write("host_vars/hall.yml", "essms_usbb: 1\n")
    # a tag and a limit select controls and hosts, never whether the files are checked
    done, results = _audit(site, tmp_path, "--tags", "M08-01")
    assert done.returncode == 2
    first = f'{SLUG}/establishment.yml:{line}: size.places: must be a whole number, not "many"\n'
    assert f"No host was touched: 2 problems in the inventory, first {first}" in done.stdout
    assert done.stdout.partition("PLAY RECAP")[0].count(first) == 1
    assert f"  {SLUG}/host_vars/hall.yml:1: essms_usbb: unknown parameter" in done.stdout
    assert "TASK [Audit the controls]" not in done.stdout
    assert len(results["hosts"]) == 13
    assert {each["verdict"] for each in results["results"]} == {"not_verified"}
    assert any("No host was touched: 2 problems" in each["problem"] for each in results["hosts"])


def test_a_run_whose_hosts_ansible_dropped_touches_none(site: Inventories, tmp_path: Path) -> None:
    site.write("more.yml", "all: {hosts: {night: }}\n")
    ignored = (
        "ANSIBLE_INVENTORY_IGNORE_REGEX",
        "^more.yml$,^establishment.yml$,^waivers.yml$,^action_plan.yml$,^registers$",
    )
    reports = ("ESSMS_REPORT_DIR", str(tmp_path / "reports"))
    done = site.ansible("ansible-playbook", str(CHECKOUT / "playbooks/audit.yml"), environment=[ignored, reports])
    assert done.returncode == 2
    assert f'{SLUG}: Ansible left the host "night" out' in done.stdout
    assert "TASK [Audit the controls]" not in done.stdout


def test_a_host_that_lost_its_standard_group_is_not_touched(site: Inventories, tmp_path: Path) -> None:
    # an expression that only fails when Ansible works it out: of that it warns, where it is not told to stop
    site.change("standard_groups.yml", "etab_usage | default('') == 'medical'", "nothing.such == 'medical'")
    lenient = ("ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED", "0"), ("ESSMS_REPORT_DIR", str(tmp_path / "reports"))
    done = site.ansible(
        "ansible-playbook", str(CHECKOUT / "playbooks/audit.yml"), "--limit", "pilulier", environment=lenient
    )
    assert done.returncode == 2
    assert "failed: [pilulier] pilulier: is not in the group equipements_medicaux although it has etab_" in done.stdout


def test_the_report_is_made_of_files_that_are_right(site: Inventories, tmp_path: Path) -> None:
    site.write("host_vars/hall.yml", "essms_usbb: 1\n")
    reports = ("ESSMS_REPORT_DIR", str(tmp_path / "reports"))
    done = site.ansible("ansible-playbook", str(CHECKOUT / "playbooks/report.yml"), environment=[reports])
    assert "No host was touched: 1 problem in the inventory" in done.stdout
    assert "TASK [Make report and exports]" not in done.stdout


def _make(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return make("--dry-run", *arguments, f"ESSMS_VAULT_DIR={tmp_path / 'vaults'}")


def _typed(dry_run: str, tmp_path: Path) -> str:
    """Return the arguments that the last command of a dry run gives to ansible-playbook."""
    command = dry_run.splitlines()[-1].replace(".venv/bin/ansible-playbook", "echo")
    own = {**os.environ, "ESSMS_VAULT_DIR": str(tmp_path / "vaults")}
    return subprocess.run(["sh", "-c", command], env=own, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("target", ["audit", "apply", "rollback"])
def test_make_gives_both_inventories_and_the_password_of_that_vault(
    site: Inventories, tmp_path: Path, target: str
) -> None:
    done = _make(tmp_path, target, f"ETAB={SLUG}", "ARGS=--limit hall")
    inventories = f"-i inventories/_common -i inventories/{SLUG}"
    vault = f"--vault-id {SLUG}@{site.vaults / SLUG}"
    assert _typed(done.stdout, tmp_path) == f"{inventories} {vault} playbooks/{target}.yml --limit hall\n"
    (site.vaults / SLUG).unlink()
    assert "--vault-id" not in _typed(_make(tmp_path, target, f"ETAB={SLUG}").stdout, tmp_path)


@pytest.mark.parametrize(("arguments", "stopped"), [((), True), (("ARGS=--ask-vault-pass",), False)])
def test_make_names_the_password_that_is_missing(tmp_path: Path, arguments: tuple[str, ...], stopped: bool) -> None:
    done = make("--old-file=etab", "vault", f"ETAB={SLUG}", f"ESSMS_VAULT_DIR={tmp_path}", *arguments)
    assert (done.returncode != 0) == stopped
    assert (f"The password of the vault of {SLUG} is not in {tmp_path / SLUG}" in done.stderr) == stopped


def test_a_run_whose_files_are_right_goes_on(site: Inventories, tmp_path: Path) -> None:
    # nobody listens there: what counts is that the hosts are asked at all
    local = ("-e", "ansible_host=127.0.0.1", "-e", "ansible_port=9", "--limit", "hall", "--tags", "M08-01", "--check")
    done, results = _audit(site, tmp_path, *local)
    assert "TASK [Audit the controls]" in done.stdout
    assert "unreachable: [hall]" in done.stdout
    assert [each["name"] for each in results["hosts"]] == ["hall"]
    assert "essms.hardening.establishment" not in done.stderr
