# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which graphical sessions a host offers."""

from __future__ import annotations

from .host import Host

_SESSIONS = ("/usr/share/wayland-sessions", "/usr/share/xsessions")
_HELPERS = ("lightdm-xsession", "xsession", "default", "failsafe", "wayland")
"""Entries that start whatever the host's default is: no desktop of their own beside another one."""


def sessions(host: Host) -> list[str]:
    """Return the names of the installed graphical sessions, such as gnome, ubuntu or plasma."""
    paths = [path for folder in _SESSIONS for path in host.names(folder, ".desktop")]
    return sorted({path.rsplit("/", 1)[-1][: -len(".desktop")].lower() for path in paths})


def has_kde(host: Host) -> bool:
    """Say whether one of the sessions is KDE Plasma."""
    return any(_is_kde(name) for name in sessions(host))


def has_gnome(host: Host) -> bool:
    """Say whether one of the sessions reads GNOME's settings."""
    return any(_is_gnome(name) for name in sessions(host))


def unknown(host: Host) -> str:
    """Return the name of a session whose lock no kind knows how to judge, or an empty text."""
    others = [name for name in sessions(host) if not _is_kde(name) and not _is_gnome(name)]
    desktops = [name for name in others if name not in _HELPERS]
    if desktops:
        return desktops[0]
    return others[0] if others and len(others) == len(sessions(host)) else ""


def _is_kde(name: str) -> bool:
    return "plasma" in name or "kde" in name


def _is_gnome(name: str) -> bool:
    # Xubuntu and Lubuntu are other desktops, and Cinnamon locks by settings of its own
    return name.startswith(("gnome", "ubuntu-")) or "budgie" in name or name == "ubuntu"
