# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the tests of updates put their repositories on a host, and the helpers their fixtures give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FOLDER = "/srv/essms-test"
SOURCES = "/etc/apt/sources.list.d/essms-test.list"
KEY = "/etc/apt/keyrings/essms-test.gpg"

Audit = Callable[..., Mapping[str, dict[str, Any]]]
"""Audits one control; returns its rows by name."""
Offer = Callable[[Mapping[str, bytes], str], str]
"""Puts a repository's files where a line of apt's sources says, adds the line, and returns what apt said of it."""
