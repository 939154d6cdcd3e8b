# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of essms.hardening.settings, shared by its action plugin and its module."""

from __future__ import annotations

from typing import Any

_NAMES = {"type": "list", "elements": "str", "default": []}

OPTIONS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["audited", "applied", "reverted"], "default": "audited"},
    "measures": _NAMES,
    "controls": _NAMES,
    "settings": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "control": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "body": {"type": "dict", "required": True},
            "risk": {"type": "str", "choices": ["access"]},
        },
    },
    "transaction": {"type": "str", "default": "last"},
    "guard_seconds": {"type": "int", "default": 60},
    "relax": {"type": "bool", "default": False},
}
"""Argument specification of what a playbook may say."""
