# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The walk over the file systems: whole in one go or in pieces, local only, and fooled by no name and no link."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import set_id, walk
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support.fixture_host import FixtureHost

KIND = KINDS["file_walk"]
LONG = {"milliseconds": 60_000, "max_age_days": 31}
ORPHANS, OPEN, FOLDERS, SET_ID = list(KIND.expand(LONG))
HOSTILE = "a\n\x1b[31m\u202eb"


def mounted(*points: tuple[str, str, str, str]) -> str:
    """Return a mountinfo of mounts given as place, device, part and type."""
    return "".join(f"1 0 {device} {part} {point} rw - {kind} x rw\n" for point, device, part, kind in points)


@pytest.fixture
def host(tmp_path: Path) -> FixtureHost:
    """Give a host whose only file system is the folder fs."""
    files = {f"/fs/d{number}/e{number % 2}/file": "" for number in range(5)}
    made = FixtureHost(tmp_path, files)
    for path in (tmp_path / "fs").rglob("*"):
        path.chmod(0o755)
    proc = tmp_path / "proc" / "self"
    proc.mkdir(parents=True)
    (proc / "mountinfo").write_text(mounted((f"{tmp_path}/fs", "8:1", "/", "ext4")))
    me = f"x:x:{os.getuid()}:{os.getgid()}::/home/x:/bin/sh\n"
    (tmp_path / "etc" / "passwd").write_text(me)
    (tmp_path / "etc" / "group").write_text(f"x:x:{os.getgid()}:\n")
    return made


BEGIN = walk.Position()


def names(host: FixtureHost, seconds: float, begin: walk.Position = BEGIN) -> tuple[list[str], walk.Position]:
    found: list[str] = []
    walked = walk.Walk(host, (), begin)
    walked.go(lambda path, _info: found.append(path), seconds)
    assert walked.ended == (walked.position == BEGIN)
    assert walked.seen == len(found)
    return found, walked.position


def in_pieces(host: FixtureHost, seconds: float, most: int) -> list[list[str]]:
    """Return what each share of a walk saw; the position travels as the memory does."""
    pieces, position = [], BEGIN
    while not pieces or position != BEGIN:
        some, position = names(host, seconds, position)
        pieces.append(some)
        assert len(pieces) <= most
    return pieces


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every share be over before it begins."""
    clock = iter(range(10**9))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))


def everything(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def test_in_pieces_it_sees_what_it_sees_in_one_go(host: FixtureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _rest = names(host, 60)
    assert len(whole) == 15
    clock = iter(range(10_000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    pieces = in_pieces(host, 2.5, 50)
    assert len(pieces) > 3
    assert [path for piece in pieces for path in piece] == whole


@pytest.mark.usefixtures("no_time")
def test_even_without_time_it_comes_further_and_sees_everything_once(host: FixtureHost, tmp_path: Path) -> None:
    pieces = in_pieces(host, 0, 20)
    assert all(pieces[:-1])
    assert sorted(path for piece in pieces for path in piece) == everything(tmp_path / "fs")


@pytest.mark.usefixtures("no_time")
def test_a_chain_of_folders_does_not_stop_it(host: FixtureHost, tmp_path: Path) -> None:
    deepest = tmp_path / "fs"
    for _ in range(400):
        deepest /= "x"
    deepest.mkdir(parents=True)
    pieces = in_pieces(host, 0, 450)
    assert sorted(path for piece in pieces for path in piece) == everything(tmp_path / "fs")


def test_a_folder_of_many_files_takes_no_more_than_its_share(
    host: FixtureHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look counts as a second; the kernel hands such a folder over in several batches."""
    full = tmp_path / "fs" / "d2" / "full"
    full.mkdir()
    for number in range(5000):
        (full / f"file-{number}").touch()
        if number % 500 == 0:
            (full / f"folder-{number}" / "inside").mkdir(parents=True)
    clock = iter(range(10**9))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    pieces = in_pieces(host, 700, 10)
    assert len(pieces) >= 7
    assert max(map(len, pieces)) <= 701
    assert sorted(path for piece in pieces for path in piece) == everything(tmp_path / "fs")


def test_coming_back_to_a_folder_of_many_files_reads_no_more_than_a_batch(tmp_path: Path) -> None:
    for number in range(5000):
        (tmp_path / f"file-{number}").touch()
    descriptor = os.open(tmp_path, os.O_RDONLY)
    mark: int | None = 0
    batches = []
    while mark is not None:
        entries, mark = walk._batch(descriptor, mark)
        batches.append([entry.name for entry in entries])
    os.close(descriptor)
    assert max(map(len, batches)) < 2500
    assert sorted(name for batch in batches for name in batch) == sorted(path.name for path in tmp_path.iterdir())


@pytest.mark.usefixtures("no_time")
def test_folders_that_vanish_do_not_make_it_begin_again(host: FixtureHost, tmp_path: Path) -> None:
    """Each share ends inside a folder that is gone by the next one."""
    seen, position = [], BEGIN
    for _ in range(40):
        some, position = names(host, 0, position)
        seen += some
        folder = Path(position.folder)
        if position == BEGIN:
            break
        if folder != tmp_path / "fs":
            shutil.rmtree(folder)
    assert position == BEGIN
    assert len(seen) == len(set(seen))
    assert {f"{tmp_path}/fs/d{number}" for number in range(5)} <= set(seen)


def test_it_goes_on_after_a_folder_that_is_gone(host: FixtureHost, tmp_path: Path) -> None:
    rest, _ = names(host, 60, walk.Position(f"{tmp_path}/fs/d2/gone/deep", (0, 0, 0, 0), "x"))
    assert f"{tmp_path}/fs/d2/e0" not in rest
    assert f"{tmp_path}/fs/d3/e1/file" in rest


def test_where_something_was_mounted_meanwhile_it_does_not_go(host: FixtureHost, tmp_path: Path) -> None:
    """It may be a server that is dead."""
    table = tmp_path / "proc" / "self" / "mountinfo"
    table.write_text(table.read_text() + mounted((f"{tmp_path}/fs/d2", "0:9", "/", "nfs4")))
    rest, _ = names(host, 60, walk.Position(f"{tmp_path}/fs/d2/e0", (0, 0, 0)))
    assert not [path for path in rest if "/d2" in path]
    assert f"{tmp_path}/fs/d3/e1/file" in rest


def test_what_is_deeper_than_a_path_can_say_is_left_out(host: FixtureHost, tmp_path: Path) -> None:
    here = os.open(tmp_path / "fs", os.O_RDONLY)
    for _ in range(20):
        os.mkdir("x" * 250, dir_fd=here)
        following = os.open("x" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = following
    os.close(here)
    found, position = names(host, 60)
    assert position == BEGIN
    assert 15 < len(found) < 35


def test_no_name_hides_a_mount() -> None:
    """Of all characters only a newline ends a line: a person who mounts something chooses the others."""
    points = [f"/home/p/a{char}b" for char in "\x0b\x0c\x1c\x1d\x1e\x85\u2028\r"]
    table = mounted(*((point, "0:5", "/", "fuse.sshfs") for point in points))
    assert [mount.point for mount in walk.mounts(table)] == points


def test_links_are_not_followed(host: FixtureHost, tmp_path: Path) -> None:
    (tmp_path / "fs" / "loop").symlink_to(tmp_path / "fs")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "secret").write_text("")
    (tmp_path / "fs" / "out").symlink_to(tmp_path / "other")
    found, _ = names(host, 60)
    assert not [path for path in found if "secret" in path or "loop/" in path]
    found, _ = names(host, 60, walk.Position(f"{tmp_path}/fs/out/x", (0, 0, 0)))
    assert not [path for path in found if "secret" in path]


@pytest.mark.parametrize(
    ("mounts", "walked"),
    [
        ([("/", "0:1", "/", "overlay"), ("/proc", "0:2", "/", "proc"), ("/srv", "8:1", "/", "xfs")], ["/", "/srv"]),
        ([("/", "8:1", "/", "ext4"), ("/net", "0:3", "/", "nfs4"), ("/auto", "0:4", "/", "autofs")], ["/"]),
        ([("/", "8:1", "/", "ext4"), ("/copy", "8:1", "/srv/data", "ext4")], ["/"]),
        ([("/home", "0:9", "/@home", "btrfs"), ("/", "0:9", "/@", "btrfs")], ["/", "/home"]),
        ([("/", "8:1", "/", "ext4"), ("/var/lib/docker/overlay2/a/merged", "0:8", "/", "overlay")], ["/"]),
        ([("/", "8:1", "/", "ext4"), ("/tmp", "0:5", "/", "tmpfs"), ("/run", "0:6", "/", "tmpfs")], ["/", "/tmp"]),
        ([("/", "8:1", "/", "ext4"), ("/a\\040b", "8:2", "/", "ext4")], ["/", "/a b"]),
    ],
)
def test_local_file_systems_once_each(mounts: list[tuple[str, str, str, str]], walked: list[str]) -> None:
    assert [mount.point for mount in walk.roots(walk.mounts(mounted(*mounts)))] == walked


def test_folders_of_containers_and_excluded_ones_are_left_out(host: FixtureHost, tmp_path: Path) -> None:
    inside = tmp_path / "fs" / "home" / ".local" / "share" / "containers" / "storage"
    inside.mkdir(parents=True)
    (inside / "file").write_text("")
    walked = walk.Walk(host, [f"{tmp_path}/fs/d1/"])
    found: list[str] = []
    walked.go(lambda path, _info: found.append(path), 60)
    assert not [path for path in found if "storage" in path or "/d1/" in path]


def look(host: FixtureHost, memory: object = None, **body: Any) -> dict[str, Any]:
    host.memory, host.remembered = {"file_walk": memory}, {}
    return KIND.observe(host, [{**LONG, **body}])


def test_what_is_found_and_how_it_is_told(host: FixtureHost, tmp_path: Path) -> None:
    (tmp_path / "fs" / HOSTILE).write_text("")
    (tmp_path / "fs" / HOSTILE).chmod(0o666)
    (tmp_path / "fs" / "d0").chmod(0o777)
    host.answers["dpkg-statoverride --list"] = f"root root 4755 {tmp_path}/fs/d1/e1/file\n"
    for number in (1, 2, 3):
        (tmp_path / f"fs/d{number}/e{number % 2}/file").chmod(0o4755)
    seen = look(host, allowed_set_id=[f"{tmp_path}/fs/d2/e0/file"])
    assert {name: row.value for name, row in seen.items()} == {ORPHANS: 0, OPEN: 1, FOLDERS: 1, SET_ID: 1}
    assert seen[OPEN].note == f"{tmp_path}/fs/a\\n\\x1b[31m\\u202eb"
    assert seen[SET_ID].note == f"{tmp_path}/fs/d3/e1/file"
    assert seen[ORPHANS].note.startswith("16 files were looked at until 20")


@pytest.mark.parametrize(
    ("path", "mode", "unknown"),
    [
        ("/usr/bin/passwd", 0o4755, False),
        ("/usr/bin/passwd", 0o6755, True),
        ("/usr/bin/chage", 0o2755, False),
        ("/usr/bin/chage", 0o4755, True),
        ("/usr/bin/at", 0o6755, False),
        ("/usr/bin/bash", 0o4755, True),
        ("/usr/bin/vim.basic", 0o2755, True),
        ("/usr/lib/aarch64-linux-gnu/utempter/utempter", 0o2755, False),
        ("/usr/lib/x/utempter/utempter", 0o2755, True),
        ("/usr/bin/man", 0o4755, False),
        ("/usr/bin/man", 0o6755, True),
        ("/usr/sbin/old", 0o2755, False),
        ("/opt/allowed", 0o6755, False),
    ],
)
def test_a_bit_counts_as_known_only_where_a_package_gave_it(
    tmp_path: Path, path: str, mode: int, unknown: bool
) -> None:
    lists = {f"/var/lib/dpkg/info/{name}.list": f"/usr/bin/{name}\n" for name in ("bash", "vim.basic")}
    kept = "man man 4755 /usr/bin/man\nroot utmp 2755 /sbin/old\n"
    host = FixtureHost(tmp_path, lists, {"dpkg-statoverride --list": kept})
    assert set_id.SetId(host, ["/opt/allowed"]).unknown(path, mode & set_id.BITS) is unknown


def test_rpm_is_asked_which_bits_it_brought(tmp_path: Path) -> None:
    modes = r"rpm -qf --qf [%{FILEMODES:octal} %{FILENAMES}\n] -- /usr/bin/su /usr/bin/bash /usr/bin/mine"
    told = "104755 /usr/bin/su\n100755 /usr/bin/bash\nfile /usr/bin/mine is not owned by any package\n"
    host = FixtureHost(tmp_path, {"/etc/os-release": "ID=rocky\n"}, {modes: told})
    lending = dict.fromkeys(["/usr/bin/su", "/usr/bin/bash", "/usr/bin/mine"], 0o4000)
    found = set_id.SetId(host, [])
    assert all(found.unknown(path, bits) for path, bits in lending.items())
    assert found.without_package(lending) == ["/usr/bin/bash", "/usr/bin/mine"]


def test_a_folder_with_the_sticky_bit_protects_what_is_in_it(host: FixtureHost, tmp_path: Path) -> None:
    (tmp_path / "fs" / "d0").chmod(0o1777)
    assert look(host)[FOLDERS].value == (0 if os.getuid() < 1000 else 1)


def test_without_a_whole_walk_nothing_is_compliant(host: FixtureHost, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(100_000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    memory: object = None
    turns = 0
    while turns < 20:
        turns += 1
        row = look(host, memory, milliseconds=2500)[OPEN]
        memory = host.remembered["file_walk"]
        if not isinstance(row, Unknown):
            break
        assert "files were looked at so far: the next audits go on" in row.reason
        assert row.reason.split()[0] != "0"
    assert turns > 3
    assert isinstance(row, Seen)
    assert row.value == 0
    # and it does not hold for ever
    assert isinstance(memory, dict)
    memory["ended"] -= 40 * 86400
    assert isinstance(look(host, memory, milliseconds=2500)[OPEN], Unknown)


def test_a_finding_stays_until_it_is_repaired(
    host: FixtureHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tmp_path / "fs" / "d4" / "e0" / "file"
    bad.chmod(0o666)
    assert look(host)[OPEN].value == 1
    # from here on, no time is left to walk
    clock = iter(range(100_000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert look(host, host.remembered["file_walk"], milliseconds=50)[OPEN].value == 1
    bad.chmod(0o644)
    assert look(host, host.remembered["file_walk"], milliseconds=50)[OPEN].value == 0


STRANGE = {"folder": "L3Jvb3Q=", "marks": [-1, 2**70, "x"], "after": 7}


DAMAGED = {"folder": 5, "now": {"orphans": [1]}, "ended": "x"}


@pytest.mark.parametrize("memory", ["x", 3, [], DAMAGED, {"now": []}, STRANGE])
def test_a_damaged_memory_starts_afresh(memory: object, host: FixtureHost) -> None:
    assert look(host, memory)[OPEN].value == 0


def test_one_run_walks_once(host: FixtureHost, tmp_path: Path) -> None:
    first = look(host)[OPEN]
    (tmp_path / "fs" / "d0" / "e0" / "file").chmod(0o666)
    again = KIND.observe(host, [LONG])[OPEN]
    assert (first.value, again.value) == (0, 0)
