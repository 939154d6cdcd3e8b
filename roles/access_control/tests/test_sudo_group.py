# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-07: sudo for the members of one group, on a host of its own from its refusal to its rollback."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.support import engine, lab
from tests.support.engine_play import Played, play

GROUP = "sudogrp"
CONTROL = ("--tags", "M04-07")
ASKED = {"essms_sudo_group": GROUP, "essms_sudo_nopasswd_allow": ["boss"]}
PROGRAM, DATABASE = "/usr/bin/sudo", "/var/lib/dpkg/statoverride"
PLACES = ("/etc", PROGRAM, DATABASE)
HELD = f"4110 root:{GROUP}\n"
# The package as it is installed, its own rights of the program included: what an update brings, without a network.
_PACKAGE = r"""
set -eu
rm -rf /tmp/update && mkdir -p /tmp/update/DEBIAN
dpkg-query -L sudo | while read -r path; do
    if [ -L "$path" ] || [ ! -d "$path" ]; then cp -a --parents "$path" /tmp/update; fi
done
chown root:root /tmp/update/usr/bin/sudo && chmod 4755 /tmp/update/usr/bin/sudo
dpkg-query -s sudo | sed -e '/^Status:/d' -e '/^Conffiles:/,/^[^ ]/{/^Conffiles:/d;/^ /d}' > /tmp/update/DEBIAN/control
dpkg-query -W -f '${Conffiles}\n' sudo | awk 'NF { print $1 }' > /tmp/update/DEBIAN/conffiles
for script in preinst postinst prerm postrm; do
    if [ -e /var/lib/dpkg/info/sudo.$script ]; then cp /var/lib/dpkg/info/sudo.$script /tmp/update/DEBIAN/$script; fi
done
dpkg-deb --build /tmp/update /tmp/update.deb >&2
dpkg-deb --contents /tmp/update.deb | grep ' \./usr/bin/sudo$'
"""


@dataclass(frozen=True)
class Held:
    """A host whose sudo is held, and how it came to it.

    :param host: its name; it has an administrator `boss` with a rule, and a user `guest` with none.
    :param before: every file concerned before anything was done.
    :param refused: the apply before the administrator was in the group.
    :param refused_left: what that one had changed.
    :param applied: the apply after.
    """

    host: str
    before: Mapping[str, str]
    refused: Played
    refused_left: list[str]
    applied: Played


def rights(host: str) -> str:
    """Return mode and owners of the program."""
    return lab.must(host, ["stat", "-c", "%a %U:%G", PROGRAM])


@pytest.fixture(scope="module")
def held(name: str) -> Iterator[Held]:
    """Give a pristine host of the same Debian after one refused and one accepted apply."""
    with lab.throwaway(name) as host:
        for user in ("boss", "guest"):
            lab.add_user(host, user, key=True)
        rule = "boss ALL=(ALL) NOPASSWD: ALL\n"
        lab.must(host, "cat > /etc/sudoers.d/probe && chmod 440 /etc/sudoers.d/probe", stdin=rule)
        lab.must(host, f"groupadd --system {GROUP} && usermod -aG {GROUP} ansible")
        outside = engine.tree(host, *PLACES)
        refused = play("apply", [host], *CONTROL, variables=ASKED)
        left = engine.difference(outside, engine.tree(host, *PLACES))
        lab.must(host, f"usermod -aG {GROUP} boss")
        before = engine.tree(host, *PLACES)
        applied = play("apply", [host], *CONTROL, variables=ASKED)
        yield Held(host, before, refused, left, applied)


def test_it_is_refused_while_somebody_with_a_rule_would_lose_sudo(held: Held) -> None:
    """M04-07: the account is named by number, with what to do, and nothing has changed."""
    assert held.refused.code != 0
    said = " ".join(held.refused.text.split())
    uid = lab.must(held.host, ["id", "-u", "boss"]).strip()
    assert f"a rule allows uid {uid} to use sudo" in said
    assert f"usermod -aG {GROUP} NAME" in said
    assert "boss" not in said
    assert held.refused_left == []


def test_it_holds_once_everybody_with_a_rule_is_in_the_group(held: Held) -> None:
    """M04-07: a new connection of the automation has confirmed it, and a second apply finds nothing to do."""
    assert held.applied.code == 0, held.applied.text
    assert held.applied.verdicts(held.host)["M04-07"] == "compliant"
    assert rights(held.host) == HELD
    again = play("apply", [held.host], *CONTROL, "--check", variables=ASKED)
    assert again.results[held.host]["M04-07"]["changed"] is False


def test_the_automation_and_administrators_work_on(held: Held) -> None:
    """M04-07: over new connections, which have the group."""
    for user in ("ansible", "boss"):
        done = lab.ssh(held.host, "sudo -n id -un", user=user)
        assert done.out == "root\n", done.err
    assert lab.must(held.host, ["sudo", "-n", "id", "-un"]) == "root\n"


def test_who_is_not_in_the_group_cannot_even_start_it(held: Held) -> None:
    """M04-07: an account that was broken into finds no program with root's rights to attack."""
    assert lab.ssh(held.host, "id -un", user="guest").out == "guest\n"
    for command in ("sudo -n true", "sudo -V", "sudoedit /etc/hosts", f"cat {PROGRAM}"):
        done = lab.ssh(held.host, command, user="guest")
        assert done.code in (1, 126), done.text
        assert "Permission denied" in done.err
        assert "password" not in done.err


def test_an_update_of_the_package_keeps_it(held: Held) -> None:
    """M04-07: dpkg unpacks a program with rights for everybody, and gives it ours."""
    inode = lab.must(held.host, ["stat", "-c", "%i", PROGRAM])
    assert lab.must(held.host, _PACKAGE).startswith("-rwsr-xr-x root/root")
    lab.must(held.host, "dpkg --install /tmp/update.deb && rm -r /tmp/update /tmp/update.deb")
    assert lab.must(held.host, ["stat", "-c", "%i", PROGRAM]) != inode, "the program was not replaced"
    assert rights(held.host) == HELD
    assert lab.ssh(held.host, "sudo -n true", user="guest").code == 126
    assert lab.ssh(held.host, "sudo -n true").code == 0


def test_a_rollback_gives_all_of_it_back(held: Held) -> None:
    """M04-07: the program for everybody, and dpkg's list to the last bit, although the package was updated since."""
    back = play("rollback", [held.host], *CONTROL, variables=ASKED)
    assert back.code == 0, back.text
    assert engine.difference(held.before, engine.tree(held.host, *PLACES)) == []
    assert rights(held.host) == "4755 root:root\n"
    assert "Permission denied" not in lab.ssh(held.host, "sudo -n true", user="guest").err
