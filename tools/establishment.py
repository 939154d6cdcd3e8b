# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the folder of an establishment, or check one: ``make establishment NAME=…``, ``make validate ETAB=…``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT / "collections") not in sys.path:  # run as a program, no conftest has done it
    sys.path.insert(0, str(ROOT / "collections"))

from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import (  # noqa: E402  # after the path
    Catalogue,
    CatalogueError,
    load,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import (  # noqa: E402  # after the path
    layout,
    questions,
    validation,
)

_NEXT = """\
{folder} est prêt. Le mot de passe de son coffre est dans {password}\N{NO-BREAK SPACE}: gardez-en une copie ailleurs.

  make validate ETAB={slug}
  ansible-vault edit --vault-id {slug}@{password} {folder}/{vault}
  make audit ETAB={slug}
"""


def main(arguments: Sequence[str] | None = None, ask: Callable[[str], str] = input) -> int:
    """Run one of the two commands; return 1, with one line for each problem on standard error, when it fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inventories", type=Path, default=ROOT / "inventories", help="folder of all establishments")
    commands = parser.add_subparsers(dest="command", required=True)
    new = commands.add_parser("new", help="make the folder of an establishment")
    new.add_argument("name", help="its name: lower case letters, digits, hyphens")
    new.add_argument("--from", dest="answers", type=Path, help="file of answers; without it, questions are asked")
    check = commands.add_parser("validate", help="say everything that is wrong in a folder")
    check.add_argument("name", help="its name")
    options = parser.parse_args(arguments)
    try:
        catalogue = load()
        if options.command == "validate":
            return _validate(options.inventories / options.name, catalogue)
        return _new(options, catalogue, ask)
    except (CatalogueError, OSError) as error:
        sys.stderr.write(f"{error}\n")
    except (EOFError, KeyboardInterrupt):
        sys.stderr.write("\nArrêté\N{NO-BREAK SPACE}: rien n’a été écrit.\n")
    return 1


def _validate(folder: Path, catalogue: Catalogue) -> int:
    problems = validation.problems(folder, catalogue)
    if problems:
        sys.stderr.write("\n".join([*problems, f"{len(problems)} to correct in {folder.name}", ""]))
        return 1
    sys.stdout.write(f"{folder.name}: everything is as expected\n")
    return 0


def _new(options: Any, catalogue: Catalogue, ask: Callable[[str], str]) -> int:
    # Imported here: Ansible, which encrypts the vault, takes longer to import than a folder takes to check.
    from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import scaffold

    slug = options.name
    scaffold.check_slug(slug, options.inventories)
    if options.answers:
        answers = scaffold.read_answers(options.answers, slug, catalogue)
    else:
        answers = questions.asked(slug, tuple(catalogue.profiles), ask)
    folder = scaffold.create(options.inventories, slug, answers, catalogue)
    password = layout.vault_folder() / slug
    sys.stdout.write(_NEXT.format(folder=_short(folder), password=password, slug=slug, vault=layout.VAULT))
    return 0


def _short(folder: Path) -> Path:
    return folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder


if __name__ == "__main__":
    sys.exit(main())
