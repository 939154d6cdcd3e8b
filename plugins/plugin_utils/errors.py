# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the catalogue, and how a value is shown in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from ansible_collections.essms.hardening.plugins.plugin_utils.printable import LIMIT, printable


class CatalogueError(ValueError):
    """Something in the catalogue, the inventory or the command line is wrong.

    ``str(error)`` is one printable line: where, which key, which rule, what to do.
    """


def shown(value: object) -> str:
    """Return a value as one short printable text; quoted or bracketed so that an empty one can be seen."""
    if isinstance(value, str):
        quoted = value[:LIMIT].replace('"', '\\"') + value[LIMIT : LIMIT + 1]
        return f'"{printable(quoted)}"'
    if isinstance(value, (list, tuple)):
        return f"[{printable(value)}]"
    if isinstance(value, Mapping):
        return f"{{{printable(value)}}}"
    return str(value).lower() if isinstance(value, bool) else printable(value)


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean a, b?`` for the known names closest to a word, or the known names when none is close."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(map(printable, close))}?"
    return f"use {' or '.join(map(printable, names[:12]))}" if names else "remove it"
