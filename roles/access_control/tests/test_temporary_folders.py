# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-21: what one account leaves in its temporary folder, another cannot read."""

from __future__ import annotations

from tests.support import lab


def test_a_session_keeps_its_temporary_files_to_itself(name: str) -> None:
    """M04-21: an ordinary program's temporary file lands where only its account can look."""
    with lab.user(name, key=True) as one, lab.user(name, key=True) as other:
        made = lab.ssh(name, "umask 022; file=$(mktemp); chmod 0644 $file; echo secret > $file; echo $file", user=one)
        seen = lab.ssh(name, f"cat {made.out.strip()}", user=other)
    assert made.code == 0, made.text
    assert (seen.code, seen.out) == (1, ""), seen.text
    assert "Permission denied" in seen.err
