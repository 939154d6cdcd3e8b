# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the time on a host goes, as the results tell it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import run as engine
from ansible_collections.essms.hardening.plugins.plugin_utils.host_record import HostRecord


def test_the_process_takes_at_least_as_long_as_the_engine_in_it() -> None:
    seconds = engine.run({"state": "audited", "settings": []})["seconds"]
    assert 0 <= seconds["module"] <= seconds["process"]
    assert "packages" not in seconds


def test_planning_packages_counts_as_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_check", lambda *_: None)
    monkeypatch.setattr(engine, "_lock", lambda *_: None)
    monkeypatch.setattr(engine, "_missing_packages", lambda *_: {"M08-01": ["libpam-pwquality"]})
    monkeypatch.setattr(engine, "planned", lambda *_: ["libpam-pwquality", "libpwquality1"])
    response = engine.run({"state": "applied", "settings": [], "wait_for_packages": True})
    assert response["packages_planned"] == ["libpam-pwquality", "libpwquality1"]
    assert response["seconds"]["packages"] >= 0


def test_the_record_rounds_seconds_to_milliseconds() -> None:
    record = HostRecord("h", "e", "combine", "audit", [], seconds={"module": 0.12345, "packages": 2.0})
    assert record.as_dict(datetime.now(UTC).date())["seconds"] == {"module": 0.123, "packages": 2.0}
