# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bench's arithmetic, and its meter on commands whose cost is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import results

from tests.unit import history_samples
from tools.bench import compliance, figures, fleet_history, pages, peers, runs
from tools.bench.__main__ import main

CALM = figures.Busy(0.5, None)
BURN = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass"


def test_a_figure_is_a_median_with_its_spread() -> None:
    found = figures.figure("audit_wall", "s", [3.0, 1.0, 2.0], [CALM, figures.Busy(9.0, 0.4), figures.Busy(2.0, 0.2)])
    assert found["median"] == 2.0
    assert (found["min"], found["max"], found["runs"], found["values"]) == (1.0, 3.0, 3, [3.0, 1.0, 2.0])
    assert found["load"] == 2.0
    assert found["cpu_waiting"] == pytest.approx(0.3)
    assert (found["target"], found["met"]) == (3.0, True)


def test_a_figure_without_a_target_is_neither_met_nor_missed() -> None:
    assert "met" not in figures.figure("", "s", [1.0], [CALM])


def test_the_limit_itself_meets_the_target() -> None:
    assert figures.figure("audit_wall", "s", [3.0], [CALM])["met"]
    assert not figures.figure("audit_wall", "s", [3.001], [CALM])["met"]


def test_the_meter_counts_processor_time_and_not_sleep() -> None:
    done = runs.measure([sys.executable, "-c", BURN.format(seconds=0.3) + "\ntime.sleep(0.5)"], "burning")
    assert 0.3 <= done.cpu < done.wall
    assert done.memory_mb > 1


def test_the_meter_counts_what_goes_on_in_the_background(tmp_path: Path) -> None:
    detached = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {BURN.format(seconds=0.4)!r}])"
    done = runs.measure([sys.executable, "-c", detached], "detaching", sockets=tmp_path, keep=False)
    assert done.cpu >= 0.4


def test_the_meter_samples_memory_when_asked() -> None:
    hold = "import time; held = bytearray(50_000_000); time.sleep(1)"
    assert runs.measure([sys.executable, "-c", hold], "holding", sampled=True).together_mb >= 45


def test_a_command_that_fails_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(runs.BenchError, match=r"^the thing ended with code 3"):
        runs.measure([sys.executable, "-c", "print('why'); raise SystemExit(3)"], "the thing")
    assert "why" in capfd.readouterr().err


def test_peers_are_compared_with_what_was_measured() -> None:
    measured = {"first_apply_wall": {"median": 10.0}, "first_apply_cpu": {"median": 3.1}}
    dev_sec = peers.beside(measured)["peers"][0]
    assert dev_sec["first_run_wall_s"] == {"peer": 252, "ours": 10.0, "ratio": 25.2}
    assert dev_sec["first_run_controller_cpu_s"]["ratio"] == 10.0
    assert dev_sec["second_run_wall_s"] == {"peer": 198, "ours": None, "ratio": None}


def test_an_unknown_figure_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "nothing"])
    assert "invalid choice" in capsys.readouterr().err


def test_made_up_fleets_are_valid_repeatable_and_over_when_they_should_be() -> None:
    size = fleet_history.Size(hosts=2, controls=24, months=2)
    made = list(fleet_history.documents(1, size))
    assert made == list(fleet_history.documents(1, size))
    assert made != list(fleet_history.documents(2, size))
    for _name, document in made[::10]:
        results.validate(document)
        assert len(document["results"]) == 48
    # five weeks of one run, then four of seven
    assert len({name for name, _document in made}) == len(made) == 5 + 28
    assert made[-1][1]["finished"].startswith(fleet_history.LAST_DAY.isoformat())


def test_the_overview_is_measured_over_histories_that_are_there(tmp_path: Path) -> None:
    seconds = compliance.populate(tmp_path, 1, fleet_history.Size(hosts=1, controls=2, months=1))
    assert len(seconds) == 5
    found = compliance.measured_overview(tmp_path, 1)
    assert found["overview_gather"]["median"] > 0
    assert found["overview_gather_memory"]["median"] > 1


def test_the_pages_are_measured_over_histories_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESSMS_BROWSER", "/nowhere")
    compliance.populate(tmp_path, 1, fleet_history.Size(hosts=1, controls=2, months=1))
    found = pages.measured_pages(tmp_path, 1, history_samples.NOW)
    for name in ("report_page", "report_page_small", "overview_page"):
        assert found[name]["median"] > 0
    assert found["report_page_size"]["median"] > 0.01
    assert "report_filter" not in found
