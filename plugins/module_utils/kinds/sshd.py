# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenSSH server, as `sshd -T` says it really runs, Match blocks included."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import NotApplicable, Seen, Unknown
from ..engine.host import Host
from ..engine.rules import EQUALS, LIMIT, Rule
from .base import Kind, fields, integer

MAIN = "/etc/ssh/sshd_config"
DROP_IN = "/etc/ssh/sshd_config.d/00-essms.conf"
SSHD = "/usr/sbin/sshd"
_STYLE = text.BLANKS._replace(separator=" ")
_BLOCK = "# essms.hardening: the first value counts in this file\n"
_SYNONYMS = {"without-password": "prohibit-password", "true": "yes", "false": "no"}
_UNANSWERED = ("Missing privilege separation directory", "no hostkeys available", "Permission denied")


class Sshd(Kind):
    """``sshd: {ClientAliveInterval: 300, PermitEmptyPasswords: "no"}``."""

    schema = fields(
        ClientAliveInterval=integer(1, 86400),
        ClientAliveCountMax=integer(1, 100),
        PermitEmptyPasswords={"enum": ["no"]},
    )
    rules = {"ClientAliveInterval": LIMIT, "ClientAliveCountMax": LIMIT}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if not os.path.exists(host.path(SSHD)):
            return dict.fromkeys(names, NotApplicable("no OpenSSH server is installed"))
        done = host.run(SSHD, "-T")
        if done.rc != 0:
            return dict.fromkeys(names, Unknown(f"sshd -T failed: {done.err.strip()[:160]}"))
        in_force = dict(line.partition(" ")[::2] for line in done.out.splitlines())
        exceptions = list(_in_match_blocks(host))
        return {name: self._seen(name, in_force, exceptions, bodies) for name in names}

    def _seen(
        self,
        name: str,
        in_force: Mapping[str, str],
        exceptions: Sequence[tuple[str, str, str]],
        bodies: Sequence[Mapping[str, Any]],
    ) -> Any:
        if name.lower() not in in_force:
            return NotApplicable("this version of sshd does not know it")
        expected = next(body[name] for body in bodies if name in body)
        for match, key, value in exceptions:
            weaker = not self.rule(name).test(expected, _typed(value))
            if key.lower() == name.lower() and weaker:
                return Seen(_typed(value), f"set for some connections by the block: {match[:80]}")
        return _typed(in_force[name.lower()])

    def rule(self, name: str) -> Rule:
        return self.rules.get(name, EQUALS)

    def precheck(self, host: Host) -> str:
        fault = self.validate(host)
        return f"the configuration of sshd is already invalid, before any change: {fault}" if fault else ""

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        path = DROP_IN if _drop_in_comes_first(host, list(wanted)) else MAIN
        content = host.text(path)
        if path == DROP_IN:
            content = content or text.HEADER
            for key, value in wanted.items():
                content = text.put(content, key, str(value), _STYLE)
        else:
            content = _put_at_top(content or "", wanted)
        host.write(path, content, mode=0o600)
        unit = "ssh.service" if host.family == "debian" else "sshd.service"
        if host.run("systemctl", "is-active", unit).out.strip() == "active":
            host.activate(60, "systemctl", "reload", unit)

    def validate(self, host: Host) -> str:
        done = host.run(SSHD, "-t")
        if done.rc == 0 or any(known in done.err for known in _UNANSWERED):
            return ""
        return done.err.strip().replace("\r", "")[:300] or f"sshd -t ended with {done.rc}"

    def explain(self, host: Host, name: str) -> str:
        return f"another file or a Match block sets {name}: `grep -rni {name} /etc/ssh` shows it"


def _typed(value: str) -> int | str:
    value = _SYNONYMS.get(value.strip().lower(), value.strip())
    return int(value) if value.isascii() and value.isdigit() else value


def _files(host: Host) -> Iterator[tuple[str, str]]:
    """Yield (path, text) of the main file and of what it includes, in reading order."""
    main = host.text(MAIN) or ""
    yield MAIN, main
    for entry in text.entries(main, _STYLE):
        if entry.key.lower() == "include":
            for pattern in entry.value.split():
                absolute = os.path.join("/etc/ssh", pattern)
                for path in sorted(glob.glob(host.path(absolute))):
                    yield path, host.text(path) or ""


def _in_match_blocks(host: Host) -> Iterator[tuple[str, str, str]]:
    """Yield (match line, key, value) of every setting that holds only for some connections."""
    for _path, content in _files(host):
        block = ""
        for entry in text.entries(content, _STYLE):
            if entry.key.lower() == "match":
                block = "" if entry.value.strip().lower() == "all" else f"Match {entry.value}"
            elif block:
                yield block, entry.key, entry.value.strip('"')


def _drop_in_comes_first(host: Host, names: Sequence[str]) -> bool:
    """Say whether the main file includes the drop-in folder before it sets any of these keys itself."""
    keys = {name.lower() for name in names}
    for entry in text.entries(host.text(MAIN) or "", _STYLE):
        if entry.key.lower() == "include" and os.path.dirname(DROP_IN) in entry.value:
            return True
        if entry.key.lower() in keys or entry.key.lower() == "match":
            return False
    return False


def _put_at_top(content: str, wanted: Mapping[str, Any]) -> str:
    lines = "".join(f"{key} {value}\n" for key, value in wanted.items())
    if content.startswith(_BLOCK):
        rest = content[len(_BLOCK) :]
        old = [line for line in text.split_lines(rest) if line.split(" ")[0] not in wanted]
        return _BLOCK + lines + "".join(old)
    return _BLOCK + lines + content
