# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new establishment: asked for or from a file, whole and valid or not there at all."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import scaffold, validation

from tests.support.establishments import CHECKOUT
from tools import establishment

SLUG = "ime-les-saules"
ANSWERS = """\
establishment:
  name: "IME « Les Saules » : site n° 1"
  finess: "990000025"
  category: IME
  size: {places: 40, staff: 35}
  contacts:
    - {role: director, mail: direction@les-saules.example}
  profile: renforce
  maintenance_window: {days: [Sun], hour: 5}
hosts:
  salle-1: {address: 192.0.2.21, usage: soins, mobile: true}
  "on": {address: srv.les-saules.example, usage: partage}
user: ansible
admin_networks: [192.0.2.0/28, "2001:db8::/64"]
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty folder for inventories; vault passwords go beside it."""
    monkeypatch.setenv("ESSMS_VAULT_DIR", str(tmp_path / "vaults"))
    return tmp_path / "inventories"


def _new(place: Path, *arguments: str, typed: Iterator[str] | None = None) -> int:
    return establishment.main(
        ["--inventories", str(place), "new", *arguments], lambda _question: next(typed or iter(()))
    )


def _answers(place: Path, text: str = ANSWERS) -> Path:
    path = place.parent / "answers.yml"
    path.write_text(text, encoding="utf-8")
    return path


def _left(place: Path) -> list[str]:
    """Return everything below the folder of the test, but for the file of answers."""
    return sorted(path.name for path in place.parent.rglob("*") if path.name not in ("answers.yml", "inventories"))


def test_a_new_establishment_is_valid_closed_and_has_its_own_vault(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _new(place, SLUG, "--from", str(_answers(place))) == 0
    folder = place / SLUG
    assert validation.problems(folder, load()) == []
    modes = {path.relative_to(place).as_posix(): path.stat().st_mode & 0o777 for path in (folder, *folder.rglob("*"))}
    assert set(modes.values()) == {0o700, 0o600}
    assert all((mode == 0o700) == (place / name).is_dir() for name, mode in modes.items())
    password = place.parent / "vaults" / SLUG
    assert (password.stat().st_mode & 0o777, password.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    said = capsys.readouterr().out
    assert f"make audit ETAB={SLUG}" in said
    secret = password.read_text(encoding="ascii").strip()
    assert len(secret) >= 40
    assert secret not in said
    cipher = (folder / "group_vars/all/vault.yml").read_bytes()
    assert cipher.startswith(f"$ANSIBLE_VAULT;1.2;AES256;{SLUG}\n".encode())
    assert "vault_become_password" in VaultLib([(SLUG, VaultSecret(secret.encode()))]).decrypt(cipher).decode()
    own = yaml.safe_load((folder / "establishment.yml").read_text(encoding="utf-8"))
    assert (own["name"], own["folder"]) == ("IME « Les Saules » : site n° 1", SLUG)
    assert own["profile"] == "renforce"
    assert (own["maintenance_window"], own["language"]) == ({"days": ["Sun"], "hour": 5}, "fr")


def test_ansible_reads_it_and_sorts_its_hosts(place: Path) -> None:
    assert _new(place, SLUG, "--from", str(_answers(place))) == 0
    done = subprocess.run(
        [
            *(str(Path(sys.executable).parent / "ansible-inventory"), "--list"),
            *("-i", str(CHECKOUT / "inventories/_common"), "-i", str(place / SLUG)),
            *("--vault-id", f"{SLUG}@{place.parent / 'vaults' / SLUG}"),
        ],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["nomades"]["hosts"] == found["postes_soins"]["hosts"] == ["salle-1"]
    assert found["partage_fichiers"]["hosts"] == found["serveurs"]["hosts"] == ["on"]
    facts = found["_meta"]["hostvars"]["on"]
    assert (facts["ansible_host"], facts["ansible_user"]) == ("srv.les-saules.example", "ansible")
    assert facts["essms_admin_networks"] == ["192.0.2.0/28", "2001:db8::/64"]


def test_two_establishments_get_different_passwords(place: Path) -> None:
    for slug in (SLUG, "ime-les-aulnes"):
        assert _new(place, slug, "--from", str(_answers(place))) == 0
    first, second = ((place.parent / "vaults" / slug).read_text() for slug in (SLUG, "ime-les-aulnes"))
    assert first != second
    assert validation.problems(place / SLUG, load()) == []


TYPED = [
    *("", "99", "990000033", "restaurant", "ime", "IME", "quarante", "40", "35", "", "lundi dimanche", "25", "5"),
    *("direction", "direction@les-saules.example", "si@les-saules.example", "", "192.0.2.21", ""),
]


def test_questions_are_asked_again_until_the_answer_is_allowed(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _new(place, SLUG, typed=iter(TYPED)) == 0
    own = yaml.safe_load((place / SLUG / "establishment.yml").read_text(encoding="utf-8"))
    assert own["name"] == "IME Les Saules"
    assert (own["finess"], own["category"], own["size"]) == ("990000033", "IME", {"places": 40, "staff": 35})
    assert own["maintenance_window"] == {"days": ["Mon", "Sun"], "hour": 5}
    assert (place / SLUG / "hosts.yml").read_text(encoding="utf-8").count("poste-1:") == 1
    assert validation.problems(place / SLUG, load()) == []
    said = capsys.readouterr().err
    assert said.count("Choisissez parmi\N{NO-BREAK SPACE}: EHPAD, ") == 2
    assert [line.strip()[:17] for line in said.splitlines()] == [
        "Neuf chiffres, pa",
        "Choisissez parmi\N{NO-BREAK SPACE}",
        "Choisissez parmi\N{NO-BREAK SPACE}",
        "Un nombre entier ",
        "Un nombre entier ",
        "Une boîte partagé",
    ]


@pytest.mark.parametrize("stop", [EOFError, KeyboardInterrupt])
def test_who_stops_answering_leaves_nothing(place: Path, stop: type[BaseException]) -> None:
    def ask(question: str) -> str:
        if "Profil" in question:
            raise stop
        return {"Numéro FINESS": "990000033"}.get(question[:13], "5" if "Nombre" in question else "")

    assert establishment.main(["--inventories", str(place), "new", SLUG], ask) == 1
    assert _left(place) == []


REFUSED = {
    "category": ("category: IME", "category: restaurant", 'answers.yml:4: establishment.category: "restaurant" is not'),
    "usage": ("usage: soins", "usage: soin", 'answers.yml:11: hosts."salle-1".usage: "soin" is not allowed; use'),
    "missing number": ('  finess: "990000025"\n', "", "answers.yml:1: establishment: key finess is missing; add it"),
    "unknown key": ("user: ", "users: ", "answers.yml:13: unknown key users; did you mean user?"),
    "name of a host": (' "on":', ' "on off":', "answers.yml:10: hosts: "),
    "template in an address": ("192.0.2.21", "'{{ x }}'", 'answers.yml:11: hosts."salle-1".address: '),
    "profile nobody knows": ("renforce", "fort", 'answers.yml:8: establishment.profile: unknown profile "fort"; use'),
}


@pytest.mark.parametrize(("old", "new", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_answers_that_are_wrong_are_refused_with_their_line(
    place: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, sentence: str
) -> None:
    assert old in ANSWERS
    assert _new(place, SLUG, "--from", str(_answers(place, ANSWERS.replace(old, new, 1)))) == 1
    assert capsys.readouterr().err.startswith(sentence)
    assert _left(place) == []


def test_everything_wrong_is_said_at_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = ANSWERS.replace("places: 40", "places: x").replace("category: IME", "category: x")
    assert _new(place, SLUG, "--from", str(_answers(place, text))) == 1
    assert len(capsys.readouterr().err.splitlines()) == 2


@pytest.mark.parametrize("slug", ["", "a", "EHPAD", "les tilleuls", "../x", "a--b", "-a", "a_b", "a" * 41, "é"])
def test_a_name_that_is_no_slug(place: Path, slug: str) -> None:
    assert _new(place, "--from", str(_answers(place)), "--", slug) == 1
    assert _left(place) == []


def test_what_exists_stays(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / SLUG).mkdir(parents=True)
    assert _new(place, SLUG, "--from", str(_answers(place))) == 1
    assert "exists already and stays as it is" in capsys.readouterr().err
    assert _left(place) == [SLUG]
    (place / SLUG).rmdir()
    vaults = place.parent / "vaults"
    vaults.mkdir(mode=0o700)
    (vaults / SLUG).write_text("old", encoding="ascii")
    assert _new(place, SLUG, "--from", str(_answers(place))) == 1
    assert "may still open a backup" in capsys.readouterr().err
    assert (vaults / SLUG).read_text(encoding="ascii") == "old"
    assert not (place / SLUG).exists()


def test_a_folder_that_appears_meanwhile_is_not_written_over(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = scaffold._keep

    def race(password: str, slug: str) -> None:
        keep(password, slug)
        (place / slug).mkdir()
        (place / slug / "mine").touch()

    monkeypatch.setattr(scaffold, "_keep", race)
    assert _new(place, SLUG, "--from", str(_answers(place))) == 1
    assert _left(place) == [SLUG, "mine", "vaults"], "neither a draft nor a password is left"


def test_passwords_others_could_read_are_refused(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place.parent / "vaults").mkdir(mode=0o755)
    assert _new(place, SLUG, "--from", str(_answers(place))) == 1
    assert "others may read it (mode 0755); run: chmod go= " in capsys.readouterr().err
    assert _left(place) == ["vaults"]


def test_validate_says_everything_or_one_line(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _new(place, SLUG, "--from", str(_answers(place))) == 0
    capsys.readouterr()
    check = ["--inventories", str(place), "validate", SLUG]
    assert establishment.main(check) == 0
    assert capsys.readouterr().out == f"{SLUG}: everything is as expected\n"
    (place / SLUG / "waiver.yml").touch()
    (place / SLUG / "host_vars/nobody.yml").touch()
    assert establishment.main(check) == 1
    *problems, last = capsys.readouterr().err.splitlines()
    assert [each.partition(": ")[0] for each in problems] == [f"{SLUG}/waiver.yml", f"{SLUG}/host_vars/nobody.yml"]
    assert last == f"2 to correct in {SLUG}"
