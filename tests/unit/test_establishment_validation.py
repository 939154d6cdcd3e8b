# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that may be wrong in the folder of an establishment, each with its file, line and what to do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import validation, vaults
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.establishments import SLUG, Inventories, close


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inventories:
    site = Inventories(tmp_path)
    monkeypatch.setenv("ESSMS_VAULT_DIR", str(site.vaults))
    return site


def test_the_example_and_the_common_folder_are_as_expected(site: Inventories) -> None:
    assert site.problems() == []
    assert validation.problems(site.root / "_common", load()) == []


IDENTITY = {
    "text for a number": ("places: 84", "places: many", 'size.places: must be a whole number, not "many"'),
    "unquoted FINESS": ('"990000017"', "990000017", "finess: must be a string, not 990000017; put it in quotes"),
    "FINESS with a digit too few": (
        "990000017",
        "99000001",
        'finess: "99000001" has another form than ^([0-9]{2}|2[AB])[0-9]{7}$',
    ),
    "misspelt key": (
        "hosts_unseen_days",
        "hosts_unsen_days",
        "unknown key hosts_unsen_days; did you mean hosts_unseen_days?",
    ),
    "unknown day": ("[Tue, Thu]", "[Tue, Jeu]", None),
    "hour out of range": ("hour: 3", "hour: 24", "maintenance_window.hour: 24 is too large; use 23 or less"),
    "unknown profile": (
        "profile: combine",
        "profile: combin",
        'profile: unknown profile "combin"; did you mean combine?',
    ),
    "folder that was copied": (
        f"folder: {SLUG}",
        "folder: ehpad-les-ormes",
        (
            f'folder: "ehpad-les-ormes" differs from the name of the folder, {SLUG};'
            " was it copied? correct the one that is wrong"
        ),
    ),
    "contact nobody can reach": (
        '{role: biomedical, phone: "+33 1 99 00 20 30"}',
        "{role: biomedical}",
        "contacts[5]: a key is missing; add mail or phone",
    ),
    "name of a person": (
        "{role: dpo, ",
        "{role: dpo, name: x, ",
        "contacts[3]: unknown key name; use mail or phone or role",
    ),
    "invisible character": (
        "name: EHPAD Les",
        "name: EHPAD\u202e Les",
        'name: "EHPAD\\u202e Les Tilleuls" holds a control or invisible character; write one line of plain text',
    ),
}


@pytest.mark.parametrize(("old", "new", "sentence"), IDENTITY.values(), ids=IDENTITY.keys())
def test_establishment_yml(site: Inventories, old: str, new: str, sentence: str | None) -> None:
    line = site.change("establishment.yml", old, new)
    (found,) = site.problems()
    assert found.startswith(f"{SLUG}/establishment.yml:{line}: {sentence or 'maintenance_window.days[1]: '}")
    if sentence is not None:
        assert found == f"{SLUG}/establishment.yml:{line}: {sentence}"


def test_a_key_written_twice_has_its_line_and_column(site: Inventories) -> None:
    site.write("establishment.yml", f"folder: {SLUG}\nname: a\nname: b\n")
    assert site.problems() == [f"{SLUG}/establishment.yml:3:1: not valid YAML: key name is written twice; keep one"]


FILES: dict[str, tuple[str, str, list[str]]] = {
    "misspelt file": ("waiver.yml", "[]\n", ["waiver.yml: nothing reads this file; did you mean waivers.yml?"]),
    "unknown register": (
        "registers/trainings.yml",
        "[]\n",
        ["registers/trainings.yml: is no register; did you mean training.yml or"],
    ),
    "entry of a register": (
        "registers/training.yml",
        "- date: 2026-13-01\n  what: Phishing\n  result: successful\n  attended: [x]\n",
        [
            "registers/training.yml:4: [0].attended: must be a whole number, not [x]",
            'registers/training.yml:1: [0].date: "2026-13-01" is no date of the calendar; write YYYY-MM-DD',
        ],
    ),
    "action for nothing": (
        "action_plan.yml",
        "- control: M08-99\n  hosts: [hall,\n    hal]\n  owner: Directrice\n  due: 2027-01-01\n",
        [
            "action_plan.yml:1: [0].control: unknown control M08-99; did you mean M08-",
            'action_plan.yml:3: [0].hosts[1]: unknown host "hal"; did you mean hall?',
        ],
    ),
    "parameter that does not exist": (
        "host_vars/hall.yml",
        "---\nessms_usbb: bloque\n",
        ["host_vars/hall.yml:2: essms_usbb: unknown parameter; did you mean essms_usb or"],
    ),
    "value out of bounds": (
        "host_vars/hall.yml",
        "---\n# why\nessms_lock_seconds: 5\n",
        ["host_vars/hall.yml:3: essms_lock_seconds: 5 is too small; use 60 or more"],
    ),
    "item out of bounds": (
        "host_vars/hall.yml",
        "essms_firewall_services:\n  - {name: a, port: 1}\n  - name: b\n    port: 70000\n",
        ["host_vars/hall.yml:4: essms_firewall_services[1].port: 70000 is too large; use 65535 or less"],
    ),
    "profile of a group": (
        "group_vars/kiosques.yml",
        "essms_profile: strong\n",
        ['group_vars/kiosques.yml:1: essms_profile: unknown profile "strong"; use anssi-2021 or combine or'],
    ),
    "template and vault, left to the run": (
        "host_vars/hall.yml",
        'essms_lock_seconds: "{{ seconds }}"\nessms_banned_words: ["{{ word }}"]\nx: !unsafe "{{"\n',
        [],
    ),
    "reason without a date": (
        "host_vars/hall.yml",
        "essms_justifications:\n  essms_lock_second:\n    reason: Parce que c’est ainsi\n    author: Directrice\n",
        [
            "host_vars/hall.yml:2: essms_justifications.essms_lock_second: key date is missing; add it",
            "host_vars/hall.yml:2: essms_justifications: unknown parameter essms_lock_second; did you mean",
        ],
    ),
    "usage nobody knows": (
        "host_vars/hall.yml",
        "etab_usage: soin\netab_mobil: true\netab_mobile: oui\netab_end_of_support: 2026-02-30\n",
        [
            'host_vars/hall.yml:1: etab_usage: "soin" is not allowed; use "soins" or',
            "host_vars/hall.yml:2: etab_mobil: unknown variable; did you mean etab_mobile?",
            'host_vars/hall.yml:3: etab_mobile: must be true or false, not "oui"',
            'host_vars/hall.yml:4: etab_end_of_support: "2026-02-30" is no date of the calendar; write YYYY-MM-DD',
        ],
    ),
    "group that does not exist": (
        "group_vars/poste_soins.yml",
        "a: 1\n",
        ["group_vars/poste_soins.yml: is for a group that does not exist; did you mean postes_soins"],
    ),
    "host that does not exist": (
        "host_vars/hal.yml",
        "a: 1\n",
        ["host_vars/hal.yml: is for a host that does not exist; did you mean hall?"],
    ),
    "secrets in clear": (
        "host_vars/hall.yml",
        (
            "ansible_become_password: hunter2\nlist:\n  - api_token: abc\nsmtp_password: 1234\n"
            'ok_password: "{{ vault_x }}"\nansible_ssh_private_key_file: ~/.ssh/id\n'
            "key: |\n  -----BEGIN PRIVATE KEY-----\n"
        ),
        [
            "host_vars/hall.yml:1: ansible_become_password: is a secret in clear; move it to group_vars/all/vault.yml",
            "host_vars/hall.yml:3: list[0].api_token: is a secret in clear;",
            "host_vars/hall.yml:4: smtp_password: is a secret in clear;",
            "host_vars/hall.yml:7: key: is a secret in clear;",
        ],
    ),
    "vault that is open": (
        "group_vars/all/vault.yml",
        "a: 1\n",
        [f"group_vars/all/vault.yml:1: is not encrypted; run: ansible-vault encrypt --encrypt-vault-id {SLUG} "],
    ),
    "vault without an id": (
        "group_vars/all/vault.yml",
        "$ANSIBLE_VAULT;1.1;AES256\n6162\n",
        [
            (
                'group_vars/all/vault.yml:1: "$ANSIBLE_VAULT;1.1;AES256" is not the vault of this establishment'
                f" ($ANSIBLE_VAULT;1.2;AES256;{SLUG}); encrypt it with its vault id"
            )
        ],
    ),
    "value of another's vault": (
        "host_vars/hall.yml",
        "---\nsecret: !vault |\n  $ANSIBLE_VAULT;1.2;AES256;ehpad-les-ormes\n  6162\n",
        [
            (
                'host_vars/hall.yml:2: secret: "$ANSIBLE_VAULT;1.2;AES256;ehpad-les-ormes" is not the vault of this'
                f" establishment ($ANSIBLE_VAULT;1.2;AES256;{SLUG}); encrypt it with its vault id"
            )
        ],
    ),
    "list for a map, never shown": (
        "host_vars/hall.yml",
        "- hunter2\n",
        ["host_vars/hall.yml:1: must be a map, not a list; write each name on its own line with a colon"],
    ),
    "no YAML": ("host_vars/hall.yml", "a: [\n", ["host_vars/hall.yml:2:1: not valid YAML: "]),
    "tag of another world": (
        "host_vars/hall.yml",
        "a: !!python/object/apply:os.system [id]\n",
        ["host_vars/hall.yml:1:4: not valid YAML: could not determine a constructor"],
    ),
}


@pytest.mark.parametrize(("name", "text", "sentences"), FILES.values(), ids=FILES.keys())
def test_a_file_of_the_folder(site: Inventories, name: str, text: str, sentences: list[str]) -> None:
    site.write(name, text)
    found = site.problems()
    assert len(found) == len(sentences), found
    for said, sentence in zip(found, sentences, strict=True):
        assert said.startswith(f"{SLUG}/{sentence}")
        assert said.isprintable()
    assert not any("hunter2" in said for said in found), "a secret is never shown"


HOSTS = {
    "variables of a group, which a common group would win over": (
        (
            "all:\n  vars:\n    essms_lock_seconds: 300\n  children:\n    x:\n      hosts:\n"
            "        vars: {essms_lock_seconds: 300}\n      vars:\n        essms_lock_seconds: 300\n        x: 1\n"
        ),
        [":9: essms_lock_seconds: write it in group_vars/x.yml, for here a common group wins over it"],
    ),
    "no host": ("all:\n  hosts:\n", ["defines no host; write them under all: hosts:"]),
    "misspelt part": ("all:\n  host:\n    a:\n", [':2: unknown key "host"; did you mean hosts?', "defines no host"]),
    "list of hosts": (
        "all:\n  hosts:\n    - a\n",
        [":2: all.hosts: must be a map, not a list; write each name on its own line with a colon", "defines no host"],
    ),
    "variable of a host": (
        "all:\n  hosts:\n    a:\n      essms_usb: none\n",
        [':4: essms_usb: "none" is not allowed; use "lecture_ecriture" or "lecture" or "bloque"'],
    ),
}


@pytest.mark.parametrize(("text", "sentences"), HOSTS.values(), ids=HOSTS.keys())
def test_hosts_yml(site: Inventories, text: str, sentences: list[str]) -> None:
    for each in ("host_vars", "group_vars/unite_protegee.yml", "action_plan.yml"):
        path = site.folder / each
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    site.write("hosts.yml", text)
    found = site.problems()
    assert len(found) == len(sentences), found
    for said, sentence in zip(found, sentences, strict=True):
        assert said.removeprefix(f"{SLUG}/hosts.yml").removeprefix(": ").startswith(sentence)


def test_hosts_in_a_range_and_with_dots_are_known(site: Inventories) -> None:
    site.change("hosts.yml", "    accueil:\n", "    poste-[01:20]:\n    srv.tilleuls.example:\n    accueil:\n")
    site.write("host_vars/poste-07.yml", "a: 1\n")
    site.write("host_vars/srv.tilleuls.example", "essms_usbb: x\n")
    assert [each.partition(": unknown")[0] for each in site.problems()] == [
        f"{SLUG}/host_vars/srv.tilleuls.example:1: essms_usbb"
    ]


def test_a_plugin_may_bring_hosts_that_no_file_names(site: Inventories) -> None:
    site.write("proxmox.yml", "plugin: community.proxmox.proxmox\n")
    site.write("host_vars/vm-1.yml", "a: 1\n")
    assert site.problems() == []


def test_what_sorts_the_hosts_has_to_be_there_and_to_come_last(site: Inventories) -> None:
    site.write("vms.yml", "all:\n  hosts:\n    vm-1:\n")
    assert site.problems() == [
        f"{SLUG}/vms.yml: is read after standard_groups.yml, too late for it; choose a name before it"
    ]
    (site.folder / "vms.yml").unlink()
    (site.folder / "standard_groups.yml").unlink()
    (found,) = site.problems()
    assert ": etab_usage: has no effect without standard_groups.yml; copy that file from" in found


def test_names_of_files_are_made_harmless(site: Inventories) -> None:
    site.write("evil\x1b[2J\n\u202e.yml", "a: 1\n")
    site.write("group_vars/all/\x1b]0;x\x07.yml", "essms_x: 1\n")
    (site.folder / "loop").symlink_to("loop")
    path = site.write("group_vars/all/a\nb/vault.yml", "$ANSIBLE_VAULT;1.2;AES256;x\x1b[2J\n61\n")
    path.chmod(0o644)
    found = site.problems()
    assert len(found) == 5
    assert all(each.isprintable() and len(each) < 1000 for each in found)


def test_a_folder_whose_name_is_no_slug(site: Inventories) -> None:
    site.folder.rename(site.root / "EHPAD_1")
    found = validation.problems(site.root / "EHPAD_1", load())
    wanted = '"EHPAD_1": is no name for an establishment; use lower case letters, digits and single hyphens'
    assert found[0] == wanted
    assert any("differs from the name of the folder, EHPAD_1" in each for each in found)


def test_what_may_not_be_read_is_said(site: Inventories, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> Iterator[str]:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(vaults, "_password", refused)
    assert site.problems() == [f"{site.vaults / SLUG}: cannot be read: Permission denied; check it and its rights"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    (found,) = validation.problems(tmp_path / "absent", load())
    assert found == "absent: there is no such folder; check the name, or make it: make establishment NAME=absent"


MODES: dict[str, Callable[[Inventories], Path]] = {
    "the vault": lambda site: site.folder / "group_vars/all/vault.yml",
    "the vault's password": lambda site: site.vaults / SLUG,
}


@pytest.mark.parametrize("which", MODES.values(), ids=MODES.keys())
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_what_others_may_read(site: Inventories, which: Callable[[Inventories], Path], mode: int) -> None:
    path = which(site)
    path.chmod(mode)
    (found,) = site.problems()
    assert f": others may read it (mode {mode:04o}); run: chmod go= {path}" in found


def test_the_folder_of_passwords_is_closed_too(site: Inventories) -> None:
    site.vaults.chmod(0o755)
    (found,) = site.problems()
    assert found == f"{site.vaults}: others may read it (mode 0755); run: chmod go= {site.vaults}"


def _second(site: Inventories) -> Path:
    """Make another establishment with a vault of its own."""
    other = site.root / "ehpad-les-ormes"
    shutil.copytree(site.folder, other)
    file = other / "establishment.yml"
    file.write_text(file.read_text(encoding="utf-8").replace(f"folder: {SLUG}", "folder: ehpad-les-ormes"), "utf-8")
    secret = VaultSecret(b"another password")
    text = VaultLib([("ehpad-les-ormes", secret)]).encrypt("a: 1", secret, vault_id="ehpad-les-ormes")
    (other / "group_vars/all/vault.yml").write_bytes(text)
    site.password("ehpad-les-ormes", "another password")
    close(other)
    return other


def test_two_establishments_with_their_own_secrets_are_fine(site: Inventories) -> None:
    other = _second(site)
    assert site.problems() == [], "the same host at the same address is no fault either"
    assert validation.problems(other, load()) == []


def test_no_secret_is_shared(site: Inventories) -> None:
    other = _second(site)
    own = (site.folder / "group_vars/all/vault.yml").read_text(encoding="ascii")
    (other / "group_vars/all/vault.yml").write_text(own.replace(f";{SLUG}", ";ehpad-les-ormes"), encoding="ascii")
    assert site.problems() == [
        f"{SLUG}/group_vars/all/vault.yml: holds a secret that ehpad-les-ormes has too; give each establishment its own"
    ]
    inline = "x: !vault |\n" + "".join(f"    {line}\n" for line in own.splitlines())
    (other / "group_vars/all/vault.yml").unlink()
    (other / "group_vars/all/more.yml").write_text(inline, encoding="ascii")
    assert "holds a secret that ehpad-les-ormes has too" in site.problems()[0], "wherever it stands, however indented"


def test_no_vault_password_is_shared(site: Inventories) -> None:
    _second(site)
    site.password("ehpad-les-ormes", (site.vaults / SLUG).read_text(encoding="ascii").strip())
    (found,) = site.problems()
    assert found.endswith(": is the vault password of ehpad-les-ormes too; give each its own (ansible-vault rekey)")


def test_a_link_into_another_establishment(site: Inventories) -> None:
    other = _second(site)
    (site.folder / "host_vars/hall.yml").symlink_to(other / "host_vars/pilulier.yml")
    found = site.problems()
    assert f"{SLUG}/host_vars/hall.yml: leads out of the folder; copy the file, establishments share nothing" in found


def test_a_plain_inventory_is_only_asked_about_our_variables(tmp_path: Path) -> None:
    (tmp_path / "hosts.yml").write_text("all:\n  hosts:\n    a:\n      essms_usbb: 1\n", encoding="utf-8")
    (tmp_path / "anything.yml").write_text("- hosts: all\n", encoding="utf-8")
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars/nobody.yml").write_text("x: 1\n", encoding="utf-8")
    (found,) = validation.problems(tmp_path, load())
    assert found.startswith(f"{tmp_path.name}/hosts.yml:4: essms_usbb: unknown parameter; did you mean essms_usb or")


def test_the_order_is_the_same_every_time(site: Inventories) -> None:
    site.write("host_vars/hall.yml", "essms_a: 1\nessms_b: 2\n")
    site.write("group_vars/kiosques.yml", "essms_c: 1\n")
    site.write("zzz.txt", "")
    assert site.problems() == site.problems()
    assert [each.split(":")[0] for each in site.problems()] == [
        f"{SLUG}/zzz.txt",
        f"{SLUG}/group_vars/kiosques.yml",
        *[f"{SLUG}/host_vars/hall.yml"] * 2,
    ]


KEYS = [
    *("all", "hosts", "children", "vars", "plugin", "groups", "essms_lock_seconds", "essms_firewall_services"),
    *(
        "essms_justifications",
        "essms_profile",
        "keyed_groups",
        "all",
        "etab_usage",
        "api_token",
        "folder",
        "contacts",
        "control",
        "scope",
    ),
]
PLACES = [
    *("establishment.yml", "hosts.yml", "waivers.yml", "action_plan.yml", "registers/training.yml"),
    *("standard_groups.yml", "group_vars/all/main.yml", "host_vars/hall.yml", "group_vars/all/vault.yml"),
]
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=8) | st.integers() | st.booleans() | st.sampled_from(KEYS), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(content=ODD, name=st.sampled_from(PLACES))
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_file_holds_is_answered_in_printable_lines(site: Inventories, content: object, name: str) -> None:
    path = site.folder / name
    before = path.read_text(encoding="utf-8") if path.exists() else None
    site.write(name, yaml.safe_dump(content, allow_unicode=True))
    try:
        assert all(each.isprintable() and len(each) < 2000 for each in site.problems())
    finally:
        path.unlink() if before is None else site.write(name, before)


MAGIC = ["inventory_dir", "inventory_file", "inventory_hostname", "group_names", "groups", "hostvars"]


@pytest.mark.parametrize("name", [*MAGIC, "ansible_inventory_sources"])
def test_what_ansible_says_of_a_host_cannot_be_written(site: Inventories, name: str) -> None:
    line = site.change("hosts.yml", "    hall:\n", f"    hall:\n      {name}: /elsewhere\n") + 1
    site.write("host_vars/paie.yml", f"{name}: x\n")
    rule = f"{name}: Ansible says this itself, of every host; choose another name"
    assert site.problems() == [f"{SLUG}/hosts.yml:{line}: {rule}", f"{SLUG}/host_vars/paie.yml:1: {rule}"]
    shutil.rmtree(site.root / SLUG / "registers")
    (site.folder / "establishment.yml").unlink()
    assert f"{SLUG}/host_vars/paie.yml:1: {rule}" in site.problems(), "nor in a plain inventory"


RANGES = ["p[1:", "poste-[1:a]", "p[9:1]", "p[a:9]", "p[001:9]", "p]", "p[1:2:0]", "p[z:a]", "p[]", "p[:]"]


@pytest.mark.parametrize("name", RANGES)
def test_a_range_that_ansible_would_drop(site: Inventories, name: str) -> None:
    line = site.change("hosts.yml", "    hall:\n", f'    "{name}": {{}}\n    hall:\n')
    (found,) = site.problems()
    assert found.startswith(f'{SLUG}/hosts.yml:{line}: "{name}": is no range of hosts; ')


def test_ranges_and_ports(site: Inventories) -> None:
    good = ["p[1:3]", "p[01:12]", "p[a:f]", "p[:9]", "p[1:9:2]x[a:c]", "p[A:Z]"]
    site.change("hosts.yml", "    hall:\n", "".join(f'    "{name}":\n' for name in good) + "    hall:\n")
    assert site.problems() == []
    site.change("hosts.yml", "    hall:\n", '    "hall:2222":\n')
    assert any('"hall:2222": a name holds no colon; write a port as ansible_port' in each for each in site.problems())


def test_a_source_that_ansible_would_run(site: Inventories) -> None:
    (site.folder / "hosts.yml").chmod(0o700)
    assert site.problems() == [
        f"{SLUG}/hosts.yml: may be run as a program, and Ansible would run it; run: chmod a-x on it"
    ]


def test_a_link_to_anywhere_outside(site: Inventories, tmp_path: Path) -> None:
    (tmp_path / "outside.yml").write_text("{}", encoding="utf-8")
    (site.folder / "host_vars/hall.yml").symlink_to(tmp_path / "outside.yml")
    (found,) = site.problems()
    assert found.startswith(f"{SLUG}/host_vars/hall.yml: leads out of the folder; copy the file")


def test_nothing_secret_and_no_host_is_common_to_all(site: Inventories) -> None:
    common = site.root / "_common"
    cipher = (site.folder / "group_vars/all/vault.yml").read_text(encoding="utf-8")
    site.write("group_vars/kiosques.yml", "word: !vault |\n" + "".join(f"  {x}\n" for x in cipher.split()), "_common")
    site.write("group_vars/serveurs.yml", cipher, "_common")
    site.write("more.yml", "all: {hosts: {shared: }}\n", "_common")
    rule = "is encrypted, and every establishment would share it; move it to group_vars/all/vault.yml of each"
    assert validation.problems(common, load()) == [
        '_common: "shared" would be a host of every establishment; write it in the one it is of',
        f"_common/group_vars/serveurs.yml:1: {rule}",
        f"_common/group_vars/kiosques.yml:1: word: {rule}",
    ]


@pytest.mark.parametrize("name", ["db_pwd", "motdepasse", "mdp_admin", "wifi_mot_de_passe", "pwd"])
def test_a_secret_in_clear_by_its_other_names(site: Inventories, name: str) -> None:
    site.write("host_vars/hall.yml", f"{name}: abc\n")
    assert any(f"{name}: is a secret in clear" in each for each in site.problems())


OF_A_RUN = [
    ("essms_guard_seconds", "5", "5 is too small; use 15 or more"),
    ("essms_guard_seconds", "soon", 'must be a whole number, not "soon"'),
    ("essms_transaction", "[1]", "must be a string, not [1]"),
    ("essms_mode", "apply", '"apply"'),
    ("essms_relax", "3", "must be true or false, not 3"),
    ("essms_break_glass_accounts", "secours", 'must be a list, not "secours"'),
    ("essms_break_glass_accounts", "['a b']", '"a b" has another form than'),
]


@pytest.mark.parametrize(("name", "value", "rule"), OF_A_RUN)
def test_what_a_run_is_told_has_its_type(site: Inventories, name: str, value: str, rule: str) -> None:
    site.write("host_vars/hall.yml", f"{name}: {value}\n")
    (found,) = site.problems()
    assert found.startswith(f"{SLUG}/host_vars/hall.yml:1: {name}")
    assert rule in found


def test_a_file_that_another_establishment_let_grow_is_not_read_whole(site: Inventories) -> None:
    other = site.root / "ehpad-les-ormes"
    shutil.copytree(site.folder, other)
    (other / "group_vars/all/vault.yml").unlink()
    with (other / "group_vars/huge").open("wb") as stream:
        stream.truncate(2**36)
    assert site.problems() == []


@pytest.mark.parametrize("file", ["host_vars/hall.yml", "group_vars/kiosques.yml"])
def test_a_weaker_value_without_any_reason_is_told_before_the_run(site: Inventories, file: str) -> None:
    site.write(file, "---\nessms_password_min_length: 10\nessms_lockout_tries: 9\nessms_password_history: 6\n")
    weak = {2: ("essms_password_min_length", "10", "12 or more"), 3: ("essms_lockout_tries", "9", "5 or less")}
    assert site.problems() == [
        f"{SLUG}/{file}:{line}: {name}: {value} is outside what profile combine accepts ({accepted}); choose such a"
        f" value or write why in essms_justifications.{name} (reason, author, date)"
        for line, (name, value, accepted) in weak.items()
    ]
    why = "{reason: the software of the kiosk, author: Directrice, date: 2026-01-31}"
    site.write(
        "group_vars/nomades.yml",
        f"essms_justifications_here: {{essms_password_min_length: {why}, essms_lockout_tries: {why}}}\n",
    )
    assert site.problems() == []


@pytest.mark.parametrize("name", ["group_vars/kiosques.yml", "host_vars/hall/more.yml", "waivers.yml"])
def test_a_pipe_is_told_without_waiting_for_it(site: Inventories, name: str) -> None:
    path = site.folder / name
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    assert site.problems() == [f"{SLUG}/{name}: is no file; remove it"]
