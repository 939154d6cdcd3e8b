# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How values stand in the history: JSON in pure ASCII, so that any text fits, compressed, so that damage is noticed."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.bounded import LARGEST, PARTS, parts

#: The fastest: stronger levels take three times as long for a tenth less room.
_LEVEL = 1


class DamagedError(ValueError):
    """Something that was packed can no longer be read."""


def pack(value: Any) -> bytes:
    """Return a JSON value as bytes for the history. Raises RecursionError when it is nested too deeply."""
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), _LEVEL)


def unpack(body: bytes) -> Any:
    """Return a packed value; raises DamagedError when the bytes are not what was packed, or stand for too much."""
    return next(unpack_all([body]))


def unpack_all(bodies: Iterable[bytes]) -> Iterator[Any]:
    """Yield packed values that are held at the same time: together they may not be larger than one history ever is.

    A few kilobytes may stand for gigabytes. Raises DamagedError as soon as the rest does not fit.
    """
    room, left = LARGEST, PARTS
    for body in bodies:
        try:
            stream = zlib.decompressobj()
            text = stream.decompress(body, room + 1)
            room, left = room - len(text), left - parts(text)
            if min(room, left) < 0 or not stream.eof or stream.unused_data:
                raise DamagedError("stands for more than a history ever holds, or is cut short")
            yield json.loads(text)
        except (zlib.error, ValueError, TypeError, RecursionError) as error:
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
