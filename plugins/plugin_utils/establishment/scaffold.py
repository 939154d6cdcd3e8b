# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes the folder of a new establishment: whole and valid, or not at all."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.essms.hardening.plugins.plugin_utils import private, reading
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout, validation, vaults
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue

_SKELETON = Path(__file__).parent / "skeleton"
_REGISTERS = {
    "exercises": ("Exercices de crise et de continuité", "Coupure du réseau jouée une matinée"),
    "external_checks": ("Contrôles et audits par un tiers", "Test d'intrusion depuis Internet"),
    "incidents": ("Incidents de sécurité", "Rançongiciel arrêté par l'antivirus sur un poste"),
    "management_reviews": ("Revues de direction", "Revue annuelle de la sécurité"),
    "restore_tests": ("Essais de restauration", "Dossier de soins restauré sur un serveur d'essai"),
    "training": ("Formations et sensibilisations", "Reconnaître un message frauduleux"),
}


def check_slug(slug: str, parent: Path) -> None:
    """Refuse a name no new folder can have. Raises CatalogueError."""
    if not layout.SLUG.fullmatch(slug) or not 2 <= len(slug) <= layout.SLUG_LENGTH:
        raise CatalogueError(
            f"{shown(slug)} is no name for a folder; use 2 to {layout.SLUG_LENGTH} lower case letters, digits and"
            " single hyphens, such as ehpad-les-tilleuls"
        )
    if os.path.lexists(parent / slug):
        raise CatalogueError(f"{parent / slug} exists already and stays as it is; choose another name")
    if os.path.lexists(layout.vault_folder() / slug):
        raise CatalogueError(
            f"{layout.vault_folder() / slug} exists already and may still open a backup; move it away first"
        )
    for problem in vaults.open_to_others(layout.vault_folder()):
        raise CatalogueError(problem)


def read_answers(path: Path, slug: str, catalogue: Catalogue) -> dict[str, Any]:
    """Return the answers of a file. Raises CatalogueError with everything that is wrong, one line each."""
    file = reading.load(path, path.name)
    broken = file.problems(layout.schema("answers"))
    if not broken:
        own = {**file.data["establishment"], "folder": slug}
        broken += [file.said(each.below("establishment")) for each in validation.identity_problems(own, catalogue)]
    if broken:
        raise CatalogueError("\n".join(broken))
    return dict(file.data)


def create(parent: Path, slug: str, answers: Mapping[str, Any], catalogue: Catalogue) -> Path:
    """Make the folder of an establishment and the password of its vault; return the folder.

    Folders are 0700, files 0600. Raises CatalogueError, one line for each problem, or OSError; nothing is left then.
    """
    check_slug(slug, parent)
    private.make(parent)
    password = secrets.token_urlsafe(32)
    # filled under a hidden name inside which it already has its own: what is wrong is said of the folder it would be
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=parent) as hidden:
        draft = Path(hidden) / slug
        _fill(draft, slug, answers, password)
        broken = validation.problems(draft, catalogue)
        if broken:
            raise CatalogueError("\n".join(broken))
        _keep(password, slug)
        try:
            draft.rename(parent / slug)
        except OSError:
            (layout.vault_folder() / slug).unlink()
            raise
    return parent / slug


def _fill(draft: Path, slug: str, answers: Mapping[str, Any], password: str) -> None:
    for name in ("", "group_vars", "group_vars/all", "host_vars", layout.REGISTERS):
        (draft / name).mkdir(mode=0o700)
    own = {key: value for key, value in answers["establishment"].items() if key != "folder"}
    facts = {
        **own,
        **{key: answers[key] for key in ("hosts", "user", "admin_networks") if key in answers},
        "slug": slug,
        "schemas": "../../schema",
        "banned_words": _words(slug, own["finess"]),
    }
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_SKELETON),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # YAML; what was answered goes through the filter text
    )
    templates.filters["text"] = _as_yaml
    for name in (*layout.OURS, layout.HOSTS, "group_vars/all/main.yml", "README.md"):
        _write(draft / name, templates.get_template(f"{name}.j2").render(facts))
    for kind, (title, example) in _REGISTERS.items():
        text = templates.get_template("registers/register.yml.j2").render(facts, title=title, example=example)
        _write(draft / layout.REGISTERS / f"{kind}.yml", text)
    _write(draft / layout.GROUPS, (_SKELETON / layout.GROUPS).read_text(encoding="utf-8"))
    secret = VaultSecret(password.encode())
    text = templates.get_template("vault.yml.j2").render(facts)
    _write(draft / layout.VAULT, VaultLib([(slug, secret)]).encrypt(text, secret, vault_id=slug).decode())


def _as_yaml(value: Any) -> str:
    """Return a value as one line of YAML that reads as the same value."""
    inside_a_list = yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return inside_a_list.strip()[1:-1]


def _words(slug: str, finess: str) -> list[str]:
    """Return what people of this establishment would put into a password: its name and its number."""
    words = re.findall("[a-z0-9]{4,}", slug)
    return [*dict.fromkeys((*words, finess))]


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _keep(password: str, slug: str) -> None:
    """Write the password of a vault where only its owner reads it."""
    folder = layout.vault_folder()
    if not folder.is_dir():
        private.make(folder)
    descriptor = os.open(folder / slug, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{password}\n")
