# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host made of a folder: files as the test writes them, commands that answer what the test says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ansible_collections.essms.hardening.plugins.module_utils.engine.host import Host, Result


class FixtureHost(Host):
    """A Debian host under a folder.

    :param answers: the output of each command by its line; any other command is not installed.
    """

    def __init__(self, root: Path, files: Mapping[str, str], answers: Mapping[str, str] | None = None) -> None:
        super().__init__(root=str(root))
        self.answers = dict(answers or {})
        for path, content in {"/etc/os-release": "ID=debian\n", **files}.items():
            place = root / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content, encoding="utf-8")

    def run(self, *argv: str, ordinary_user: bool = False, timeout: float = 30) -> Result:
        """Answer from the table."""
        del ordinary_user, timeout
        line = " ".join(argv)
        return Result(0, self.answers[line], "") if line in self.answers else Result(127, "", "not installed")
