# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which graphical sessions a host offers."""

from __future__ import annotations

from .host import Host

_SESSIONS = ("/usr/share/wayland-sessions", "/usr/share/xsessions")


def sessions(host: Host) -> list[str]:
    """Return the names of the installed graphical sessions, such as gnome, ubuntu or plasma."""
    paths = [path for folder in _SESSIONS for path in host.names(folder, ".desktop")]
    return sorted({path.rsplit("/", 1)[-1][: -len(".desktop")].lower() for path in paths})


def has_kde(host: Host) -> bool:
    """Say whether one of the sessions is KDE Plasma."""
    return any("plasma" in name or "kde" in name for name in sessions(host))


def has_gnome(host: Host) -> bool:
    """Say whether one of the sessions reads GNOME's settings."""
    return any(word in name for name in sessions(host) for word in ("gnome", "ubuntu", "cinnamon", "budgie"))
