# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One establishment a run, what the establishments have in common included, and whose decision a value is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.essms.hardening.plugins.plugin_utils import inventory
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


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def establishment(root: Path, name: str, hosts: str = HOSTS) -> Path:
    return write(root / name / "hosts.yml", hosts).parent


def read(*sources: Path) -> InventoryManager:
    return InventoryManager(loader=DataLoader(), sources=[str(source) for source in sources])


def test_hosts_of_two_establishments_are_refused(tmp_path: Path) -> None:
    one = establishment(tmp_path, "les-tilleuls")
    other = establishment(tmp_path, "foyer", "all: {hosts: {night: }}")
    inventory.one_establishment(read(one))
    inventory.one_establishment(read(one, one / "hosts.yml"))
    both = read(one, other)
    # --limit does not help: the variables of all hosts of the other one would still be in the way
    both.subset("hall")
    with pytest.raises(CatalogueError) as caught:
        inventory.one_establishment(both)
    assert str(caught.value) == (
        'the inventory holds hosts of several establishments, "foyer" (night) and "les-tilleuls" (hall):'
        " give one establishment with -i, and run once for each"
    )


def test_a_folder_of_establishments_is_refused(tmp_path: Path) -> None:
    establishment(tmp_path, "les-tilleuls")
    establishment(tmp_path, "foyer", "all: {hosts: {night: }}")
    with pytest.raises(CatalogueError):
        inventory.one_establishment(read(tmp_path))


def test_an_inventory_without_a_folder_is_one(tmp_path: Path) -> None:
    del tmp_path
    inventory.one_establishment(InventoryManager(loader=DataLoader(), sources=["192.0.2.1,192.0.2.2,"]))


def test_the_values_of_a_standard_group_cannot_be_forgotten(tmp_path: Path) -> None:
    one = establishment(tmp_path, "les-tilleuls")
    forgotten = read(one)
    inventory.check_common(forgotten.get_host("hall"), forgotten)
    common = write(tmp_path / "_common" / "group_vars" / "kiosques.yml", "essms_lock_seconds: 120").parents[1]
    with pytest.raises(CatalogueError) as caught:
        inventory.check_common(forgotten.get_host("hall"), forgotten)
    assert str(caught.value) == (
        f"les-tilleuls: group kiosques has values in _common that this run leaves out: add -i {common} before -i {one}"
    )
    whole = read(common, one)
    inventory.check_common(whole.get_host("hall"), whole)


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
    assert origin_of(name, known[name], folder, inventory.owners(host)) == source
