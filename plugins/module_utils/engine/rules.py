# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an observed value is compared with the expected one.

A rule knows the safe direction of a key: fourteen characters satisfy a demand for twelve, so a host that is
already stricter is compliant and apply leaves it alone instead of weakening it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, NamedTuple


class Rule(NamedTuple):
    """A named comparison.

    :param label: word written in the results: equals, at_least, at_most, one_of or includes.
    :param test: function of (expected, observed) that is true when the observed value satisfies the expected one.
    """

    label: str
    test: Callable[[Any, Any], bool]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _at_least(expected: Any, observed: Any) -> bool:
    wanted, seen = _number(expected), _number(observed)
    return wanted is not None and seen is not None and seen >= wanted


def _at_most(expected: Any, observed: Any) -> bool:
    wanted, seen = _number(expected), _number(observed)
    return wanted is not None and seen is not None and seen <= wanted


def _limit(expected: Any, observed: Any) -> bool:
    return _at_most(expected, observed) and observed > 0


def _includes(expected: Any, observed: Any) -> bool:
    return observed is not None and set(expected) <= set(observed)


EQUALS = Rule("equals", lambda expected, observed: bool(expected == observed) and type(expected) is type(observed))
AT_LEAST = Rule("at_least", _at_least)
AT_MOST = Rule("at_most", _at_most)
LIMIT = Rule("at_most", _limit)
"""At most the expected number, where zero means "switched off" and therefore never satisfies."""
INCLUDES = Rule("includes", _includes)
WITHIN = Rule("one_of", lambda expected, observed: bool(observed) and set(observed) <= set(expected))
"""A list that holds some of the expected values and nothing else."""


def ranked(order: Sequence[str]) -> Rule:
    """Return a rule over words from weakest to strongest; a word out of the order never satisfies."""
    ranks = {word: rank for rank, word in enumerate(order)}

    def test(expected: Any, observed: Any) -> bool:
        return expected in ranks and observed in ranks and ranks[observed] >= ranks[expected]

    return Rule("at_least", test)
