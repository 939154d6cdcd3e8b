# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One emulated machine for the whole session, as it came (``clean``) and with every control of the kernel applied."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support import engine
from tools.lab import vm

MACHINES = tuple(vm.MACHINES)
# Each differs from the profile's value where that asks for nothing.
VARIABLES = {"essms_usb": "bloque", "essms_disk_encryption": "tous", "essms_tmp_noexec": True}


def of_the_kernel(kind: str) -> bool:
    """Say whether a kind has nothing to look at in a container."""
    return "NotApplicable(SHARED_KERNEL)" in inspect.getsource(sys.modules[type(KINDS[kind]).__module__])


def everything() -> list[engine.Setting]:
    """Return the settings that a container cannot show; those of networks can be shown there."""
    asked = [
        [control, kind, _without_networks(body) if kind == "sysctl" else body]
        for control, kind, body in engine.settings(variables=VARIABLES)
        if of_the_kernel(kind)
    ]
    return [setting for setting in asked if setting[2].get("values", True)]


def _without_networks(body: Mapping[str, Any]) -> dict[str, Any]:
    return {**body, "values": {key: value for key, value in body["values"].items() if "net.ipv" not in key}}


def enforced() -> list[engine.Setting]:
    """Return those that apply changes; no machine has the others right: ``faults.SHOWN_BY`` names what shows them."""
    return [setting for setting in everything() if not KINDS[setting[1]].check_only]


@pytest.fixture(scope="session", params=MACHINES)
def machine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the name of a machine with an ordinary user, one after the other, resumed after its first start."""
    vm.up(request.param)
    engine.must(request.param, "id probe >/dev/null 2>&1 || useradd --create-home --shell /bin/bash probe")
    yield request.param
    vm.off(request.param)


@pytest.fixture(scope="session")
def prepared(machine: str) -> str:
    """Give the machine with both states saved: ``clean`` and ``applied``."""
    engine.save(machine, "clean")
    applied = engine.run(machine, "applied", enforced(), packages=True)
    assert not applied.wrong(), applied.wrong()
    engine.save(machine, "applied")
    return machine


@pytest.fixture(scope="module")
def hardened(prepared: str) -> str:
    """Give the machine with every control in force."""
    engine.restore(prepared, "applied")
    audited = engine.run(prepared, "audited", enforced())
    assert not audited.wrong(), audited.wrong()
    return prepared


@pytest.fixture(scope="session")
def nobody(machine: str) -> Any:
    """Return a function that runs shell text as an ordinary user of the machine."""

    def run(script: str) -> Any:
        return engine.root(machine, ["runuser", "-u", "probe", "--", "sh", "-c", f"cd /tmp; {script}"])

    return run
