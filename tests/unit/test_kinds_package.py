# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages of a transaction can go again when something else has come to stand on some of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.kinds.package import removable

from tests.support.fixture_host import FixtureHost

_STATUS = "dpkg-query -W -f ${Package} ${db:Status-Status}\n"
_DEPENDENCIES = "dpkg-query -W -f ${Package}\t${db:Status-Status}\t${Pre-Depends}, ${Depends}\t${Provides}\n"
_PURGE = "apt-get -s -qq -o APT::Get::AutomaticRemove=0 purge"
MINE = {
    "antivirus": "libantivirus (= 1), libc6",
    "libantivirus": "unpacker:any | other-unpacker, libc6 (>= 2.36)",
    "unpacker": "libc6",
    "mailer": "libc6",
}
THEIRS = {"libc6": "", "sh": "libc6"}


def host(folder: Path, packages: dict[str, str], purge: str, gone: str | None = None) -> FixtureHost:
    """Give a host with these packages and their dependencies, on which purging some is possible."""
    simulated = "".join(f"Purg {name} [1]\n" for name in (purge if gone is None else gone).split())
    return FixtureHost(
        folder,
        {},
        {
            _STATUS: "".join(f"{name} installed\n" for name in packages) + "gone config-files\n",
            _DEPENDENCIES: "".join(
                f"{name}\tinstalled\t, {wanted}\t{'mail-transport-agent (= 1)' if name == 'mailer' else ''}\n"
                for name, wanted in packages.items()
            )
            + "gone\tconfig-files\t, unpacker\t\n",
            f"{_PURGE} {purge}": simulated,
        },
    )


def test_all_go_when_nothing_else_needs_them(tmp_path: Path) -> None:
    everything = "antivirus libantivirus mailer unpacker"
    found = removable(host(tmp_path, {**THEIRS, **MINE}, everything), [*MINE, "absent", "gone"])
    assert found == (everything.split(), [])


@pytest.mark.parametrize(
    ("later", "purge", "kept"),
    [
        ("unpacker (>= 1)", "antivirus libantivirus mailer", ["unpacker"]),
        # what it needs, needs others in turn
        ("libantivirus", "antivirus mailer", ["libantivirus", "unpacker"]),
        ("postfix | mail-transport-agent", "antivirus libantivirus unpacker", ["mailer"]),
        # somebody else's package does as well
        ("sh | unpacker", "antivirus libantivirus mailer unpacker", []),
    ],
)
def test_what_came_later_keeps_what_it_stands_on(tmp_path: Path, later: str, purge: str, kept: list[str]) -> None:
    found = removable(host(tmp_path, {**THEIRS, **MINE, "later": later}, purge), MINE)
    assert found == (purge.split(), kept)


def test_nothing_goes_when_the_package_manager_would_take_more(tmp_path: Path) -> None:
    purge = "antivirus libantivirus mailer unpacker"
    made = host(tmp_path, {**THEIRS, **MINE}, purge, gone=f"{purge} sh")
    assert removable(made, MINE) == ([], sorted(MINE))
