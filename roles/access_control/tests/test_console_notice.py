# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-20: what a console shows before the login."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.support import lab


def test_console_shows_the_notice_and_not_the_system(name: str, applied: Mapping[str, Any]) -> None:
    """M04-20: agetty itself, asked for what it prints, warns and does not say which system this is."""
    # it wants a terminal, which script gives it
    shown = lab.must(name, ["script", "--quiet", "--command", "agetty --show-issue", "/dev/null"])
    assert shown.strip().splitlines() == applied["essms_ssh_banner"]
