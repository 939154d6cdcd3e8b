# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two runs side by side: what was fixed, what is left, what got worse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Result
from ansible_collections.essms.hardening.plugins.plugin_utils.summary import (
    View,
    bulleted,
    control_line,
    failures,
    hosts_and_text,
    measures_of,
    shade,
    stacked,
    title_column,
    unverified_hosts,
)

_PASSING = {verdicts.COMPLIANT, verdicts.WAIVED, verdicts.NOT_APPLICABLE}


class _Pair(NamedTuple):
    before: Result | None
    after: Result | None


def comparison(before: Document, after: Document, view: View | None = None) -> str:
    """Return the table before → after of two documents, then control by control what moved."""
    view = view or View()
    pairs = _pairs(before, after)
    worse = [pair for pair in pairs if _failing(pair.after) and pair.before and not _failing(pair.before)]
    fixed = [pair for pair in pairs if _failing(pair.before) and pair.after and pair.after["verdict"] in _PASSING]
    left = [pair.after for pair in pairs if pair.after and _failing(pair.after) and pair not in worse]
    blocks = [
        _header(before, after, view),
        _scores(before, after, (len(fixed), len(left), len(worse)), view),
        [_measure(measure, before, after, view) for measure in _measures(before, after)],
        _section("title_worse", "red", failures([pair.after for pair in worse if pair.after], after, view), view),
        _section("title_left", "yellow", failures(left, after, view), view),
        _section("title_fixed", "green", _fixed(fixed, after, view), view),
        unverified_hosts(after, view),
    ]
    return "\n" + stacked(blocks) + "\n"


def _pairs(before: Document, after: Document) -> list[_Pair]:
    earlier = {(item["control"], item["host"]): item for item in before["results"]}
    later = {(item["control"], item["host"]): item for item in after["results"]}
    return [_Pair(earlier.get(key), later.get(key)) for key in sorted(earlier.keys() | later.keys())]


def _failing(item: Result | None) -> bool:
    return item is not None and item["verdict"] == verdicts.NON_COMPLIANT


def _header(before: Document, after: Document, view: View) -> list[str]:
    words, canvas = view.words, view.canvas
    name = canvas.paint(printable(after["establishment"], 40), "bold")
    moments = words("from_to", words.moment(before["started"]), words.moment(after["started"]))
    left = f"  {name}  {canvas.paint(words('before_after'), 'cyan')}"
    return [canvas.spread(left, canvas.paint(moments, "dim")), canvas.rule()]


def _scores(before: Document, after: Document, moved: tuple[int, int, int], view: View) -> list[str]:
    words, canvas = view.words, view.canvas
    scores = [results.score(document["results"]) for document in (before, after)]
    digits = [canvas.big("–" if one.proven_percent is None else f"{one.proven_percent}%", shade(one)) for one in scores]
    fixed, left, worse = moved
    texts = [
        canvas.paint(words.count("fixed", fixed) if fixed else words("no_fixed"), "green" if fixed else "dim"),
        canvas.paint(words.count("left", left) if left else words("no_left"), "yellow" if left else "dim"),
        canvas.paint(words.count("worse", worse), "red") if worse else _unverified(after, view),
    ]
    arrows = ("   ", " → ", "   ")
    return [
        f"  {old}   {arrow}   {new}    {text}".rstrip()
        for old, arrow, new, text in zip(digits[0], arrows, digits[1], texts, strict=True)
    ]


def _unverified(after: Document, view: View) -> str:
    number = results.score(after["results"]).not_verified
    return view.canvas.paint(view.words.count("not_verified", number), "yellow") if number else ""


def _measures(before: Document, after: Document) -> list[str]:
    return sorted({*measures_of(before), *measures_of(after)})


def _measure(measure: str, before: Document, after: Document, view: View) -> str:
    canvas = view.canvas
    drawn = []
    for document in (before, after):
        score = results.score(item for item in document["results"] if item["measure"] == measure)
        tally = f"{score.compliant}/{score.due}" if score.due else "–"
        drawn.append(f"{canvas.bar(score.compliant, score.due, shade(score))} {canvas.paint(tally.rjust(7), 'bold')}")
    title = title_column(measure, _measures(before, after), view)
    return f"  {canvas.paint(measure, 'cyan')}  {title}  {'  →  '.join(drawn)}"


def _section(title: str, style: str, lines: Sequence[str], view: View) -> list[str]:
    return ["  " + view.canvas.paint(view.words(title), "bold", style), *lines] if lines else []


def _fixed(pairs: Iterable[_Pair], after: Document, view: View) -> list[str]:
    controls: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for old, new in pairs:
        if old and new:
            controls[new["control"]][_moves(old, new, view)].append(new["host"])
    lines = []
    for control, groups in controls.items():
        lines.append(control_line("✓", "green", control, view))
        for text, hosts in groups.items():
            lines += hosts_and_text(hosts, text, after, view)
    return lines


def _moves(old: Result, new: Result, view: View) -> str:
    """Return « longueur minimale : 8 → 12 » for each key that failed before."""
    words = view.words
    now: dict[tuple[str, str], Mapping[str, Any]] = {(row["kind"], row["name"]): row for row in new["settings"]}
    moves = []
    for row in old["settings"]:
        later = now.get((row["kind"], row["name"]))
        if row["state"] == "fail" and later:
            values = words("from_to", words.value(row["observed"]), words.value(later["observed"]))
            moves.append(words("colon", words.name(row), values))
    return bulleted(moves) or words.count(new["verdict"], 1)
