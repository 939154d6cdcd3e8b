# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the scoreboard: progress on standard error, one JSON object and nothing else on standard output."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys

from ..lab import hosts
from ..lab.podman import LabError
from . import measure, reasons, runs, scanners
from .findings import Findings
from .target import KINDS

REPORTS = hosts.ROOT / ".cache" / "score"
_DURATION = {"container": "three minutes", "machine": "half an hour"}


def main(argv: list[str] | None = None) -> int:
    """Measure, apply, measure again, print; 1 when something failed, is unexplained or cut access."""
    options = _arguments(argv)
    # a polite kill, too, removes the host that was made
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        explained = reasons.load(options.host)
        before, after, problems = _measured(options.host, keep=options.keep)
    except (LabError, runs.ApplyError, scanners.ScannerError, reasons.ReasonError, ValueError) as error:
        print(f"score: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"score: `{error.cmd[0]}` ended with code {error.returncode}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("score: interrupted, its host is removed", file=sys.stderr)
        return 130
    left = reasons.remaining(after.failed, explained)
    print(json.dumps({"before": before.scores(), "after": after.scores(), "remaining": left}, indent=2))
    problems += [f"{item['rule']} fails without a reason" for item in left if item["reason"] == reasons.UNEXPLAINED]
    problems += [f"{rule} has a reason and does not fail" for rule in reasons.stale(after.failed, explained)]
    for line in (*after.advice, *problems):
        print(f"score: {line}", file=sys.stderr)
    return 1 if problems else 0


def _measured(kind: str, *, keep: bool) -> tuple[Findings, Findings, list[str]]:
    """Return what the scanners found before and after our apply on a host made for it, and what went wrong between."""
    _say("bringing the scanners")
    scanners.ready()
    target = KINDS[kind]()
    try:
        _say(f"making a {kind}")
        target.make()
        _say(f"measuring before ({_DURATION[kind]})")
        before = measure.scan(target, REPORTS / kind / "before")
        _say(f"before: {before.scores()}")
        _say("applying every Linux control")
        problems = runs.apply(target.host)
        problems += runs.access(target.host)
        _say("measuring after")
        after = measure.scan(target, REPORTS / kind / "after")
    finally:
        if not keep:
            target.remove()
    return before, after, problems


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tools.score",
        description="Score a fresh Debian 12 host with Lynis and OpenSCAP before and after our apply; print JSON.",
        epilog=f"The scanners' own reports are kept in {REPORTS.relative_to(hosts.ROOT)}.",
    )
    parser.add_argument(
        "--host",
        choices=sorted(KINDS),
        default="container",
        help="container (default; as the peers were measured) or machine (a kernel of its own, emulated, an hour)",
    )
    parser.add_argument("--keep", action="store_true", help="leave the host `score` running, to look at it")
    return parser.parse_args(argv)


def _say(text: str) -> None:
    print(f"score: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
