# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection into ``dist/`` and checks that a copy installed from it works on its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DIST = ROOT / "dist"
# What only the checkout needs: none of it may be in the archive.
FORBIDDEN = (
    ".",
    "collections/",
    "extensions/",
    "inventories/",
    "molecule/",
    "reports/",
    "tests/",
    "tools/",
    "Makefile",
)
DOCUMENTED = {"module": "essms.hardening.settings", "role": "essms.hardening.password_policy"}

INVENTORY = """
all:
  hosts:
    here:
      ansible_connection: local
      ansible_become: false
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""


class CollectionError(RuntimeError):
    """What is wrong with the archive, in one sentence."""


def main() -> int:
    """Build, inspect, install in a neutral folder, and use it from there."""
    try:
        archive = build()
        inspect(archive)
        try_out(archive)
    except CollectionError as error:
        print(f"collection: {error}", file=sys.stderr)
        return 1
    print(f"{archive.relative_to(ROOT)} is built, and works once installed")
    return 0


def build() -> Path:
    """Build the archive and return its path."""
    _run(["ansible-galaxy", "collection", "build", "--force", "--output-path", str(DIST), str(ROOT)], ROOT)
    return max(DIST.glob("essms-hardening-*.tar.gz"), key=lambda path: path.stat().st_mtime)


def inspect(archive: Path) -> None:
    """Check that the archive holds no link and nothing that only the checkout needs."""
    with tarfile.open(archive) as content:
        for member in content.getmembers():
            if member.issym() or member.islnk():
                raise CollectionError(
                    f"{archive.name} holds the link {member.name}: add it to build_ignore in galaxy.yml."
                )
            if member.name.startswith(FORBIDDEN):
                raise CollectionError(f"{archive.name} holds {member.name}: add it to build_ignore in galaxy.yml.")


def try_out(archive: Path) -> None:
    """Install the archive where nothing of the checkout can be seen, then list, document and run it."""
    with tempfile.TemporaryDirectory(prefix="essms-") as name:
        folder = Path(name)
        _run(["ansible-galaxy", "collection", "install", "--force", "--no-deps", "-p", name, str(archive)], folder)
        for kind, plugin in DOCUMENTED.items():
            if plugin not in _run(["ansible-doc", "--type", kind, "--list", "essms.hardening"], folder):
                raise CollectionError(f"the installed collection has no {kind} {plugin}.")
        inventory = folder / "inventory" / "hosts.yml"
        inventory.parent.mkdir()
        inventory.write_text(INVENTORY, encoding="utf-8")
        _run(["ansible-playbook", "--inventory", str(inventory), "essms.hardening.audit"], folder)


def _run(command: list[str], folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(folder)
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise CollectionError(f"`{' '.join(command[:4])} …` failed with code {done.returncode}.")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
