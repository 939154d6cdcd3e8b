# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAM stacks: what is in force, and how a distribution lets it be changed.

Debian: profiles in /usr/share/pam-configs, assembled by pam-auth-update, which keeps local changes of a module's
options.
RHEL family: features of authselect. Neither stack is ever forced.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import SettingError, Unknown
from .host import Host

COMMON = ("common-account", "common-auth", "common-password", "common-session", "common-session-noninteractive")
PROFILES = "/usr/share/pam-configs"
_LINE = re.compile(
    r"^\s*-?(?P<type>auth|account|password|session)\s+(?P<control>\[[^\]]*\]|\S+)\s+(?P<module>\S+)(?P<options>.*)$"
)
_STACKS = {
    "debian": [f"/etc/pam.d/{name}" for name in COMMON],
    "redhat": ["/etc/pam.d/system-auth", "/etc/pam.d/password-auth"],
}


_DEBIAN_STATE = tuple(
    f"/var/lib/pam/{name}" for name in ("account", "auth", "password", "seen", "session", "session-noninteractive")
)
"""Files in which pam-auth-update remembers what it assembled."""


class PamLine(NamedTuple):
    """One active line of a PAM file."""

    path: str
    line: int
    type: str
    module: str
    options: list[str]


def lines(host: Host, module: str, kind: str | None = None) -> list[PamLine]:
    """Return the active lines of a module in the stack that every service shares, of one type only when given."""
    found = []
    for path in _STACKS.get(host.family, []):
        for number, line in enumerate((host.text(path) or "").split("\n")):
            match = _LINE.match(line.partition("#")[0])
            if match and match.group("module").rsplit("/", 1)[-1] == module and kind in (None, match.group("type")):
                found.append(PamLine(path, number, match.group("type"), module, match.group("options").split()))
    return found


def option(line: PamLine, name: str) -> str | None:
    """Return an option's value, an empty text for a bare option, or None when the line has not got it."""
    found = None
    for word in line.options:
        key, _, value = word.partition("=")
        if key == name:
            found = value
    return found


def readable(host: Host) -> Unknown | None:
    """Return why the stack cannot be read, or None when it can."""
    if host.family not in _STACKS:
        return Unknown("the PAM stack of this distribution is not known")
    return None


def set_option(host: Host, line: PamLine, name: str, value: str | None, drop: tuple[str, ...] = ()) -> None:
    """Give one line an option (an empty value: the bare word, None: remove it), dropping others on the way.

    pam-auth-update preserves such changes; on the RHEL family authselect owns the files and features are used instead.

    :raises SettingError: on a distribution whose tool owns the lines.
    """
    if host.family != "debian":
        raise SettingError(f"authselect owns {line.path}: set {name} of {line.module} in a custom authselect profile")
    content = (host.text(line.path) or "").split("\n")
    old = content[line.line]
    gone = {name, *drop}
    head, options, tail = _split_options(old, line.module)
    kept = "".join(word for word in re.findall(r"\s*\S+", options) if word.strip().partition("=")[0] not in gone)
    word = "" if value is None else f" {name}" if value == "" else f" {name}={value}"
    content[line.line] = head + (kept + word if kept or not word else word) + tail
    host.write(line.path, "\n".join(content))


def _split_options(line: str, module: str) -> tuple[str, str, str]:
    """Return the line up to its module, the options, and the blanks and comment at its end."""
    body, mark, comment = line.partition("#")
    place = body.index(module) + len(module)
    options = body[place:].rstrip()
    return body[:place], options, body[place + len(options) :] + mark + comment


def enable(host: Host, feature: str, profiles: dict[str, str]) -> None:
    """Bring modules into the stack.

    :param feature: name of the authselect feature on the RHEL family.
    :param profiles: text of each pam-auth-update profile of ours by name; an empty text for one that a package brings.
    """
    if host.family == "redhat":
        host.will_change(*_STACKS["redhat"])
        host.operate(
            {
                "op": "run",
                "do": ["authselect", "enable-feature", feature],
                "undo": ["authselect", "disable-feature", feature],
            }
        )
        return
    for name, content in profiles.items():
        if content:
            host.write(f"{PROFILES}/{name}", content)
        elif not host.exists(f"{PROFILES}/{name}"):
            raise SettingError(f"the PAM profile {name} is missing: install the package that brings it")
    host.will_change(*_STACKS["debian"], *_DEBIAN_STATE)
    host.activate(10, "pam-auth-update", "--enable", *sorted(profiles))


def refusal(host: Host) -> str:
    """Return what to do when the stack did not take a change."""
    if host.family == "debian":
        return (
            "pam-auth-update keeps local changes of /etc/pam.d/common-*: take the added or removed lines back, or run "
            "`pam-auth-update --force` by hand, then apply again"
        )
    return "authselect did not take the change: `authselect check` says why"
