# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the setup makes anew is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import setup


def test_what_a_link_leads_to_is_not_emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").write_text("", encoding="utf-8")
    link = tmp_path / ".venv"
    link.symlink_to(elsewhere)
    monkeypatch.setattr(setup, "VENV", link)
    monkeypatch.setattr(setup, "STAMP", link / ".essms-stamp")
    # were the link not refused, nothing would be made in a test either
    monkeypatch.setattr(setup, "run", lambda *_arguments: pytest.fail("the link was followed"))
    with pytest.raises(setup.SetupError, match=r"^\.venv is a link"):
        setup.make_venv()
    assert (elsewhere / "kept").exists()
