# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""PAM stacks: what is in force, and how a distribution lets it be changed.

Debian: profiles in /usr/share/pam-configs, assembled by pam-auth-update, which keeps local changes of a module's
options.
RHEL family: features of authselect. Neither stack is ever forced.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import NotApplicable, Seen, SettingError, Unknown
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


_WORDS = {
    "required": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "bad"},
    "requisite": {"success": "ok", "new_authtok_reqd": "ok", "ignore": "ignore", "default": "die"},
    "sufficient": {"success": "done", "new_authtok_reqd": "done", "default": "ignore"},
    "optional": {"success": "ok", "new_authtok_reqd": "ok", "default": "ignore"},
    "include": {"default": "ignore"},
    "substack": {"default": "ignore"},
}
_REFUSALS = ("auth_err", "perm_denied", "authtok_err", "maxtries")
_FRIENDLY = ("success", "new_authtok_reqd", "ignore")
_ANSWERS = {"pam_deny.so": False, "pam_permit.so": True}
"""Modules that always refuse or always accept."""
_SERVICES = {
    "auth": ("sshd", "login", "su", "sudo", "gdm-password", "lightdm", "sddm"),
    "password": ("passwd",),
}
"""Services whose files, on a Debian host, take the shared stack in."""

_DEBIAN_STATE = tuple(
    f"/var/lib/pam/{name}" for name in ("account", "auth", "password", "seen", "session", "session-noninteractive")
)
"""Files in which pam-auth-update remembers what it assembled."""


class PamLine(NamedTuple):
    """One active line of a PAM file."""

    path: str
    line: int
    type: str
    control: str
    module: str
    options: list[str]

    @property
    def actions(self) -> dict[str, str]:
        """What the control field does for each answer of the module, in the long form of pam.conf(5)."""
        if self.control in _WORDS:
            return _WORDS[self.control]
        return dict(word.partition("=")[::2] for word in self.control.strip("[]").split())

    @property
    def enforcing(self) -> bool:
        """Say whether a refusal of the module refuses the user; optional and sufficient lines only give an opinion."""
        actions = self.actions
        return all(actions.get(answer, actions.get("default", "bad")) in ("die", "bad") for answer in _REFUSALS)


def lines(host: Host, module: str, kind: str | None = None) -> list[PamLine]:
    """Return the active lines of a module in the stack that every service shares, of one type only when given."""
    return [
        line
        for path in _STACKS.get(host.family, [])
        for line in _parse(host, path)
        if line.module == module and kind in (None, line.type)
    ]


def _parse(host: Host, path: str) -> list[PamLine]:
    found = []
    for number, line in enumerate((host.text(path) or "").split("\n")):
        match = _LINE.match(line.partition("#")[0])
        if match:
            control, module = match.group("control").lower(), match.group("module").rsplit("/", 1)[-1]
            found.append(PamLine(path, number, match.group("type"), control, module, match.group("options").split()))
    return found


def in_force(host: Host, module: str, kind: str, accepted: bool = True) -> list[PamLine]:
    """Return the lines of a module that can refuse a user: enforcing, and reached.

    :param accepted: look at those reached when pam_unix accepts the password, or else at those when it refuses it.
    """
    found = []
    for path in _STACKS.get(host.family, []):
        stack = [line for line in _parse(host, path) if line.type == kind]
        reached = _reached(stack, {**_ANSWERS, "pam_unix.so": accepted})
        found += [stack[place] for place in sorted(reached) if stack[place].module == module]
    return [line for line in found if line.enforcing]


def _reached(stack: Sequence[PamLine], answers: dict[str, bool]) -> set[int]:
    """Return the places of a stack that are reached, when some modules always accept or always refuse."""
    reached: set[int] = set()
    to_visit = [0]
    while to_visit:
        place = to_visit.pop()
        if place in reached or place >= len(stack):
            continue
        reached.add(place)
        line = stack[place]
        actions = line.actions
        otherwise = actions.get("default", "bad")
        accepts = {actions.get("success", otherwise)}
        refuses = {otherwise, *(action for answer, action in actions.items() if answer not in _FRIENDLY)}
        known = answers.get(line.module)
        for action in accepts | refuses if known is None else accepts if known else refuses:
            if action.isdigit():
                to_visit.append(place + 1 + int(action))
            elif action not in ("die", "done"):
                to_visit.append(place + 1)
    return reached


def own_stacks(host: Host, kind: str) -> list[str]:
    """Return the files of services that do not take in the shared stack of a type, or check passwords beside it."""
    if host.family != "debian":
        return []
    found = []
    shared = re.compile(
        rf"^\s*(?:@include|-?{kind}\s+(?:include|substack))\s+(?:/etc/pam\.d/)?common-{kind}\s*$", re.MULTILINE
    )
    for path in (f"/etc/pam.d/{name}" for name in _SERVICES[kind]):
        content = host.text(path)
        if content is None:
            continue
        active = "\n".join(line.partition("#")[0] for line in content.split("\n"))
        beside = any(line.type == kind and line.module == "pam_unix.so" for line in _parse(host, path))
        if beside or not shared.search(active):
            found.append(path)
    return found


def everywhere(host: Host, kind: str, seen: dict[str, Any]) -> dict[str, Any]:
    """Return what was seen of the shared stack, failing where a service has a stack of its own."""
    own = own_stacks(host, kind)
    if not own:
        return seen
    note = f"{', '.join(own)}: this service does not use common-{kind}"
    return {
        name: value
        if isinstance(value, (Unknown, NotApplicable))
        else Seen(value.value if isinstance(value, Seen) else value, note, satisfied=False)
        for name, value in seen.items()
    }


def refuse_own_stacks(host: Host, kind: str) -> None:
    """Stop where the shared stack does not reach every service.

    :raises SettingError: naming the files.
    """
    own = own_stacks(host, kind)
    if own:
        raise SettingError(
            f"{', '.join(own)} does not use common-{kind}: put `@include common-{kind}` there in place of its own lines"
        )


def other_file(found: Sequence[PamLine], usual: str) -> Unknown | None:
    """Return why a module's values are not known, when a line names another file than the usual one."""
    for line in found:
        if (option(line, "conf") or usual) != usual:
            return Unknown(f"{line.path} gives {line.module} a configuration file of its own (conf=)")
    return None


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
