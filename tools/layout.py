# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold for the checkout itself to be what gets tested.

Without its links Molecule ignores its configuration and still says "Successful"; with an old copy of the collection in
the home folder, that copy is tested instead of the checkout.
"""

from __future__ import annotations

from pathlib import Path

LINKS = {"collections/ansible_collections/essms/hardening": "../../..", "extensions/molecule": "../molecule"}


def problems(root: Path, home: Path | None = None) -> list[str]:
    """Return one sentence per thing that would make tests look at something else than this checkout.

    :param home: the home folder to look into; the user's own by default.
    """
    found = [
        f"The link {link} is missing or wrong: run `git checkout -- {link}`."
        for link, target in LINKS.items()
        if not (root / link).is_symlink() or str((root / link).readlink()) != target
    ]
    copy = (home or Path.home()) / ".ansible" / "collections" / "ansible_collections" / "essms" / "hardening"
    if copy.exists():
        found.append(f"A copy of the collection in {copy} would be tested instead of the checkout: remove it.")
    return found
