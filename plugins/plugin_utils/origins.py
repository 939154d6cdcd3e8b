# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the value of a variable was written: the only place that knows Ansible's private interface for it."""

from __future__ import annotations

from pathlib import Path

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # ansible-core before 2.19 does not remember it
    Origin = None


def origin_of(value: object, base: Path) -> str:
    """Return file and line relative to ``base``, or the command line; "inventory" when Ansible cannot tell."""
    tag = Origin.get_tag(value) if Origin is not None else None
    if tag is None:
        return "inventory"
    if not tag.path:
        return str(tag.description or "inventory")
    path = Path(tag.path)
    shown = path.relative_to(base) if path.is_relative_to(base) else Path(*path.parts[-3:])
    return f"{shown}:{tag.line_num}" if tag.line_num else str(shown)
