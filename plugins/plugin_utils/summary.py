# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The summary a technician reads at the end of a run, made from results documents only."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.canvas import Canvas
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import told_state
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable, width
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, HostState, Result, Score
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

_HOSTS_SHOWN = 4
_GAPS_SHOWN = 4
_DETAIL = " " * 16

Titles = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class View:
    """For whom and on what the summary is drawn.

    ``titles`` maps control and measure ids to ``{"fr": …, "en": …}``; ``undo`` is the command that takes a run back.
    """

    titles: Titles = field(default_factory=dict)
    words: Words = field(default_factory=lambda: Words("fr"))
    canvas: Canvas = field(default_factory=Canvas)
    undo: str = "ansible-playbook essms.hardening.rollback"

    def title(self, identifier: str) -> str:
        """Return the title of a control or measure, or nothing when the catalogue does not know it."""
        titles = self.titles.get(identifier)
        return self.words.title(titles) if titles else ""


def titles_of(catalogue: Any) -> dict[str, Mapping[str, str]]:
    """Return the titles of every control and measure of a loaded catalogue."""
    return {item.id: item.title for items in (catalogue.controls, catalogue.measures) for item in items.values()}


def summary(document: Document, view: View, path: str = "", report: str = "") -> str:
    """Return the whole summary of one document; ``path`` is where it was written, ``report`` the page beside it."""
    blocks = [_header(document, view), _score(document, view)]
    blocks += [_measure(measure, document, view) for measure in measures_of(document)]
    blocks += [unverified_hosts(document, view), _waivers_to_review(document, view), _changes(document, view)]
    places = {"report": report, "file": path}
    blocks.append([f"  {view.canvas.paint(view.words(key), 'bold')} {place}" for key, place in places.items() if place])
    return "\n" + stacked(blocks) + "\n"


def stacked(blocks: Iterable[Sequence[str]]) -> str:
    """Return blocks one under the other, a blank line around each one longer than a line."""
    lines: list[str] = []
    airy = True
    for block in filter(None, blocks):
        if lines and (airy or len(block) > 1):
            lines.append("")
        lines += block
        airy = len(block) > 1
    return "\n".join(lines)


def measures_of(document: Document) -> list[str]:
    """Return the measures the document has results of, in order."""
    return sorted({item["measure"] for item in document["results"]})


def _header(document: Document, view: View) -> list[str]:
    words, canvas = view.words, view.canvas
    mode = words(document["mode"]) + (f" ({words('check')})" if document["check"] else "")
    facts = [
        words.count("hosts", len(document["hosts"])),
        words("profile", printable(document["profile"])),
        words.moment(document["started"]),
    ]
    name = canvas.paint(printable(document["establishment"], 40), "bold")
    left = f"  {name}  {canvas.paint(mode, 'cyan')}"
    right = " · ".join(facts)
    if width(left) + width(right) + 4 > canvas.columns:
        return [left, "  " + canvas.paint(right, "dim"), canvas.rule()]
    return [canvas.spread(left, canvas.paint(right, "dim")), canvas.rule()]


def _score(document: Document, view: View) -> list[str]:
    words, canvas = view.words, view.canvas
    score = results.score(document["results"])
    percent = score.proven_percent
    digits = canvas.big("–" if percent is None else f"{percent}%", shade(score))
    counts = [(verdict, getattr(score, verdict)) for verdict in verdicts.VERDICTS]
    said = " · ".join(_unbroken(words.count(verdict, number)) for verdict, number in counts if number)
    indent = " " * (width(digits[0]) + 5)
    texts = [
        canvas.paint(words("no_score" if percent is None else "score"), "bold"),
        *(line.strip() for line in canvas.paragraph(said, indent)),
        canvas.paint(
            _seen(score, words),
            "yellow" if score.not_verified else "dim",
        ),
    ]
    blank = " " * width(digits[0])
    return [f"  {digit}   {text}" for digit, text in zip_longest(digits, texts, fillvalue=blank)]


def _unbroken(text: str) -> str:
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _seen(score: Score, words: Words) -> str:
    if not score.total or (score.not_verified and score.percent is None):
        return words("seen_nothing")
    if not score.not_verified:
        return words("all_seen")
    return words("seen", score.verified_percent, score.percent)


def shade(score: Score) -> str:
    """Return the colour that fits a score: green only when everything due was seen to pass."""
    if score.due and score.compliant == score.due:
        return "green"
    return "red" if 2 * score.compliant < score.due else "yellow"


def measure_line(measure: str, measures: Iterable[str], score: Score, view: View) -> str:
    """Return « M08  Mots de passe  ███████░░░  7/9 »; what was not verified is due, and not passing.

    ``measures`` are all those shown, so that their bars line up.
    """
    canvas = view.canvas
    title = title_column(measure, measures, view)
    bar = canvas.bar(score.compliant, score.due, shade(score))
    tally = canvas.paint(f"{score.compliant}/{score.due}".rjust(9), "bold") if score.due else "–".rjust(9)
    return f"  {canvas.paint(measure, 'cyan')}  {title}  {bar}{tally}"


def title_column(measure: str, measures: Iterable[str], view: View) -> str:
    """Return the title of a measure, padded to the longest title of those shown."""
    longest = max((width(view.title(known)) for known in measures), default=0)
    return view.canvas.column(view.title(measure), min(longest, view.canvas.columns - 52), "bold")


def _measure(measure: str, document: Document, view: View) -> list[str]:
    items = [item for item in document["results"] if item["measure"] == measure]
    score = results.score(items)
    apart = [(verdict, getattr(score, verdict)) for verdict in (verdicts.NOT_VERIFIED, verdicts.WAIVED)]
    notes = ", ".join(view.words.count(verdict, number) for verdict, number in apart if number)
    line = measure_line(measure, measures_of(document), score, view)
    if width(line) + width(notes) + 4 <= view.canvas.columns:
        lines = [f"{line}  {view.canvas.paint(notes, 'dim')}".rstrip()]
    else:
        lines = [line, *view.canvas.paragraph(notes, " " * 7, "dim")]
    details = failures(items, document, view) + _waivers(items, document, view) + _unverified(items, document, view)
    return [*lines, *details]


def control_line(mark: str, style: str, control: str, view: View) -> str:
    """Return « ✗ M08-01  Longueur minimale des mots de passe »."""
    canvas = view.canvas
    title = view.title(control)
    return f"     {canvas.paint(mark, style)} {canvas.paint(control, style)}   {title}".rstrip()


def failures(items: Sequence[Result], document: Document, view: View) -> list[str]:
    """Return the controls that fail, hosts with the same gaps together."""
    lines = []
    for control, failing in _by_control(items, verdicts.NON_COMPLIANT):
        groups: dict[str, list[str]] = defaultdict(list)
        for item in failing:
            groups[_gaps(item, view)].append(item["host"])
        lines.append(control_line("✗", "red", control, view))
        for gaps, hosts in groups.items():
            lines += hosts_and_text(hosts, gaps, document, view)
    return lines


def _gaps(item: Result, view: View) -> str:
    """Return what fails, one gap a line."""
    words = view.words
    rows = [row for row in item["settings"] if row["state"] == "fail"]
    said = [words.gap(row) for row in rows[:_GAPS_SHOWN]]
    if len(rows) > _GAPS_SHOWN:
        said.append(words.count("more_settings", len(rows) - _GAPS_SHOWN))
    if item["reason"]:
        said.append(printable(words.note(item["reason"]), 240))
    return bulleted(said)


def _waivers(items: Sequence[Result], document: Document, view: View) -> list[str]:
    lines = []
    for control, waived in _by_control(items, verdicts.WAIVED):
        groups: dict[str, list[str]] = defaultdict(list)
        for item in waived:
            waiver: Mapping[str, Any] = item["waiver"] or {}
            said = {key: printable(waiver.get(key, ""), 120) for key in ("reason", "owner")}
            groups[view.words("waiver", end=view.words.day(waiver["end"]), **said)].append(item["host"])
        lines.append(control_line("~", "cyan", control, view))
        for text, hosts in groups.items():
            lines += hosts_and_text(hosts, text, document, view)
    return lines


def _unverified(items: Sequence[Result], document: Document, view: View) -> list[str]:
    """Return what could not be read on hosts that did answer; whole hosts have a section of their own."""
    silent = {host["name"] for host in document["hosts"] if host["state"] == results.NOT_VERIFIED}
    same: dict[tuple[str, tuple[str, ...]], list[str]] = defaultdict(list)
    for control, unread in _by_control(items, verdicts.NOT_VERIFIED):
        groups: dict[str, list[str]] = defaultdict(list)
        for item in unread:
            if item["host"] not in silent:
                groups[_unread(item, view)].append(item["host"])
        for text, hosts in groups.items():
            same[text, tuple(hosts)].append(control)
    lines = []
    for (text, hosts_alike), controls in same.items():
        if len(controls) == 1:
            lines.append(control_line("?", "yellow", controls[0], view))
        else:
            mark = f"     {view.canvas.paint('?', 'yellow')} "
            lines += view.canvas.paragraph(", ".join(controls), " " * 7, "yellow", first=mark)
        lines += hosts_and_text(hosts_alike, text, document, view)
    return lines


def _unread(item: Result, view: View) -> str:
    reasons = [row["reason"] for row in item["settings"] if row["state"] == "unknown" and row["reason"]]
    reason = item["reason"] or next(iter(reasons), "")
    label = view.words("unverified")
    return view.words("colon", label, printable(view.words.note(reason), 160)) if reason else label


def bulleted(said: Sequence[str]) -> str:
    """Return one line each, marked when there are several."""
    return "\n".join(f"· {line}" for line in said) if len(said) > 1 else "".join(said)


def hosts_and_text(hosts: Sequence[str], text: str, document: Document, view: View) -> list[str]:
    """Return the hosts, then the lines said of them, wrapped; the hosts are left out when the document has only one."""
    head, *tail = text.split("\n")
    if len(document["hosts"]) == 1:
        return [line for part in (head, *tail) for line in view.canvas.paragraph(part, _DETAIL)]
    names = host_names(hosts, document, view)
    first = _DETAIL + view.canvas.paint(names, "bold") + "  "
    beside = width(names) <= 16 or (not tail and width(first) + width(head) + 2 <= view.canvas.columns)
    indent = " " * width(first) if beside else _DETAIL + "  "
    lines = view.canvas.paragraph(head, indent, first=first if beside else None)
    lines += [line for part in tail for line in view.canvas.paragraph(part, indent)]
    return lines if beside else [first.rstrip(), *lines]


def host_names(hosts: Sequence[str], document: Document, view: View) -> str:
    """Return a few names and how many more, or « toutes les machines »."""
    if len(hosts) == len(document["hosts"]) and len(hosts) > 2:
        return view.words("every_host", len(hosts))
    shown = ", ".join(printable(host, 32) for host in hosts[:_HOSTS_SHOWN])
    more = len(hosts) - _HOSTS_SHOWN
    return f"{shown} {view.words.count('more_hosts', more)}" if more > 0 else shown


def unverified_hosts(document: Document, view: View) -> list[str]:
    """Return the hosts that could not be verified, why in plain words, what to do, and the technical sentence."""
    words, canvas = view.words, view.canvas
    seen = {item["host"] for item in document["results"] if item["verdict"] != verdicts.NOT_VERIFIED}
    groups: dict[str, list[HostState]] = defaultdict(list)
    for host in document["hosts"]:
        if host["state"] == results.NOT_VERIFIED:
            groups[words.advice(host["problem"]).problem].append(host)
    if not groups:
        return []
    # A host whose change was put back by its guard had a problem, and was looked at all the same.
    silent = any(host["name"] not in seen for hosts in groups.values() for host in hosts)
    lines = ["  " + canvas.paint(words("unverified_hosts" if silent else "troubled_hosts"), "bold", "yellow")]
    for problem, hosts in groups.items():
        names = host_names([host["name"] for host in hosts], document, view)
        head = "  " + canvas.paint("?", "yellow") + " " + canvas.paint(names, "bold") + "  "
        if width(head) + width(problem) + 2 <= canvas.columns:
            lines.append(head + problem)
        else:
            lines += [head.rstrip(), *canvas.paragraph(problem, "    ")]
        lines += canvas.paragraph(words.advice(hosts[0]["problem"]).action, "      ", first="    → ")
        for sentence in _sentences(hosts, words):
            lines += canvas.paragraph(sentence, "      ", "dim")
    return lines


def _sentences(hosts: Iterable[HostState], words: Words) -> list[str]:
    """Return what was said of these hosts, once each even where only the host's own name differs."""
    said: dict[str, str] = {}
    for host in hosts:
        said.setdefault(re.sub(rf"\b{re.escape(host['name'])}\b", "", host["problem"]), host["problem"])
    return [printable(words.note(sentence), 240) for sentence in list(said.values())[:3]]


def _waivers_to_review(document: Document, view: View) -> list[str]:
    """Return the waivers that end soon, are over, or apply to nothing."""
    words, canvas = view.words, view.canvas
    lines = []
    for waiver in document["waivers"]:
        state = told_state(waiver)
        if state not in ("orphan", "expiring", "expired"):
            continue
        target = printable(waiver["name"], 40) or words("whole_establishment")
        said = words(f"waiver_{state}", words.day(waiver["end"]), printable(waiver["owner"], 60))
        head = (
            "  "
            + canvas.paint("~", "yellow")
            + f" {canvas.paint(printable(waiver['control'], 12), 'bold')}  {target}  "
        )
        lines += canvas.paragraph(said, " " * 4, first=head)
    return ["  " + canvas.paint(words("waivers_to_review"), "bold", "yellow"), *lines] if lines else []


def _changes(document: Document, view: View) -> list[str]:
    if document["mode"] == "audit":
        return []
    words, canvas = view.words, view.canvas
    changed: dict[str, list[str]] = defaultdict(list)
    for item in document["results"]:
        if item["changed"]:
            changed[item["host"]].append(item["control"])
    if not changed:
        return []
    lines = ["  " + canvas.paint(words("would_change" if document["check"] else "changed"), "bold")]
    for host in document["hosts"]:
        controls = changed.get(host["name"])
        if controls:
            lines += _changed_host(host, controls, view)
    if document["mode"] == "apply" and not document["check"]:
        lines += ["", f"  {canvas.paint(words('undo'), 'bold')} {view.undo}"]
    return lines


def _changed_host(host: HostState, controls: Sequence[str], view: View) -> list[str]:
    words, canvas = view.words, view.canvas
    facts = words.count("controls", len(controls))
    if host["transaction"]:
        facts += " · " + words("transaction", printable(host["transaction"]))
    head = "  " + canvas.paint(printable(host["name"], 32), "bold") + "  " + facts
    lines = [head, *canvas.paragraph(", ".join(controls), "    ", "dim")]
    if host["guard"] == "reverted":
        lines += canvas.paragraph(words("guard_reverted"), "      ", "red", first="    " + canvas.paint("! ", "red"))
    return lines


def _by_control(items: Iterable[Result], verdict: str) -> list[tuple[str, list[Result]]]:
    groups: dict[str, list[Result]] = defaultdict(list)
    for item in items:
        if item["verdict"] == verdict:
            groups[item["control"]].append(item)
    return sorted(groups.items())
