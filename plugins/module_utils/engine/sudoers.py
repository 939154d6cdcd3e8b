# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of sudo, read as sudo reads them: in its order, with what they include, where the last Defaults counts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple, Union

from .host import Host

MAIN = "/etc/sudoers"
FOLDER = "/etc/sudoers.d"
_DEEPEST = 128
"""How far sudo follows an include within an include."""
_CONTINUED = r"\\[ \t]*\r?\n"
_COMMENT = re.compile(r"#(?!-?\d)[^\n]*")
"""Up to the end of the line, whatever it ends with; a # before a number is an identity."""
_STRING = rf'"(?:{_CONTINUED}|\\.|[^"\\\n])*"'
_COMMAND = rf"(?<![^\s=:,!)])(?:/|sudoedit\b|\^(?:\\.|[^\\#$\n])*\$)(?:{_CONTINUED}|\\.|[^\\#,:\n])*"
"""With its arguments; a quote among them is a character like any other."""
_OF_DEFAULTS = rf"{_STRING}|{_CONTINUED}|\\.|{_COMMENT.pattern}|[^\n]"
_OF_RULES = rf"{_COMMAND}|{_OF_DEFAULTS}"
_LINE = re.compile(rf"(?:[ \t]*Defaults(?:{_OF_DEFAULTS})*|(?:{_OF_RULES})*)(?:\n|$)")
_INCLUDE = re.compile(r"^(?:\s*@|#)(include|includedir)\s+(\"[^\"]*\"|(?:\\[ \t]|\S)+)")
_WORD = r'(?:"(?:\\.|[^"\\])*"|(?:\\.|[^\s,\\"])+)'
_LIST = rf"[!\s]*{_WORD}(?:\s*,[!\s]*{_WORD})*"
_DEFAULTS = re.compile(rf"^\s*Defaults(?:(?P<scope>[@:!>])\s*(?P<who>{_LIST}))?\s+(?P<options>.*)$")
_ALIAS = re.compile(r"^\s*(?P<type>User|Runas|Host|Cmnd|Cmd)_Alias\s+(?P<rest>.*)$")
_USERS = re.compile(rf"({_LIST})(?:(?=\s)|(?<=\"))")
_OPTION = re.compile(r"^(?P<not>[!\s]*)(?P<name>\w+)\s*(?:(?P<sign>[+-]?=)\s*(?P<value>.*))?$", re.DOTALL)
_TAGS = r"(?:NO)?(?:EXEC|FOLLOW|INTERCEPT|LOG_INPUT|LOG_OUTPUT|MAIL|PASSWD|SETENV)"
_TAG = re.compile(rf"^\s*({_TAGS})\s*:\s*")
_PATH = r"\b(?:CWD|CHROOT)\s*=\s*(?:\\.|[^\s\\])+"
_HOST = r"!?\s*[^\s,=\"]+"
_NEXT_HOSTS = re.compile(
    rf"{_PATH}|{_COMMAND}|\\.|{_STRING}|\([^)]*\)|\b(?:{_TAGS}|sha\d+)\s*:|(?P<hosts>:\s*{_HOST}(?:\s*,\s*{_HOST})*\s*=)"
)
"""A colon after which the rule goes on for other hosts; that of a tag or a digest is none."""
_OTHER_OPTION = re.compile(
    rf"^\s*(?:{_PATH}|(?:ROLE|TYPE|APPARMOR_PROFILE|PRIVS|LIMITPRIVS|NOTBEFORE|NOTAFTER|TIMEOUT)"
    rf"\s*=\s*(?:{_STRING}|[^\s\"]+))"
)
_RUNAS = re.compile(r"^\s*\([^)]*\)")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")

Value = Union[bool, str]


class Default(NamedTuple):
    """One option of a Defaults line.

    :param scope: @, :, ! or > when it holds only for some hosts, users, commands or targets; empty for everybody.
    :param who: those hosts, users, commands or targets.
    :param place: file and line.
    """

    scope: str
    who: tuple[str, ...]
    name: str
    value: Value
    place: str


class Command(NamedTuple):
    """One command a rule allows or refuses.

    :param tags: the tags in force for it, such as NOPASSWD.
    """

    text: str
    negated: bool
    tags: frozenset[str]


class Rule(NamedTuple):
    """One line that allows something; its users may be names, #uid, %group or an alias."""

    users: tuple[str, ...]
    commands: tuple[Command, ...]
    place: str


class Policy(NamedTuple):
    """Everything the files say, aliases by type and name."""

    defaults: list[Default]
    rules: list[Rule]
    aliases: dict[tuple[str, str], tuple[str, ...]]
    alias_places: dict[tuple[str, str], str]
    folders: list[str]

    def names(self, kind: str, words: tuple[str, ...]) -> list[str]:
        """Return the words of a list, the aliases of this type (User, Cmnd…) replaced by what they stand for."""
        found: list[str] = []
        waiting, seen = list(words), set[str]()
        while waiting:
            word = waiting.pop(0)
            if (kind, word) in self.aliases and word not in seen:
                seen.add(word)
                waiting += self.aliases[kind, word]
            else:
                found.append(word)
        return found


def read(host: Host) -> Policy:
    """Return what sudo finds in its files.

    :raises OSError: when one cannot be read.
    """
    policy = Policy([], [], {}, {}, [])
    for line, place in _lines(host, MAIN, policy, ()):
        defaults, alias = _DEFAULTS.match(line), _ALIAS.match(line)
        if defaults:
            who = _names(defaults["who"] or "")
            options = _options(defaults["options"])
            policy.defaults.extend(Default(defaults["scope"] or "", who, *each, place) for each in options)
        elif alias:
            for part in split(alias["rest"], ":"):
                name, _, members = part.partition("=")
                key = ("Cmnd" if alias["type"] == "Cmd" else alias["type"], name.strip())
                policy.aliases[key] = _names(members)
                policy.alias_places[key] = place
        else:
            users = _USERS.match(line)
            _hosts, *commands = split(line[users.end() :], "=", 1) if users else [""]
            if users and commands:
                found = tuple(command for part in _by_hosts(commands[0]) for command in _commands(part))
                policy.rules.append(Rule(_names(users[1]), found, place))
    return policy


def _lines(host: Host, path: str, policy: Policy, above: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield the active lines, continued ones joined and comments left out, each with its place.

    :param above: the files that are being read; sudo refuses those that include themselves.
    """
    number = 1
    for raw in _LINE.findall(host.text(path) or ""):
        place, number = f"{path}:{number}", number + raw.count("\n")
        include = _INCLUDE.match(raw)
        if include:
            target = _plain(include[2]).replace("%h", os.uname().nodename.partition(".")[0])
            target = os.path.join(os.path.dirname(path), target)
            for file in _files(host, target, policy) if include[1] == "includedir" else [target]:
                if file not in (*above, path) and len(above) < _DEEPEST:
                    yield from _lines(host, file, policy, (*above, path))
        else:
            tokens = _OF_DEFAULTS if raw.lstrip().startswith("Defaults") else _OF_RULES
            active = re.sub(tokens, _kept, raw).strip()
            if active:
                yield active, place


def _kept(token: re.Match[str]) -> str:
    """Return what counts of a token: nothing of a comment, and a blank for the end of a line that goes on."""
    return "" if _COMMENT.match(token.string, token.start()) else re.sub(_CONTINUED, " ", token[0])


def _plain(word: str) -> str:
    """Return a word without its quotes and escapes."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], word.strip('"'))


def _names(words: str) -> tuple[str, ...]:
    """Return the members of a list, each without quotes and escapes, with at most one "!" before it."""
    found = []
    for word in split(words, ","):
        name = word.lstrip("! \t")
        refused = word[: len(word) - len(name)].count("!") % 2
        found.append("!" * refused + _plain(name))
    return tuple(found)


def _files(host: Host, folder: str, policy: Policy) -> list[str]:
    """Return the files of a folder that sudo reads."""
    policy.folders.append(os.path.normpath(folder))
    names = [os.path.basename(path) for path in host.names(folder, "") if not os.path.isdir(path)]
    return [os.path.join(folder, name) for name in names if "." not in name and not name.endswith("~")]


def split(line: str, separator: str, most: int = 0) -> list[str]:
    """Return the parts of a line between separators that stand outside quotes, parentheses and escapes.

    :param most: how many separators count, zero for all of them.
    """
    parts: list[str] = []
    start = 0
    for found in re.finditer(rf"{_COMMAND}|{_STRING}|\\.|\([^)]*\)|{re.escape(separator)}", line):
        if found[0] == separator and (not most or len(parts) < most):
            parts.append(line[start : found.start()].strip())
            start = found.end()
    return [part for part in (*parts, line[start:].strip()) if part]


def _options(options: str) -> Iterator[tuple[str, Value]]:
    for part in split(options, ","):
        found = _OPTION.match(part)
        if not found:
            continue
        negated = found["not"].count("!") % 2 == 1
        if found["value"] is None:
            yield found["name"], not negated
        elif found["sign"] == "=":
            yield found["name"], _plain(found["value"].strip())


def _by_hosts(commands: str) -> Iterator[str]:
    """Yield the commands for each list of hosts of a rule; tags do not hold from one to the next."""
    start = 0
    for found in _NEXT_HOSTS.finditer(commands):
        if found["hosts"]:
            yield commands[start : found.start()]
            start = found.end()
    yield commands[start:]


def _commands(commands: str) -> Iterator[Command]:
    """Yield the commands of a rule; a tag holds until its opposite."""
    tags: set[str] = set()
    for part in split(commands, ","):
        rest, before = part, ""
        while rest != before:
            before = rest
            rest = _OTHER_OPTION.sub("", _RUNAS.sub("", rest))
            tag = _TAG.match(rest)
            if tag:
                word = tag[1]
                tags.discard(word[2:] if word.startswith("NO") else f"NO{word}")
                tags.add(word)
                rest = rest[tag.end() :]
        text = rest.strip().lstrip("! \t")
        yield Command(text, rest[: rest.index(text)].count("!") % 2 == 1, frozenset(tags))
