# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenSSH server, as `sshd -T` says it really runs, Match blocks included."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ..engine import text
from ..engine.errors import NotApplicable, Seen, Unknown
from ..engine.host import Host
from ..engine.rules import EQUALS, LIMIT, Rule
from .base import Kind, fields, integer

MAIN = "/etc/ssh/sshd_config"
DROP_IN = "/etc/ssh/sshd_config.d/00-essms.conf"
SSHD = "/usr/sbin/sshd"
_STARTED_WITH = {"debian": ("/etc/default/ssh", "SSHD_OPTS"), "redhat": ("/etc/sysconfig/sshd", "OPTIONS")}
_STYLE = text.BLANKS._replace(separator=" ")
_BLOCK = "# essms.hardening: the first value counts in this file\n"
_BLOCK_END = "# essms.hardening: end\n"
_DEEPEST = 16
"""How far sshd follows Include within Include."""
_TIME_PART = re.compile(r"(\d+)([smhdwSMHDW]?)", re.ASCII)
_TIME = re.compile(rf"(?:{_TIME_PART.pattern})+", re.ASCII)
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_PIECE = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?|([^ \t"']))""")
_WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^ \t"'])+""")
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
        done = host.run(SSHD, "-T", *_options(host))
        if done.rc != 0:
            return dict.fromkeys(names, Unknown(f"sshd -T failed: {done.err.strip()[:160]}"))
        in_force = dict(line.partition(" ")[::2] for line in done.out.splitlines())
        exceptions = [line for line in directives(host) if line.block and line.words]
        return {name: self._seen(name, in_force, exceptions, bodies) for name in names}

    def _seen(
        self,
        name: str,
        in_force: Mapping[str, str],
        exceptions: Sequence[Directive],
        bodies: Sequence[Mapping[str, Any]],
    ) -> Any:
        if name.lower() not in in_force:
            return NotApplicable("this version of sshd does not know it")
        expected = next(body[name] for body in bodies if name in body)
        for exception in exceptions:
            if exception.keyword != name.lower():
                continue
            value = _typed(name, exception.words[0])
            if not self.rule(name).test(expected, value):
                # the Match itself is not shown: it may hold a person's login name
                return Seen(value, f"set for some connections by the Match block at {exception.block}")
        return _typed(name, in_force[name.lower()])

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


def _options(host: Host) -> list[str]:
    """Return the options the service starts sshd with: they come before any file."""
    path, variable = _STARTED_WITH.get(host.family, ("", ""))
    options = text.get(host.text(path) or "", variable, text.BARE_EQUALS) if path else None
    try:
        return [word for part in shlex.split(options or "") for word in shlex.split(part)]
    except ValueError:
        return []


def _typed(name: str, value: str) -> int | str:
    value = _SYNONYMS.get(value.strip().lower(), value.strip())
    if name == "ClientAliveInterval" and _TIME.fullmatch(value):
        return sum(int(number) * _SECONDS[unit.lower()] for number, unit in _TIME_PART.findall(value))
    return int(value) if value.isascii() and value.isdigit() else value


class Directive(NamedTuple):
    """One active line of the server's configuration.

    :param block: file and line of the Match it depends on, empty when it holds for every connection.
    """

    keyword: str
    words: list[str]
    block: str


def parse(line: str) -> tuple[str, list[str]] | None:
    """Return keyword (in small letters) and arguments of a line as sshd splits them, None when it says nothing."""
    rest = line.strip(" \t\r\n\f")
    if not rest or rest.startswith("#"):
        return None
    if rest.startswith('"'):
        keyword, _, rest = rest[1:].partition('"')
    else:
        keyword = re.split(r'[ \t"=]', rest, maxsplit=1)[0]
        rest = rest[len(keyword) :]
    rest = re.sub(r"^[ \t]*=?[ \t]*", "", rest)
    return keyword.lower(), _words(rest)


def _words(rest: str) -> list[str]:
    """Return the arguments: quotes of both sorts hold blanks, and a word that starts with # begins a comment."""
    words = []
    for word in _WORD.findall(rest):
        if word.startswith("#"):
            break
        words.append("".join(part for piece in _PIECE.findall(word) for part in piece))
    return words


def directives(host: Host, path: str = MAIN, block: str = "", depth: int = 0) -> Iterator[Directive]:
    """Yield the active lines of a file and of what it includes, in sshd's order.

    A file included inside a Match depends on it as a whole, and its own Match lines end with the file.
    """
    outer = block
    for number, line in enumerate((host.text(path) or "").split("\n"), start=1):
        parsed = parse(line)
        if parsed is None:
            continue
        keyword, words = parsed
        if keyword == "match":
            everybody = [word.lower() for word in words] == ["all"]
            block = outer if everybody else f"{path}:{number}"
        yield Directive(keyword, words, block)
        if keyword == "include" and depth < _DEEPEST:
            for pattern in words:
                for included in _expand(host, pattern):
                    yield from directives(host, included, block, depth + 1)


def _expand(host: Host, pattern: str) -> list[str]:
    """Return the paths, as the host names them, of the files that a pattern of Include finds."""
    root = os.path.realpath(host.root)
    found = sorted(glob.glob(os.path.join(glob.escape(root), os.path.join("/etc/ssh", pattern).lstrip("/"))))
    return [os.path.join("/", os.path.relpath(path, root)) for path in found if os.path.isfile(path)]


def _drop_in_comes_first(host: Host, names: Sequence[str]) -> bool:
    """Say whether the main file includes our drop-in before it sets any of these keys itself."""
    keys = {name.lower() for name in names}
    for line in (host.text(MAIN) or "").split("\n"):
        keyword, words = parse(line) or ("", [])
        if keyword == "include" and any(_finds(pattern, DROP_IN) for pattern in words):
            return True
        if keyword in keys or keyword == "match":
            return False
    return False


def _finds(pattern: str, path: str) -> bool:
    """Say whether a pattern of Include finds a path; unlike fnmatch, no wildcard of it goes beyond a slash."""
    absolute = os.path.normpath(os.path.join("/etc/ssh", pattern))
    return absolute.count("/") == path.count("/") and fnmatch.fnmatchcase(path, absolute)


def _put_at_top(content: str, wanted: Mapping[str, Any]) -> str:
    """Return the text with our block first; of what stood there before, only the block itself is rewritten."""
    own: dict[str, Any] = {}
    if content.startswith(_BLOCK) and _BLOCK_END in content:
        inside, _, content = content[len(_BLOCK) :].partition(_BLOCK_END)
        own = dict(line.partition(" ")[::2] for line in inside.split("\n") if line)
    lines = "".join(f"{key} {value}\n" for key, value in {**own, **wanted}.items())
    return _BLOCK + lines + _BLOCK_END + content
