# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the project's checks, all of them even when one fails, and counts every test.

They run one after the other; beside them those that bring a machine of their own and mostly wait for it.

``python -m tools.prove lint unit pages collection scenarios``. Exit code 0 only when every check succeeded and every
run of tests really ran some.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from . import layout
from .lab import hosts
from .lab.podman import LabError

ROOT = Path(__file__).resolve().parents[1]
JUNIT = ROOT / ".cache" / "junit"
OWN_HOSTS = ("kernel",)
"""Scenarios whose tests start the machine they need, and no other."""
STAGES = ("lint", "unit", "pages", "collection", "scenarios")


@dataclass(frozen=True)
class Check:
    """One command to run.

    :param junit: the file in which it counts its tests, if it has any.
    :param fresh_hosts: give it the two standing hosts of the lab as they came.
    :param beside: run it beside the others; what it prints is shown when it has ended.
    """

    name: str
    command: list[str]
    junit: Path | None = None
    fresh_hosts: bool = False
    beside: bool = False


@dataclass
class Tally:
    """What was counted, and what went wrong in words.

    :ivar broken: the tests that failed, each with the first line of its reason. They are said again at the very end,
        where whoever sees only the last lines of a long log finds them.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    problems: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Count what another tally has, too."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.problems += other.problems
        self.broken += other.broken


def main(argv: list[str] | None = None) -> int:
    """Run the stages named and print one line of count; 1 when anything failed."""
    options = _arguments(argv)
    problems = layout.problems(ROOT)
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 1
    shutil.rmtree(JUNIT, ignore_errors=True)
    JUNIT.mkdir(parents=True)
    tally = Tally()
    checks = list(_checks(options.stages, options.scenario))
    with ThreadPoolExecutor() as pool:
        waiting = [pool.submit(_run, check) for check in checks if check.beside]
        for check in checks:
            if not check.beside:
                tally.add(_run(check))
        for each in waiting:
            tally.add(each.result())
    for problem in (*tally.broken, *tally.problems):
        print(f"FAILED: {problem}", file=sys.stderr)
    skipped = f", {tally.skipped} skipped" if tally.skipped else ""
    if set(options.stages) - {"lint", "collection"}:
        print(f"{tally.passed} passed, {tally.failed} failed{skipped}")
    return 1 if tally.problems or tally.failed else 0


def _checks(stages: list[str], only: list[str]) -> Iterator[Check]:
    if "lint" in stages:
        yield Check("yamllint", ["yamllint", "--strict", "."])
        yield Check("ruff check", ["ruff", "check", "--output-format=concise", "--quiet", "."])
        yield Check("ruff format", ["ruff", "format", "--quiet", "--check", "."])
        yield Check("mypy", ["mypy"])
        yield Check("generated files", [sys.executable, "tools/generate.py", "--check"])
        yield Check("ansible-lint", ["ansible-lint", "-q"])
    if "unit" in stages:
        report = JUNIT / "unit.xml"
        yield Check("unit tests", ["pytest", "--quiet", f"--junitxml={report}"], report)
    if "pages" in stages:
        report = JUNIT / "pages.xml"
        yield Check("pages in a browser", ["pytest", "--quiet", f"--junitxml={report}", "tests/pages"], report)
    if "collection" in stages:
        yield Check("collection", [sys.executable, "-m", "tools.collection"])
    if "scenarios" in stages:
        for name in only or _scenarios():
            command = ["molecule", "test", "--scenario-name", name, "--destroy", "never"]
            own = name in OWN_HOSTS
            yield Check(
                f"scenario {name}", command, JUNIT / f"{name}.xml", fresh_hosts=not own, beside=own and not only
            )


def _scenarios() -> list[str]:
    """Return the names of all scenarios that prove something (`default` only makes the hosts)."""
    return sorted(
        path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml") if path.parent.name != "default"
    )


def _run(check: Check) -> Tally:
    tally = Tally()
    print(f"--- {check.name}{' begins beside the others' if check.beside else ''}", flush=True)
    started = time.monotonic()
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
    try:
        if check.fresh_hosts:
            with hosts.lock():
                hosts.up(hosts.STANDING, fresh=True)
        done = subprocess.run(
            check.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if check.beside else None,
            stderr=subprocess.STDOUT if check.beside else None,
            env=environment,
            check=False,
            text=True,
        )
    except (LabError, OSError) as error:
        tally.problems.append(f"{check.name}: {error}")
        return tally
    ended = "ok" if done.returncode == 0 else "failed"
    print(f"{done.stdout or ''}--- {check.name}: {ended} in {time.monotonic() - started:.1f} s", flush=True)
    if done.returncode != 0:
        alone = " ".join(check.command)
        tally.problems.append(f"{check.name} ended with code {done.returncode}; run it alone: `{alone}`")
    if check.junit is not None:
        _count(check, tally)
    return tally


def _count(check: Check, tally: Tally) -> None:
    """Add what a run of tests wrote; a run that wrote nothing is a failure, not a silence."""
    assert check.junit is not None
    suites = list(ET.parse(check.junit).getroot().iter("testsuite")) if check.junit.exists() else []
    total = sum(int(suite.get("tests", 0)) for suite in suites)
    failed = sum(int(suite.get("failures", 0)) + int(suite.get("errors", 0)) for suite in suites)
    skipped = sum(int(suite.get("skipped", 0)) for suite in suites)
    if total - skipped == 0:
        tally.problems.append(f"{check.name} ran no test at all")
    tally.passed += max(0, total - failed - skipped)
    tally.failed += failed
    tally.skipped += skipped
    tally.broken += [text for suite in suites for case in suite.iter("testcase") if (text := _broken(case))]


def _broken(case: ET.Element) -> str:
    """Return a failed test and the first line of why; empty for any other."""
    for reason in (*case.iter("failure"), *case.iter("error")):
        why = (reason.get("message") or "no message").splitlines()[0][:300]
        return f"{case.get('classname')}::{case.get('name')}: {why}"
    return ""


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.prove", description=__doc__.splitlines()[0] if __doc__ else None
    )
    parser.add_argument("stages", nargs="+", choices=STAGES)
    parser.add_argument("--scenario", action="append", default=[], help="only this Molecule scenario; may be repeated")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main())
