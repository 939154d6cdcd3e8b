# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the collection into ``dist/`` and checks that a copy installed from it works on its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

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
ROLES = sorted(path.parent.name for path in ROOT.glob("roles/*/controls"))
DOCUMENTED = {"module": ["establishment", "settings"], "role": ROLES}

INVENTORY = """
all:
  hosts:
    here:
      ansible_connection: local
      ansible_become: false
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
_ALONE = """
- hosts: all
  gather_facts: false
  roles: [essms.hardening.{role}]
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
        for kind, plugins in DOCUMENTED.items():
            listed = _run(["ansible-doc", "--type", kind, "--list", "essms.hardening"], folder)
            missing = [plugin for plugin in plugins if f"essms.hardening.{plugin}" not in listed]
            if missing:
                raise CollectionError(f"the installed collection has no {kind} {', '.join(missing)}.")
        inventory = folder / "inventory" / "hosts.yml"
        inventory.parent.mkdir()
        inventory.write_text(INVENTORY, encoding="utf-8")
        alone = folder / "alone.yml"
        alone.write_text("".join(_ALONE.format(role=role) for role in ROLES), encoding="utf-8")
        _run(["ansible-playbook", "--inventory", str(inventory), str(alone)], folder)
        _check_roles(json.loads((folder / "reports/inventory/latest/results.json").read_text(encoding="utf-8")))
        _run(["ansible-playbook", "--inventory", str(inventory), "essms.hardening.audit"], folder)


def _check_roles(results: dict[str, Any]) -> None:
    """Check that each role, told nothing, looked at every control of its own and changed nothing."""
    controls = {path.name.partition("_")[0] for path in ROOT.glob("roles/*/controls/*.yml")}
    unseen = controls - {each["control"] for each in results["results"] if each["settings"] or each["reason"]}
    if unseen or results["mode"] != "audit" or any(each["changed"] for each in results["results"]):
        raise CollectionError(
            f"roles used alone are to look and change nothing; not looked at: {sorted(unseen) or 'none'}."
        )


def _run(command: list[str], folder: Path) -> str:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_")}
    # the Ansible of this very Python, whether its environment is activated or not
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment.get('PATH', '')}"
    environment["ANSIBLE_COLLECTIONS_PATH"] = str(folder)
    environment["ANSIBLE_CALLBACKS_ENABLED"] = "essms.hardening.results"
    environment["ESSMS_REPORT_DIR"] = str(folder / "reports")
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout, done.stderr, file=sys.stderr)
        raise CollectionError(f"`{' '.join(command[:4])} …` failed with code {done.returncode}.")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
