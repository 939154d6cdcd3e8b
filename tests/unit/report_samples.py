# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small materials of the sample establishment, for the tests of what a report says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)


def material(document: Document, **changes: Any) -> Material:
    """Return the material of a document that no history is known of."""
    return Material(**{"document": document, "catalogue": load(), "now": NOW, "establishment": {}, **changes})


def scene(document: Document, language: str = "fr", **changes: Any) -> Scene:
    """Return the scene of a document, in a language."""
    return Scene(material(document, **changes), Say(language))
