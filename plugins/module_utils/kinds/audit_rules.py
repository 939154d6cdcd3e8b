# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kernel records of sensitive actions: rules of auditd, as written and as loaded."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from .base import Kind, fields

FOLDER = "/etc/audit/rules.d"
RULES = f"{FOLDER}/50-essms.rules"
LAST = f"{FOLDER}/99-essms-immutable.rules"
COMPILED = "/etc/audit/audit.rules"
LOAD = ("sh", "-c", "auditctl -s | grep -q 'enabled 2' || augenrules --load")
"""Rules that are locked until the next restart are left alone: loading would fail, and undoing with it."""
_RULE = {"type": "string", "pattern": r"^-[aw] [A-Za-z0-9 ,=!<>&/._:\-]{3,300}$"}
_IMMUTABLE = "immutable until the next restart"
_IN_KERNEL = " in the kernel"
_SAME = {"-1": "unset", "4294967295": "unset"}

_FIELD = re.compile(r"([a-z0-9_]+)(!=|>=|<=|&=|=|>|<|&)(.*)")

Canonical = frozenset[str]
"""A rule as a set of its parts, however it was written."""


class AuditRules(Kind):
    """``audit_rules: {name: identity, rules: ["-w /etc/passwd -p wa -k identity"]}`` or ``{immutable: true}``."""

    schema = fields(
        name={"type": "string", "pattern": "^[a-z][a-z ]{2,40}$"},
        rules={"type": "array", "minItems": 1, "maxItems": 200, "items": _RULE},
        immutable={"type": "boolean"},
    )
    evidence = "simulated"

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        if "rules" in body:
            return {body["name"]: True, body["name"] + _IN_KERNEL: True}
        return {_IMMUTABLE: True} if body.get("immutable") else {}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        if host.in_container:
            return dict.fromkeys(self.names(host, bodies), NotApplicable(SHARED_KERNEL))
        written = _written(host)
        loaded = _loaded(host)
        found: dict[str, Any] = {}
        for body in bodies:
            if "rules" not in body:
                found[_IMMUTABLE] = _locked(host)
                continue
            wanted = {canonical(rule): rule for rule in body["rules"]}
            found[body["name"]] = _missing(wanted, written)
            found[body["name"] + _IN_KERNEL] = loaded if isinstance(loaded, Unknown) else _missing(wanted, loaded)
        return found

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        if "rules" in body:
            if _locked(host):
                raise SettingError(f"the audit rules are locked (-e 2): empty {LAST}, restart the host, apply again")
            there = _written(host)
            lines = [rule for rule in body["rules"] if canonical(rule) not in there]
            if lines:
                content = (host.text(RULES) or text.HEADER) + f"## {body['name']}\n" + "".join(f"{x}\n" for x in lines)
                host.write(RULES, content, mode=0o640)
        else:
            host.write(LAST, f"{text.HEADER}-e 2\n", mode=0o640)
        host.will_change(COMPILED, f"{COMPILED}.prev")
        host.activate(70, *LOAD)

    def explain(self, host: Host, name: str) -> str:
        return "the kernel refused a rule: `augenrules --load` says which"


def canonical(rule: str) -> Canonical:
    """Return what a rule means: `-k x` is `-F key=x`, lists of system calls and permissions have no order."""
    words = shlex.split(rule.partition("#")[0])
    parts: set[str] = set()
    for option, value in zip(words[::2], words[1::2]):
        if option == "-a":
            parts.add("-a " + ",".join(sorted(value.split(","))))
        elif option == "-S":
            parts.update(f"-S {name}" for name in value.split(",") if name != "all")
        elif option == "-p":
            parts.add("perm=" + "".join(sorted(value)))
        elif option == "-k":
            parts.add(f"key={value}")
        elif option == "-w":
            parts.add("-w " + (value.rstrip("/") or "/"))
        else:
            parts.add(_field(value) if option == "-F" else f"{option} {value}")
    return frozenset(parts)


def _field(value: str) -> str:
    found = _FIELD.match(value)
    if not found:
        return value
    name, sign, content = found.groups()
    if name == "perm":
        content = "".join(sorted(content))
    return f"{name}{sign}{_SAME.get(content, content)}"


def _missing(wanted: Mapping[Canonical, str], there: set[Canonical]) -> Any:
    absent = [rule for parts, rule in wanted.items() if parts not in there]
    if not absent:
        return True
    return Seen(False, f"{len(absent)} of {len(wanted)} rules missing, the first: {absent[0]}")


def _lines(host: Host) -> list[str]:
    names = [os.path.join(FOLDER, os.path.basename(path)) for path in host.names(FOLDER, ".rules")]
    return [line.strip() for name in names for line in (host.text(name) or "").splitlines()]


def _written(host: Host) -> set[Canonical]:
    return {canonical(line) for line in _lines(host) if line.startswith(("-a", "-w"))}


def _loaded(host: Host) -> set[Canonical] | Unknown:
    done = host.run("auditctl", "-l")
    if done.rc == 127:
        return set()
    if done.rc != 0:
        return Unknown(f"auditctl failed: {done.err.strip()[:120]}")
    return {canonical(line) for line in done.out.splitlines() if line.startswith("-")}


def _locked(host: Host) -> bool:
    return bool(re.search(r"^enabled 2$", host.run("auditctl", "-s").out, re.MULTILINE))
