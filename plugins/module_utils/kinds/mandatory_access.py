# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mandatory access control: AppArmor on the Debian family, SELinux on the RHEL family, enforcing."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from .base import Kind, fields

PROFILES = "/etc/apparmor.d"
SELINUX = "/etc/selinux/config"
_LOADED = "/sys/kernel/security/apparmor/profiles"
_COMPLAIN = re.compile(r"^(?P<name>[^\n]*?) \(complain\)$", re.MULTILINE)
_FLAGS = re.compile(r"(?P<head>\bflags\s*=\s*\()(?P<words>[^)]*)(?P<tail>\))")
_ON = {"const": True}


class MandatoryAccess(Kind):
    """``mandatory_access: {enforcing: true}``."""

    schema = fields(("enforcing",), enforcing=_ON)
    evidence = "simulated"

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"active": True, "only complaining": 0} if family == "debian" else {"active": True}

    def packages(self, host: Host) -> tuple[str, ...]:
        # in a container its service would load profiles into a kernel that is not ours
        return ("apparmor",) if host.family == "debian" and not host.in_container else ()

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if host.in_container:
            return dict.fromkeys(names, NotApplicable(SHARED_KERNEL))
        return _selinux(host) if host.family == "redhat" else _apparmor(host)

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if host.family == "redhat":
            _enforce_selinux(host)
            return
        if "active" in wanted:
            if not _kernel_has_apparmor(host):
                raise SettingError(
                    "the kernel runs without AppArmor: take apparmor=0 or another security= off its line"
                )
            host.operate(_systemctl(["enable", "--now", "apparmor.service"], ["disable", "apparmor.service"]))
        if "only complaining" in wanted:
            for path in _complaining_files(host):
                before = host.text(path) or ""
                host.write(path, _FLAGS.sub(_without_complain, before))
                host.activate(45, "apparmor_parser", "--replace", path)

    def explain(self, host: Host, name: str) -> str:
        return "a profile was set to complain from elsewhere: `aa-status` names it, `aa-enforce` enforces it"


def _kernel_has_apparmor(host: Host) -> bool:
    return (host.text("/sys/module/apparmor/parameters/enabled") or "").strip() == "Y"


def _apparmor(host: Host) -> dict[str, Any]:
    loaded = host.text(_LOADED)
    if not _kernel_has_apparmor(host) or loaded is None:
        return {"active": False, "only complaining": Unknown("AppArmor is not active")}
    done = host.run("systemctl", "is-enabled", "apparmor.service")
    kept = done.out.strip() == "enabled"
    complaining = _COMPLAIN.findall(loaded)
    shown = ", ".join(complaining[:5])
    return {
        "active": Seen(bool(loaded.strip()) and kept, "" if kept else "no profile is loaded at the next restart"),
        "only complaining": Seen(len(complaining), shown) if complaining else 0,
    }


def _complaining_files(host: Host) -> list[str]:
    """Return the profile files that ask for complaints only."""
    folder = host.path(PROFILES)
    names = [name for name in sorted(os.listdir(folder)) if os.path.isfile(os.path.join(folder, name))]
    found = [f"{PROFILES}/{name}" for name in names if _has_complain(host.text(f"{PROFILES}/{name}") or "")]
    linked = os.path.join(folder, "force-complain")
    if os.path.isdir(linked) and os.listdir(linked):
        raise SettingError(f"{PROFILES}/force-complain makes profiles complain only: remove its links")
    if not found:
        raise SettingError("profiles that only complain were loaded by hand: `aa-status` names them")
    return found


def _has_complain(content: str) -> bool:
    return any("complain" in _words(match["words"]) for match in _FLAGS.finditer(content))


def _words(flags: str) -> list[str]:
    return re.split(r"[\s,]+", flags.strip())


def _without_complain(match: re.Match[str]) -> str:
    rest = [word for word in _words(match["words"]) if word != "complain"]
    return f"{match['head']}{','.join(rest)}{match['tail']}" if rest else ""


def _selinux(host: Host) -> dict[str, Any]:
    running = host.text("/sys/fs/selinux/enforce")
    kept = text.get(host.text(SELINUX) or "", "SELINUX", text.BARE_EQUALS) == "enforcing"
    return {"active": Seen(running == "1" and kept, "" if kept else f"{SELINUX} does not ask for it")}


def _enforce_selinux(host: Host) -> None:
    if host.text("/sys/fs/selinux/enforce") is None:
        raise SettingError("SELinux is disabled: its first start relabels every file, so it is left to a person")
    host.write(SELINUX, text.put(host.text(SELINUX) or "", "SELINUX", "enforcing", text.BARE_EQUALS))
    if host.text("/sys/fs/selinux/enforce") != "1":
        host.operate({"op": "run", "do": ["setenforce", "1"], "undo": ["setenforce", "0"]})


def _systemctl(do: list[str], undo: list[str]) -> dict[str, Any]:
    return {"op": "run", "do": ["systemctl", *do], "undo": ["systemctl", *undo]}
