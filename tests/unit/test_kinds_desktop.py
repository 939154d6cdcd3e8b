# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Desktops and units: what is not known is never called fine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import NotApplicable, SettingError, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS, dconf

from tests.support.fixture_host import FixtureHost

DELAY = {"path": "org/gnome/desktop/session", "key": "idle-delay", "type": "uint32", "value": 600}
DCONF = {"dconf list-locks /": "/org/gnome/desktop/session/idle-delay\n"}
DCONF["dconf read /org/gnome/desktop/session/idle-delay"] = "uint32 600\n"


def host_with(root: Path, *sessions: str, files: dict[str, str] | None = None) -> FixtureHost:
    entries = {f"/usr/share/xsessions/{name}.desktop": "" for name in sessions}
    return FixtureHost(root, {**entries, **(files or {})}, DCONF)


def rows(host: FixtureHost) -> tuple[Any, Any]:
    return (
        KINDS["dconf"].observe(host, [DELAY])["org/gnome/desktop/session/idle-delay"],
        KINDS["kde_lock"].observe(host, [{"seconds": 600}])["seconds"],
    )


@pytest.mark.parametrize(
    "name", ["xfce", "mate", "lxqt", "lxde", "cinnamon", "cinnamon2d", "xubuntu", "lubuntu", "sway", "lightdm-xsession"]
)
def test_a_desktop_that_no_kind_knows_is_unknown(tmp_path: Path, name: str) -> None:
    gnome, kde = rows(host_with(tmp_path, name))
    assert isinstance(gnome, Unknown)
    assert gnome.reason == f"the desktop {name} is not known to this version"
    assert isinstance(kde, NotApplicable)


@pytest.mark.parametrize("name", ["gnome", "gnome-classic", "ubuntu", "ubuntu-xorg", "budgie-desktop"])
def test_gnome_is_judged_beside_an_unknown_one(tmp_path: Path, name: str) -> None:
    assert rows(host_with(tmp_path, name, "xfce"))[0] == 600


@pytest.mark.parametrize("sessions", [(), ("plasma",), ("plasma", "lightdm-xsession")])
def test_no_desktop_and_kde_alone_leave_gnome_out(tmp_path: Path, sessions: tuple[str, ...]) -> None:
    assert isinstance(rows(host_with(tmp_path, *sessions))[0], NotApplicable)


def test_kde_is_judged_beside_an_unknown_one(tmp_path: Path) -> None:
    gnome, kde = rows(host_with(tmp_path, "plasma", "xfce"))
    assert isinstance(gnome, Unknown)
    assert kde is None


def test_a_profile_of_the_vendor_keeps_its_databases(tmp_path: Path) -> None:
    vendor = {"/usr/share/dconf/profile/user": "user-db:user\nsystem-db:site\n"}
    host = host_with(tmp_path, "gnome", files=vendor)
    KINDS["dconf"].edit(host, DELAY, {"org/gnome/desktop/session/idle-delay": 600})
    assert host.text(dconf.PROFILE) == "user-db:user\nsystem-db:local\nsystem-db:site\n"


def test_without_any_profile_a_whole_one_is_written(tmp_path: Path) -> None:
    host = host_with(tmp_path, "gnome")
    KINDS["dconf"].edit(host, DELAY, {"org/gnome/desktop/session/idle-delay": 600})
    assert host.text(dconf.PROFILE) == "user-db:user\nsystem-db:local\n"


@pytest.mark.parametrize("answer", ["", "LoadState=loaded\n", "ActiveState=active\n"])
def test_a_unit_without_a_state_is_not_touched(tmp_path: Path, answer: str) -> None:
    host = FixtureHost(tmp_path, {}, {"systemctl show -p LoadState,UnitFileState,ActiveState x.service": answer})
    with pytest.raises(SettingError, match=r"x\.service"):
        KINDS["service"].edit(host, {"unit": "x.service", "enabled": True}, {"x.service enabled": True})
