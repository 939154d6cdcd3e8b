# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M05-08: what is not signed is refused, what is not known or not of this release is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import apt_repository, engine
from tests.support.updates import FOLDER, KEY, SOURCES, Audit, Offer

PACKAGE = "essms-test-foreign"
GOOD = {"unknown": 0, "unsigned": 0, "of another release": 0}


def counts(audit: Audit) -> dict[str, int]:
    """Return the number of sources in each fault."""
    return {name: row["observed"] for name, row in audit("M05-08").items() if name in GOOD}


def test_the_hosts_own_sources_are_in_order(audit: Audit) -> None:
    """M05-08: Debian's archive is recognised by its keys."""
    assert counts(audit) == GOOD


def test_an_unsigned_repository_is_refused(name: str, offer: Offer) -> None:
    """M05-08: apt takes nothing from it, although somebody had told it to."""
    files = apt_repository.repository({PACKAGE: "1"}, suite="s", origin="O", label="L")
    said = offer(files, f"deb file:{FOLDER}/u s main")
    assert "is not signed" in said
    only = f"-o Dir::Etc::SourceList={SOURCES} -o Dir::Etc::SourceParts=-"
    assert engine.root(name, f"apt-get install -y {only} {PACKAGE}", timeout=120).code != 0


@pytest.mark.parametrize(
    ("options", "signed", "wrong"),
    [("trusted=yes", False, {"unknown": 1, "unsigned": 1}), (f"signed-by={KEY}", True, {"unknown": 1})],
)
def test_a_foreign_repository_is_reported(
    name: str, audit: Audit, offer: Offer, key: tuple[Path, bytes], options: str, *, signed: bool, wrong: dict[str, int]
) -> None:
    """M05-08: one that a stranger signs is unknown, even if it calls itself Debian; [trusted=yes] is no signature."""
    engine.put(name, KEY, key[1])
    files = apt_repository.repository(
        {PACKAGE: "1"}, suite="s", origin="Debian", label="Debian", key=key[0] if signed else None
    )
    said = offer(files, f"deb [{options}] file:{FOLDER}/f s main")
    assert "Err:" not in said, said
    assert counts(audit) == {**GOOD, **wrong}
    assert f"see {SOURCES}:1" in {row["reason"] for row in audit("M05-08").values()}


def test_an_allowed_repository_is_not_unknown(name: str, audit: Audit, clean: None) -> None:
    """M05-08: patterns of host and suite let others in."""
    del clean
    lines = "deb http://depot.example.invalid/x stable main\ndeb http://other.example.invalid/x stable main\n"
    engine.must(name, f"cat > {SOURCES}", stdin=lines)
    assert counts(audit) == {**GOOD, "unknown": 1}
    assert audit("M05-08")["unknown"]["reason"] == f"see {SOURCES}:2"


def test_an_old_repository_is_reported(name: str, codename: str, audit: Audit, clean: None) -> None:
    """M05-08: the real, well signed index of another Debian release is no source for this one."""
    del clean
    other = "deb13" if name == "deb12" else "deb12"
    theirs = engine.must(other, "cat /var/lib/apt/lists/*_dists_$(. /etc/os-release; echo $VERSION_CODENAME)_InRelease")
    suite = {"bookworm": "trixie", "trixie": "bookworm"}[codename]
    path = f"/var/lib/apt/lists/depot.example.invalid_debian_dists_{suite}_InRelease"
    engine.put(name, path, theirs.encode())
    engine.must(name, f"echo 'deb http://depot.example.invalid/debian {suite} main' > {SOURCES}")
    assert counts(audit) == {**GOOD, "of another release": 1}


def test_a_signature_that_does_not_fit_is_not_debians(name: str, codename: str, audit: Audit, clean: None) -> None:
    """M05-08: one changed word in an index of Debian, and the keys no longer vouch for it."""
    del clean
    theirs = engine.must(name, f"cat /var/lib/apt/lists/*_dists_{codename}_InRelease")
    path = f"/var/lib/apt/lists/forged.example.invalid_debian_dists_{codename}_InRelease"
    engine.put(name, path, theirs.replace("Origin: Debian", "Origin: Debiam").encode())
    engine.must(name, f"echo 'deb http://forged.example.invalid/debian {codename} main' > {SOURCES}")
    assert counts(audit) == {**GOOD, "unknown": 1}
