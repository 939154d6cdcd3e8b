# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control of the kernel goes the engine's round in a machine of its own: in fault, seen, repaired, given back."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import enforced
from tests.support import engine_round

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("control", sorted({setting[0] for setting in enforced()}))
def test_fault_audit_apply_again_rollback(control: str, prepared: str) -> None:
    engine_round.go(prepared, control, enforced(), at_once=True)
