# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M07-02, M07-05, M07-07: what the desktop of an ordinary user gets, although root's umask keeps everything private.

Only the settings are proven here: no GNOME session runs in the lab.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support import lab, people

SETTINGS = {
    "M07-02 org.gnome.desktop.session idle-delay": ("uint32 240", "uint32 0"),
    "M07-02 org.gnome.desktop.screensaver lock-delay": ("uint32 0", "uint32 3600"),
    "M07-05 org.gnome.desktop.screensaver lock-enabled": ("true", "false"),
    "M07-05 org.gnome.desktop.lockdown disable-lock-screen": ("false", "true"),
    "M07-07 org.gnome.settings-daemon.plugins.media-keys screensaver": ("['<Super>l']", "['<Super>k']"),
}
"""Control, schema and key: the value in force, and the one a user would prefer."""
# the lab has no gnome-settings-daemon, so nothing describes its keys to gsettings
WITH_SCHEMA = [setting for setting in SETTINGS if "settings-daemon" not in setting]


@pytest.fixture(scope="module")
def rebel(name: str, user: str) -> str:
    """Give a user whose own dconf database, made without asking dconf, holds the preferred values."""
    keys = ""
    for setting, (_imposed, preferred) in SETTINGS.items():
        _control, schema, key = setting.split()
        keys += f"[{schema.replace('.', '/')}]\n{key}={preferred}\n"
    script = "mkdir -p ~/.config/dconf ~/keys && cat > ~/keys/all && dconf compile ~/.config/dconf/user ~/keys"
    lab.must(name, ["su", "-", user, "-c", script], stdin=keys)
    return user


def test_delay_is_the_one_applied(applied: Mapping[str, Any]) -> None:
    """M07-02: what these tests expect is what the role was given."""
    assert SETTINGS["M07-02 org.gnome.desktop.session idle-delay"][0] == f"uint32 {applied['essms_lock_seconds']}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_read_through_dconf(name: str, user: str, setting: str) -> None:
    """M07-02, M07-05, M07-07: an ordinary user reads the value through dconf."""
    assert lab.ssh(name, f"dconf read {_path(setting)}", user=user).out.strip() == SETTINGS[setting][0]


@pytest.mark.parametrize("setting", WITH_SCHEMA)
def test_read_through_gsettings(name: str, user: str, setting: str) -> None:
    """M07-02, M07-05: a GNOME program reads it too, and is told that it cannot be changed."""
    schema_and_key = setting.partition(" ")[2]
    answer = lab.ssh(name, f"gsettings get {schema_and_key}; gsettings writable {schema_and_key}", user=user)
    assert answer.out.splitlines() == [SETTINGS[setting][0], "false"]


@pytest.mark.parametrize("setting", SETTINGS)
def test_not_written_through_dconf(name: str, user: str, setting: str) -> None:
    """M07-02, M07-05, M07-07: `dconf write` is refused."""
    done = lab.ssh(name, f'dbus-run-session dconf write {_path(setting)} "{SETTINGS[setting][1]}"', user=user)
    assert done.code != 0
    assert "non-writable" in done.err
    assert lab.ssh(name, f"dconf read {_path(setting)}", user=user).out.strip() == SETTINGS[setting][0]


@pytest.mark.parametrize("setting", WITH_SCHEMA)
def test_not_written_through_gsettings(name: str, user: str, setting: str) -> None:
    """M07-02, M07-05: so is `gsettings set`, and the value stays."""
    schema_and_key = setting.partition(" ")[2]
    done = lab.ssh(name, f'dbus-run-session gsettings set {schema_and_key} "{SETTINGS[setting][1]}"', user=user)
    assert "not writable" in done.text
    assert lab.ssh(name, f"gsettings get {schema_and_key}", user=user).out.strip() == SETTINGS[setting][0]


@pytest.mark.parametrize("setting", SETTINGS)
def test_own_database_does_not_count(name: str, rebel: str, setting: str) -> None:
    """M07-02, M07-05, M07-07: a user who brings the preferred value in behind dconf's back does not get it."""
    assert lab.ssh(name, f"dconf read {_path(setting)}", user=rebel).out.strip() == SETTINGS[setting][0]


def test_reminder_shown_at_login(name: str, user: str) -> None:
    """M07-07: who logs in at a terminal reads how to lock it."""
    assert "verrouillez la session avec Windows+L" in people.greeting(name, user)


def test_reminder_not_shown_to_programs(name: str, user: str) -> None:
    """M07-07: a program that connects gets only its own answer."""
    done = lab.ssh(name, "echo alone", user=user)
    assert done.text == "alone\n"


def _path(setting: str) -> str:
    _control, schema, key = setting.split()
    return f"/{schema.replace('.', '/')}/{key}"
