# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-14: what everybody could read or rewrite is closed to users, and what only people can judge is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import engine, lab

SECRETS = {
    "/etc/shadow.copy": "0644",
    "/etc/cron.d/probe-task": "0666",
    "/etc/sudoers.d/probe-rule": "0644",
    "/boot/grub/grub.cfg": "0644",
}
"""Files that somebody left open: any user reads them until the control is applied."""
EXCLUDED = ["/usr/lib", "/usr/share", "/usr/libexec", "/var/lib", "/var/cache"]
WALK = {"essms_walk_milliseconds": 60_000, "essms_walk_excluded_paths": EXCLUDED}
PLACE = "/srv/probe walk\n"


def asked() -> list[engine.Setting]:
    """Return the settings of M04-14 with a walk that ends within one audit."""
    return engine.settings(["M04-14"], variables=WALK)


@pytest.fixture(scope="module")
def people(name: str) -> Iterator[tuple[str, str]]:
    """Give two ordinary users who log in with a key, each with an open folder."""
    with lab.user(name, key=True) as one, lab.user(name, key=True) as other:
        for user in (one, other):
            lab.must(
                name, f"chmod 0755 /home/{user} && echo private > /home/{user}/letter && chmod 0644 /home/{user}/*"
            )
        yield one, other


@pytest.fixture(scope="module")
def opened(name: str, people: tuple[str, str]) -> Iterator[Mapping[str, bool]]:
    """Open files to everybody, apply the control, and take it back at the end; say what a user read before."""
    reader, owner = people
    # the role has closed the last one
    lab.must(name, "mkdir -p /boot/grub /etc/cron.d && chmod 0755 /etc/sudoers.d")
    # its name is that of a person
    secrets = {**SECRETS, f"/etc/sudoers.d/{owner}": "0644"}
    for path, mode in secrets.items():
        text = "" if "sudoers" in path else "secret\n"
        lab.must(name, f"cat > {path} && chmod {mode} {path}", stdin=text)
    paths = [*secrets, f"/home/{owner}/letter"]
    before = {path: lab.ssh(name, f"cat {path}", user=reader).code == 0 for path in paths}
    modes = lab.must(name, ["stat", "-c", "%a %U:%G", *paths, f"/home/{owner}"])
    done = engine.run(name, "applied", asked())
    assert done["changed"] == ["M04-14"], done.wrong()
    yield before
    back = engine.run(name, "reverted", asked(), transaction=done["transaction"])
    assert not back["problem"], back["problem"]
    assert lab.must(name, ["stat", "-c", "%a %U:%G", *paths, f"/home/{owner}"]) == modes
    lab.must(name, ["rm", "-f", *secrets])
    lab.must(name, "chmod 0750 /etc/sudoers.d")


@pytest.mark.parametrize("path", SECRETS)
def test_a_user_no_longer_reads_it(name: str, path: str, people: tuple[str, str], opened: Mapping[str, bool]) -> None:
    """M04-14: a file that any user could read before."""
    assert opened[path], "it was not open before, so this proves nothing"
    assert "Permission denied" in lab.ssh(name, f"cat {path}", user=people[0]).err
    assert lab.root(name, ["cat", path]).code == 0


def test_a_task_of_root_is_no_longer_rewritten(name: str, people: tuple[str, str], opened: Mapping[str, bool]) -> None:
    """M04-14: with rights to write into /etc/cron.d a user was root a minute later."""
    assert opened
    assert lab.ssh(name, "echo x >> /etc/cron.d/probe-task", user=people[0]).code != 0


def test_people_s_folders_are_their_own(name: str, people: tuple[str, str], opened: Mapping[str, bool]) -> None:
    """M04-14: one user no longer reads another's files; the owner still logs in with a key and reads them."""
    reader, owner = people
    letter = f"/home/{owner}/letter"
    assert opened[letter]
    assert lab.ssh(name, f"cat {letter}", user=reader).code != 0
    assert lab.ssh(name, f"cat {letter}", user=owner).out == "private\n"


def test_the_journal_names_nobody(name: str, people: tuple[str, str], opened: Mapping[str, bool]) -> None:
    """M04-14: people's own folders were narrowed, and a file that bears a login name; rollback goes by number."""
    assert opened[f"/etc/sudoers.d/{people[1]}"]
    assert lab.root(name, ["stat", "-c", "%a", f"/etc/sudoers.d/{people[1]}"]).out == "440\n"
    for person in people:
        found = lab.root(name, f"grep -rl {person} /var/lib/essms/tx")
        assert (found.code, found.out) == (1, "")


def test_nothing_that_people_need_is_closed(name: str, people: tuple[str, str], opened: Mapping[str, bool]) -> None:
    """M04-14: names are still resolved, passwords still checked, and the automation account still becomes root."""
    assert opened
    assert lab.ssh(name, f"getent passwd {people[1]} && ls /etc/ssh/*.pub && cat /etc/group", user=people[0]).code == 0
    assert lab.ssh(name, "sudo -n true").code == 0


def test_a_program_that_lends_root_s_rights_is_told(name: str, people: tuple[str, str]) -> None:
    """M04-14: a user really is root with it; the audit names it until it is gone, and never touches it."""
    lab.must(name, ["mkdir", "-p", PLACE])
    try:
        lab.must(name, ["cp", "/usr/bin/id", f"{PLACE}/tool"])
        lab.must(name, ["chmod", "4755", f"{PLACE}/tool"])
        shell = f"'{PLACE}/tool' -u"
        assert lab.ssh(name, shell, user=people[0]).out == "0\n"
        assert row(name, "set_id") == (1, "/srv/probe walk\\n/tool")
        lab.must(name, ["chmod", "0755", f"{PLACE}/tool"])
        assert row(name, "set_id")[0] == 0
    finally:
        lab.must(name, ["rm", "-r", PLACE])


def test_a_packaged_program_that_was_given_root_s_rights_is_told(name: str, people: tuple[str, str]) -> None:
    """M04-14: a user really reads what is root's with it, although a package brought the program without this bit."""
    program = "/usr/bin/tac"
    try:
        lab.must(name, ["chmod", "u+s", program])
        assert lab.ssh(name, f"{program} /etc/shadow", user=people[0]).code == 0
        assert row(name, "set_id") == (1, program)
    finally:
        lab.must(name, ["chmod", "u-s", program])
    assert lab.ssh(name, f"{program} /etc/shadow", user=people[0]).code != 0
    assert row(name, "set_id")[0] == 0


def test_files_of_an_account_that_is_gone_are_told(name: str) -> None:
    """M04-14: the next account with this number would own them."""
    lab.must(name, ["mkdir", "-p", PLACE])
    try:
        with lab.user(name, key=True) as user:
            lab.must(name, ["touch", f"{PLACE}/file"])
            lab.must(name, ["chown", f"{user}:", f"{PLACE}/file"])
            assert row(name, "orphans")[0] == 0
        assert row(name, "orphans") == (1, "/srv/probe walk\\n/file")
    finally:
        lab.must(name, ["rm", "-r", PLACE])


def test_an_open_folder_lets_others_delete_and_is_told(name: str, people: tuple[str, str]) -> None:
    """M04-14: without the sticky bit one user deletes another's file."""
    one, other = people
    lab.must(name, ["mkdir", "-m", "0777", "-p", PLACE])
    try:
        for sticky in (False, True):
            lab.must(name, ["chmod", "1777" if sticky else "0777", PLACE])
            assert lab.ssh(name, f"touch '{PLACE}/mine'", user=one).code == 0
            assert (lab.ssh(name, f"rm -f '{PLACE}/mine'", user=other).code != 0) is sticky
            assert row(name, "open_folders")[0] == int(not sticky)
    finally:
        lab.must(name, ["rm", "-r", PLACE])


def test_a_walk_goes_on_where_the_last_audit_ended(name: str) -> None:
    """M04-14: in small shares the walk comes to its end, and nothing is compliant before."""
    memory: dict[str, Any] = {}
    settings = engine.settings(["M04-14"], variables={**WALK, "essms_walk_milliseconds": 50})
    states: list[str] = []
    for _audit in range(200):
        done = engine.run(name, "audited", settings, memory=memory)
        memory = done["memory"]
        states.append(done.rows()["M04-14", "file_walk", "orphans"]["state"])
        if states[-1] != "unknown":
            break
    assert states[-1] == "ok", states
    assert set(states[:-1]) <= {"unknown"}


def row(name: str, sort: str) -> tuple[Any, str]:
    """Return what an audit of M04-14 now says of one sort of finding, and where."""
    found = engine.run(name, "audited", asked()).rows()["M04-14", "file_walk", sort]
    return found["observed"], found["reason"]
