# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a rule still fails after our apply: every failure needs a reason written down, and no reason may be stale."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

PATH = Path(__file__).with_name("reasons.yml")
UNEXPLAINED = "unexplained"
WHY = {
    "container": "out of reach in a container",
    "installation": "decided when a host is installed",
    "access": "refused, it would cut access",
    "not-safer": "not followed, it makes no host safer",
    "scanner": "the scanner misreads it",
    "establishment": "the establishment decides",
}


class ReasonError(ValueError):
    """What is wrong with the reasons, in one sentence."""


def load(kind: str, path: Path = PATH) -> dict[str, str]:
    """Return the reason of each rule on a kind of host; an entry with ``only`` is for that kind alone.

    :raises ReasonError: when an entry is incomplete or a rule is explained twice.
    """
    reasons: dict[str, str] = {}
    entries: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    for entry in entries:
        if set(entry) - {"only"} != {"rules", "why", "reason"} or entry["why"] not in WHY:
            raise ReasonError(
                f"{path.name}: an entry needs rules, reason and why ({', '.join(WHY)}): {entry.get('rules')}."
            )
        if entry.get("only", kind) != kind:
            continue
        for rule in entry["rules"]:
            if rule in reasons:
                raise ReasonError(f"{path.name} explains {rule} twice: keep one.")
            reasons[rule] = f"{WHY[entry['why']]}: {entry['reason'].strip()}"
    return reasons


def remaining(failed: Sequence[str], reasons: dict[str, str]) -> list[dict[str, str]]:
    """Return each failed rule with its reason, those without one first."""
    listed = [{"rule": rule, "reason": reasons.get(rule, UNEXPLAINED)} for rule in failed]
    return sorted(listed, key=lambda item: (item["reason"] != UNEXPLAINED, item["rule"]))


def stale(failed: Sequence[str], reasons: dict[str, str]) -> list[str]:
    """Return the rules that have a reason and do not fail."""
    return sorted(set(reasons) - set(failed))
