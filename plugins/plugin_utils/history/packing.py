# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values stand in the history: JSON in pure ASCII, so that any text fits, compressed, so that damage is noticed."""

from __future__ import annotations

import json
import zlib
from typing import Any

#: The fastest: stronger levels take three times as long for a tenth less room.
_LEVEL = 1


class DamagedError(ValueError):
    """Something that was packed can no longer be read."""


def pack(value: Any) -> bytes:
    """Return a JSON value as bytes for the history. Raises RecursionError when it is nested too deeply."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), _LEVEL)


def unpack(body: bytes) -> Any:
    """Return a packed value; raises DamagedError when the bytes are not what was packed."""
    try:
        return json.loads(zlib.decompress(body))
    except (zlib.error, ValueError, TypeError) as error:
        raise DamagedError(str(error)) from error


def key(text: str) -> str:
    """Return a text as one that SQLite can always hold and compare: ASCII, distinct for distinct texts."""
    return json.dumps(text)[1:-1]


def plain(text: str) -> str:
    """Return the text that a ``key`` stands for; raises DamagedError when it stands for none."""
    try:
        value: str = json.loads(f'"{text}"')
    except ValueError as error:
        raise DamagedError(str(error)) from error
    return value
