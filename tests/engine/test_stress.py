# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine killed, crowded, out of room, locked out of /etc, on hosts that were broken before it came."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.engine.conftest import LIKE, everything
from tests.support import engine, engine_hooks, faults, lab
from tests.support.engine import Run

pytestmark = pytest.mark.lab
ALL = everything()
EVERY_PLACE = ("/etc", "/var/lib/pam", "/usr/share/pam-configs")
# files, a PAM stack, accounts, a service: whatever a transaction can hold
MIXED = ("M07-03", "M07-04", "M07-07", "M08-03", "M08-04", "M08-06", "M08-09", "X01-01")
GUARD = 60


def of(*controls: str) -> list[engine.Setting]:
    """Return the settings of these controls."""
    return [setting for setting in ALL if setting[0] in controls]


def clean(host: str) -> dict[str, str]:
    """Bring a host to where no control is applied, an account has an empty password, and return its files."""
    engine.restore(host, "clean")
    engine.must(host, ["passwd", "--delete", faults.ADMIN])
    return engine.tree(host, *EVERY_PLACE)


def unchanged(host: str, before: dict[str, str]) -> None:
    """Fail when a file differs; drafts of the engine count as much as any other file."""
    assert engine.difference(before, engine.tree(host, *EVERY_PLACE)) == []


def in_force(done: Run, *but: str) -> None:
    """Fail when a control is not in force, except these, which must have failed."""
    assert not done["problem"], done["problem"]
    assert set(done["failed"]) == set(but), done["failed"]
    assert {key[0] for key in done.rows("fail", "unknown")} == set(but), done.wrong()


def converges(host: str, before: dict[str, str]) -> None:
    """Fail when the host cannot be brought into order from here, and back."""
    in_force(engine.run(host, "applied", of(*MIXED)))
    back = engine.run(host, "reverted", [])
    assert not back["problem"], back["problem"]
    unchanged(host, before)


@contextmanager
def mounted(host: str, target: str, mount: str) -> Iterator[None]:
    """Mount something over a folder or file of a host for a while; {target} in the command stands for it."""
    engine.must(host, mount.format(target=target))
    try:
        yield
    finally:
        engine.must(host, ["umount", "--lazy", target])


READ_ONLY = "mount --bind {target} {target} && mount -o remount,ro,bind {target}"


# --- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stage", [stage for stage in engine_hooks.STAGES if "undo" not in stage and "undone" not in stage]
)
def test_killed_at_any_stage_nothing_is_lost_and_the_next_run_converges(stage: str, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        kill = [{"at": stage, "do": "kill"}]
        killed = engine.run(host, "applied", of(*MIXED), guard_seconds=GUARD, hooks=kill)
        assert killed.code == 137, killed
        seen = engine.run(host, "audited", [])["notes"]
        if stage not in ("before the journal", "after the commit"):
            assert "did not end" in seen[0]
        if stage == "after the commit":
            # it waits for its confirmation and nobody gives it: the guard's time has to pass first
            assert "still waits for its confirmation" in engine.run(host, "reverted", [])["problem"]
            later = [{"clock": GUARD + 1}]
        else:
            later = []
        back = engine.run(host, "reverted", [], hooks=later)
        assert not back["problem"], back["problem"]
        assert stage == "before the journal" or "was put back" in back["notes"][0]
        assert "nothing to roll back" in back["notes"][-1]
        assert engine.must(host, "systemctl list-units --all --plain --no-legend 'essms-guard*'") == "", (
            "a timer is left"
        )
        unchanged(host, before)
        converges(host, before)

    engine.everywhere(work, hosts.values())


@pytest.mark.parametrize("stage", ["while undoing", "before the undone mark"])
def test_killed_while_putting_back_the_next_run_finishes_it(stage: str, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        first = engine.run(host, "applied", of(*MIXED), hooks=[{"at": "before the commit", "do": "kill"}])
        second = engine.run(host, "applied", of(*MIXED), hooks=[{"at": stage, "do": "kill"}])
        assert (first.code, second.code) == (137, 137)
        assert "was put back" in engine.run(host, "reverted", [])["notes"][0]
        unchanged(host, before)
        # a run that puts a failed control back and is killed over it
        refused = [{"refuse": "/etc/motd.d/essms"}, {"at": stage, "do": "kill"}]
        assert engine.run(host, "applied", of(*MIXED), hooks=refused).code == 137
        assert "was put back" in engine.run(host, "reverted", [])["notes"][0]
        unchanged(host, before)
        converges(host, before)

    engine.everywhere(work, hosts.values())


def test_killed_while_taking_back_leaves_it_applied(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        in_force(engine.run(host, "applied", of(*MIXED)))
        applied = engine.tree(host, *EVERY_PLACE)
        assert engine.run(host, "reverted", [], hooks=[{"at": "after activation", "do": "kill"}]).code == 137
        again = engine.run(host, "applied", of(*MIXED))
        assert "was put back" in again["notes"][0]
        assert again["changed"] == []
        assert engine.difference(applied, engine.tree(host, *EVERY_PLACE)) == []
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


def test_a_command_that_outlives_its_killed_run_cannot_spoil_the_next_one(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        engine.must(host, "pam-auth-update --disable pwquality </dev/null")
        before = engine.tree(host, *EVERY_PLACE)
        slow = '#!/bin/sh\n> /run/slow-begun\nsleep 3\nexec /usr/sbin/pam-auth-update "$@"\n'
        engine.must(
            host, "cat > /usr/local/sbin/pam-auth-update && chmod 755 /usr/local/sbin/pam-auth-update", stdin=slow
        )
        try:
            with background(host, of("M08-01")) as run:
                engine.must(host, "for n in $(seq 100); do [ -e /run/slow-begun ] && exit; sleep 0.1; done; exit 1")
                engine.must(host, "kill -KILL $(sed -E 's/^pid ([0-9]+).*/\\1/' /run/essms.lock)")
            assert run[0].code == 137
            deadline = time.monotonic() + 20
            while True:
                next_one = engine.run(host, "reverted", [])
                if "another run is at work" not in next_one["problem"] or time.monotonic() > deadline:
                    break
                time.sleep(0.3)
            assert "was put back" in next_one["notes"][0]
            time.sleep(3.5)
            unchanged(host, before)
        finally:
            engine.must(host, "rm -f /usr/local/sbin/pam-auth-update /run/slow-begun")

    engine.everywhere(work, hosts.values())


@pytest.mark.parametrize("kept", [0, 1, 40, -1, -20])
def test_a_torn_journal_is_no_obstacle(kept: int, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        # nothing is written before the whole journal is on disk, so a torn one is that of a run that wrote nothing
        assert engine.run(host, "applied", of(*MIXED), hooks=[{"at": "after the journal", "do": "kill"}]).code == 137
        journal = f"$(ls {engine.JOURNALS}/tx/*/journal.jsonl)"
        engine.must(host, f"truncate --size={kept} {journal}")
        unchanged(host, before)
        converges(host, before)

    engine.everywhere(work, hosts.values())


def test_a_damaged_journal_is_named_in_words(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        engine.run(host, "applied", of("M07-07"))
        engine.must(host, f"sed -i '2s/^./?/' {engine.JOURNALS}/tx/*/journal.jsonl")
        damaged = engine.tree(host, *EVERY_PLACE)
        for state in ("applied", "reverted"):
            done = engine.run(host, state, of("M07-04"))
            assert "journal.jsonl" in done["problem"], done["problem"]
            unchanged(host, damaged)
        assert engine.run(host, "audited", of("M07-04"))["rows"], "an audit needs no journal"

    engine.everywhere(work, hosts.values())


# --- crowded ----------------------------------------------------------------------------------------------------------


@contextmanager
def background(host: str, asked: list[engine.Setting], **options: object) -> Iterator[list[Run]]:
    """Let a run go on in the background; it is in the list given once the block has ended."""
    done: list[Run] = []
    thread = threading.Thread(target=lambda: done.append(engine.run(host, "applied", asked, **options)))
    thread.start()
    try:
        yield done
    finally:
        engine.root(host, f"touch {engine_hooks.GO}")
        thread.join(timeout=60)
        assert not thread.is_alive()


def wait_until_it_waits(host: str) -> None:
    """Wait until a run has come to the stage at which its hook makes it wait."""
    engine.must(host, f"for n in $(seq 200); do [ -e {engine_hooks.WAITING} ] && exit; sleep 0.05; done; exit 1")


def test_two_runs_at_once_the_second_says_who_is_at_work_and_the_first_finishes(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        with background(host, of(*MIXED), hooks=[{"at": "after the files", "do": "wait"}]) as first:
            wait_until_it_waits(host)
            half = engine.fingerprint(host, *EVERY_PLACE)
            for state in ("applied", "reverted"):
                second = engine.run(host, state, of("M08-02"))
                assert second["problem"].startswith("another run is at work on this host (pid ")
                assert second["problem"].endswith("wait for its end, then run this again")
                assert second["transaction"] is None
            seen = engine.run(host, "audited", of("M08-02"))
            assert seen.rows("fail")
            assert not any("puts it back" in note for note in seen["notes"]), "the other run has not died"
            assert engine.fingerprint(host, *EVERY_PLACE) == half
        in_force(first[0])
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


def test_a_clock_set_back_does_not_mix_up_the_order_of_transactions(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        first = engine.run(host, "applied", of("M08-02"))["transaction"]
        past = [{"clock": -3e8}]
        second = engine.run(host, "applied", of("M08-07"), hooks=past)["transaction"]
        assert second > first
        for expected in (["M08-07"], ["M08-02"]):
            assert engine.run(host, "reverted", [], hooks=past)["changed"] == expected
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


def test_folders_of_others_among_the_journals_are_left_alone(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        engine.must(host, f"mkdir -p {engine.JOURNALS}/tx/lost+found {engine.JOURNALS}/tx/zz-moved-away")
        converges(host, before)
        engine.must(host, f"ls -d {engine.JOURNALS}/tx/lost+found {engine.JOURNALS}/tx/zz-moved-away")

    engine.everywhere(work, hosts.values())


# --- out of room, or locked out ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("guard", [0, GUARD])
def test_no_room_for_the_journal_nothing_is_changed(guard: int, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        engine.must(host, ["mkdir", "-p", engine.JOURNALS])
        with mounted(host, engine.JOURNALS, "mount -t tmpfs -o size=4m none {target}"):
            done = engine.run(host, "applied", of(*MIXED), guard_seconds=guard)
            assert "cannot be written, nothing was changed" in done["problem"]
            assert "free" in done["problem"]
        unchanged(host, before)
        converges(host, before)

    engine.everywhere(work, hosts.values())


@pytest.mark.parametrize("stage", ["after the journal", "after the files", "before the commit"])
def test_the_disk_fills_up_on_the_way(stage: str, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        engine.must(host, ["mkdir", "-p", engine.JOURNALS])
        with mounted(host, engine.JOURNALS, "mount -t tmpfs -o size=12m none {target}"):
            fill = f"cat /dev/zero > {engine.JOURNALS}/filler 2>/dev/null; true"
            done = engine.run(host, "applied", of(*MIXED), guard_seconds=GUARD, hooks=[{"at": stage, "do": fill}])
            sentence = done["problem"] or " ".join(done["failed"].values())
            assert "No space left" in sentence or "MB are free" in sentence, done.response
            unchanged(host, before)
            engine.must(host, f"rm {engine.JOURNALS}/filler")
            converges(host, before)

    engine.everywhere(work, hosts.values())


def test_a_full_target_fails_its_control_alone(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        target = "/etc/ssh/sshd_config.d"
        full = "mount -t tmpfs -o size=8k none {target} && cat /dev/zero > {target}/full 2>/dev/null; true"
        with mounted(host, target, full):
            done = engine.run(host, "applied", of(*MIXED))
            in_force(done, "M07-04")
            assert f"{target}/00-essms.conf cannot be written: No space left" in done["failed"]["M07-04"]
            assert engine.must(host, ["ls", target]).split() == ["full"]
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


@pytest.mark.parametrize("guard", [0, GUARD])
def test_a_read_only_etc_is_said_in_words_and_left_alone(guard: int, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        with mounted(host, "/etc", READ_ONLY):
            done = engine.run(host, "applied", of(*MIXED), guard_seconds=guard)
            assert done["problem"] or set(done["failed"]) == {key[0] for key in done.rows("fail")}
            for sentence in [done["problem"]] if done["problem"] else done["failed"].values():
                assert "Read-only file system" in sentence, sentence
            assert done["transaction"] is None
            assert engine.run(host, "audited", of(*MIXED)).rows("fail")
        unchanged(host, before)
        assert engine.run(host, "audited", [])["notes"] == [], "a transaction was left open"
        converges(host, before)

    engine.everywhere(work, hosts.values())


def test_of_many_controls_only_the_one_with_a_read_only_file_fails(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        with mounted(host, "/etc/security/faillock.conf", READ_ONLY):
            done = engine.run(host, "applied", ALL)
            in_force(done, "M08-06")
            assert "/etc/security/faillock.conf cannot be written" in done["failed"]["M08-06"]
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


def test_of_two_controls_with_one_file_both_fail_when_it_cannot_be_written(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        refused = [{"refuse": "/etc/security/pwquality.conf"}]
        done = engine.run(host, "applied", ALL, hooks=refused)
        assert set(done["failed"]) == {"M08-01", "M08-02", "M08-07"}
        assert all("pwquality.conf cannot be written: Input/output error" in why for why in done["failed"].values())
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


# --- broken before us -------------------------------------------------------------------------------------------------


def test_an_sshd_that_was_broken_before_us_fails_its_controls_alone(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        engine.must(host, "printf 'PermitEmptyPasswords yes\\nThisIsNoKeyword yes\\n' >> /etc/ssh/sshd_config")
        before = engine.tree(host, *EVERY_PLACE)
        done = engine.run(host, "applied", of(*MIXED))
        assert set(done["failed"]) <= {"M07-04", "M08-09"}
        rows = done.rows("unknown", "fail")
        assert {key[0] for key in rows} == {"M07-04", "M08-09"}
        audited = engine.run(host, "audited", of("M07-04"))
        assert set(audited.rows()) == set(audited.rows("unknown")), "what cannot be seen must not count as seen"
        assert "ThisIsNoKeyword" in next(iter(audited.rows().values()))["reason"]
        assert engine.difference(before, engine.tree(host, "/etc/ssh")) == engine.difference(
            before, {path: text for path, text in before.items() if path.startswith("/etc/ssh")}
        )
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


def test_a_pam_line_added_by_hand_is_kept_and_said(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        engine.must(host, ["sed", "-i", "/pam_unix/i auth\toptional\t\t\tpam_warn.so", "/etc/pam.d/common-auth"])
        before = engine.tree(host, *EVERY_PLACE)
        # Debian 13 has pam_umask of itself, and the option it lacks takes no pam-auth-update
        has_umask = engine.root(host, "grep -q pam_umask /etc/pam.d/common-session").code == 0
        done = engine.run(host, "applied", ALL)
        in_force(done, *([] if has_umask else ["M06-18"]), "M08-05", "M08-06")
        for why in done["failed"].values():
            assert "pam-auth-update keeps local changes" in why
            assert "then apply again" in why
        engine.must(host, "grep -q pam_warn /etc/pam.d/common-auth")
        engine.must(host, "! grep -rq essms /etc/pam.d /usr/share/pam-configs")
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


@pytest.mark.parametrize(
    "edit", ["$a auth\\toptional\\t\\t\\tpam_warn.so", "s/pam_unix.so nullok/pam_unix.so nullok nodelay/"]
)
def test_a_pam_change_that_is_no_obstacle_is_kept(edit: str, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        engine.must(host, ["sed", "-i", edit, "/etc/pam.d/common-auth"])
        before = engine.tree(host, *EVERY_PLACE)
        in_force(engine.run(host, "applied", ALL))
        engine.must(host, "grep -qE 'pam_warn|pam_unix.so.* nodelay' /etc/pam.d/common-auth")
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


def test_a_refused_validation_is_blamed_on_the_control_that_caused_it(hosts: dict[str, str], tmp_path: Path) -> None:
    source = tmp_path / "module_utils"
    shutil.copytree(engine.SOURCE, source, ignore=shutil.ignore_patterns("__pycache__"))
    writer = source / "engine" / "sshd_config.py"
    text = writer.read_text(encoding="utf-8")
    good = 'content = _put_at_top(content or "", wanted)'
    assert text.count(good) == 1
    bad = "{key: 'nonsense' if 'Count' in key else value for key, value in wanted.items()}"
    writer.write_text(text.replace(good, good.replace("wanted", bad)))

    def work(host: str) -> None:
        clean(host)
        # the first value counts, so both controls have to write into the main file, and one of them writes nonsense
        engine.must(host, "sed -i '1i PermitEmptyPasswords yes\\nClientAliveCountMax 0' /etc/ssh/sshd_config")
        before = engine.tree(host, *EVERY_PLACE)
        done = engine.run(host, "applied", of(*MIXED), source=source)
        in_force(done, "M07-04")
        assert "refused by the validation of sshd" in done["failed"]["M07-04"]
        assert "nonsense" in done["failed"]["M07-04"] or "integer" in done["failed"]["M07-04"]
        engine.must(host, "/usr/sbin/sshd -t && systemctl is-active ssh.service")
        assert not engine.run(host, "reverted", [])["problem"]
        unchanged(host, before)

    engine.everywhere(work, hosts.values())


def test_an_account_that_is_gone_does_not_stop_the_recovery(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        engine.must(host, "useradd --create-home --shell /bin/bash leaves")
        engine.must(host, "echo leaves:Lab-Fixture-Passw0rd | chpasswd --crypt-method SHA512; chage -M 99999 leaves")
        killed = engine.run(host, "applied", of(*MIXED), hooks=[{"at": "after activation", "do": "kill"}])
        assert killed.code == 137
        engine.must(host, "userdel --remove --force leaves")
        done = engine.run(host, "applied", of(*MIXED))
        in_force(done)
        assert "was put back" in done["notes"][0]

    engine.everywhere(work, hosts.values())


def test_what_only_a_person_can_repair_does_not_undo_the_rest_of_its_control(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        faults.put_in_fault(host, {"kind": "stored_hashes", "name": "minimum"}, {})
        faults.put_in_fault(host, {"kind": "pam_unix", "name": "hash"}, {})
        done = engine.run(host, "applied", of("M08-08"))
        assert done["failed"] == {}
        assert done["changed"] == ["M08-08"]
        assert [key[1] for key in done.rows("fail")] == ["stored_hashes"]
        assert done.rows("ok", control="M08-08")["M08-08", "pam_unix", "hash"]["observed"] == "yescrypt"

    engine.everywhere(work, hosts.values())


# --- what is kept about people ----------------------------------------------------------------------------------------


def test_journals_are_root_s_and_hold_no_name_and_no_hash(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        clean(host)
        in_force(engine.run(host, "applied", ALL))
        assert not engine.run(host, "reverted", [])["problem"]
        modes = set(engine.must(host, f"find {engine.JOURNALS} -printf '%y%m %U\\n'").splitlines())
        assert modes == {"d700 0", "f600 0"}
        secrets = engine.must(host, "cut -d: -f2 /etc/shadow | grep -F '$'").split()
        assert secrets
        for word in (*secrets, faults.USER, faults.ADMIN):
            found = engine.root(host, ["grep", "-rlF", "--", word, engine.JOURNALS])
            assert found.code == 1, f"{word!r} is in {found.out}"
        # and not encoded either: files are kept in base64
        paths = engine.must(host, f'grep -rhoE \'"op":"file","path":"[^"]+"\' {engine.JOURNALS}')
        assert not {"/etc/shadow", "/etc/passwd", "/etc/gshadow"} & {line.split('"')[7] for line in paths.splitlines()}

    engine.everywhere(work, hosts.values())


# --- hosts that die ---------------------------------------------------------------------------------------------------

_MOUNTED = {"/etc/hosts", "/etc/hostname", "/etc/resolv.conf"}


def after_boot(host: str, before: dict[str, str]) -> None:
    """Fail when the files are not as before, or the host cannot be reached over SSH with privileges."""
    now = engine.tree(host, *EVERY_PLACE)
    assert [line for line in engine.difference(before, now) if line.partition(":")[0] not in _MOUNTED] == []
    assert lab.ssh(host, "sudo -n true").code == 0


def test_a_host_that_dies_in_the_middle_is_put_right_at_boot(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        asked = of(*(set(MIXED) - {"X01-01"}))
        waits = [{"at": "after activation", "do": "wait"}]
        with background(host, asked, guard_seconds=GUARD, hooks=waits) as run:
            wait_until_it_waits(host)
            assert engine.difference(before, engine.tree(host, *EVERY_PLACE))
            lab.crash(host)
            lab.restart(host)
        assert run[0].code == 137
        after_boot(host, before)
        assert engine.run(host, "audited", [])["notes"] == [], "the transaction was not closed at boot"
        in_force(engine.run(host, "applied", asked))

    engine.everywhere(work, hosts.values())


def test_a_host_that_restarts_while_the_guard_waits_is_put_right_at_boot(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        before = clean(host)
        asked = of(*(set(MIXED) - {"X01-01"}))
        done = engine.run(host, "applied", asked, guard_seconds=600)
        assert done["armed"]
        lab.restart(host)
        after_boot(host, before)
        assert "ClientAliveInterval 0" in lab.must(host, "/usr/sbin/sshd -T -C user=root").replace(
            "clientaliveinterval", "ClientAliveInterval"
        )
        late = engine.ask(host, {**engine.request_for("confirmed", []), "transaction": done["transaction"]})
        assert "was put back by its guard" in late["problem"]
        in_force(engine.run(host, "applied", asked))

    engine.everywhere(work, hosts.values())


def test_like_names_both_debians() -> None:
    assert set(LIKE) == {"deb12", "deb13"}
