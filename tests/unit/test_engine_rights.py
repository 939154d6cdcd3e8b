# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rights of files and folders: recorded, given, undone, and steered by no link."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import undo
from ansible_collections.essms.hardening.plugins.module_utils.engine.host import Host

WIDE, NARROW = 0o666, 0o640


def rights(mode: int) -> undo.Rights:
    return {"mode": mode, "uid": os.getuid(), "gid": os.getgid()}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "file"
    made.write_text("text\n")
    made.chmod(WIDE)
    return made


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize("done", [True, False])
def test_undone_whether_it_had_been_done_or_not(done: bool, file: Path, tmp_path: Path) -> None:
    journal = tmp_path / "tx"
    journal.mkdir()
    record = {"op": "rights", "path": str(file), "before": rights(WIDE), "after": rights(NARROW)}
    undo.append(str(journal), [{"op": "begin", "id": "x"}, record, {"op": "prepared"}])
    if done:
        undo.set_rights(str(file), rights(WIDE), rights(NARROW))
        assert mode(file) == NARROW
    assert undo.undo(str(journal), "test") == []
    assert mode(file) == WIDE


def test_rights_that_somebody_gave_meanwhile_stay(file: Path) -> None:
    file.chmod(0o600)
    undo.set_rights(str(file), rights(NARROW), rights(WIDE))
    assert mode(file) == 0o600


def test_a_file_that_is_gone_stays_gone(tmp_path: Path) -> None:
    undo.set_rights(str(tmp_path / "gone"), rights(WIDE), rights(NARROW))
    assert undo.read_rights(str(tmp_path / "gone")) is None


@pytest.mark.parametrize("where", ["itself", "above"])
def test_a_link_that_took_its_place_is_refused(where: str, file: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(file if where == "itself" else tmp_path)
    path = tmp_path / "link" if where == "itself" else tmp_path / "link" / "file"
    with pytest.raises(OSError, match="a link"):
        undo.set_rights(str(path), rights(WIDE), rights(NARROW))
    assert mode(file) == WIDE


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no file and no folder"):
        undo.read_rights(str(tmp_path / "pipe"))


def test_a_folder_has_rights_too_and_the_set_id_bits_are_rights(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(0o755)
    undo.set_rights(str(folder), rights(0o755), rights(0o2770))
    assert mode(folder) == 0o2770


def test_an_edit_that_is_taken_back_leaves_nothing(file: Path, tmp_path: Path) -> None:
    host = Host(root=str(tmp_path))
    host.set_rights("/file", rights(NARROW))
    assert host.rights("/file") == rights(NARROW)
    host.set_rights("/file", rights(WIDE))
    assert not host.has_edits
    assert mode(file) == WIDE


def test_a_file_that_is_written_anyway_is_written_with_its_new_rights(file: Path, tmp_path: Path) -> None:
    host = Host(root=str(tmp_path))
    host.set_rights("/file", rights(NARROW))
    host.write("/file", "other\n")
    host.settle_rights()
    assert host.rights_wanted == {}
    after = host.overlay[str(file)].after
    assert after is not None
    assert (after["mode"], undo.content(after)) == (NARROW, b"other\n")


def test_pending_rights_come_back_with_a_checkpoint(file: Path, tmp_path: Path) -> None:
    host = Host(root=str(tmp_path))
    empty = host.checkpoint()
    host.set_rights("/file", rights(NARROW))
    full = host.checkpoint()
    host.restore(empty)
    assert host.rights("/file") == rights(WIDE)
    host.restore(full)
    assert host.rights("/file") == rights(NARROW)
    assert mode(file) == WIDE


def test_a_journal_names_no_person(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    passwd = tmp_path / "passwd"
    monkeypatch.setattr(undo, "_ACCOUNTS", str(passwd))
    people = "nobody:x:65534:65534::/nonexistent:/bin/false\nodette:x:1001:1001::{}:/bin/bash\n"
    passwd.write_text(people.format(tmp_path))
    remembered = undo.place(str(file))
    assert "odette" not in str(remembered)
    assert str(tmp_path) not in str(remembered)
    assert undo.path_of(remembered) == str(file)
    # her folder moved since, then her account went, and somebody else has the number
    passwd.write_text(people.format("/srv/people/odette"))
    assert undo.path_of(remembered) == "/srv/people/odette/file"
    passwd.write_text("other:x:1001:1001::/home/other:/bin/bash\n")
    assert undo.path_of(remembered) is None
    assert undo.path_of(undo.place("/etc/motd")) == "/etc/motd"


def test_a_journal_names_no_person_over_a_link_to_all_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "srv/people/odette").mkdir(parents=True)
    (tmp_path / "home").symlink_to(tmp_path / "srv/people")
    passwd = tmp_path / "passwd"
    passwd.write_text(f"odette:x:1001:1001::{tmp_path}/home/odette:/bin/bash\n")
    monkeypatch.setattr(undo, "_ACCOUNTS", str(passwd))
    for path in (f"{tmp_path}/srv/people/odette/.bashrc", f"{tmp_path}/home/odette/.bashrc"):
        remembered = undo.place(path)
        assert "odette" not in str(remembered)
        # where no link is left on the way, for rights are given to nothing behind a link
        assert undo.path_of(remembered) == f"{tmp_path}/srv/people/odette/.bashrc"


@pytest.mark.parametrize(
    "path", ["/etc/sudoers.d/odette", "/var/mail/odette", "/etc/cron.d/90-odette.cron", "/data/odette/x"]
)
def test_a_file_that_bears_a_login_name_goes_by_the_account(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passwd = tmp_path / "passwd"
    monkeypatch.setattr(undo, "_ACCOUNTS", str(passwd))
    passwd.write_text("odette:x:1001:1001::/home/odette:/bin/bash\nod:x:1002:1002::/:/bin/sh\n")
    remembered = undo.place(path)
    assert "odette" not in str(remembered)
    assert undo.path_of(remembered) == path
    # her folder has nothing to do with it; without the account nobody can say which file it was
    passwd.write_text("odette:x:1001:1001::/:/bin/bash\n")
    assert undo.path_of(remembered) == path
    passwd.write_text("other:x:1001:1001::/:/bin/bash\n")
    assert undo.path_of(remembered) is None


@pytest.mark.parametrize("swapped", [False, True])
def test_rights_are_undone_by_the_account_and_a_refusal_names_nobody(
    swapped: bool, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo, "_ACCOUNTS", str(tmp_path / "passwd"))
    (tmp_path / "passwd").write_text("odette:x:1001:1001::/:/bin/bash\n")
    journal = tmp_path / "tx"
    journal.mkdir()
    hers = tmp_path / "odette"
    file.rename(hers)
    record = {"op": "rights", **undo.place(str(hers)), "before": rights(WIDE), "after": rights(NARROW)}
    undo.append(str(journal), [{"op": "begin", "id": "x"}, record, {"op": "prepared"}])
    assert "odette" not in (journal / "journal.jsonl").read_text()
    undo.set_rights(str(hers), rights(WIDE), rights(NARROW))
    if swapped:
        hers.rename(tmp_path / "moved")
        hers.symlink_to(tmp_path / "moved")
    assert undo.undo(str(journal), "test") == []
    what = undo.left_alone("rights of the account with uid 1001")
    assert undo.remarks(undo.load(str(journal))) == ([what] if swapped else [])
    assert mode(tmp_path / "moved" if swapped else hers) == (NARROW if swapped else WIDE)
