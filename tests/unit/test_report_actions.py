# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Without the results callback there is nothing to report, and the error says what to type."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleError
from ansible_collections.essms.hardening.plugins.action import overview, report
from ansible_collections.essms.hardening.plugins.plugin_utils.report import settings

TYPED = r"ANSIBLE_CALLBACKS_ENABLED=essms\.hardening\.results.*callbacks_enabled = essms\.hardening\.results"


def test_a_report_without_the_callback_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_in_use", settings.Settings())
    with pytest.raises(AnsibleError, match=TYPED):
        report._last_run("ehpad-les-tilleuls")


def test_an_overview_without_the_callback_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(settings, "_in_use", settings.Settings())
    action = overview.ActionModule(
        task=SimpleNamespace(args={"inventories": str(tmp_path)}, check_mode=False, async_val=0, diff=False),
        connection=SimpleNamespace(_shell=SimpleNamespace(tmpdir=None)),
        play_context=SimpleNamespace(),
        loader=None,
        templar=None,
        shared_loader_obj=None,
    )
    with pytest.raises(AnsibleError, match=TYPED):
        action.run(task_vars={})
