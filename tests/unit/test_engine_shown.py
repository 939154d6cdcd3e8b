# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No login name is told: accounts go by their number, in lists of paths, in sentences and in every answer of a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import run, shown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

PASSWD = """root:x:0:0::/root:/bin/sh
mail:x:8:8::/var/mail:/usr/sbin/nologin
service:x:120:120::/home/service:/usr/sbin/nologin
first.last:x:1001:1001::/home/first.last:/bin/sh
bob:x:1002:1002::/srv/people/bob:/bin/sh
bobby:x:1003:1003::/:/bin/sh
nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin
"""


@pytest.fixture
def host(tmp_path: Path) -> FixtureHost:
    return FixtureHost(tmp_path, {"/etc/passwd": PASSWD})


TOLD = [
    ("/home/first.last/x", "~1001/x"),
    ("/home/first.last", "~1001"),
    ("/home/first.last.old", "/home/~1001.old"),
    ("/srv/people/bob/first.last/x", "~1002/~1001/x"),
    ("/var/mail/bob", "/var/mail/~1002"),
    ("/var/spool/cron/crontabs/bobby", "/var/spool/cron/crontabs/~1003"),
    ("/etc/sudoers.d/bob", "/etc/sudoers.d/~1002"),
    ("/etc/sudoers.d/90-bob_rules", "/etc/sudoers.d/90-~1002_rules"),
    ("/srv/shares/bob/bobby", "/srv/shares/~1002/~1003"),
    ("/data/bob", "/data/~1002"),
    ("/etc/bob/bobsleigh", "/etc/bob/bobsleigh"),
    # accounts that are gone, or that only a directory knows
    ("/home/gone/.bashrc", "/home/~?/.bashrc"),
    ("/var/mail/gone", "/var/mail/~?"),
    ("/srv/people/gone/x", "/srv/people/gone/x"),
    # what is no person's keeps its name
    ("/home/service/x", "/home/service/x"),
    ("/home/lost+found", "/home/lost+found"),
    ("/var/spool/cron/crontabs", "/var/spool/cron/crontabs"),
    ("/var/b/y", "/var/b/y"),
]


@pytest.mark.parametrize(("path", "told"), TOLD)
def test_a_name_in_a_path_is_told_by_number(host: FixtureHost, path: str, told: str) -> None:
    assert shown.paths(host, [path]) == told
    assert shown.without_names(host, f"the rights of {path}: refused") == f"the rights of {told}: refused"
    # what was told once is not changed again
    assert shown.without_names(host, [told, {"a": 3}]) == [told, {"a": 3}]


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives folders away")
def test_a_folder_of_a_gone_account_is_told_by_its_owner(tmp_path: Path, host: FixtureHost) -> None:
    for folder in ("home", "srv/people"):
        (tmp_path / folder / "gone").mkdir(parents=True)
        os.chown(tmp_path / folder / "gone", 1234, 1234)
        assert shown.paths(host, [f"/{folder}/gone/x"]) == f"/{folder}/~1234/x"


def test_a_folder_reached_over_a_link_is_told_by_number(tmp_path: Path, host: FixtureHost) -> None:
    (tmp_path / "mnt/disk/first.last").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "mnt/disk")
    assert shown.paths(host, ["/mnt/disk/first.last/x", "/home/first.last/x"]) == "~1001/x, ~1001/x"


def test_many_paths_are_shortened(host: FixtureHost) -> None:
    assert shown.paths(host, [f"/{number}" for number in range(7)]) == "/0, /1, /2, /3, /4 and 2 more"


def test_where_a_rule_of_sudo_stands_names_nobody(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/passwd": PASSWD, "/usr/bin/sudo": ""})
    host.write("/etc/sudoers", "@includedir /etc/sudoers.d\nDefaults log_output\n")
    host.write("/etc/sudoers.d/bob", "bob ALL=(ALL) NOPASSWD: NOLOG_OUTPUT: ALL\n")
    bodies: dict[str, Any] = {"sudo_rules": {"nopasswd_allow": []}, "sudoers": {"log_output": True}}
    seen = [KINDS[kind].observe(host, [body]) for kind, body in bodies.items()]
    assert seen[0]["rules without a password"].note == "see /etc/sudoers.d/~1002:1"
    assert seen[1]["log_output"].note.endswith(" at /etc/sudoers.d/~1002:1")


def test_no_answer_of_a_run_names_anybody(host: FixtureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_host: object, _request: object, response: dict[str, Any]) -> None:
        row = {"name": "/etc/bob/bob", "observed": "/home/first.last/x", "reason": "see /var/mail/bob"}
        response.update(rows=[row], failed={"M04-14": "/home/gone: a link"}, notes=["kept in /data/bob"])
        raise PermissionError(13, "Permission denied", "/home/first.last/.bashrc")

    monkeypatch.setattr(run, "Host", lambda *_arguments, **_named: host)
    monkeypatch.setitem(run._STATES, "audited", fail)
    answer = run.run({"state": "audited"})
    assert answer["problem"] == "~1001/.bashrc: Permission denied: look at it on the host"
    assert answer["rows"] == [{"name": "/etc/bob/bob", "observed": "~1001/x", "reason": "see /var/mail/~1002"}]
    assert (answer["failed"], answer["notes"]) == ({"M04-14": "/home/~?: a link"}, ["kept in /data/~1002"])
