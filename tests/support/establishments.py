# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the example establishment, closed as a real one is, to be broken one rule at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import validation

CHECKOUT = Path(__file__).resolve().parents[2]
SLUG = "ehpad-les-tilleuls"
PASSWORD = "demonstration-publique-sans-secret"
"""Published with the example: it protects nothing."""


class Inventories:
    """A folder of inventories with the common one and the example, and a folder of vault passwords.

    The caller has to set ESSMS_VAULT_DIR to ``vaults``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root / "inventories"
        self.vaults = root / "vaults"
        self.vaults.mkdir(mode=0o700)
        for name in ("_common", SLUG):
            shutil.copytree(CHECKOUT / "inventories" / name, self.root / name, symlinks=True)
        close(self.root)
        self.password(SLUG, PASSWORD)

    @property
    def folder(self) -> Path:
        """The example."""
        return self.root / SLUG

    def password(self, slug: str, text: str) -> Path:
        """Write the vault password of an establishment."""
        path = self.vaults / slug
        path.write_text(f"{text}\n", encoding="ascii")
        path.chmod(0o600)
        return path

    def write(self, name: str, text: str, folder: str = SLUG) -> Path:
        """Write a file of an establishment."""
        path = self.root / folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def change(self, name: str, old: str, new: str) -> int:
        """Put a text in the place of another one in a file, and return the line it stands in."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def problems(self) -> list[str]:
        """Return everything that is wrong with the example."""
        return validation.problems(self.folder, load())

    def ansible(
        self, program: str, *arguments: str, environment: Sequence[tuple[str, str]] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program of Ansible on both inventories, as a checkout does."""
        command = [
            *(str(Path(sys.executable).parent / program), "-i", str(self.root / "_common"), "-i", str(self.folder)),
            *("--vault-id", f"{SLUG}@{self.vaults / SLUG}"),
            *arguments,
        ]
        own = {
            **os.environ,
            "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
            "ESSMS_VAULT_DIR": str(self.vaults),
            **dict(environment),
        }
        return subprocess.run(command, cwd=CHECKOUT, env=own, capture_output=True, text=True, check=False)


def close(folder: Path) -> None:
    """Take the rights of others away, which a checkout of git gives."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o700 if path.is_dir() else 0o600)
