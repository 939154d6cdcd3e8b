# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources and lists of apt, read as apt does: where packages come from, and which updates wait."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import apt
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

DAY = 86400
LISTS = "/var/lib/apt/lists"
SECURITY = "depot.invalid_debian-security_dists_bookworm-security_"
LINE = "deb http://depot.invalid/debian-security bookworm-security main\n"
STATUS = """Package: openssl
Status: install ok installed
Priority: optional
Version: 3.0.11-1

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: held
Status: hold ok installed
Version: 2.0
"""


def today(days: int = 0) -> str:
    return (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)).isoformat()


def days_ago(days: float) -> str:
    return formatdate(time.time() - days * DAY).replace("-0000", "UTC")


def release(days: float, **fields: str) -> str:
    said = {"Origin": "Debian", "Label": "Debian-Security", "Codename": "bookworm-security", **fields}
    head = "".join(f"{name}: {value}\n" for name, value in said.items())
    return (
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n"
        f"{head}Date: {days_ago(days)}\nSHA256:\n abc 1 main/x\n-----BEGIN PGP SIGNATURE-----\n\nabc\n"
    )


# --- sources ---------------------------------------------------------------------------------------------------------


def sources(root: Path, **files: str) -> list[apt.Source]:
    return apt.sources(FixtureHost(root, {f"/etc/apt/{name.replace('__', '/')}": text for name, text in files.items()}))


def test_both_formats_of_sources_are_read(tmp_path: Path) -> None:
    found = sources(
        tmp_path,
        **{
            "sources.list": "# deb http://no/ x\n\n deb [ trusted=yes arch=amd64 ] http://a/b s1 main # c\n"
            "deb-src file:/d ./\n",
            "sources.list.d__x.sources": (
                "# a comment\nTypes: deb deb-src\nURIs: https://u/1 https://u/2\nSuites: s1\n s2\n"
                "Signed-By:\n -----BEGIN\n"
                " .\n abc\n\nEnabled: no\nTypes: deb\nURIs: https://off\nSuites: s\n"
            ),
            "sources.list.d__x.ignored": "deb http://no/ x main\n",
        },
    )
    assert [(source.place, source.uri, source.suite) for source in found] == [
        ("/etc/apt/sources.list:3", "http://a/b", "s1"),
        ("/etc/apt/sources.list:4", "file:/d", "./"),
        *(
            ("/etc/apt/sources.list.d/x.sources:2", f"https://u/{number}", suite)
            for number in (1, 2)
            for suite in ("s1", "s2")
        ),
    ]
    assert found[0].options == {"trusted": "yes", "arch": "amd64"}
    assert found[2].options["signed-by"].startswith("-----BEGIN")


@pytest.mark.parametrize(
    ("uri", "suite", "stem", "name"),
    [
        ("http://d.org/debian", "bookworm", "d.org_debian_dists_bookworm_", "d.org/bookworm"),
        ("https://me:pw@d.org/debian/", "a/b", "d.org_debian_dists_a_b_", "d.org/a/b"),
        ("file:/srv/my_repo", "./", "_srv_my%5frepo_._", "local/."),
        ("cdrom:[Debian 12]/", "stable", "%5bDebian 12%5d_dists_stable_", "local/stable"),
    ],
)
def test_lists_are_found_under_the_names_apt_gives_them(uri: str, suite: str, stem: str, name: str) -> None:
    source = apt.Source("x:1", uri, suite, {})
    assert (source.stem, source.name) == (stem, name)


# --- what waits ------------------------------------------------------------------------------------------------------


def waiting(
    root: Path, *, offered: str, memory: Mapping[str, Any] | None = None, list_days: float = 1, installed: float = 400
) -> tuple[dict[str, Any], FixtureHost]:
    files = {
        "/etc/apt/sources.list": LINE,
        f"{LISTS}/{SECURITY}InRelease": release(list_days),
        f"{LISTS}/{SECURITY}main_binary-amd64_Packages": offered,
        "/var/lib/dpkg/status": STATUS,
        **{f"/var/lib/dpkg/info/{name}.list": "" for name in ("openssl", "held", "gone")},
    }
    host = FixtureHost(root, files)
    for name in ("openssl", "held"):
        then = time.time() - installed * DAY
        os.utime(root / f"var/lib/dpkg/info/{name}.list", (then, then))
    host.memory = {"pending_updates": memory} if memory else {}
    return KINDS["pending_updates"].observe(host, [{"days": 30, "lists_days": 10}]), host


NEWER = "Package: openssl\nArchitecture: amd64\nVersion: 3.0.11-1+deb12u2\n\nPackage: gone\nVersion: 9\n"
OLDEST = "oldest (days)"


def test_nothing_waits(tmp_path: Path) -> None:
    rows, host = waiting(tmp_path, offered="Package: openssl\nVersion: 3.0.11-1\n\nPackage: other\nVersion: 9\n")
    assert rows == {OLDEST: 0, "lists (days)": 1}
    assert host.remembered == {"pending_updates": {"seen": today(), "waiting": {}}}


def test_first_sight_of_an_update_is_no_verdict(tmp_path: Path) -> None:
    rows, host = waiting(tmp_path, offered=NEWER)
    assert isinstance(rows[OLDEST], Unknown)
    assert "at least 1 and at most 400 days" in rows[OLDEST].reason
    assert host.remembered["pending_updates"]["waiting"] == {"openssl": ["3.0.11-1", today(1), today(400)]}


@pytest.mark.parametrize(
    ("memory", "observed"),
    [
        # the audit of ten days ago did not see it wait
        ({"seen": today(10), "waiting": {}}, 10),
        # seen first 40 days ago
        ({"seen": today(1), "waiting": {"openssl": ["3.0.11-1", today(40), today(300)]}}, 40),
        # seen first 5 days ago, by an audit that followed one of 20 days ago
        ({"seen": today(1), "waiting": {"openssl": ["3.0.11-1", today(5), today(20)]}}, 20),
        # another version was installed since
        ({"seen": today(3), "waiting": {"openssl": ["3.0.10-1", today(90), today(90)]}}, 3),
        # what was remembered is no date
        ({"seen": today(3), "waiting": {"openssl": ["3.0.11-1", "x", None]}}, 1),
    ],
)
def test_earlier_audits_tell_for_how_long(tmp_path: Path, memory: dict[str, Any], observed: int) -> None:
    rows, _host = waiting(tmp_path, offered=NEWER, memory=memory)
    assert isinstance(rows[OLDEST], Seen)
    assert rows[OLDEST].value == observed


def test_an_update_is_not_older_than_what_it_replaces_and_not_younger_than_its_list(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    rows, _host = waiting(tmp_path / "new", offered=NEWER, installed=4)
    assert rows[OLDEST].value == 4
    (tmp_path / "old").mkdir()
    rows, _host = waiting(tmp_path / "old", offered=NEWER, list_days=60)
    assert (rows[OLDEST].value, rows["lists (days)"]) == (60, 60)


def test_a_held_package_still_lacks_its_update(tmp_path: Path) -> None:
    rows, _host = waiting(tmp_path, offered="Package: held\nVersion: 2.1\n", installed=3)
    assert rows[OLDEST].note == "1 security updates wait: held"


def test_without_security_lists_nothing_is_known(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/apt/sources.list": LINE, "/var/lib/dpkg/status": STATUS})
    rows = KINDS["pending_updates"].observe(host, [{"days": 30, "lists_days": 10}])
    assert isinstance(rows[OLDEST], Unknown)
    assert rows["lists (days)"].value is None


# --- repositories ----------------------------------------------------------------------------------------------------

MAIN_LIST = "depot.invalid_debian_dists_bookworm_"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SYSTEM = {
    "/etc/os-release": "ID=debian\nVERSION_CODENAME=bookworm\n",
    KEYRING: "",
    "/var/lib/dpkg/info/debian-archive-keyring.list": f"/usr/share/keyrings\n{KEYRING}\n",
}
MAIN = "http://depot.invalid/debian bookworm main\n"
SIGNED_BY = f"deb [signed-by={KEYRING}] {MAIN}"


def judged(root: Path, line: str, *, name: str = "InRelease", allowed: list[str] | None = None, **fields: str) -> Any:
    text = release(1, Label="Debian", **{"Codename": "bookworm", **fields})
    host = FixtureHost(root, {**SYSTEM, "/etc/apt/sources.list": line, f"{LISTS}/{MAIN_LIST}{name}": text})
    rows = KINDS["repositories"].observe(host, [{"allowed": allowed or [], "encrypted": True}])
    return {name for name, value in rows.items() if value != 0}


def test_the_distribution_is_known_by_its_keys(tmp_path: Path) -> None:
    assert judged(tmp_path, SIGNED_BY) == {"not encrypted"}


@pytest.mark.parametrize(
    ("line", "options", "wrong"),
    [
        # no verifier answers in the fixture, so nothing says that the signature is the distribution's
        (f"deb {MAIN}", {}, {"unknown"}),
        (f"deb {MAIN}", {"allowed": ["depot.invalid/*"]}, set()),
        (f"deb {MAIN}", {"allowed": ["other.invalid/*"]}, {"unknown"}),
        (f"deb [signed-by=/etc/apt/keyrings/vendor.gpg] {MAIN}", {}, {"unknown"}),
        # what is called like the distribution's keys, and does not come with them
        (f"deb [signed-by=/usr/share/keyrings/debian-archive-vendor.gpg] {MAIN}", {}, {"unknown"}),
        (f"deb [signed-by=/usr/share/keyrings/debian-archive-vendor.gpg,{KEYRING}] {MAIN}", {}, {"unknown"}),
        (f"deb [trusted=yes signed-by={KEYRING}] {MAIN}", {}, {"unknown", "unsigned"}),
        (f"deb [allow-insecure=yes] {MAIN}", {"allowed": ["*"]}, {"unsigned"}),
        (SIGNED_BY, {"name": "Release"}, {"unknown", "unsigned"}),
        (SIGNED_BY, {"Codename": "buster"}, {"of another release"}),
        (SIGNED_BY, {"Codename": "bookworm-backports"}, set()),
        (SIGNED_BY, {"Codename": "bookworms"}, {"of another release"}),
    ],
)
def test_what_is_wrong_with_a_source(tmp_path: Path, line: str, options: dict[str, Any], wrong: set[str]) -> None:
    assert judged(tmp_path, line, **options) - {"not encrypted"} == wrong


def test_dnf_repositories_that_are_not_checked_are_reported(tmp_path: Path) -> None:
    files = {
        "/etc/os-release": "ID=rocky\nID_LIKE=rhel\n",
        "/etc/dnf/dnf.conf": "[main]\ngpgcheck=1\n",
        "/etc/yum.repos.d/a.repo": "[base]\nmirrorlist=https://m.invalid/x\n[loose]\nbaseurl=http://l.invalid/\ngpgcheck=0\n"
        "[off]\nenabled=0\ngpgcheck=0\n",
    }
    host = FixtureHost(tmp_path, files, {"rpm -qf --qf %{NAME} /etc/yum.repos.d/a.repo": "rocky-repos"})
    rows = KINDS["repositories"].observe(host, [{"allowed": [], "encrypted": True}])
    assert rows["unknown"] == 0
    assert (rows["unsigned"].note, rows["not encrypted"].value) == ("see /etc/yum.repos.d/a.repo [loose]", 1)
