# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the summary looks: colours, width, bars, big digits and wrapped paragraphs. It knows nothing of results."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from dataclasses import dataclass
from typing import TextIO

from ansible_collections.essms.hardening.plugins.plugin_utils.printable import fit, width

NARROWEST, WIDEST = 80, 120
BAR_CELLS = 10

_STYLES = {"bold": "1", "dim": "2", "green": "32", "red": "31", "yellow": "33", "cyan": "36"}

_DIGITS = {
    "0": ("█▀█", "█ █", "▀▀▀"),
    "1": ("▀█ ", " █ ", "▀▀▀"),
    "2": ("▀▀█", "█▀▀", "▀▀▀"),
    "3": ("▀▀█", " ▀█", "▀▀▀"),
    "4": ("█ █", "▀▀█", "  ▀"),
    "5": ("█▀▀", "▀▀█", "▀▀▀"),
    "6": ("█▀▀", "█▀█", "▀▀▀"),
    "7": ("▀▀█", "  █", "  ▀"),
    "8": ("█▀█", "█▀█", "▀▀▀"),
    "9": ("█▀█", "▀▀█", "▀▀▀"),
    "%": ("▀ ▄▀", "▄▀  ", "▀  ▀"),
    "–": ("   ", "▀▀▀", "   "),
}


@dataclass(frozen=True)
class Canvas:
    """Where text is drawn: with or without colours, and how many columns there are."""

    colour: bool = False
    columns: int = 100

    @classmethod
    def of(cls, stream: TextIO = sys.stdout, colour: bool | None = None) -> Canvas:
        """Measure a stream; ``colour`` None means: on a terminal, unless NO_COLOR or ANSIBLE_NOCOLOR asks for none."""
        columns = shutil.get_terminal_size((100, 24)).columns
        if colour is None:
            refused = any(os.environ.get(name) for name in ("NO_COLOR", "ANSIBLE_NOCOLOR"))
            colour = stream.isatty() and not refused and os.environ.get("TERM") != "dumb"
        return cls(colour, min(max(columns, NARROWEST), WIDEST))

    def paint(self, text: str, *styles: str) -> str:
        """Return the text in these styles, or as it is without colours."""
        if not self.colour or not styles or not text:
            return text
        return f"\x1b[{';'.join(_STYLES[style] for style in styles)}m{text}\x1b[0m"

    def spread(self, left: str, right: str, margin: int = 2) -> str:
        """Return both texts on one line, the right one flush with the right margin."""
        gap = self.columns - margin - width(left) - width(right)
        return left + " " * max(gap, 2) + right

    def rule(self) -> str:
        """Return a thin line across."""
        return "  " + self.paint("─" * (self.columns - 4), "dim")

    def bar(self, part: int, whole: int, style: str) -> str:
        """Return a bar of ten cells. It is full only when nothing is missing, empty only when nothing is there."""
        cells = BAR_CELLS * part // whole if whole else 0
        cells = max(cells, 1) if part else 0
        return self.paint("█" * cells, style) + self.paint("░" * (BAR_CELLS - cells), "dim")

    def big(self, text: str, style: str) -> list[str]:
        """Return digits three lines high."""
        return [self.paint(" ".join(_DIGITS[character][row] for character in text), "bold", style) for row in range(3)]

    def paragraph(self, text: str, indent: str, *styles: str, first: str | None = None) -> list[str]:
        """Wrap an unpainted text at the right margin; ``first``, painted or not, opens the first line."""
        lines = textwrap.wrap(
            text,
            max(self.columns - 2 - width(indent), 20),
            break_on_hyphens=False,
        )
        lines = [self.paint(line, *styles) for line in lines] or [""]
        return [(indent if first is None else first) + lines[0], *(indent + line for line in lines[1:])]

    def column(self, text: str, columns: int, *styles: str) -> str:
        """Return the text cut or padded to a column."""
        return self.paint(fit(text, columns), *styles)
