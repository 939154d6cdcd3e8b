# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of this role share: the host's name, the parameters applied, audits, and repositories to take from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import apt_repository, engine, people
from tests.support.updates import FOLDER, KEY, SOURCES, Audit, Offer


@pytest.fixture(scope="session")
def applied() -> Mapping[str, Any]:
    """Return the parameters the role was applied with."""
    return people.variables("updates")


@pytest.fixture(scope="module")
def name(host: Any) -> str:
    """Return the inventory name of the host under test."""
    return str(host.backend.get_hostname())


@pytest.fixture(scope="session")
def key() -> Iterator[tuple[Path, bytes]]:
    """Give a key to sign with, and its public half."""
    with apt_repository.signing_key() as made:
        yield made


@pytest.fixture(scope="module")
def codename(name: str) -> str:
    """Return the release the host runs."""
    return engine.must(name, ". /etc/os-release && echo $VERSION_CODENAME").strip()


@pytest.fixture
def clean(name: str) -> Iterator[None]:
    """Take away the sources and lists a test adds."""
    yield
    lists = "/var/lib/apt/lists/*essms-test* /var/lib/apt/lists/*example.invalid*"
    engine.must(name, f"rm -rf {FOLDER} {SOURCES} {KEY} {lists}")


@pytest.fixture(scope="module")
def audit(name: str, applied: Mapping[str, Any]) -> Audit:
    """Return a function that audits one control, with the controller's memory if wanted, and returns rows by name."""

    def look(control: str, **options: object) -> Mapping[str, dict[str, Any]]:
        done = engine.run(name, "audited", engine.settings([control], variables=applied), **options)
        return {row["name"]: row for row in done["rows"]}

    return look


@pytest.fixture
def offer(name: str, clean: None) -> Offer:
    """Return a function that puts a repository on the host, adds its line to apt's sources and fetches its lists."""
    del clean

    def put(files: Mapping[str, bytes], line: str) -> str:
        folder = line.partition("file:")[2].partition(" ")[0]
        engine.put(name, f"{folder}/all.tar", apt_repository.packed(files))
        engine.must(name, f"tar -xf {folder}/all.tar -C {folder} && echo '{line}' >> {SOURCES}")
        only = f"-o Dir::Etc::SourceList={SOURCES} -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0"
        return engine.root(name, f"apt-get update {only}", timeout=120).text

    return put
