# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of logrotate: stanzas, their directives, and how long they keep a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .text import split_lines

FREQUENCIES = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}
"""Days between two rotations."""
FOREVER = 36500
"""Days that stand for a log that nothing ever purges."""
_SCRIPTS = ("prerotate", "postrotate", "firstaction", "lastaction", "preremove")
TIMES = ("hourly", *FREQUENCIES, "size")
"""What can say when a log is rotated."""
_EXCLUSIVE = (TIMES, ("ifempty", "notifempty"))
"""Directives of which the last one in a stanza counts."""
_REPLACED = {**dict.fromkeys(TIMES, (*TIMES, "maxsize")), "ifempty": ("ifempty", "notifempty", "minsize")}
"""What a directive takes the place of when it is written."""


class Block(NamedTuple):
    """The defaults of a file, or a stanza of it.

    :param path: the file.
    :param opening: line with the brace that opens the stanza, -1 for what stands outside of all.
    :param patterns: the logs it is for.
    :param own: its directives, the last one of a name, without those of scripts.
    :param places: the line of each directive, in the order of the file.
    """

    path: str
    opening: int
    patterns: list[str]
    own: dict[str, str]
    places: list[tuple[int, str]]


def parse(path: str, content: str) -> list[Block]:
    """Return the defaults of a file, then its stanzas in order."""
    blocks = [Block(path, -1, [], {}, [])]
    inside, script = False, False
    patterns: list[str] = []
    for number, line in enumerate(split_lines(content)):
        words = line.partition("#")[0].replace("{", " { ").replace("}", " } ").split()
        if script:
            script = words[:1] != ["endscript"]
        elif words and words[0] in _SCRIPTS:
            script = True
        elif "{" in words:
            patterns += [word.strip("\"'") for word in words[: words.index("{")]]
            blocks.append(Block(path, number, patterns, {}, []))
            inside, patterns = "}" not in words, []
        elif words == ["}"]:
            inside = False
        elif words and not inside and words[0].strip("\"'").startswith("/"):
            patterns += [word.strip("\"'") for word in words]
        elif words:
            block = blocks[-1] if inside else blocks[0]
            _take(block, number, words)
    return blocks


def _take(block: Block, number: int, words: list[str]) -> None:
    name, _, value = " ".join(words).replace("=", " ").partition(" ")
    for rivals in _EXCLUSIVE:
        for rival in rivals if name in rivals else ():
            block.own.pop(rival, None)
    block.own[name] = value.strip()
    block.places.append((number, name))


def kept(block: Block, defaults: Mapping[str, str], *, at_least: bool = True) -> int:
    """Return the days a rotated log is kept: the shorter of what count and age allow; 0 when size decides.

    :param at_least: False for the longest it may stay: a log that grows slowly is not rotated before its time.
    """
    frequency = next((name for name in block.own if name in TIMES), None) or next(
        (name for name in defaults if name in TIMES), "weekly"
    )
    count = _number(block.own.get("rotate", defaults.get("rotate", "0")))
    age = _number(block.own.get("maxage", defaults.get("maxage", "")))
    days = FOREVER if count is None or count < 0 else int(count * FREQUENCIES.get(frequency, 0))
    if at_least and "maxsize" in {**defaults, **block.own} and days != FOREVER:
        days = 0
    return min(days, age or FOREVER)


def _number(word: str) -> int | None:
    try:
        return int(word)
    except ValueError:
        return None


def put(content: str, index: int, path: str, **directives: object) -> str:
    """Return the text with these directives in one of its blocks, each in the place of the last of its rivals."""
    for name, value in directives.items():
        block = parse(path, content)[index]
        lines = split_lines(content)
        wanted = f"{name} {value}".rstrip()
        rivals = _REPLACED.get(name, (name,))
        places = [number for number, own in block.places if own in rivals]
        if places:
            indent = lines[places[-1]][: len(lines[places[-1]]) - len(lines[places[-1]].lstrip())]
            lines[places[-1]] = f"{indent}{wanted}\n"
            for place in reversed(places[:-1]):
                del lines[place]
        elif block.opening < 0:
            lines.insert(0, f"{wanted}\n")
        else:
            lines.insert(block.opening + 1, f"    {wanted}\n")
        content = "".join(lines)
    return content
