# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Types `make` as a person does, even where `make test` itself runs these tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_OF_ANOTHER_MAKE = ("MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS")


def make(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout with these arguments, and these variables beside those of this process."""
    own = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_MAKE}
    return subprocess.run(
        ["make", *arguments],
        cwd=_ROOT,
        env={**own, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
