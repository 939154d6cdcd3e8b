# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders for their owner only, whatever the umask."""

from __future__ import annotations

from pathlib import Path


def make(folder: Path) -> None:
    """Make a folder and those above it that are missing, each 0700; what is there stays as it is. Raises OSError.

    ``mkdir(parents=True)`` would give the mode to the last one only, and leave the others to the umask.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
