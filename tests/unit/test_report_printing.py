# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Printing a PDF: with which browser, and what happens when there is none or it fails."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.report import printing


@pytest.fixture
def page(tmp_path: Path) -> Path:
    file = tmp_path / "report.html"
    file.write_text("<p>hello", encoding="utf-8")
    return file


def browser(folder: Path, script: str) -> Path:
    program = folder / "browser"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    return program


PRINTS = 'for word in "$@"; do case $word in --print-to-pdf=*) echo printed > "${word#*=}";; esac; done'


def test_without_a_browser_the_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch, page: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv(printing.VARIABLE, raising=False)
    with pytest.raises(printing.PrintingError, match="install chromium, or name one in ESSMS_BROWSER"):
        printing.pdf(page, page.with_suffix(".pdf"))
    monkeypatch.setenv(printing.VARIABLE, "/nowhere/chrome")
    with pytest.raises(printing.PrintingError, match="no program /nowhere/chrome"):
        printing.pdf(page, page.with_suffix(".pdf"))
    assert list(page.parent.iterdir()) == [page]


def test_the_named_browser_prints_and_leaves_nothing_else(
    monkeypatch: pytest.MonkeyPatch, page: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    program = browser(tmp_path_factory.mktemp("bin"), PRINTS)
    monkeypatch.setenv(printing.VARIABLE, str(program))
    target = page.with_suffix(".pdf")
    printing.pdf(page, target)
    assert target.read_text(encoding="utf-8") == "printed\n"
    assert target.stat().st_mode & 0o777 == 0o600
    assert sorted(page.parent.iterdir()) == sorted([page, target])


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo no display >&2; exit 3", "exit code 3.*no display"),
        ("exec sleep 20", "within 1 s"),
        ("exit 0", "it said nothing"),
    ],
)
def test_a_browser_that_fails_leaves_the_last_pdf(
    monkeypatch: pytest.MonkeyPatch, page: Path, tmp_path_factory: pytest.TempPathFactory, script: str, said: str
) -> None:
    monkeypatch.setenv(printing.VARIABLE, str(browser(tmp_path_factory.mktemp("bin"), script)))
    target = page.with_suffix(".pdf")
    target.write_text("of yesterday", encoding="utf-8")
    with pytest.raises(printing.PrintingError, match=said):
        printing.pdf(page, target, seconds=1)
    assert target.read_text(encoding="utf-8") == "of yesterday"
    assert sorted(page.parent.iterdir()) == sorted([page, target])
