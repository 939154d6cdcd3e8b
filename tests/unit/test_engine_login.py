# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine knows of the login that started it, and what it refuses on account of that."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import login, ssh_lockout
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import SettingError

from tests.support.fixture_host import FixtureHost

CLOSE = {"PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no"}
ABOVE = [(7, {}), (5, {b"SSH_CONNECTION": b"10.0.0.9 4711 10.0.0.2 22", b"LOGNAME": b"robot"}), (3, {})]
LOG = "Accepted {} for robot from 10.0.0.9 port {} ssh2: ED25519 SHA256:x\n"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixtureHost:
    """Give a host reached over SSH, whose log says nothing yet."""
    monkeypatch.setattr(login, "_above", lambda: iter(ABOVE))
    return FixtureHost(tmp_path, {}, {})


def logged(host: FixtureHost, text: str) -> None:
    host.answers["journalctl -q -b -o cat _PID=7 _PID=5 _PID=3"] = text


def test_the_log_says_how_this_connection_logged_in(host: FixtureHost) -> None:
    logged(host, LOG.format("publickey", 4711) + LOG.format("password", 4712))
    assert login.current(host) == login.Login("robot", "publickey")


def test_without_a_log_only_the_name_is_known(host: FixtureHost) -> None:
    assert login.current(host) == login.Login("robot", "")


@pytest.mark.parametrize("method", ["password", "keyboard-interactive/pam"])
def test_passwords_are_not_closed_on_a_connection_that_came_in_by_one(host: FixtureHost, method: str) -> None:
    logged(host, LOG.format(method, 4711))
    with pytest.raises(SettingError, match="came in by password"):
        ssh_lockout.refuse_to_lock_out(host, CLOSE, {"authorizedkeyscommand": "/bin/keys"})


def test_passwords_are_closed_on_a_connection_that_came_in_by_a_key(host: FixtureHost) -> None:
    logged(host, LOG.format("publickey", 4711))
    ssh_lockout.refuse_to_lock_out(host, CLOSE, {})


def test_an_unknown_login_needs_a_key_in_place(host: FixtureHost) -> None:
    with pytest.raises(SettingError, match="no key is known"):
        ssh_lockout.refuse_to_lock_out(host, CLOSE, {"authorizedkeyscommand": "none"})
    ssh_lockout.refuse_to_lock_out(host, CLOSE, {"trustedusercakeys": "/etc/ssh/ca.pub"})


def test_the_folder_of_keys_may_be_shared(host: FixtureHost) -> None:
    # root is the one account every machine has
    in_force = {"authorizedkeysfile": "/etc/ssh/keys/%u"}
    assert not login.can_use_a_key("root", in_force, host)
    host.write("/etc/ssh/keys/root", "# none\nssh-ed25519 AAAA\n")
    assert login.can_use_a_key("root", in_force, host)
