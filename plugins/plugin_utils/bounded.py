# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what one host sends from costing the others their results: too large, too deep, or no JSON at all."""

from __future__ import annotations

import json

from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

#: Most characters that one value takes in the results; observed values take some dozens.
LIMIT = 65_536

#: Deepest nesting of lists and maps in one value. Readers of results refuse files that are twice as deep.
DEPTH = 20

#: Most bytes of one results file, or of a history at once: 500 hosts × 120 controls take 155 MB of them.
LARGEST = 192 * 2**20

#: Most values in them, 5.8 million of 500 hosts: each takes up to a hundred bytes of memory, however few on disk.
PARTS = 7_000_000

#: Characters that are left of a value beyond that.
_SHOWN = 1000


def bounded(value: object) -> object:
    """Return a value that came from a host as it is, or the beginning of it as text when results cannot hold it."""
    if value is None or isinstance(value, bool) or (isinstance(value, str) and len(value) <= LIMIT):
        return value
    try:
        if not deeper(value, DEPTH) and len(json.dumps(value, allow_nan=False)) <= LIMIT:
            return value
    except ValueError:  # a number that JSON has no word for
        pass
    return printable(value, _SHOWN)


def deeper(value: object, limit: int) -> bool:
    """Tell whether lists and maps are nested more than ``limit`` levels deep, level by level and without recursion."""
    level = [value]
    for _ in range(limit + 1):
        below: list[object] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        if not below:
            return False
        level = below
    return True


def parts(text: bytes) -> int:
    """Return no less than how many values a JSON text holds, without reading it: a comma in a text counts as well."""
    return text.count(b",") + text.count(b"[") + text.count(b"{") + 1
