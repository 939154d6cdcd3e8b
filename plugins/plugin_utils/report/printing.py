# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PDF of a report, printed by a browser that is already on this machine; nothing is fetched, nothing stays behind."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
"""Programs that can print, in the order in which they are looked for."""

VARIABLE = "ESSMS_BROWSER"
"""Environment variable that names the browser to use, by its name or path."""

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What keeps a browser from talking to anybody while it shows a file."""


class PrintingError(RuntimeError):
    """Why there is no PDF and what to do, in one sentence."""


def browser() -> str:
    """Return the path of the browser that prints. Raises PrintingError when there is none."""
    named = os.environ.get(VARIABLE, "")
    found = next(filter(None, map(shutil.which, (named,) if named else BROWSERS)), None)
    if found:
        return found
    if named:
        raise PrintingError(f"{VARIABLE}: no program {named} on this machine; name a Chromium, Chrome or Edge")
    raise PrintingError(
        f"no browser can print the PDF: install chromium, or name one in {VARIABLE};"
        " the HTML report is complete without it"
    )


def _workplace(folder: Path) -> tempfile.TemporaryDirectory[str]:
    # a browser that was stopped may still be writing its profile while that is removed
    return tempfile.TemporaryDirectory(prefix=".printing-", dir=folder, ignore_cleanup_errors=True)


def pdf(html: Path, target: Path, seconds: float = 120) -> None:
    """Print an HTML file as a PDF (A4, mode 0600); ``target`` appears complete or not at all.

    Raises PrintingError when no browser is here, it fails, or takes longer than ``seconds``; ``target`` then
    stays as it was. The browser gets a profile of its own, which is removed.
    """
    program = browser()
    with _workplace(target.parent) as work:
        draft = Path(work, "draft.pdf")
        command = [
            program,
            "--headless",
            *FLAGS,
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"--user-data-dir={Path(work, 'profile')}",
            "--no-pdf-header-footer",
            "--generate-pdf-document-outline",
            f"--print-to-pdf={draft}",
            html.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False, text=True
            )
        except subprocess.TimeoutExpired:
            raise PrintingError(f"{program} did not print {html} within {seconds:.0f} s: try again") from None
        except OSError as error:
            raise PrintingError(f"{program} cannot be started: {error.strerror}") from error
        if not draft.is_file() or not draft.stat().st_size:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1][:200]
            raise PrintingError(f"{program} printed nothing of {html} (exit code {done.returncode}): {last}")
        draft.chmod(0o600)
        draft.replace(target)
