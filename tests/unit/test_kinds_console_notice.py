# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notice on consoles: its lines, and nothing that agetty would replace."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

DEBIAN = "Debian GNU/Linux 12 \\n \\l\n\n"
LINES = ["Accès réservé.", "\\n n'est pas un nom"]


def test_the_notice_of_the_distribution_is_not_ours(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/issue": DEBIAN})
    assert KINDS["console_notice"].observe(host, [{"lines": LINES}]) != {"lines": LINES}


def test_what_was_written_is_observed_and_agetty_replaces_nothing(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/issue": DEBIAN})
    kind = KINDS["console_notice"]
    kind.edit(host, {"lines": LINES}, {"lines": LINES})
    assert kind.observe(host, [{"lines": LINES}]) == {"lines": LINES}
    assert "\n\\\\n n'est" in (host.text("/etc/issue") or "")


def test_no_line_asks_for_nothing() -> None:
    assert KINDS["console_notice"].expand({"lines": []}) == {}
