# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One establishment a run, told from what stands after -i: no host name and no variable changes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import sources
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import NO_FOLDER

SAME = "all: {hosts: {srv-dossiers: {inventory_dir: /elsewhere}}}"
ADVICE = "give one establishment with -i, and run once for each"


def inventory(root: Path, name: str, text: str = SAME) -> Path:
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "hosts.yml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("_common", "ehpad-a", "ehpad-b"):
        folder = inventory(tmp_path, name)
        (folder / "standard_groups.yml").write_text("plugin: constructed", encoding="utf-8")
        if name != "_common":
            (folder / "establishment.yml").write_text("{}", encoding="utf-8")
            (folder / "group_vars" / "all").mkdir(parents=True)
            (folder / "group_vars" / "all" / "main.yml").write_text("{}", encoding="utf-8")
    return tmp_path


def site(root: Path, *given: str) -> sources.Site:
    return sources.site([each if "," in each else f"{root}/{each}" for each in given])


def test_an_establishment_is_its_folder(root: Path) -> None:
    for given in (("ehpad-a",), ("_common", "ehpad-a"), ("_common", "ehpad-b/../ehpad-a")):
        assert site(root, *given) == (root / "ehpad-a", "ehpad-a", "")
    assert site(root, "srv,") == (None, NO_FOLDER, "")
    assert sources.site([]) == (None, NO_FOLDER, "")


SEVERAL = [
    ("_common", "ehpad-a", "ehpad-b"),
    ("ehpad-a", "ehpad-b/standard_groups.yml"),
    ("ehpad-a", "ehpad-b/group_vars/all/main.yml"),
    ("ehpad-a", "link"),
    (".",),
]


@pytest.mark.parametrize("given", SEVERAL, ids=map(str, SEVERAL))
def test_several_establishments_are_refused_whatever_their_hosts_are_called(root: Path, given: tuple[str, ...]) -> None:
    (root / "link").mkdir()
    (root / "link" / "hosts.yml").symlink_to(root / "ehpad-b" / "hosts.yml")
    found = site(root, *given)
    assert (found.folder, found.name) == (None, sources.REFUSED)
    assert found.problem.startswith("the inventory is that of several establishments, ")
    assert found.problem.endswith(ADVICE)


def test_plain_inventories_are_told_apart_too(root: Path) -> None:
    one, other = inventory(root, "plain/one"), inventory(root, "plain/two")
    assert site(root, "plain").problem.endswith(ADVICE)
    assert site(root, "plain/one", "plain/two/hosts.yml").problem.endswith(ADVICE)
    assert site(root, "plain/one/hosts.yml") == (one, "one", "")
    assert site(root, "_common", "plain/two").problem.endswith(ADVICE), "the common folder of somebody else"
    # such as what Molecule gives beside the inventory of a project: it says nothing of any host
    (other / "hosts.yml").write_text("all: {hosts: {}, vars: {a: 1}}", encoding="utf-8")
    assert site(root, "plain/one", "plain/two") == (one, "one", "")
    (other / "group_vars").mkdir()
    assert site(root, "plain/one", "plain/two").problem.endswith(ADVICE)


def test_hosts_named_beside_an_establishment_are_refused(root: Path) -> None:
    for given in (("srv,", "ehpad-a"), ("_common", "ehpad-a", "srv,")):
        found = site(root, *given)
        assert found.name == sources.REFUSED
        assert found.problem == ('the command line names hosts beside the inventory "ehpad-a": give one or the other')


PARTS = ["ehpad-a/hosts.yml", "ehpad-a/group_vars/all/main.yml"]


@pytest.mark.parametrize("part", PARTS)
def test_a_file_of_an_establishment_is_not_the_establishment(root: Path, part: str) -> None:
    for given in ((part,), ("_common", part), ("_common", "ehpad-a", part)):
        found = site(root, *given)
        assert found.folder == root / "ehpad-a"
        assert found.problem == (
            f"ehpad-a: {root}/{part} is not the folder of this establishment: give it whole, -i {root}/ehpad-a"
        )


def test_a_folder_above_an_establishment_leaves_its_values_out(root: Path) -> None:
    above = root / "above"
    above.mkdir()
    (root / "ehpad-a").rename(above / "ehpad-a")
    assert site(root, "above").problem.endswith(f"give it whole, -i {above}/ehpad-a")


def test_the_common_folder_must_come_first(root: Path) -> None:
    assert site(root, "ehpad-a", "_common").problem == (
        f"ehpad-a: _common would win over it, being the last: give -i {root}/_common before -i {root}/ehpad-a"
    )


def test_one_file_of_several_is_not_the_whole(root: Path) -> None:
    folder = inventory(root, "plain")
    assert sources.is_whole([str(folder / "hosts.yml")], folder)
    (folder / "more.yml").write_text(SAME, encoding="utf-8")
    assert not sources.is_whole([str(folder / "hosts.yml")], folder)
    assert sources.is_whole([str(folder)], folder)
