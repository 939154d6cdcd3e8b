# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of versions is dpkg's, asked itself, and rpm's, by its documented cases."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.versions import key
from hypothesis import given, settings
from hypothesis import strategies as st

PART = st.text(alphabet="0019a~+.bZ", min_size=0, max_size=6)
VERSIONS = st.builds(
    lambda epoch, upstream, revision: epoch + "1" + upstream + revision,
    st.sampled_from(["", "0:", "1:", "12:"]),
    PART,
    st.one_of(st.just(""), PART.map(lambda part: f"-{part or '0'}")),
)


def order(one: str, other: str, family: str = "debian") -> int:
    first, second = key(one, family), key(other, family)
    return (first > second) - (first < second)


@pytest.mark.skipif(not shutil.which("dpkg"), reason="only Debian has dpkg to compare with")
@settings(max_examples=300)
@given(one=VERSIONS, other=VERSIONS)
def test_debian_versions_come_in_the_order_of_dpkg(one: str, other: str) -> None:
    def says(relation: str) -> bool:
        return subprocess.run(["dpkg", "--compare-versions", one, relation, other], check=False).returncode == 0

    assert order(one, other) == says("gt") - says("lt")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0~rc1-1", "1.0-1"),
        ("1-0~", "1"),
        ("1.9", "1.10"),
        ("6.1.0-9-amd64", "6.1.0-10-amd64"),
        ("2.36-9+deb12u4", "2.36-9+deb12u10"),
        ("1:1.0", "2:0.1"),
        ("1.0+b", "1.0.1"),
        ("1.0a", "1.0+"),
    ],
)
def test_debian_versions_as_people_meet_them(older: str, newer: str) -> None:
    assert (order(older, newer), order(newer, older), order(older, older)) == (-1, 1, 0)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("1.0~rc1-1.el9", "1.0-1.el9"),
        ("1.0-1.el9", "1.0^git1-1.el9"),
        ("1.0^git1-1.el9", "1.0.1-1.el9"),
        ("5.14.0-427.el9", "5.14.0-503.el9"),
        ("1.0a-1", "1.0.1-1"),
        ("9:1-1", "10:0-1"),
    ],
)
def test_rpm_versions_as_rpm_documents_them(older: str, newer: str) -> None:
    assert (order(older, newer, "redhat"), order(newer, older, "redhat"), order(older, older, "redhat")) == (-1, 1, 0)
