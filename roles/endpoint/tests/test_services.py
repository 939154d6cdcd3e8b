# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M06-08: services nobody needs are gone, and stay gone when the host starts again."""

from __future__ import annotations

import pytest

from tests.support import lab


def _answers(name: str, port: int) -> bool:
    return lab.root(name, f"timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'").code == 0


def test_telnet_answers_nobody(name: str) -> None:
    """M06-08: the port is closed."""
    assert not _answers(name, 23)


@pytest.mark.parametrize("unit", ["telnet.socket", "avahi-daemon.service"])
def test_it_cannot_be_started(name: str, unit: str) -> None:
    """M06-08: not by hand either, until somebody allows it."""
    done = lab.root(name, ["systemctl", "start", unit])
    assert done.code != 0
    assert "masked" in done.text


def test_what_is_allowed_runs_on(name: str) -> None:
    """M06-08: a service of the list that the establishment keeps is left alone."""
    assert lab.must(name, ["systemctl", "is-active", "xinetd.service"]).strip() == "active"


def test_it_stays_gone_after_a_restart(name: str) -> None:
    """M06-08: enabled as it was, it does not come back with the host, and what is allowed does."""
    lab.restart(name)
    assert not _answers(name, 23)
    assert lab.root(name, ["systemctl", "is-active", "avahi-daemon.service"]).out.strip() == "inactive"
    assert lab.must(name, ["systemctl", "is-active", "xinetd.service"]).strip() == "active"
