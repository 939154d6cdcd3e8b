# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Last of all: the machine starts again, and nothing of it is lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kernel.conftest import VARIABLES, enforced
from tests.support import engine, lab

pytestmark = pytest.mark.lab


def test_everything_is_in_force_after_a_restart(hardened: str, nobody: Any) -> None:
    """M04-16, M06-04, M06-06, M06-07, M06-19, M06-20: read from the new kernel, and one of each tried."""
    lab.restart(hardened)
    audited = engine.run(hardened, "audited", enforced())
    assert not audited.wrong(), audited.wrong()
    assert engine.root(hardened, ["modprobe", "sctp"]).code != 0
    assert "not permitted" in nobody("dmesg").text
    assert "denied" in engine.root(hardened, "cp /bin/true /dev/shm/t; /dev/shm/t").text
    # what only a restart makes final
    assert engine.must(hardened, ["sysctl", "-n", "kernel.unprivileged_bpf_disabled"]).strip() == "1"


def test_locked_rules_stay_until_a_restart(hardened: str) -> None:
    """M04-16, locked: not even root, who may do anything else, makes the kernel forget what it records."""
    engine.must(hardened, "auditctl -w /etc/probe -p wa -k probe && auditctl -W /etc/probe -p wa -k probe")
    asked = engine.settings(["M04-16"], variables={**VARIABLES, "essms_audit_immutable": True})
    applied = engine.run(hardened, "applied", asked)
    assert not applied.wrong(), applied.wrong()
    loaded = engine.must(hardened, ["auditctl", "-l"])
    assert "not permitted" in engine.root(hardened, ["auditctl", "-D"]).text
    assert engine.must(hardened, ["auditctl", "-l"]) == loaded
    # the files are given back, the kernel is at its next start
    assert engine.run(hardened, "reverted", asked)["changed"] == ["M04-16"]
    assert engine.root(hardened, "grep -r -- '^-e 2' /etc/audit").out == ""
