# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings of the GNOME desktop, as an ordinary user gets them, locked against change."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.desktop import has_gnome, unknown
from ..engine.errors import NotApplicable, SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST, EQUALS, LIMIT, Rule
from .base import TEXT, Kind, fields

PROFILE = "/etc/dconf/profile/user"
_VENDOR_PROFILES = ("/usr/local/share/dconf/profile/user", "/usr/share/dconf/profile/user")
"""Profiles that dconf reads, the first one that is there, when PROFILE is missing."""
DATABASE = "/etc/dconf/db/local"
KEYS = "/etc/dconf/db/local.d/00-essms"
LOCKS = "/etc/dconf/db/local.d/locks/00-essms"
_LIMITS = ("idle-delay",)
_DELAYS = ("lock-delay",)


class Dconf(Kind):
    """``dconf: {path: org/gnome/desktop/session, key: idle-delay, type: uint32, value: 600}``."""

    schema = fields(
        ("path", "key", "type", "value"),
        path={"type": "string", "pattern": r"^[a-z0-9][a-z0-9/\-]{1,120}[a-z0-9]$"},
        key={"type": "string", "pattern": r"^[a-z0-9\-]{1,60}$"},
        type={"enum": ["uint32", "boolean", "strings"]},
        value={
            "anyOf": [
                {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
                {"type": "boolean"},
                {"type": "array", "items": TEXT, "maxItems": 20},
            ]
        },
    )
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        name = f"{body['path']}/{body['key']}"
        return {name: body["value"], f"{name} is locked": True}

    def rule(self, name: str) -> Rule:
        key = name.rsplit("/", 1)[-1]
        return LIMIT if key in _LIMITS else AT_MOST if key in _DELAYS else EQUALS

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if not has_gnome(host):
            other = unknown(host)
            reason = f"the desktop {other} is not known to this version"
            nothing = Unknown(reason) if other else NotApplicable("no GNOME session is installed")
            return dict.fromkeys(names, nothing)
        locks = host.run("dconf", "list-locks", "/", ordinary_user=True)
        if locks.rc == 127:
            databases = [path for path in host.names("/etc/dconf/db", "") if os.path.isfile(path)]
            # without any database no system-wide value can be in force; with one, only dconf could read it
            return dict.fromkeys(names, Unknown("dconf is not installed: install dconf-cli") if databases else None)
        found: dict[str, Any] = {}
        for body in bodies:
            name = f"{body['path']}/{body['key']}"
            found[name] = self._read(host, f"/{name}")
            found[f"{name} is locked"] = f"/{name}" in locks.out.split()
        return found

    def _read(self, host: Host, path: str) -> Any:
        done = host.run("dconf", "read", path, ordinary_user=True)
        if done.rc != 0 or "unable to open" in done.err or "warning" in done.err.lower():
            return Unknown(f"an ordinary user cannot read the dconf database: {done.err.strip()[-160:]}")
        return _parse(done.out.strip())

    def packages(self, host: Host) -> tuple[str, ...]:
        return ({"debian": "dconf-cli", "redhat": "dconf"}[host.family],) if has_gnome(host) else ()

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        name = f"{body['path']}/{body['key']}"
        self._edit_profile(host)
        if name in wanted:
            value = _format(body["type"], body["value"])
        else:
            stricter = self._read(host, f"/{name}")
            value = _format(body["type"], body["value"] if isinstance(stricter, Unknown) else stricter)
        keys = host.text(KEYS) or text.HEADER
        host.write(KEYS, text.put(keys, body["key"], value, text.BARE_EQUALS, body["path"]))
        locks = host.text(LOCKS) or text.HEADER
        if f"/{name}" not in locks.split("\n"):
            host.write(LOCKS, f"{locks}/{name}\n")
        # compiled by the engine's umask into a file every user can read, whatever the umask of the run
        host.will_change(DATABASE)
        host.activate(30, "dconf", "update")

    def _edit_profile(self, host: Host) -> None:
        """Make ordinary users read the local database, first among those of the system."""
        known = [found for path in (PROFILE, *_VENDOR_PROFILES) if (found := host.text(path)) is not None]
        profile = known[0] if known else "user-db:user\n"
        lines = [line.strip() for line in profile.split("\n")]
        if "system-db:local" not in lines:
            if not any(line.startswith("user-db:") for line in lines):
                raise SettingError("the dconf profile `user` names no user database: repair it first")
            place = next(number for number, line in enumerate(lines) if line.startswith("user-db:"))
            parts = profile.split("\n")
            host.write(PROFILE, "\n".join([*parts[: place + 1], "system-db:local", *parts[place + 1 :]]))

    def validate(self, host: Host) -> str:
        folder = os.path.dirname(host.path(KEYS))
        broken = [
            path for path in host.names(folder, "") if os.path.isfile(path) and not _keyfile(host.text(path) or "")
        ]
        return f"{broken[0]} is not a dconf key file" if broken else ""

    def precheck(self, host: Host) -> str:
        return self.validate(host)

    def explain(self, host: Host, name: str) -> str:
        return "another dconf database or profile overrides it: look into /etc/dconf"


def _keyfile(content: str) -> bool:
    """Say whether a text is made of comments, groups and key=value lines, as `dconf update` demands."""
    lines = [line.strip() for line in content.split("\n") if line.strip() and not line.strip().startswith("#")]
    return all(re.match(r"^(\[[^\]]+\]|[A-Za-z0-9\-]+\s*=.*)$", line) for line in lines)


def _format(type_name: str, value: Any) -> str:
    """Return a value in GVariant's text form."""
    if type_name == "uint32":
        return f"uint32 {value}"
    if type_name == "boolean":
        return "true" if value else "false"
    return "[" + ", ".join("'" + word.replace("\\", "\\\\").replace("'", "\\'") + "'" for word in value) + "]"


def _parse(printed: str) -> Any:
    """Return the value that `dconf read` printed; None when the key is unset."""
    if not printed:
        return None
    if printed in ("true", "false"):
        return printed == "true"
    number = re.fullmatch(r"(?:uint32 |int32 )?(-?\d+)", printed)
    if number:
        return int(number.group(1))
    if re.fullmatch(r"\[.*\]|@as \[\]", printed):
        return [word.replace("\\'", "'").replace("\\\\", "\\") for word in re.findall(r"'((?:[^'\\]|\\.)*)'", printed)]
    return printed
