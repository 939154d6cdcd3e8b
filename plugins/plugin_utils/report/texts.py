# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything the pages say, by language. A unit test compares the two: same keys, same places for values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.report.texts_en import ENGLISH
from ansible_collections.essms.hardening.plugins.plugin_utils.report.texts_fr import FRENCH

TEXTS: Mapping[str, Mapping[str, Any]] = {"fr": FRENCH, "en": ENGLISH}
