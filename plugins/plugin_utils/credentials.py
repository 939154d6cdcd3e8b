# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the password out of an address such as ``http://user:password@proxy``, wherever it turns up."""

from __future__ import annotations

import re
from typing import Any

#: A name and a password before the host of an address; a password may itself hold an @ or a slash.
_LOGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]{0,20}://)[^\s\"'<>]{1,1000}@")

_HIDDEN = r"\1***@"


def masked(value: Any) -> Any:
    """Return a JSON value in which no address holds a login any more; everything else is what it was."""
    if isinstance(value, str):
        return _LOGIN.sub(_HIDDEN, value) if "@" in value and "://" in value else value
    if isinstance(value, list):
        return [masked(item) for item in value]
    if isinstance(value, dict):
        return {masked(key): masked(item) for key, item in value.items()}
    return value
