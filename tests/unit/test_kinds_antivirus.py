# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of ClamAV, the age its signatures state, and what its scanners print."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import av_scan
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import Seen
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS, clamav, clamav_signatures

from tests.support.fixture_host import FixtureHost


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        (b"ClamAV-VDB:07 Nov 2026 09-26 +0000:27800:2000000:90:md5:dsig:builder:1794043560   \n", 1794043560),
        (b"ClamAV-VDB:07 Nov 2026 09-26 +0000:27800:2000000:90:md5:dsig:builder:later", None),
        (b"ClamAV-VDB:too:short", None),
        (b"\x1f\x8b something else", None),
        (b"", None),
    ],
)
def test_the_time_of_the_build_is_the_headers_own(header: bytes, moment: int | None) -> None:
    assert clamav_signatures.built(header) == moment


def test_options_are_put_once_and_lists_add_up() -> None:
    content = "# OnAccessPrevention no\nOnAccessPrevention no\nExcludePath ^/sys/\nDatabaseMirror old.example"
    content = clamav.put(content, "OnAccessPrevention", True)
    content = clamav.put(content, "ExcludePath", ["^/proc/", "^/sys/"])
    content = clamav.put(content, "DatabaseMirror", ["new.example"])
    assert clamav.values(content, "OnAccessPrevention") == ["true"]
    assert clamav.values(content, "ExcludePath") == ["^/sys/", "^/proc/"]
    assert clamav.values(content, "DatabaseMirror") == ["new.example"]
    assert content.startswith("# OnAccessPrevention no\n")


@pytest.mark.parametrize(("pattern", "blind"), [("^/proc/", False), ("^/", True), ("residents", True), ("(", True)])
def test_an_exclusion_that_covers_what_is_watched_is_seen(tmp_path: Path, pattern: str, blind: bool) -> None:
    conf = f"OnAccessIncludePath /srv/residents\nExcludePath {pattern}\nExcludePath ^/sys/\n"
    host = FixtureHost(tmp_path, {"/etc/clamav/clamd.conf": conf})
    found = KINDS["clamav"].observe(host, [{"clamd": {"ExcludePath": ["^/sys/"]}}])["clamd ExcludePath"]
    assert isinstance(found, Seen) == blind


def test_each_detection_is_told_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    program, told = tmp_path / "alert", tmp_path / "told"
    program.write_text(f'#!/bin/sh\necho "$ESSMS_AV_SOURCE $ESSMS_AV_SIGNATURE $ESSMS_AV_FILE" >> {told}\n')
    program.chmod(0o755)
    lines = ["/srv/a: b: Lab.Test FOUND\n", "/srv/a: b: moved to '/q/a'\n", "/srv/c: OK\n"]
    assert av_scan.watch(lines, "scan", str(program)) == 1
    assert told.read_text() == "scan Lab.Test /srv/a: b\n"
    assert "<2>malware Lab.Test in /srv/a: b, moved to" in capfd.readouterr().out


def test_an_alert_that_fails_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    assert av_scan.watch(["/a: X FOUND\n", "/b: X FOUND\n"], "access", "/nonexistent/alert") == 2
    assert capfd.readouterr().out.count("<3>the alert program") == 2
