# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where reports go and in which language: what the results callback was told, for the action plugins of its run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ansible import constants

NOT_IN_USE = (
    "the callback essms.hardening.results is not in use, so no results are kept: set"
    " ANSIBLE_CALLBACKS_ENABLED=essms.hardening.results, or write callbacks_enabled = essms.hardening.results under"
    " [defaults] in ansible.cfg"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Options of the results callback. ``folder`` is None when that callback is not in use, so nothing is kept."""

    folder: Path | None = None
    language: str = "fr"


_in_use = Settings()


def use(report_dir: object, language: str) -> None:
    """Keep what the callback was told, before the workers of the run are forked."""
    global _in_use  # noqa: PLW0603  # one run per process, and nothing else that both plugins share
    beside = Path(constants.CONFIG_FILE or "ansible.cfg").absolute().parent
    _in_use = Settings(Path(str(report_dir)) if report_dir else beside / "reports", language)


def in_use() -> Settings:
    """Return the settings of this run."""
    return _in_use
