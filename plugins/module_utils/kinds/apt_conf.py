# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of apt, as `apt-config dump` says they are in force."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Union

from ..engine import text
from ..engine.errors import Unknown
from ..engine.host import Host
from ..engine.rules import EQUALS, LIMIT, Rule
from .base import Kind, fields, integer

DROP_IN = "/etc/apt/apt.conf.d/zz-essms.conf"
"""Read after every file that is not named to come last."""
_BOOLEAN = {"type": "boolean"}
_LINE = re.compile(r'^(?P<key>.*?)(?P<item>::)? "(?P<value>.*)";$')
_TRUE = ("yes", "true", "with", "on", "enable", "1")
_FALSE = ("no", "false", "without", "off", "disable", "0")

Value = Union[bool, int, str, "list[str]"]


class AptConf(Kind):
    """``apt_conf: {APT::Get::AllowUnauthenticated: false}``."""

    schema = fields(
        (),
        **{
            "APT::Get::AllowUnauthenticated": _BOOLEAN,
            "Acquire::AllowInsecureRepositories": _BOOLEAN,
            "Acquire::AllowWeakRepositories": _BOOLEAN,
            "Acquire::AllowDowngradeToInsecureRepositories": _BOOLEAN,
            "Acquire::Check-Valid-Until": _BOOLEAN,
            "APT::Periodic::Enable": _BOOLEAN,
            "APT::Periodic::Update-Package-Lists": integer(1, 30),
            "APT::Periodic::Unattended-Upgrade": integer(1, 30),
        },
    )
    needs_root = False

    def rule(self, name: str) -> Rule:
        return LIMIT if name.startswith("APT::Periodic::") and name != "APT::Periodic::Enable" else EQUALS

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return dict(body) if family == "debian" else {}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        wanted = {name: value for body in bodies for name, value in self.expand(body, host.family).items()}
        conf = dump(host)
        if conf is None:
            return dict.fromkeys(wanted, Unknown("apt-config does not answer: look at `apt-config dump`"))
        return {name: _typed(conf.get(name.lower(), []), name, value) for name, value in wanted.items()}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        write(host, wanted)

    def explain(self, host: Host, name: str) -> str:
        return f"a file read after {DROP_IN} sets it: `grep -rn {name.rpartition('::')[2]} /etc/apt` shows it"


_DEFAULTS = {"Acquire::Check-Valid-Until": True, "APT::Periodic::Enable": True}
"""What apt does when nothing says so; every other switch is off."""


def _typed(values: Sequence[str], name: str, wanted: Any) -> Any:
    if isinstance(wanted, bool):
        return boolean(values, _DEFAULTS.get(name, False))
    return days(values)


def boolean(values: Sequence[str], default: bool) -> bool | str:
    """Return a switch as apt reads it, or the word that is none."""
    word = values[-1].lower() if values else ""
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    return values[-1] if word else default


def days(values: Sequence[str]) -> int | str:
    """Return an interval of APT::Periodic in days; what happens at every start of the timer counts as daily."""
    word = values[-1].strip() if values else "0"
    if word == "always" or re.fullmatch(r"[1-9][0-9]*[smh]", word):
        return 1
    number = word.removesuffix("d")
    return int(number) if number.isascii() and number.isdigit() else word


def dump(host: Host) -> dict[str, list[str]] | None:
    """Return every value in force by key in small letters, the items of a list in order; None when apt fails."""
    done = host.run("apt-config", "dump")
    if done.rc != 0:
        return None
    found: dict[str, list[str]] = {}
    for line in done.out.splitlines():
        parsed = _LINE.match(line)
        if parsed and (parsed["item"] or parsed["value"]):
            found.setdefault(parsed["key"].lower(), []).append(parsed["value"])
    return found


def write(host: Host, wanted: Mapping[str, Value]) -> None:
    """Put keys into our file of apt's configuration; a list is added to what other files put into it."""
    content = host.text(DROP_IN)
    lines = text.split_lines(text.HEADER.replace("#", "//", 1) if content is None else content)
    for key, value in wanted.items():
        lines = [line for line in lines if not re.match(rf"{re.escape(key)}(::)?[ ;]", line)]
        if isinstance(value, list):
            lines += [f'{key}:: "{item}";\n' for item in value]
        else:
            lines.append(f'{key} "{str(value).lower() if isinstance(value, bool) else value}";\n')
    host.write(DROP_IN, "".join(lines))
