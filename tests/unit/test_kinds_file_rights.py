# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights at most: what is narrower stays, what is wider loses bits and gains none."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import acl
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import NotApplicable, Seen, SettingError
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

KIND = KINDS["file_rights"]
SHADOW = "0640 root:shadow"


@pytest.mark.parametrize(
    ("observed", "expected", "allowed"),
    [
        ("0640 root:shadow", SHADOW, True),
        ("0600 root:root", SHADOW, True),
        ("0640 root:root", SHADOW, True),
        ("0600 root:1000", SHADOW, True),  # a group without rights has none
        ("0640 root:1000", SHADOW, False),
        ("0644 root:shadow", SHADOW, False),
        ("0440 1000:shadow", SHADOW, False),
        ("4640 root:shadow", SHADOW, False),
        ("0000 root:root", SHADOW, True),
        ("0604 1000:1000", "0644", True),
        ("0664 root:root", "0644", False),
        ("0750 bin:bin", "0755 *:bin", True),
        (None, "0644", False),
    ],
)
def test_at_most_these_rights(observed: Any, expected: str, allowed: bool) -> None:
    assert KIND.rule("/x").test(expected, observed) is allowed


def test_modes_and_groups_differ_by_family() -> None:
    body = {"path": "/etc/shadow", "mode": {"debian": "0640", "redhat": "0000"}, "owner": "root"}
    body["group"] = {"debian": "shadow", "redhat": "root"}
    assert KIND.expand(body) == {"/etc/shadow": "0640 root:shadow"}
    assert KIND.expand(body, "redhat") == {"/etc/shadow": "0000 root:root"}
    assert KIND.expand({"path": ["/a", "/b*"], "mode": "0644"}) == {"/a": "0644", "/b*": "0644"}


def look(host: FixtureHost, path: str, **body: Any) -> Any:
    return KIND.observe(host, [{"path": path, "mode": "0640", **body}])[path]


def test_the_widest_of_several_counts_and_is_named(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/d/a": "", "/d/b\x1b": "", "/d/c": ""})
    for name, mode in (("a", 0o600), ("b\x1b", 0o666), ("c", 0o777)):
        (tmp_path / "d" / name).chmod(mode)
    seen = look(host, "/d/*")
    assert isinstance(seen, Seen)
    assert seen.value.startswith("0666 ")
    assert seen.note == f"wider than allowed: {tmp_path}/d/b\\x1b, {tmp_path}/d/c"
    assert isinstance(look(host, "/d/*", **{"except": ["b\x1b", "c"]}), str)
    assert isinstance(look(host, "/none*"), NotApplicable)


def test_an_access_list_gives_rights_that_the_mode_does_not_tell(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/shadow": "x"})
    secret = tmp_path / "etc/shadow"
    secret.chmod(0o640)
    user, group, mask, others = 2, 4, 16, 32
    entries = [(1, 6, 2**32 - 1), (user, 4, 65534), (group, 4, 2**32 - 1), (mask, 4, 2**32 - 1), (others, 0, 2**32 - 1)]
    raw = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)
    try:
        os.setxattr(secret, acl.ATTRIBUTE, raw)
    except OSError:
        pytest.skip("the file system of the temporary folder has no access lists")
    kind, body = KINDS["file_rights"], {"path": "/etc/shadow", "mode": "0640"}
    seen = kind.observe(host, [body])["/etc/shadow"]
    assert seen.satisfied is False
    kind.edit(host, body, {"/etc/shadow": "0640"})
    assert acl.ATTRIBUTE not in (host.state("/etc/shadow") or {})["xattr"]


def test_bits_are_taken_away_and_never_given(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/d/a": ""})
    (tmp_path / "d" / "a").chmod(0o426)
    KIND.edit(host, {"path": "/d/*", "mode": "0640"}, {"/d/*": "0640"})
    assert [change.after["mode"] for change in host.rights_wanted.values()] == [0o400]
    assert (tmp_path / "d" / "a").stat().st_mode & 0o777 == 0o426


def test_a_file_that_is_about_to_be_made_gets_its_rights_at_once(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/d/a": ""})
    (tmp_path / "d" / "a").chmod(0o600)
    host.write("/d/new", "text\n", mode=0o644)
    KIND.edit(host, {"path": "/d/*", "mode": "0600"}, {"/d/*": "0600"})
    host.settle_rights()
    after = host.overlay[str(tmp_path / "d" / "new")].after
    assert after is not None
    assert after["mode"] == 0o600


def test_a_link_is_judged_by_what_it_leads_to_and_never_edited(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/d/a": "", "/home/x": ""})
    (tmp_path / "home" / "x").chmod(0o666)
    (tmp_path / "d" / "link").symlink_to(tmp_path / "home" / "x")
    assert isinstance(look(host, "/d/l*"), Seen)
    with pytest.raises(SettingError, match="is a link to something with wider rights"):
        KIND.edit(host, {"path": "/d/l*", "mode": "0640"}, {"/d/l*": "0640"})


def test_what_is_no_file_and_no_folder_is_left_out(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/d/a": ""})
    os.mkfifo(tmp_path / "d" / "pipe")
    (tmp_path / "d" / "a").chmod(0o600)
    assert isinstance(look(host, "/d/*"), str)


def test_an_account_that_does_not_exist_is_said(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/d/a": ""})
    host.write("/d/a", "text\n")
    real = host.path("/d/a")
    after = {**(host.overlay[real].after or {}), "uid": 1234}
    host.overlay[real] = host.overlay[real]._replace(after=after)
    with pytest.raises(SettingError, match="create it first"):
        KIND.edit(host, {"path": "/d/a", "mode": "0640"}, {"/d/a": "0640 nosuchaccount:root"})
