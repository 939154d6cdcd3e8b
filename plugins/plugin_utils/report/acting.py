# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the action plugins that write pages have in common: where to, and what they tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.report import settings
from ansible_collections.essms.hardening.plugins.plugin_utils.results import ResultsError
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

_SENTENCE = 1000


def report_folder() -> Path:
    """Return the report folder of this run. Raises AnsibleError when no results are kept."""
    folder = settings.in_use().folder
    if folder is None:
        raise AnsibleError(settings.NOT_IN_USE)
    return folder


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn what can go wrong with files into an AnsibleError of one sentence."""
    try:
        yield
    except (CatalogueError, ResultsError) as error:
        raise AnsibleError(str(error)) from None
    except OSError as error:
        place = error.filename or "the report folder"
        raise AnsibleError(f"{place}: cannot be read or written: {error.strerror or error}") from None


def warn(display: Any, problems: Iterable[str], language: str) -> None:
    """Tell what is not in a page, in its language."""
    for problem in problems:
        display.warning(printable(Words(language).note(problem), _SENTENCE))
