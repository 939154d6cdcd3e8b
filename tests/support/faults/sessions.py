# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of sessions: consoles, desktops, messages."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row, sed


def _console_notice(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, r"printf 'Debian GNU/Linux 12 \\n \\l\n\n' > /etc/issue")
    return ["Debian GNU/Linux 12 \\n \\l"]


def _kde(host: str) -> None:
    engine.must(host, "printf '[Desktop Entry]\\nName=KDE\\n' > /usr/share/wayland-sessions/plasma.desktop")


def _shell_timeout(host: str, row: Row, body: Body) -> Any:
    script = "/etc/profile.d/00-essms-timeout.sh"
    faults: dict[str, tuple[str, str, Any]] = {
        "login shell TMOUT": (
            f"s/^( *)TMOUT={body['seconds']}/\\1shopt -q login_shell \\&\\& TMOUT=7200 || TMOUT={body['seconds']}/",
            script,
            7200,
        ),
        "login shell TMOUT is read-only": (
            "s/^( *)readonly TMOUT/\\1shopt -q login_shell || readonly TMOUT/",
            script,
            False,
        ),
        "subshell TMOUT": ("/essms/d", "/etc/bash.bashrc", None),
        "subshell TMOUT is read-only": ("/readonly TMOUT/d", script, False),
    }
    expression, path, value = faults[row["name"]]
    sed(host, expression, path)
    return value


def _logind(host: str, row: Row, _body: Body) -> Any:
    value: int | str = "ignore" if row["name"] == "IdleAction" else 7200
    sed(host, f"s/^{row['name']}=.*/{row['name']}={value}/", "/etc/systemd/logind.conf.d/99-essms.conf")
    engine.must(host, "systemctl kill --signal=HUP --kill-who=main systemd-logind.service")
    asked = f"loginctl show-seat seat0 >/dev/null; busctl get-property {_LOGIN1} IdleAction{_SUFFIX[row['name']]}"
    wanted = '"ignore"' if value == "ignore" else str(7200 * 1_000_000)
    engine.must(host, f"for n in $(seq 50); do {asked} | grep -q '{wanted}' && exit 0; sleep 0.1; done; exit 1")
    return value


_LOGIN1 = "org.freedesktop.login1 /org/freedesktop/login1 org.freedesktop.login1.Manager"
_SUFFIX = {"IdleAction": "", "IdleActionSec": "USec"}


def _dconf(host: str, row: Row, body: Body) -> Any:
    folder = "/etc/dconf/db/local.d"
    if row["name"].endswith(" is locked"):
        sed(host, f"\\#^/{body['path']}/{body['key']}$#d", f"{folder}/locks/00-essms")
        observed: Any = False
    else:
        observed, text = {
            "uint32": (7200, "uint32 7200"),
            "boolean": (not body["value"], str(not body["value"]).lower()),
            "strings": (["<Super>x"], "['<Super>x']"),
        }[body["type"]]
        sed(host, f"s/^{body['key']}=.*/{body['key']}={text}/", f"{folder}/00-essms")
    engine.must(host, "umask 022; dconf update")
    return observed


def _kde_lock(host: str, row: Row, _body: Body) -> Any:
    key, value, observed = {"seconds": ("Timeout", "60", 3600), "on_resume": ("LockOnResume", "false", False)}[
        row["name"]
    ]
    sed(host, f"s/^{key}=.*/{key}={value}/", "/etc/xdg/kscreenlockerrc")
    return observed


def _login_message(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, "echo 'something else' > /etc/motd.d/essms")
    return "something else"


AREA = Area(
    faults={
        "console_notice": _console_notice,
        "dconf": _dconf,
        "kde_lock": _kde_lock,
        "login_message": _login_message,
        "logind": _logind,
        "shell_timeout": _shell_timeout,
    },
    prepare=_kde,
)
