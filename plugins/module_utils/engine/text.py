# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading and editing configuration text line by line, leaving every other byte as it was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

HEADER = "# Managed by essms.hardening: changes made here are replaced by the next apply.\n"


class Entry(NamedTuple):
    """One active "key value" line: its index in the text's lines, its key and its value."""

    line: int
    key: str
    value: str


class Style(NamedTuple):
    """How a file writes a key and its value.

    :param separator: what stands between them when a line is written.
    :param pattern: expression with the groups key and value that finds them in an active line.
    """

    separator: str
    pattern: re.Pattern[str]


EQUALS_SIGN = Style(" = ", re.compile(r"^\s*(?P<key>[^\s#;=\[][^\s=]*)\s*(?:=\s*(?P<value>.*?))?\s*$"))
BARE_EQUALS = Style("=", EQUALS_SIGN.pattern)
BLANKS = Style("\t", re.compile(r"^\s*(?P<key>[^\s#]+)(?:[ \t]+(?P<value>.*?))?\s*$"))
PAM = Style(" = ", re.compile(r"^\s*(?P<key>[^\s#=]+)(?:(?:\s*=|\s)\s*(?P<value>[^#]*?))?\s*(?:#.*)?$"))
"""How the modules of PAM read their own files and login.defs: a blank is as good as =, and # ends a line anywhere."""
_SECTION = re.compile(r"^\s*\[(?P<name>.*)\]\s*$")


def entries(text: str, style: Style, section: str | None = None) -> Iterator[Entry]:
    """Yield the active lines of a text, of one section only when it is given."""
    current: str | None = None
    for number, line in enumerate(split_lines(text)):
        heading = _SECTION.match(line)
        if heading:
            current = heading.group("name")
            continue
        found = style.pattern.match(line.rstrip("\r\n"))
        if found and (section is None or current == section):
            yield Entry(number, found.group("key"), (found.group("value") or "").strip())


def split_lines(text: str) -> list[str]:
    """Split at newline characters only, which every configuration reader agrees on (str.splitlines knows more)."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def get(text: str, key: str, style: Style, section: str | None = None) -> str | None:
    """Return the value in force of a key (the last one wins), or None when the text does not set it."""
    found = None
    for entry in entries(text, style, section):
        if entry.key == key:
            found = entry.value
    return found


def first(text: str, key: str, style: Style) -> str | None:
    """Return a value as libpam looks for it: the first one counts, in large letters or small ones."""
    return next((entry.value for entry in entries(text, style) if entry.key.lower() == key.lower()), None)


def put(text: str, key: str, value: str, style: Style, section: str | None = None) -> str:
    """Return the text with the key set once to the value.

    The last active line is rewritten where it stands and its earlier twins are removed; a key that is not set goes
    to the end of its section or of the text. An empty value writes the key alone.
    """
    lines = split_lines(text)
    wanted = f"{key}{style.separator}{value}" if value else key
    places = [entry.line for entry in entries(text, style, section) if entry.key == key]
    if places:
        ending = "\n" if lines[places[-1]].endswith("\n") else ""
        lines[places[-1]] = wanted + ending
        for place in reversed(places[:-1]):
            del lines[place]
        return "".join(lines)
    end = _end_of_section(lines, section)
    if end is None:
        lines = _closed(lines)
        return "".join([*lines, f"[{section}]\n", wanted + "\n"])
    head, tail = _closed(lines[:end]), lines[end:]
    return "".join([*head, wanted + "\n", *tail])


def drop(text: str, key: str, style: Style, section: str | None = None) -> str:
    """Return the text without any active line of the key."""
    places = {entry.line for entry in entries(text, style, section) if entry.key == key}
    return "".join(line for number, line in enumerate(split_lines(text)) if number not in places)


def _closed(lines: list[str]) -> list[str]:
    """Return the lines, the last one ended by a newline, so that another can follow."""
    if lines and not lines[-1].endswith("\n"):
        return [*lines[:-1], lines[-1] + "\n"]
    return lines


def _end_of_section(lines: list[str], section: str | None) -> int | None:
    """Return the index after the last line of a section, or None when the text has no such section."""
    if section is None:
        return len(lines)
    inside = False
    place = None
    for number, line in enumerate(lines):
        heading = _SECTION.match(line)
        if heading:
            inside = heading.group("name") == section
        if inside and line.strip():
            place = number + 1
    return place


def encodable(value: Any) -> Any:
    """Return plain JSON that UTF-8 can carry: a byte of the host that is no text is shown as an escape.

    One such byte would make Ansible refuse the whole answer of a host.
    """
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {encodable(key): encodable(each) for key, each in value.items()}
    return [encodable(each) for each in value] if isinstance(value, (list, tuple)) else value


def printable(text: str) -> str:
    """Return a text for one line of a terminal: what would steer it, or turn its direction, is shown as an escape."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
