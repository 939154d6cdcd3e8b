# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths for people to read: nothing in them steers a terminal, and no folder of a person tells the login name."""

from __future__ import annotations

from collections.abc import Sequence

from .host import Host
from .text import printable

_SHOWN = 5


def paths(host: Host, found: Sequence[str], shown: int = _SHOWN) -> str:
    """Return paths as one text, shortened when there are many."""
    homes = _homes(host)
    more = f" and {len(found) - shown} more" if len(found) > shown else ""
    return ", ".join(printable(_without_name(path, homes)) for path in found[:shown]) + more


def _homes(host: Host) -> dict[str, str]:
    """Return the number of the account that each folder of a person belongs to."""
    lines = [line.split(":") for line in (host.text("/etc/passwd") or "").split("\n")]
    return {line[5].rstrip("/"): line[2] for line in lines if len(line) == 7 and line[5].startswith("/home/")}


def _without_name(path: str, homes: dict[str, str]) -> str:
    parts = path.split("/")
    for length in range(len(parts), 2, -1):
        number = homes.get("/".join(parts[:length]))
        if number:
            return "/".join([f"~{number}", *parts[length:]])
    return path
