# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser of this machine, and the pages it looks at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.report import printing
from ansible_collections.essms.hardening.plugins.plugin_utils.report.overview import render as render_overview
from ansible_collections.essms.hardening.plugins.plugin_utils.report.page import render
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.pages import overview_samples, samples
from tests.pages.witness import Reports, Show, Witness

DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    arguments = [*printing.FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=printing.browser(), args=arguments)
        yield chromium
        chromium.close()


@pytest.fixture
def witness() -> Iterator[Witness]:
    seen = Witness()
    yield seen
    assert seen.complaints == []


@pytest.fixture
def context_of(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    made: list[BrowserContext] = []

    def make(**options: Any) -> BrowserContext:
        context = browser.new_context(**{"viewport": DESKTOP, "reduced_motion": "reduce", **options})
        context.set_default_timeout(10_000)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


@pytest.fixture
def show(context_of: Callable[..., BrowserContext], witness: Witness) -> Show:
    """Open a file in a context of its own and watch it."""

    def open_file(path: Path, hash_: str = "", **options: Any) -> Page:
        page = context_of(**options).new_page()
        witness.watch(page)
        page.goto(path.as_uri() + hash_)
        return page

    return open_file


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The report of the sample establishment, by language."""
    folder = tmp_path_factory.mktemp("report")
    files = {language: folder / f"report.{language}.html" for language in ("fr", "en")}
    material = samples.material()
    for language, file in files.items():
        file.write_text(render(material, language), encoding="utf-8")
    return files


@pytest.fixture(scope="session")
def overview(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    """The overview of the sample establishments, by language, beside the report of one of them."""
    folder = tmp_path_factory.mktemp("overview")
    found = overview_samples.overview()
    files = {}
    for language in ("fr", "en"):
        files[language] = folder / f"overview.{language}.html"
        text = render_overview(found, load(), language, overview_samples.links(found))
        files[language].write_text(text, encoding="utf-8")
    beside = folder / "ehpad-exemple-34" / "latest"
    beside.mkdir(parents=True)
    (beside / "report.html").write_text(render(samples.material(), "fr"), encoding="utf-8")
    return files
