# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M06-18, M06-19: what people make is theirs alone, and a crash leaves nothing on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support import lab, people
from tools.lab import hosts

_MADE = {
    "a command over SSH": "touch {}",
    "a login shell": "bash -lc 'touch {}'",
    "a shell started by hand": "bash -ic 'touch {}' 2>/dev/null",
    "a shell that is not bash": "sh -c 'touch {}'",
}


@pytest.mark.parametrize("way", _MADE)
def test_a_new_file_is_its_owners(name: str, user: str, way: str) -> None:
    """M06-18: whichever way a session makes it, another user reads nothing of it."""
    path = f"/tmp/{user}-{abs(hash(way))}"
    lab.ssh(name, _MADE[way].format(path), user=user)
    assert lab.must(name, ["stat", "-c", "%a", path]).strip() == "600"
    assert lab.root(name, ["runuser", "-u", "nobody", "cat", path]).code != 0


def test_a_file_copied_over_is_its_owners(name: str, user: str, tmp_path: Path) -> None:
    """M06-18: SFTP starts no shell, so the session itself has to begin with the mask."""
    source = tmp_path / "for-everybody"
    source.touch()
    source.chmod(0o666)
    batch = f"put {source} /home/{user}/copied\n"
    options = ["-F", str(hosts.SSH_CONFIG), "-o", f"User={user}", "-o", "ControlPath=none", "-b", "-"]
    subprocess.run(["sftp", "-q", *options, name], input=batch, text=True, check=True, capture_output=True, timeout=60)
    assert lab.must(name, ["stat", "-c", "%a", f"/home/{user}/copied"]).strip() == "600"


def test_a_folder_made_at_a_terminal_is_its_owners(name: str, user: str) -> None:
    """M06-18: as a person at a terminal makes one."""
    with lab.terminal(name, user=user) as session:
        people.ask(session, "mkdir mine && touch mine/file")
        assert people.ask(session, "stat -c %a mine mine/file").split() == ["700", "600"]


def test_no_session_may_dump_memory(name: str, user: str) -> None:
    """M06-19: the limit is nought, and a user cannot raise it."""
    assert lab.ssh(name, "ulimit -Hc; ulimit -Sc", user=user).out.split() == ["0", "0"]
    assert lab.ssh(name, "ulimit -c unlimited", user=user).code != 0


def test_root_s_session_dumps_nothing_either(name: str) -> None:
    """M06-19: an asterisk in limits.conf would leave root out."""
    assert lab.ssh(name, "sudo -n sh -c 'ulimit -Hc'").out.strip() == "0"
