# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of file systems that are mounted on their own: no devices, no set-user-id, no programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen, SettingError
from ..engine.host import Host
from .base import Kind, fields

FSTAB = "/etc/fstab"
_SHARED_MEMORY = "/dev/shm"  # noqa: S108 - it is looked at, not written to
_OPPOSITE = {"nodev": "dev", "nosuid": "suid", "noexec": "exec"}
_PATH = {"pattern": r"^/[a-z/]{1,40}$"}
_ALSO = {"user": ("nodev", "nosuid", "noexec"), "users": ("nodev", "nosuid", "noexec"), "owner": ("nodev", "nosuid")}
"""Options of fstab that bring others along."""


_POINTS = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": _PATH,
    "additionalProperties": {"type": "array", "items": {"enum": sorted(_OPPOSITE)}},
}


class MountOption(Kind):
    """``mount_option: {points: {/tmp: [nodev]}, strict_points: {/tmp: [noexec]}, strict: true}``.

    A folder that is no mount point has no options; ``strict_points`` count only where ``strict`` is true.
    In a container only what its own fstab mounts counts: the rest belongs to what runs it.
    """

    schema = fields(("points",), points=_POINTS, strict_points=_POINTS, strict={"type": "boolean"})
    needs_root = False
    evidence = "simulated"

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {f"{point} {option}": True for point, options in _asked(body) for option in options}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        mounted = _mounted(host)
        return {name: _look(host, mounted, *name.split()) for name in self.names(host, bodies)}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        mounted = _mounted(host)
        points = dict.fromkeys(name.split()[0] for name in wanted)
        for point in points:
            options = [option for option in _OPPOSITE if f"{point} {option}" in wanted]
            self._keep(host, point, options)
            have = mounted[point]
            missing = [option for option in options if option not in have]
            if missing:
                host.operate(
                    {
                        "op": "run",
                        "do": _remount(point, [*have, *missing]),
                        "undo": _remount(point, have),
                    }
                )

    def _keep(self, host: Host, point: str, options: Sequence[str]) -> None:
        """Make the next start mount it with these options too."""
        lines = text.split_lines(host.text(FSTAB) or "")
        for number, line in enumerate(lines):
            words = line.split()
            if len(words) > 3 and words[1] == point and not words[0].startswith("#"):
                place = _place_of_options(line)
                kept = [word for word in words[3].split(",") if word not in {_OPPOSITE[option] for option in options}]
                more = [option for option in options if option not in kept]
                lines[number] = line[:place] + ",".join(kept + more) + line[place + len(words[3]) :]
                host.write(FSTAB, "".join(lines))
                return
        if point == _SHARED_MEMORY:
            # mounted by systemd itself, which then reads this line
            lines.append(f"tmpfs {_SHARED_MEMORY} tmpfs {','.join(dict.fromkeys(['nosuid', 'nodev', *options]))} 0 0\n")
            host.write(FSTAB, "".join(lines))
            return
        own = _unit_options(host, point)
        if own is None:
            raise SettingError(f"nothing says how {point} is mounted: add a line to {FSTAB}, then apply again")
        merged = ",".join(dict.fromkeys([*(own.split(",") if own else []), *options]))
        host.write(_drop_in(point), f"{text.HEADER}[Mount]\nOptions={merged}\n")
        host.activate(20, "systemctl", "daemon-reload")

    def explain(self, host: Host, name: str) -> str:
        return f"the file system does not take the option: `findmnt {name.split(maxsplit=1)[0]}` shows what it has"


def _asked(body: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    strict = body.get("strict_points", {}) if body.get("strict") else {}
    return [*body["points"].items(), *strict.items()]


def _look(host: Host, mounted: Mapping[str, list[str]], point: str, option: str) -> Any:
    if host.in_container and _fstab_options(host, point) is None:
        return NotApplicable(SHARED_KERNEL)
    if point not in mounted:
        return NotApplicable("it is no file system of its own on this host")
    if option not in mounted[point]:
        return False
    if option not in _at_boot(host, point):
        return Seen(True, "only until the next restart", satisfied=False)
    return True


def _remount(point: str, options: Sequence[str]) -> list[str]:
    """Return the command that gives a mount point exactly these options and leaves its file system's own alone."""
    return ["mount", "--options-mode", "ignore", "-o", ",".join(["remount", "bind", *options]), point]


def _mounted(host: Host) -> dict[str, list[str]]:
    """Return the options of each mount point, the topmost file system's where several are stacked."""
    found = {}
    for line in text.split_lines(host.text("/proc/self/mountinfo") or ""):
        words = line.split(" ")
        found[words[4]] = words[5].split(",")
    return found


def _fstab_options(host: Host, point: str) -> str | None:
    """Return the options that fstab gives a mount point, None where it does not mount it."""
    for line in (host.text(FSTAB) or "").splitlines():
        words = line.split()
        if len(words) > 3 and words[1] == point and not words[0].startswith("#"):
            return words[3]
    return None


def _at_boot(host: Host, point: str) -> set[str]:
    own = _fstab_options(host, point)
    if own is not None:
        return _effective(own)
    if point == _SHARED_MEMORY:
        # systemd mounts it itself, always with both
        return {"nodev", "nosuid"}
    return _effective(_unit_options(host, point) or "")


def _effective(options: str) -> set[str]:
    found: set[str] = set()
    for word in options.split(","):
        found.update((*_ALSO.get(word, ()), word))
        found -= {option for option, opposite in _OPPOSITE.items() if opposite == word}
    return found


def _place_of_options(line: str) -> int:
    """Return where the fourth word of a line begins."""
    place = 0
    for word in line.split()[:3]:
        place = line.index(word, place) + len(word)
    return place + len(line[place:]) - len(line[place:].lstrip())


def _unit(point: str) -> str:
    return point.strip("/").replace("-", "\\x2d").replace("/", "-") + ".mount"


def _drop_in(point: str) -> str:
    return f"/etc/systemd/system/{_unit(point)}.d/essms.conf"


def _unit_options(host: Host, point: str) -> str | None:
    """Return the options that a unit file gives a mount point, None where no unit file mounts it."""
    done = host.run("systemctl", "cat", _unit(point))
    if done.rc != 0:
        return None
    found = None
    for entry in text.entries(done.out, text.BARE_EQUALS, "Mount"):
        if entry.key == "Options":
            found = entry.value
    return found or ""
