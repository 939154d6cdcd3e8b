# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No result, page or README claims more than a test showed on that very release."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import catalogue, evidence
from ansible_collections.essms.hardening.plugins.plugin_utils.host_record import Facet, HostRecord

from tests.kernel.conftest import enforced, of_the_kernel
from tests.support import engine_round, faults
from tests.support.catalogue_files import CHECKOUT
from tools import generate
from tools.lab import hosts, vm

RELEASES = {"bookworm": ("debian", "12"), "trixie": ("debian", "13")}
NET, KERNEL = ("sysctl", "net.ipv4.tcp_syncookies"), ("sysctl", "kernel.dmesg_restrict")
PEOPLE, KDE = ("core_dump", "users"), ("kde_lock", "seconds")


@pytest.fixture(scope="module")
def real() -> catalogue.Catalogue:
    return catalogue.load()


def shown(
    level: str, release: tuple[str, str], *rows: tuple[str, str], absent: tuple[tuple[str, str], ...] = ()
) -> str:
    """Return the evidence that the results of a host of this release give to a control with these rows."""
    stated = [(*row, "ok") for row in rows] + [(*row, "not_applicable") for row in absent]
    response = {
        "platform": dict(zip(("id", "version"), release, strict=False)),
        "rows": [
            {"control": "M06-06", "kind": kind, "name": name, "state": state, "reason": ""}
            for kind, name, state in stated
        ],
    }
    record = HostRecord("h", "e", "combine", "audit", [Facet("M06-06", "M06", "", level)], response=response)
    (found,) = record.as_dict(date(2026, 12, 1))["controls"]
    return str(found["evidence"])


@pytest.mark.parametrize(
    ("release", "proven", "simulated"),
    [
        (("debian", "12"), "proven", "simulated"),
        (("debian", "13"), "proven", "not-exercised"),
        (("debian", "11"), "not-exercised", "not-exercised"),
        (("ubuntu", "24.04"), "not-exercised", "not-exercised"),
        (("rhel", "9.4"), "not-exercised", "not-exercised"),
        # another system may count as Debian does
        (("ubuntu", "12"), "not-exercised", "not-exercised"),
        ((), "not-exercised", "not-exercised"),
    ],
)
def test_what_no_test_ran_on_is_not_exercised(release: tuple[str, str], proven: str, simulated: str) -> None:
    assert shown("proven", release, NET) == proven
    assert shown("simulated", release, NET) == simulated
    # a control that has nothing to look at on this host claims no more either
    assert shown("simulated", release, absent=(KERNEL,)) == simulated
    for level in ("enforced-ad", "cross-checked", "not-exercised"):
        assert shown(level, release, NET) == "not-exercised"


@pytest.mark.parametrize(
    ("level", "rows", "absent", "on_12", "on_13"),
    [
        ("proven", (NET, KERNEL), (), "simulated", "not-exercised"),
        ("proven", (PEOPLE, KERNEL), (), "simulated", "not-exercised"),
        # in a container
        ("proven", (NET,), (KERNEL,), "proven", "proven"),
        ("proven", (NET, KDE), (), "not-exercised", "not-exercised"),
        ("simulated", (NET,), (), "simulated", "not-exercised"),
        ("not-exercised", (NET,), (), "not-exercised", "not-exercised"),
    ],
)
def test_a_control_is_as_far_shown_as_the_weakest_row_that_applies(
    level: str, rows: tuple[Any, ...], absent: tuple[Any, ...], on_12: str, on_13: str
) -> None:
    assert [shown(level, ("debian", version), *rows, absent=absent) for version in ("12", "13")] == [on_12, on_13]


def test_the_releases_are_those_of_the_machines_that_tests_use() -> None:
    assert evidence.HOLDS_ON["proven"] == {RELEASES[suite] for suite in hosts.SUITES.values()}
    assert generate._PROVEN_ON["versions"] == list(hosts.SUITES.values())
    assert evidence.HOLDS_ON["simulated"] == {RELEASES[machine.suite] for machine in vm.MACHINES.values()}


def test_levels_are_those_of_the_schemas() -> None:
    for file in ("results", "control"):
        schema = json.loads((CHECKOUT / f"schema/{file}.schema.json").read_text(encoding="utf-8"))
        (listed,) = re.findall(r'"evidence": \{[^{}]*"enum": (\[[^\]]*\])', json.dumps(schema))
        assert json.loads(listed) == list(evidence.LEVELS), file


# --- a kind claims what the tests that go it through show -------------------------------------------------------------


def test_what_containers_lack_claims_what_its_own_tests_show() -> None:
    """The kernel's round, or the one test that a kind names; without a machine nothing was exercised."""
    in_the_round = {(kind, name) for _id, kind, body in enforced() for name in KINDS[kind].expand(body)}
    for kind in (kind for kind in KINDS if of_the_kernel(kind)):
        names = [name for other, name in in_the_round if other == kind]
        test = faults.SHOWN_BY.get(kind, engine_round.KERNEL_ROUND)
        wanted = "simulated" if test.startswith("tests/kernel/") else "not-exercised"
        assert bool(names) == (kind not in faults.SHOWN_BY), kind
        assert {KINDS[kind].shown(name) for name in names or [""]} == {wanted}, kind


@pytest.mark.parametrize("test", [*faults.SHOWN_BY.values(), engine_round.KERNEL_ROUND])
def test_a_test_that_is_named_exists(test: str) -> None:
    path, _colons, name = test.partition("::")
    assert f"\ndef {name or 'test_'}" in (CHECKOUT / path).read_text(encoding="utf-8")


def test_no_control_claims_more_than_its_best_row(real: catalogue.Catalogue) -> None:
    for control in real.controls.values():
        part = control.platforms["linux"]
        for profile in real.profiles:
            assert evidence.of_part(part, real.values(part, profile))[0] == part.evidence, control.id
        assert part.evidence in {*evidence.HOLDS_ON, evidence.NOT_EXERCISED}, control.id


@pytest.mark.parametrize("file", ["README.md", "README.fr.md"])
def test_the_table_of_the_readme_names_every_control_that_is_not_all_proven(
    real: catalogue.Catalogue, file: str
) -> None:
    lines = (CHECKOUT / file).read_text(encoding="utf-8").splitlines()
    rows = {line[2:5]: line.split("|")[2] for line in lines if re.match(r"\| M\d\d ", line)}
    assert set(rows) == {control.measure for control in real.controls.values()}
    for measure, cell in rows.items():
        weaker = {
            control.id
            for control in real.controls.values()
            if control.measure == measure
            and evidence.of_part(part := control.platforms["linux"], real.values(part, "renforce")) != ["proven"]
        }
        assert set(re.findall(r"M\d\d-\d\d", cell)) == weaker, measure
