# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One establishment a run, what the establishments have in common included, and whose decision a value is."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.essms.hardening.plugins.plugin_utils import inventory, sources
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Source, origin_of

HOSTS = """
all:
  vars: {essms_ban_tries: 4}
  children:
    kiosques:
      vars: {essms_tmout_seconds: 120}
      hosts:
        hall: {essms_ssh_port: 2222}
"""


@pytest.fixture(autouse=True)
def _lenient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed collection has not what ansible.cfg of the checkout says."""
    monkeypatch.setattr("ansible.constants.INVENTORY_ANY_UNPARSED_IS_FAILED", False)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def establishment(root: Path, name: str, hosts: str = HOSTS) -> Path:
    return write(root / name / "hosts.yml", hosts).parent


def read(*sources: Path) -> InventoryManager:
    return InventoryManager(loader=DataLoader(), sources=[str(source) for source in sources])


def test_the_values_of_a_standard_group_cannot_be_forgotten(tmp_path: Path) -> None:
    one = establishment(tmp_path, "les-tilleuls")
    forgotten = read(one)
    inventory.check_common(forgotten.get_host("hall"), forgotten, one)
    common = write(tmp_path / "_common" / "group_vars" / "kiosques.yml", "essms_lock_seconds: 120").parents[1]
    with pytest.raises(CatalogueError) as caught:
        inventory.check_common(forgotten.get_host("hall"), forgotten, one)
    assert str(caught.value) == (
        f"les-tilleuls: group kiosques has values in _common that this run leaves out: add -i {common} before -i {one}"
    )
    whole = read(common, one)
    inventory.check_common(whole.get_host("hall"), whole, one)


@pytest.fixture
def variables(tmp_path: Path) -> tuple[dict[str, Any], Any, Path]:
    folder = establishment(tmp_path, "les-tilleuls")
    common = write(tmp_path / "_common" / "group_vars" / "kiosques.yml", "essms_lock_seconds: 120").parents[1]
    write(folder / "group_vars" / "all" / "site.yml", "\nessms_password_min_length: 14")
    write(folder / "group_vars" / "kiosques" / "lock.yml", "essms_password_history: 6")
    write(folder / "host_vars" / "hall.yml", "---\nessms_password_min_classes: 4")
    loader = DataLoader()
    known = InventoryManager(loader=loader, sources=[str(common), str(folder)])
    host = known.get_host("hall")
    return VariableManager(loader=loader, inventory=known).get_vars(host=host), host, folder


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("essms_password_min_length", Source("group_vars/all/site.yml:2", "establishment")),
        ("essms_password_history", Source("group_vars/kiosques/lock.yml:1", "group", "kiosques")),
        ("essms_lock_seconds", Source("_common/group_vars/kiosques.yml:1", "group", "kiosques")),
        ("essms_password_min_classes", Source("host_vars/hall.yml:2", "host", "hall")),
        ("essms_ban_tries", Source("hosts.yml:3", "establishment")),
        ("essms_tmout_seconds", Source("hosts.yml:6", "group", "kiosques")),
        ("essms_ssh_port", Source("hosts.yml:8", "host", "hall")),
    ],
)
def test_the_report_can_say_who_decided(variables: tuple[dict[str, Any], Any, Path], name: str, source: Source) -> None:
    known, host, folder = variables
    assert origin_of(name, known[name], sources.bases(folder), inventory.owners(host)) == source


def test_a_value_beside_a_playbook_is_a_decision_of_the_run(
    variables: tuple[dict[str, Any], Any, Path], tmp_path: Path
) -> None:
    _known, host, folder = variables
    beside = write(tmp_path / "playbooks" / "group_vars" / "all.yml", "essms_ssh_port: 22")
    value = DataLoader().load_from_file(str(beside))["essms_ssh_port"]
    found = origin_of("essms_ssh_port", value, sources.bases(folder), inventory.owners(host))
    assert found == Source("playbooks/group_vars/all.yml:1", "run")


USED = [
    ({"etab_usage": "medical"}, "equipements_medicaux"),
    ({"etab_usage": "partage"}, "partage_fichiers"),
    ({"etab_usage": "kiosque", "etab_mobile": True}, "nomades"),
    ({"etab_usage": "kiosque", "etab_end_of_support": "2026-06-30"}, "obsoletes"),
]


@pytest.mark.parametrize(("used", "group"), USED)
def test_a_host_that_lost_its_standard_group_is_refused(tmp_path: Path, used: dict[str, Any], group: str) -> None:
    host = read(establishment(tmp_path, "les-tilleuls")).get_host("hall")
    with pytest.raises(CatalogueError, match=f"^hall: is not in the group {group} although it has etab_"):
        inventory.check_groups(host, used, date(2026, 7, 2))


def test_a_host_in_its_standard_groups_goes_on(tmp_path: Path) -> None:
    host = read(establishment(tmp_path, "les-tilleuls")).get_host("hall")
    inventory.check_groups(host, {}, date(2026, 7, 2))
    kept = {"etab_usage": "kiosque", "etab_mobile": "no", "etab_end_of_support": "2026-07-01"}
    inventory.check_groups(host, kept, date(2026, 7, 2))
    with pytest.raises(CatalogueError, match='unknown value "kiosk"; did you mean kiosque'):
        inventory.check_groups(host, {"etab_usage": "kiosk"}, date(2026, 7, 2))


def test_hosts_that_ansible_dropped_are_noticed(tmp_path: Path) -> None:
    one = establishment(tmp_path, "foyer", "all: {hosts: {a1: , 'p[1:3]': , a2: }}")
    assert inventory.difference(read(one), one) == ""
    assert inventory.is_whole(read(one), one)
    write(one / "hosts.yml", "all: {hosts: {a1: , 'p[1:a]': , a2: }}")
    half = read(one)
    assert set(inventory.hosts(half)) == {"a1"}
    assert inventory.difference(half, one) == ('foyer: Ansible left the host "a2" out: correct what it warns of above')
    assert not inventory.is_whole(half, one)


def test_a_host_that_no_file_of_an_establishment_writes_is_noticed(tmp_path: Path) -> None:
    one = establishment(tmp_path, "foyer", "all: {hosts: {a1: }}")
    write(one / "establishment.yml", "{}")
    write(one / "other", "a2\n")
    assert inventory.difference(read(one), one).startswith('foyer: the host "a2" stands in no file of the folder')
    write(one / "vms.yml", "plugin: example.cloud\nall: {}")
    assert inventory.difference(read(one), one) == ""
