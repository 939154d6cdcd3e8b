# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates that install themselves: unattended-upgrades on Debian and Ubuntu, dnf-automatic on the RHEL family."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import EQUALS, LIMIT, Rule, ranked
from . import apt_conf
from .base import Kind, fields

_DNF = "/etc/dnf/automatic.conf"
_PATTERNS, _ALLOWED = "Unattended-Upgrade::Origins-Pattern", "Unattended-Upgrade::Allowed-Origins"
_HELD = "Unattended-Upgrade::Package-Blacklist"
_ANY = ("base-files", "linux-image-amd64", "openssl", "zlib1g")
"""Packages that have nothing in common: what takes all of them takes any."""
_RELEASE = "${distro_id}:${distro_codename}"
_SECURITY = {
    "debian": (
        _PATTERNS,
        [
            "origin=Debian,codename=${distro_codename}-security,label=Debian-Security",
            "origin=Debian,codename=${distro_codename},label=Debian-Security",
        ],
    ),
    # The release itself never changes; a security update may need a package of it that is not installed yet.
    "ubuntu": (
        _ALLOWED,
        [
            _RELEASE,
            f"{_RELEASE}-security",
            "${distro_id}ESMApps:${distro_codename}-apps-security",
            "${distro_id}ESM:${distro_codename}-infra-security",
        ],
    ),
}
"""Where the security updates of a distribution come from, in the words of unattended-upgrades."""
_OTHER = {
    "debian": [
        "origin=Debian,codename=${distro_codename},label=Debian",
        "origin=Debian,codename=${distro_codename}-updates,label=Debian",
    ],
    "ubuntu": [f"{_RELEASE}-updates"],
}
"""The distribution's other updates."""
_ORIGINS = ranked(("security", "all"))._replace(label="equals")
"""Who already installs more is left alone."""
_SHORT = {"o": "origin", "l": "label", "n": "codename", "a": "archive", "suite": "archive", "c": "component"}
_KEYS = {
    "refreshed every (days)": "APT::Periodic::Update-Package-Lists",
    "installed every (days)": "APT::Periodic::Unattended-Upgrade",
    "switched on": "APT::Periodic::Enable",
    "restarts": "Unattended-Upgrade::Automatic-Reboot",
    "restart time": "Unattended-Upgrade::Automatic-Reboot-Time",
    "journal": "Unattended-Upgrade::SyslogEnable",
    "report to": "Unattended-Upgrade::Mail",
}


class AutomaticUpdates(Kind):
    """``automatic_updates: {origins: security, restart: false, restart_time: "04:30", mail: ""}``.

    Origins are at least these; ``restart: false`` and an empty ``mail`` ask for nothing.
    """

    schema = fields(
        ("origins",),
        origins={"enum": ["security", "all"]},
        restart={"type": "boolean"},
        restart_time={"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9]$"},
        mail={"type": "string", "pattern": r"^([A-Za-z0-9._+\-]+(@[A-Za-z0-9.\-]+)?)?$", "maxLength": 200},
    )
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        wanted: dict[str, Any] = {"origins": body["origins"]}
        if body.get("restart"):
            wanted["restarts"] = True
        if family == "redhat":
            return {**wanted, "switched on": True}
        if body.get("restart"):
            wanted["restart time"] = body.get("restart_time", "now")
        if body.get("mail"):
            wanted["report to"] = body["mail"]
        regular = {"refreshed every (days)": 1, "installed every (days)": 1}
        return {**wanted, **regular, "switched on": True, "journal": True}

    def rule(self, name: str) -> Rule:
        if name == "origins":
            return _ORIGINS
        return LIMIT if name.endswith("(days)") else EQUALS

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if host.family == "redhat":
            return {name: _dnf_value(host, name) for name in names}
        conf = apt_conf.dump(host)
        if conf is None:
            return dict.fromkeys(names, Unknown("apt-config does not answer: look at `apt-config dump`"))
        return {name: _value(host, conf, name) for name in names}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if host.family == "redhat":
            _edit_dnf(host, wanted)
            return
        values: dict[str, apt_conf.Value] = {_KEYS[name]: value for name, value in wanted.items() if name in _KEYS}
        if "origins" in wanted:
            key, security = _security(host)
            other = _OTHER[host.release()["id"]] if wanted["origins"] == "all" else []
            values[key] = [*security, *other]
        # beside what other files list: a vendor's own updates go on being installed
        apt_conf.write(host, values)

    def explain(self, host: Host, name: str) -> str:
        key = _KEYS.get(name, _PATTERNS).rpartition("::")[2]
        return f"a file read after {apt_conf.DROP_IN} sets it: `grep -rn {key} /etc/apt` shows it"


def _security(host: Host) -> tuple[str, list[str]]:
    name = host.release()["id"]
    if name not in _SECURITY:
        raise SettingError(f"where the security updates of {name} come from is not known: set {_PATTERNS} by hand")
    return _SECURITY[name]


def _value(host: Host, conf: Mapping[str, list[str]], name: str) -> Any:
    if name == "origins":
        return _origins(host, conf)
    values = conf.get(_KEYS[name].lower(), [])
    if name.endswith("(days)"):
        return apt_conf.days(values)
    if name in ("restart time", "report to"):
        return values[-1] if values else None
    return apt_conf.boolean(values, name == "switched on")


def _origins(host: Host, conf: Mapping[str, list[str]]) -> Any:
    """Return one word for what the sources of updates hold at least, or those sources when security lacks."""
    found = [*conf.get(_PATTERNS.lower(), []), *conf.get(_ALLOWED.lower(), [])]
    try:
        security = _security(host)[1]
    except SettingError as error:
        return Unknown(str(error))
    if not all(any(_covers(each, one) for each in found) for one in security):
        return "; ".join(found) or "none"
    if any(_holds_all(each) for each in conf.get(_HELD.lower(), [])):
        return f"none: {_HELD} holds every package back"
    other = _OTHER[host.release()["id"]]
    return "all" if all(any(_covers(each, one) for each in found) for one in other) else "security"


def _holds_all(pattern: str) -> bool:
    """Say whether a pattern of packages that stay as they are takes any package; it counts from a name's beginning."""
    try:
        return all(re.match(pattern, name) for name in _ANY)
    except re.error:
        return False


def _covers(pattern: str, wanted: str) -> bool:
    """Say whether a source that is listed takes everything that another one does."""
    asked, held = _parts(pattern), _parts(wanted)
    return pattern == wanted or (
        bool(asked) and all(fnmatch.fnmatchcase(held.get(key, ""), value) for key, value in asked.items())
    )


def _parts(pattern: str) -> dict[str, str]:
    """Return what a pattern of origins demands by its full name; nothing of it for the older way, `id:archive`."""
    pairs = [part.strip().partition("=") for part in pattern.split(",") if "=" in part]
    return {_SHORT.get(key, key): value for key, _, value in pairs}


def _dnf_value(host: Host, name: str) -> Any:
    content = host.text(_DNF) or ""
    section = {
        key: text.get(content, key, text.EQUALS_SIGN, "commands") for key in ("upgrade_type", "apply_updates", "reboot")
    }
    if name == "origins":
        return {"security": "security", "default": "all", None: "all"}.get(
            section["upgrade_type"], section["upgrade_type"]
        )
    if name == "restarts":
        return section["reboot"] not in (None, "never")
    return (section["apply_updates"] or "no").lower() in ("yes", "true", "1")


def _edit_dnf(host: Host, wanted: Mapping[str, Any]) -> None:
    content = host.text(_DNF)
    if content is None:
        raise SettingError(f"{_DNF} does not exist: install dnf-automatic")
    values = {
        "origins": ("upgrade_type", "security" if wanted.get("origins") == "security" else "default"),
        "restarts": ("reboot", "when-needed" if wanted.get("restarts") else "never"),
        "switched on": ("apply_updates", "yes"),
    }
    for name in wanted:
        key, value = values[name]
        content = text.put(content, key, value, text.EQUALS_SIGN, "commands")
    host.write(_DNF, content)
