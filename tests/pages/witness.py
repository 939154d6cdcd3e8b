# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests hold against a page: what it complains about, what it asks for, and what somebody could not read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Page, Request

Show = Callable[..., Page]
"""Opens a file: ``show(path, hash, **options of the browser context)``."""
Reports = dict[str, Path]
"""A page by language."""


@dataclass
class Witness:
    """What a page did that it must not: messages on the console, errors, dialogs, requests to anything but a file."""

    complaints: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self.complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("dialog", self._dialog)
        page.on("request", self._request)

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("file://", "data:")):
            self.complaints.append(f"request: {request.url}")


def violations(page: Page) -> list[str]:
    """Return what axe finds: the rule and the first place that breaks it."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
