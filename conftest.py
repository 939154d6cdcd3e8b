# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets tests import the checkout under its collection name, as Ansible does, and never fails one for being slow."""

from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).resolve().parent / "collections"))

# a busy machine is no defect: figures come from the bench, never from a test
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
