# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M06-01, M06-05: what is only reported is reported as it is."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import VARIABLES
from tests.support import engine

pytestmark = pytest.mark.lab

_SWAP = """set -e
truncate -s 16M /var/tmp/swap && chmod 0600 /var/tmp/swap && disk=$(losetup --find --show /var/tmp/swap)
[ {encrypted} = False ] || {{
  printf secret | cryptsetup open --type plain --cipher aes-xts-plain64 --key-size 256 --hash sha256 $disk secret
  disk=/dev/mapper/secret
}}
mkswap -q $disk && swapon $disk
"""


@pytest.mark.parametrize(("encrypted", "bare"), [(False, "/, swap"), (True, "/")])
def test_disks_are_told_apart(machine: str, encrypted: bool, bare: str) -> None:
    """M06-01: what lies on dm-crypt is left out of the list of what is not encrypted."""
    asked = engine.settings(["M06-01"], variables=VARIABLES)
    engine.must(machine, _SWAP.format(encrypted=encrypted))
    try:
        row = next(iter(engine.run(machine, "audited", asked).rows().values()))
    finally:
        engine.must(machine, "swapoff -a; cryptsetup close secret 2>/dev/null; losetup -D; rm /var/tmp/swap")
    assert (row["state"], row["observed"]) == ("fail", False)
    assert row["reason"] == f"not encrypted: {bare}"


def test_firmware_of_another_age_is_reported(machine: str) -> None:
    """M06-05: the machine starts without UEFI and has no TPM."""
    rows = engine.run(machine, "audited", engine.settings(["M06-05"])).rows()
    assert {name: row["observed"] for (_control, _kind, name), row in rows.items()} == {"secure_boot": False, "tpm": 0}
