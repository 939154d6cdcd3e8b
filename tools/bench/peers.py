# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The peers' figures beside ours.

They cover more than the controls there are so far, so a ratio compares whole runs, never the work per control.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).with_name("peers.json")

# what a peer's file says: our figure of the same thing
_OURS = {
    "first_run_wall_s": "first_apply_wall",
    "second_run_wall_s": "second_apply_wall",
    "first_run_controller_cpu_s": "first_apply_cpu",
}


def beside(figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the peers' figures, each with ours (null when not measured) and how many times ours the peer's is."""
    source = json.loads(SOURCE.read_text(encoding="utf-8"))
    return {**source, "peers": [{"name": peer["name"], **_compared(peer, figures)} for peer in source["peers"]]}


def _compared(peer: Mapping[str, Any], figures: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    compared = {}
    for key, name in _OURS.items():
        ours = figures[name]["median"] if name in figures else None
        compared[key] = {"peer": peer[key], "ours": ours, "ratio": round(peer[key] / ours, 1) if ours else None}
    return compared
