# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What roles repeat of their controls, and the catalogue as JSON."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, load

from tests.support.catalogue_files import CHECKOUT, PROFILES
from tools import catalogue as printed
from tools import control_pages, generate


@pytest.fixture(scope="module")
def real() -> Catalogue:
    return load()


def test_the_checkout_is_fresh(real: Catalogue) -> None:
    assert generate.stale(real) == []


@pytest.mark.parametrize("file", ["defaults/main.yml", "meta/argument_specs.yml", "meta/main.yml", "README.md"])
def test_a_file_changed_or_missing_is_stale(real: Catalogue, tmp_path: Path, file: str) -> None:
    for folder in ("roles", "docs/controls"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    path = tmp_path / "roles/session_lock" / file
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert generate.stale(real, tmp_path) == [f"roles/session_lock/{file}"]
    path.unlink()
    assert generate.stale(real, tmp_path) == [f"roles/session_lock/{file}"]


@pytest.mark.parametrize("language", ["", ".fr"])
def test_every_measure_with_controls_has_its_pages(real: Catalogue, language: str) -> None:
    for control in real.controls.values():
        page = (CHECKOUT / f"docs/controls/{control.measure}{language}.md").read_text(encoding="utf-8")
        assert f"\n## {control.id}\n" in page
        assert all(f"**`{name}`**" in page for name in control.parameters)


def test_french_pages_say_what_is_allowed_in_french(real: Catalogue) -> None:
    pages = dict(control_pages.files(real))
    network, access, endpoint = (pages[f"docs/controls/{measure}.fr.md"] for measure in ("M02", "M04", "M06"))
    assert "ssh\N{NO-BREAK SPACE}: tcp 22 depuis partout" in network
    assert "from everywhere" not in network
    allowed = "Permis\N{NO-BREAK SPACE}: "
    for page, name, words in (
        (access, "essms_ssh_password_auth", "oui ou non."),
        (access, "essms_ssh_macs", "liste de valeurs\N{NO-BREAK SPACE}: hmac-sha2-512-etm@openssh.com ou "),
        (access, "essms_journal_max_megabytes", "de 64 à 1048576 mégaoctets."),
        (network, "essms_av_scan_hour", "de 0 à 23 heures."),
        (endpoint, "essms_modules_allow", "liste d’entrées de la forme indiquée dans le fichier de contrôle."),
    ):
        (line,) = (line for line in page.splitlines() if line.startswith(f"**`{name}`**"))
        assert allowed + words in line


def test_a_page_left_behind_by_its_control_is_stale(real: Catalogue, tmp_path: Path) -> None:
    for folder in ("roles", "docs/controls"):
        shutil.copytree(CHECKOUT / folder, tmp_path / folder)
    (tmp_path / "docs/controls/M07.fr.md").unlink()
    assert generate.stale(real, tmp_path) == ["docs/controls/M07.fr.md"]


def test_check_names_the_stale_file_and_writes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate, "stale", lambda _catalogue: ["roles/x/README.md"])
    monkeypatch.setattr(Path, "write_text", lambda *_a, **_k: pytest.fail("wrote a file"))
    assert generate.main(["--check"]) == 1
    assert capsys.readouterr().err == (
        "roles/x/README.md: differs from what the controls say; run python tools/generate.py\n"
    )


def roles() -> list[str]:
    return sorted({path.parent.name for path in (CHECKOUT / "roles").glob("*/controls")})


def yaml_of(role: str, file: str) -> Any:
    return yaml.safe_load((CHECKOUT / "roles" / role / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", roles())
def test_defaults_and_specs_name_every_parameter_once(real: Catalogue, role: str) -> None:
    own = {name for control in real.controls.values() if control.role == role for name in control.parameters}
    wanted = own | {"essms_mode", "essms_profile"}
    assert set(yaml_of(role, "defaults/main.yml")) == wanted
    assert set(yaml_of(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]) == wanted


@pytest.mark.parametrize("role", roles())
@pytest.mark.parametrize("profile", PROFILES)
def test_defaults_give_every_profile_its_values(real: Catalogue, role: str, profile: str) -> None:
    template = pytest.importorskip("jinja2.nativetypes").NativeEnvironment()
    for name, value in yaml_of(role, "defaults/main.yml").items():
        if name in real.parameters:
            seen = template.from_string(value).render(essms_profile=profile) if "{{" in str(value) else value
            assert seen == real.parameters[name].values[profile], name


@pytest.mark.parametrize("role", roles())
def test_a_role_only_looks_unless_told_otherwise(role: str) -> None:
    assert yaml_of(role, "defaults/main.yml")["essms_mode"] == "audited"
    (task,) = yaml_of(role, "tasks/main.yml")
    assert task["essms.hardening.settings"]["state"] == "{{ essms_mode }}"
    # Without it, --tags M08-01 would run no task at all and end green.
    assert task["tags"] == ["always"]


@pytest.mark.parametrize("role", roles())
def test_a_role_asks_for_the_ansible_that_the_collection_asks_for(role: str) -> None:
    wanted = yaml.safe_load((CHECKOUT / "meta/runtime.yml").read_text(encoding="utf-8"))["requires_ansible"]
    about = yaml_of(role, "meta/main.yml")["galaxy_info"]
    assert wanted.startswith(f">={about['min_ansible_version']}.")
    assert {"author", "description", "license", "platforms"} <= set(about)


@pytest.mark.parametrize("role", roles())
def test_a_role_runs_its_own_measure(real: Catalogue, role: str) -> None:
    (task,) = yaml_of(role, "tasks/main.yml")
    measures = [measure.id for measure in real.measures.values() if measure.role == role]
    assert task["essms.hardening.settings"]["measures"] == measures


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "tools/catalogue.py", *arguments],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
    )


def test_the_catalogue_is_json_and_nothing_else() -> None:
    done = run("--profile", "instruction-2017")
    assert (done.returncode, done.stderr) == (0, "")
    document = json.loads(done.stdout)
    assert document["schema"] == "essms-catalogue/1"
    first = next(control for control in document["controls"] if control["id"] == "M08-01")
    assert {"id", "measure", "title", "origin", "references", "parameters", "linux"} <= set(first)
    assert first["parameters"]["essms_password_min_length"]["value"] == 10
    assert {"pwquality": {"minlen": 10, "enforce_for_root": True}} in first["linux"]["settings"]
    assert "{{" not in done.stdout


def test_an_unknown_profile_is_one_line_on_standard_error() -> None:
    done = run("--profile", "renforcé")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == 'unknown profile "renforcé"; did you mean renforce?\n'


def test_every_control_is_printed(real: Catalogue) -> None:
    for profile in PROFILES:
        assert [control["id"] for control in printed.document(real, profile)["controls"]] == list(real.controls)
