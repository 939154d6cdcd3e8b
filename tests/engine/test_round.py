# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every control × both hosts: broken setting by setting, seen, repaired, left alone, given back.

The controls come from the catalogue. The last tests prove that the round is not vacuous: an engine in which a kind, an
undo or an observation does nothing does not get through it.
"""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.engine.conftest import LIKE, everything
from tests.support import engine, engine_round, faults

pytestmark = pytest.mark.lab
CONTROLS = sorted({*engine.catalogue().controls, *(setting[0] for setting in faults.EXTRA)})


@pytest.fixture(scope="module")
def rounds(request: pytest.FixtureRequest, hosts: dict[str, str]) -> Iterator[dict[tuple[str, str], Future[None]]]:
    """Start the rounds of all selected tests, each host's one after the other, the two hosts side by side."""
    chosen = [item.callspec.params for item in request.session.items if "rounds" in getattr(item, "fixturenames", ())]
    pools = {like: ThreadPoolExecutor(max_workers=1) for like in LIKE}
    yield {
        (each["control"], each["like"]): pools[each["like"]].submit(
            engine_round.go, hosts[each["like"]], each["control"], everything()
        )
        for each in chosen
    }
    for pool in pools.values():
        pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("like", LIKE)
@pytest.mark.parametrize("control", CONTROLS)
def test_fault_audit_apply_again_rollback(control: str, like: str, rounds: dict[tuple[str, str], Future[None]]) -> None:
    rounds[control, like].result()


def _leaves_no_trace(host: str, paths: Sequence[str], act: Callable[[], None]) -> None:
    """Act up to three times: a service that writes its own state does so now and then, an act that does every time."""
    traces: list[list[str]] = []
    for _time in range(3):
        before = engine.fingerprint(host, *paths).splitlines()
        act()
        traces.append(sorted(set(engine.fingerprint(host, *paths).splitlines()) ^ set(before)))
        if not traces[-1]:
            return
    raise AssertionError(traces)


def test_an_audit_of_everything_leaves_no_trace(hosts: dict[str, str]) -> None:
    def look(host: str, *, faults: bool) -> None:
        audited = engine.run(host, "audited", everything())
        assert audited["changed"] == []
        assert audited["transaction"] is None
        assert bool(audited.rows("fail")) == faults

    def audit(host: str) -> None:
        # not only where controls write: /root and /home hold the marks of a shell or a dconf that ran carelessly
        paths = (
            "/etc",
            "/var/lib",
            "/usr/share/pam-configs",
            "/var/cache/debconf",
            "/root",
            "/home",
            "/var/log/faillog",
        )
        for state in ("clean", "applied"):
            engine.restore(host, state)
            _leaves_no_trace(host, paths, functools.partial(look, host, faults=state == "clean"))

    engine.everywhere(audit, hosts.values())


def test_check_mode_says_what_apply_would_do_and_does_nothing(hosts: dict[str, str]) -> None:
    def check(host: str) -> None:
        engine.restore(host, "clean")
        plans = []

        def plan() -> None:
            plans.append(engine.run(host, "applied", everything(), check=True, guard_seconds=60))

        _leaves_no_trace(host, ["/etc", "/var/lib"], plan)
        planned = plans[-1]
        assert planned["transaction"] is None
        done = engine.run(host, "applied", everything())
        assert planned["changed"] == done["changed"]
        assert {each["before_header"] for each in planned["diff"]} == {each["before_header"] for each in done["diff"]}

    engine.everywhere(check, hosts.values())


# --- the round proves something ---------------------------------------------------------------------------------------

_NOTHING = "        return\n"
BROKEN: dict[str, tuple[str, str, str, str, str]] = {
    "an edit that does nothing": (
        "M07-07", "kinds/login_message.py", '        host.write(PATH, body["text"] + "\\n")\n', _NOTHING, "apply left",
    ),
    "an edit with another value": (
        "M07-07", "kinds/login_message.py", 'body["text"] + "\\n")', '"other\\n")', "apply left",
    ),
    "an observation that looks at nothing": (
        "M07-07", "kinds/login_message.py", 'said = content.rstrip("\\n")', 'said = bodies[0]["text"]',
        "in fault but the audit says",
    ),
    "an observation that is always wrong": (
        "M07-04", "kinds/sshd.py", "name: self._seen(name, in_force", 'name: Seen(9, "") or self._seen(name, in_force',
        "observed",
    ),
    "an audit that writes": (
        "M07-07", "engine/run.py", "    if undo.lock_is_held():\n",
        '    open("/etc/trace", "a").write("x")\n    if undo.lock_is_held():\n',
        "the audit touched a file",
    ),
    "an apply that is never satisfied": (
        "M07-07", "engine/apply.py",
        'if row["state"] == "fail":\n        return True', 'if row["kind"]:\n        return 1',
        "a second apply",
    ),
    "a rollback that forgets files": (
        "M07-04", "engine/revert.py", '            if record["op"] == "file":\n                _unwind_file',
        '            if record["op"] == "file" and "ssh" not in record["path"]:\n                _unwind_file',
        "a rollback",
    ),
    "a rollback that forgets modes": (
        "M07-04", "engine/undo.py", 'os.fchmod(stream.fileno(), state["mode"])', "os.fchmod(stream.fileno(), 0o640)",
        "a rollback gives back other files",
    ),
    "a rollback that forgets accounts": (
        "M08-03", "engine/revert.py", 'record["op"] in ("ageing", "lock", "run")', 'record["op"] in ("lock", "run")',
        "a rollback gives back other files",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_engine_does_not_get_through(name: str, hosts: dict[str, str], tmp_path: Path) -> None:
    control, path, old, new, sentence = BROKEN[name]
    source = tmp_path / "module_utils"
    shutil.copytree(engine.SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    text = (source / path).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} no longer reads {old!r}: break it another way"
    (source / path).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(AssertionError, match=sentence):
        engine_round.go(hosts[LIKE[0]], control, everything(), source)
    engine.must(hosts[LIKE[0]], ["rm", "-f", "/etc/trace"])


# a missing package is its own fault: there is no way to make one that is none
@pytest.mark.parametrize("kind", sorted(set(faults.FAULTS) - {"package"}))
def test_a_fault_that_breaks_nothing_is_noticed(
    kind: str, hosts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    control = next(setting[0] for setting in everything() if setting[1] == kind)
    asked: list[str] = []

    def break_nothing(_host: str, row: faults.Row, _body: faults.Body) -> object:
        asked.append(row["name"])
        return row["observed"]

    monkeypatch.setitem(faults.FAULTS, kind, break_nothing)
    try:
        engine_round.go(hosts[LIKE[1]], control, everything())
    except AssertionError as error:
        assert re.search(r"is in fault but the audit says|: observed", str(error)), error  # noqa: PT017
    else:
        assert not asked, f"a fault of {asked} that breaks nothing gets through"
        pytest.skip(f"every row of this kind is the kernel's: {engine_round.shown_elsewhere([kind])}")
