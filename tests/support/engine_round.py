# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The round every control goes: each setting in fault, seen, repaired, left alone, and given back.

It takes its settings from the catalogue, so a control added later goes it without anything being told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import SHARED_KERNEL
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS

from tests.support import engine, faults

_KEPT = "packages kept because something else needs them now: "
KERNEL_ROUND = "tests/kernel/test_round.py"
_EVERYTHING = (*engine.GIVEN_BACK, engine.JOURNALS)


def go(
    host: str, control: str, everything: Sequence[engine.Setting], source: Path | None = None, *, at_once: bool = False
) -> None:
    """Take one control through the round on a prepared host; an AssertionError says what is not as it should be.

    :param everything: the settings of all controls; the host is brought to where they are all in force.
    :param source: folder of an engine to prove instead of the checkout's.
    :param at_once: break all settings, then look once: an emulated machine takes seconds for each audit.
    """
    asked = [setting for setting in everything if setting[0] == control]
    if _only_of_the_kernel(host, asked):
        pytest.skip(f"every setting is the kernel's: {shown_elsewhere(setting[1] for setting in asked)}")
    _all_in_force(host, everything)
    _break_and_see(host, asked, source, at_once)
    if all(KINDS[setting[1]].check_only for setting in asked):
        _left_to_a_person(host, asked, source)
        return
    _repair_what_is_only_checked(host, asked)
    before, seen = engine.tree(host), _seen(host, asked)
    earlier = _transactions(host)
    packages = engine.packages(host)

    applied = engine.run(host, "applied", asked, packages=True, source=source)
    assert not applied.wrong(), f"apply left {applied.wrong()}"
    assert applied["changed"] == [control], applied["changed"]
    audited = engine.run(host, "audited", asked)
    # what has no object here, because it is the kernel's or a partition's, had none before either
    assert not audited.wrong(), f"after apply an audit says {audited.wrong()}"
    assert audited.rows("ok"), "after apply nothing is in force"

    repaired, transactions = engine.tree(host), _transactions(host)
    again = engine.run(host, "applied", asked, packages=True, source=source)
    assert not again.wrong(), again.wrong()
    assert again["changed"] == [], f"a second apply changed {again['changed']}"
    assert again["transaction"] is None, "a second apply made a transaction"
    assert _transactions(host) == transactions, "a second apply left something in the journal folder"
    assert engine.difference(repaired, engine.tree(host)) == [], "a second apply changed files"

    back = engine.run(host, "reverted", asked, packages=True, source=source)
    assert not back["problem"], back["problem"]
    assert not back["failed"], back["failed"]
    assert back["changed"] == [control], back["changed"]
    for note in back["notes"]:
        # the fault took it away from under others, which no person can; the engine leaves it to them
        for name in filter(None, note.partition(_KEPT)[2].split(", ")):
            faults.FAULTS["package"](host, {"name": name}, {})
    other = engine.difference(before, engine.tree(host))
    assert other == [], f"a rollback gives back other files: {other}"
    if "package" in (setting[1] for setting in asked):
        # a package that is purged takes its data in /var along, also what a person had put there without it
        _repair_what_is_only_checked(host, asked)
    now = _seen(host, asked)
    other = [
        f"{key}: {seen.get(key)!r} before, {now.get(key)!r} now" for key in seen | now if seen.get(key) != now.get(key)
    ]
    assert other == [], f"a rollback leaves other values in force: {other}"
    assert engine.packages(host) == packages, "a rollback gives back other packages"
    assert set(earlier) < set(_transactions(host)), "a rollback removed the journals of others"


def shown_elsewhere(kinds: Iterable[str]) -> str:
    """Name the tests that show kinds of which a container has nothing."""
    return ", ".join(sorted({faults.SHOWN_BY.get(kind, KERNEL_ROUND) for kind in kinds}))


def _repair_what_is_only_checked(host: str, asked: Sequence[engine.Setting]) -> None:
    for kind in dict.fromkeys(setting[1] for setting in asked):
        if KINDS[kind].check_only:
            faults.repair(host, kind)


def _left_to_a_person(host: str, asked: Sequence[engine.Setting], source: Path | None) -> None:
    """See that apply changes nothing of what only a person can repair, and that the audit is content once one has."""
    before = engine.tree(host)
    applied = engine.run(host, "applied", asked, source=source)
    assert applied["changed"] == [], applied["changed"]
    assert applied["transaction"] is None, "apply made a transaction for what it cannot change"
    assert engine.difference(before, engine.tree(host)) == [], "apply changed files it only observes"
    for kind in dict.fromkeys(setting[1] for setting in asked):
        faults.repair(host, kind)
    audited = engine.run(host, "audited", asked, source=source)
    assert set(audited.rows()) == set(audited.rows("ok")), f"after its repair an audit says {audited.wrong()}"


def _all_in_force(host: str, everything: Sequence[engine.Setting]) -> None:
    names = [name for _control, kind, body in everything if kind == "package" for name in KINDS[kind].expand(body)]
    missing = sorted(set(names) - engine.packages(host))
    if missing:
        engine.install(host, missing)
    engine.restore(host, "applied")


def _break_and_see(host: str, asked: Sequence[engine.Setting], source: Path | None, at_once: bool) -> None:
    """Put the rows in fault one after the other; each audit names the one just broken, with its value."""
    audited = engine.run(host, "audited", asked, source=source)
    assert audited["rows"], "the control has no row"
    rows = sorted(
        (row for row in audited["rows"] if row["state"] != "not_applicable"),
        key=lambda row: (row["kind"] in faults.FIRST, row["kind"] not in faults.LAST),
        reverse=True,
    )
    broken: set[tuple[str, str, str]] = set()
    bodies = _bodies(asked, rows)
    for group in [rows] if at_once else [[row] for row in rows]:
        wrong = {
            (row["control"], row["kind"], row["name"]): faults.put_in_fault(host, row, bodies[row["kind"], row["name"]])
            for row in group
        }
        broken.update(wrong)
        files = engine.fingerprint(host, *_EVERYTHING)
        audited = engine.run(host, "audited", asked, source=source)
        found = audited.rows("fail")
        for key, observed in wrong.items():
            assert key in found, f"{key} is in fault but the audit says {audited.rows()[key]}"
            assert found[key]["observed"] == observed, f"{key}: observed {found[key]['observed']!r}, not {observed!r}"
            assert type(found[key]["observed"]) is type(observed), key
        assert engine.fingerprint(host, *_EVERYTHING) == files, "the audit touched a file"
        kinds = {row["kind"] for row in group}
        if not kinds & {*faults.FIRST, *faults.LAST}:
            others = {other for other in found if other[1] not in (*kinds, *faults.FIRST)} - broken
            assert not others, f"only {sorted(broken)} are in fault, but the audit also names {sorted(others)}"


def _seen(host: str, asked: Sequence[engine.Setting]) -> dict[tuple[str, str, str], Any]:
    """Return what is in force, files or not."""
    return {key: row["observed"] for key, row in engine.run(host, "audited", asked).rows().items()}


def _only_of_the_kernel(host: str, asked: Sequence[engine.Setting]) -> bool:
    rows = engine.run(host, "audited", asked)["rows"]
    return bool(rows) and all(row["reason"] == SHARED_KERNEL for row in rows)


def _bodies(asked: Sequence[engine.Setting], rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the body that each row comes from."""
    wanted = {row["name"] for row in rows}
    return {
        (kind, name): body
        for _control, kind, body in asked
        for name in KINDS[kind].expand(body, "debian")
        if name in wanted
    }


def _transactions(host: str) -> list[str]:
    return engine.root(host, f"find {engine.JOURNALS} | sort").out.split()
