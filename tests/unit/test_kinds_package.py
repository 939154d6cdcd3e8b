# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which packages of a transaction can go again when something else stands on some of them, and what of them runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.kinds.package import removable, units

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


def test_what_runs_of_packages_that_go_is_stopped_but_nobodys_firewall(tmp_path: Path) -> None:
    files = ["/lib/systemd/system/scan.service", "/usr/lib/systemd/system/scan.socket", "/etc/scan.service"]
    files += ["/lib/systemd/system/scan@.service", "/lib/systemd/system/nftables.service"]
    listed = "systemctl list-units --plain --no-legend"
    answers = {
        "dpkg --listfiles scan nftables": "\n".join(files),
        f"{listed} scan.service scan.socket": "scan.socket loaded active listening\n",
        f"{listed} --state=failed scan.service scan.socket": "scan.service not-found failed failed\n",
    }
    made = FixtureHost(tmp_path, {}, answers)
    assert units(made, ["scan", "nftables"]) == ["scan.socket"]
    assert units(made, ["scan", "nftables"], "failed") == ["scan.service"]
    assert units(FixtureHost(tmp_path, {}, {"dpkg --listfiles doc": "/usr/share/doc/doc"}), ["doc"]) == []
