# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a page says, safe to stand in HTML: phrases are ours, values are escaped and bounded."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.report.texts import TEXTS
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words, shown_item
from markupsafe import Markup, escape

LIMIT = 400
"""Longest text that came from outside, in characters."""
VALUE = 160
"""Longest value of a setting or parameter, in characters."""
_ITEMS = 20
"""Most items of a list of maps that are put into words."""


def safe(value: object, limit: int = LIMIT) -> Markup:
    """Return a value as HTML text of at most ``limit`` characters, without anything that acts on its reader.

    What is HTML already stays as it is. This is also the ``finalize`` of the templates: nothing gets around it.
    """
    if isinstance(value, Markup):
        return value
    try:
        return escape(printable(value, limit))
    except RecursionError:
        return Markup("…")


def frozen(value: object) -> Hashable:
    """Return something that stands for a value as a page shows it; 1 and True stay apart."""
    if value is None or isinstance(value, (bool, int, float)):
        return (type(value), value)
    if isinstance(value, str):
        return value[:LIMIT]
    return (type(value), safe(value, VALUE))


class Say:
    """The phrases of one language, and the values that stand in them."""

    def __init__(self, language: str) -> None:
        """Take ``fr`` or ``en``; anything else is French."""
        self.words = Words(language, VALUE)
        self.language = self.words.language
        self._phrases: Mapping[str, Any] = TEXTS[self.language]
        self._set: dict[str, Markup] = {}

    def __call__(self, key: str, *values: object) -> Markup:
        """Return a phrase with its values filled in, each of them escaped and bounded."""
        phrase = self._set.get(key)
        if phrase is None:
            phrase = self._set[key] = self._markup(self._phrases[key])
        return phrase.format(*map(safe, values)) if values else phrase

    def count(self, key: str, number: int, *values: object) -> Markup:
        """Return a phrase that counts, its other values after the number; in French zero is singular."""
        singular, plural = self._phrases[key]
        few = number < 2 if self.language == "fr" else number == 1
        return self._markup(singular if few else plural).format(number, *map(safe, values))

    def own(self, text: str) -> Markup:
        """Return a text of the project that ``Words`` has already made fit for people."""
        return escape(text)

    def title(self, texts: Mapping[str, str]) -> Markup:
        """Return a title or sentence of the catalogue."""
        return escape(self.words.title(texts))

    def value(self, value: object) -> Markup:
        """Return a value as a person would say it; lists of maps too."""
        try:
            if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
                value = [shown_item(item) for item in value[:_ITEMS]]
            return escape(self.words.value(value))
        except RecursionError:
            return Markup("…")

    def note(self, technical: str) -> Markup:
        """Return a note of the engine in this language; bounded first, so that the typography set after it stays."""
        return escape(self.words.note(printable(technical, LIMIT)))

    def unit(self, unit: str, value: object) -> Markup:
        """Return the unit of a parameter as it stands behind a value; one without a word here stays as it is."""
        one, many = self._phrases["units"].get(unit, (unit, unit))
        return escape(one if value == 1 else many)

    def percent(self, number: int | None) -> Markup:
        """Return « 74 % », or a dash when there is nothing to count."""
        return self("percent", number) if number is not None else Markup("–")

    def day(self, when: str | date) -> Markup:
        """Return an ISO date, or the day of an ISO instant in the time zone of this machine; other text stays."""
        try:
            instant = datetime.fromisoformat(str(when))
        except ValueError:
            return safe(when, 40)
        local = instant.astimezone() if instant.tzinfo else instant
        return escape(self.words("day", local))

    def moment(self, when: str) -> Markup:
        """Return an ISO instant with its time of day; other text as it stands."""
        try:
            return escape(self.words.moment(when))
        except ValueError:
            return safe(when, 40)

    def month(self, when: datetime) -> Markup:
        """Return « mars 26 »."""
        return Markup("{} {:02d}").format(self._phrases["months"][when.month - 1], when.year % 100)

    def joined(self, parts: Sequence[Markup]) -> Markup:
        """Return several texts as a list in one line."""
        return self("semicolon").join(parts)

    def _markup(self, text: str) -> Markup:
        return escape(self.words.title({self.language: text}))
