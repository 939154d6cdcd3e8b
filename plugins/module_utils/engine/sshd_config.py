# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of the OpenSSH server, as sshd reads them: the first value counts, Include and Match too."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from . import text
from .host import Host
from .sshd_service import MAIN

DROP_IN = "/etc/ssh/sshd_config.d/00-essms.conf"
_STYLE = text.BLANKS._replace(separator=" ")
_BLOCK = "# essms.hardening: the first value counts in this file\n"
_BLOCK_END = "# essms.hardening: end\n"
_ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "hostbasedacceptedkeytypes": "hostbasedacceptedalgorithms",
    "hostdsakey": "hostkey",
    "keepalive": "tcpkeepalive",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "skeyauthentication": "kbdinteractiveauthentication",
}
"""Earlier names that sshd still understands: the first value of either name counts."""
_LAST_COUNTS = {"MaxStartups"}
"""The exceptions to sshd's own rule that the first value counts."""
_DEEPEST = 16
"""How far sshd follows Include within Include."""
_PIECE = re.compile(r"""(?:"((?:[^"\\]|\\.)*)"?|'((?:[^'\\]|\\.)*)'?|([^ \t"']))""")
_WORD = re.compile(r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^ \t"'])+""")


class Directive(NamedTuple):
    """One active line of the server's configuration.

    :param block: file and line of the Match it depends on, empty when it holds for every connection.
    :param path: the file it stands in.
    """

    keyword: str
    words: list[str]
    block: str
    path: str


def parse(line: str) -> tuple[str, list[str]] | None:
    """Return keyword (in small letters, its present name) and arguments of a line as sshd splits them.

    None when the line says nothing.
    """
    rest = line.strip(" \t\r\n\f")
    if not rest or rest.startswith("#"):
        return None
    if rest.startswith('"'):
        keyword, _, rest = rest[1:].partition('"')
    else:
        keyword = re.split(r'[ \t"=]', rest, maxsplit=1)[0]
        rest = rest[len(keyword) :]
    rest = re.sub(r"^[ \t]*=?[ \t]*", "", rest)
    return _ALIASES.get(keyword.lower(), keyword.lower()), _words(rest)


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
        yield Directive(keyword, words, block, path)
        if keyword == "include" and depth < _DEEPEST:
            for pattern in words:
                for included in _expand(host, pattern):
                    yield from directives(host, included, block, depth + 1)


def _expand(host: Host, pattern: str) -> list[str]:
    """Return the paths, as the host names them, of the files that a pattern of Include finds."""
    root = os.path.realpath(host.root)
    found = sorted(glob.glob(os.path.join(glob.escape(root), os.path.join("/etc/ssh", pattern).lstrip("/"))))
    return [os.path.join("/", os.path.relpath(path, root)) for path in found if os.path.isfile(path)]


def put(host: Host, wanted: Mapping[str, str], main: str = MAIN) -> None:
    """Write values where they are read first: our drop-in, or the top of the main file when that sets them itself."""
    for key in _LAST_COUNTS & set(wanted):
        for other in {line.path for line in directives(host, main) if line.keyword == key.lower()}:
            host.write(other, _with_every(host.text(other) or "", key, wanted[key]))
    path = DROP_IN if _drop_in_comes_first(host, main, list(wanted)) else main
    content = host.text(path)
    if path == DROP_IN:
        content = content or text.HEADER
        for key, value in wanted.items():
            content = text.put(content, key, value, _STYLE)
    else:
        content = _put_at_top(content or "", wanted)
    host.write(path, content, mode=0o600)


def _with_every(content: str, key: str, value: str) -> str:
    """Return the text with this value on every line that sets the key."""
    lines = text.split_lines(content)
    return "".join(f"{key} {value}\n" if (parse(line) or ("",))[0] == key.lower() else line for line in lines)


def _drop_in_comes_first(host: Host, main: str, names: Sequence[str]) -> bool:
    """Say whether the main file includes our drop-in before it sets any of these keys itself."""
    keys = {name.lower() for name in names}
    for line in (host.text(main) or "").split("\n"):
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
