# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking back: one control, an older transaction under newer ones, beside and against what other people changed."""

from __future__ import annotations

import random

import pytest

from tests.engine.conftest import LIKE, everything
from tests.support import engine, faults, lab

pytestmark = pytest.mark.lab
ALL = everything()
CHRONY: engine.Setting = ["M04-13", "package", {"present": ["chrony"]}]
PWQUALITY = "/etc/security/pwquality.conf"


def of(*controls: str) -> list[engine.Setting]:
    """Return the settings of these controls."""
    return [setting for setting in ALL if setting[0] in controls]


def compliant(host: str) -> set[str]:
    """Return the controls an audit finds in force."""
    audited = engine.run(host, "audited", ALL)
    return {row["control"] for row in audited["rows"]} - {key[0] for key in audited.rows("fail", "unknown")}


def test_one_control_of_a_run_goes_back_and_the_others_stay(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        before, rows = engine.tree(host), engine.run(host, "audited", ALL).rows()
        engine.run(host, "applied", ALL)
        everyone = compliant(host)
        back = engine.run(host, "reverted", of("M08-06"), ["M08-06"])
        assert not back["problem"], back["problem"]
        assert back["changed"] == ["M08-06"]
        now = engine.run(host, "audited", ALL).rows()
        mine = {key for key in rows if key[0] == "M08-06"}
        assert mine
        assert {key: now[key]["observed"] for key in mine} == {key: rows[key]["observed"] for key in mine}
        assert compliant(host) == everyone - {"M08-06"}
        # what is left of the run goes back in one go, to the very bytes from before it
        back = engine.run(host, "reverted", ALL)
        assert not back["problem"], back["problem"]
        assert engine.difference(before, engine.tree(host)) == []
        assert "nothing to roll back" in engine.run(host, "reverted", ALL)["notes"][-1]

    engine.everywhere(work, hosts.values())


def test_an_older_transaction_goes_back_from_under_a_newer_one_in_the_same_file(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        before, rows = engine.tree(host), engine.run(host, "audited", ALL).rows()
        older = engine.run(host, "applied", of("M08-02", "M08-06"))["transaction"]
        newer = engine.run(host, "applied", of("M08-07"))["transaction"]
        back = engine.run(host, "reverted", [], transaction=older)
        assert not back["problem"], back["problem"]
        assert set(back["changed"]) == {"M08-02", "M08-06"}
        now = engine.run(host, "audited", ALL).rows()
        for key, row in rows.items():
            if key[0] in ("M08-02", "M08-06"):
                assert now[key]["observed"] == row["observed"], key
        assert "M08-07" in compliant(host)
        assert "was already rolled back" in engine.run(host, "reverted", [], transaction=older)["problem"]
        renamed = engine.run(host, "reverted", [], transaction=newer)["problem"]
        assert f"{newer} was written again by {back['transaction']}" in renamed
        assert engine.run(host, "reverted", [], transaction=back["transaction"])["problem"] == ""
        assert engine.difference(before, engine.tree(host)) == []

    engine.everywhere(work, hosts.values())


def test_what_became_of_files_after_a_rollback_does_not_hinder_an_older_one(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        rows = engine.run(host, "audited", ALL).rows()
        engine.run(host, "applied", of("M07-03"))
        engine.run(host, "applied", of("M08-02", "M08-07"))
        assert engine.run(host, "reverted", [])["problem"] == ""
        # as when the package that a transaction installed goes, and takes its configuration along
        engine.must(host, f"rm {PWQUALITY}")
        back = engine.run(host, "reverted", [])
        assert not back["problem"], back["problem"]
        assert back["changed"] == ["M07-03"]
        now = engine.run(host, "audited", ALL).rows()
        mine = [key for key in rows if key[0] == "M07-03"]
        assert mine
        assert [now[key]["observed"] for key in mine] == [rows[key]["observed"] for key in mine]

    engine.everywhere(work, hosts.values())


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_applying_and_taking_back_ends_where_it_began(seed: int, hosts: dict[str, str]) -> None:
    names = sorted({setting[0] for setting in ALL})

    def work(host: str) -> None:
        dice = random.Random(seed)
        engine.restore(host, "clean")
        before, at_first = engine.tree(host), compliant(host)
        steps: list[str] = []
        held: list[tuple[str, set[str]]] = []
        for _step in range(9):
            if held and dice.random() < 0.4:
                transaction, controls = dice.choice(held)
                some = sorted(dice.sample(sorted(controls), dice.randint(1, len(controls))))
                steps.append(f"take {some} of {transaction} back")
                back = engine.run(host, "reverted", [], some, transaction=transaction)
                assert not back["problem"], (steps, back["problem"])
                controls -= set(some)
                held = [each for each in held if each[1]]
                if back["transaction"] and controls:
                    # what a partial rollback keeps lives on in a transaction of its own
                    held = [(back["transaction"], each[1] | _rest(held, each)) for each in held if each[1] is controls]
            else:
                some = dice.sample(names, dice.randint(1, 4))
                steps.append(f"apply {some}")
                done = engine.run(host, "applied", of(*some))
                assert not done.wrong(), (steps, done.wrong())
                if done["transaction"]:
                    held.append((done["transaction"], set(done["changed"])))
        while True:
            back = engine.run(host, "reverted", [])
            assert not back["problem"], (steps, back["problem"])
            if any("nothing to roll back" in note for note in back["notes"]):
                break
        assert compliant(host) == at_first, steps
        assert engine.difference(before, engine.tree(host)) == [], steps

    engine.everywhere(work, hosts.values())


def _rest(held: list[tuple[str, set[str]]], mine: tuple[str, set[str]]) -> set[str]:
    """Return what else a partial rollback wrote again: everything newer that still holds."""
    return {name for transaction, names in held if transaction > mine[0] for name in names}


def test_what_others_changed_elsewhere_in_a_file_survives(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        before = engine.must(host, ["cat", PWQUALITY])
        engine.run(host, "applied", of("M08-02", "M07-04", "M07-07"))
        engine.must(host, f"sed -i '1i # written by somebody else' {PWQUALITY}")
        engine.must(host, "echo theirs > /etc/motd.d/theirs; echo '# theirs' > /etc/ssh/sshd_config.d/99-theirs.conf")
        back = engine.run(host, "reverted", [])
        assert not back["problem"], back["problem"]
        assert engine.must(host, ["cat", PWQUALITY]) == "# written by somebody else\n" + before
        assert engine.must(host, "cat /etc/motd.d/* /etc/ssh/sshd_config.d/*") == "theirs\n# theirs\n"

    engine.everywhere(work, hosts.values())


@pytest.mark.parametrize(
    "edit",
    [
        f"sed -i 's/^minclass.*/minclass = 3/' {PWQUALITY}",
        f"sed -i 's/^minclass.*/# removed by hand/' {PWQUALITY}",
        "echo more >> /etc/motd.d/essms",
    ],
)
def test_what_others_changed_in_the_same_lines_makes_it_refuse(edit: str, hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        done = engine.run(host, "applied", of("M08-02", "M08-06", "M07-07"))
        engine.must(host, edit)
        before = engine.fingerprint(host, "/etc", "/var/lib/pam")
        for controls in ([], done["changed"]):
            back = engine.run(host, "reverted", [], controls)
            assert "nothing was rolled back" in back["problem"], back["problem"]
            assert edit.rsplit(maxsplit=1)[-1] in back["problem"], back["problem"]
            assert engine.fingerprint(host, "/etc", "/var/lib/pam") == before

    engine.everywhere(work, hosts.values())


def test_a_file_or_an_account_that_is_gone_since_does_not_come_back(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        before = engine.tree(host)
        engine.run(host, "applied", of("M07-04", "M07-07", "M08-03", "M08-04", "M08-09"))
        # ageing chosen by hand since is somebody's decision; so is a file taken away
        engine.must(host, f"chage -M 30 {faults.USER}; rm /etc/motd.d/essms")
        back = engine.run(host, "reverted", [])
        assert not back["problem"], back["problem"]
        assert engine.must(host, f"chage -l {faults.USER} | sed -n 's/^Maximum.*: //p'").strip() == "30"
        left = {line.partition(":")[0] for line in engine.difference(before, engine.tree(host))}
        assert left <= {"/etc/shadow", "/etc/shadow-"}

    engine.everywhere(work, hosts.values())


def test_an_account_that_is_gone_since_is_no_obstacle(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        engine.must(host, "useradd --create-home --shell /bin/bash leaves")
        engine.must(host, "echo leaves:Lab-Fixture-Passw0rd | chpasswd --crypt-method SHA512; chage -M 99999 leaves")
        before = engine.tree(host)
        done = engine.run(host, "applied", of("M08-03", "M07-07"))
        assert not done.wrong(), done.wrong()
        engine.must(host, "userdel --remove --force leaves")
        back = engine.run(host, "reverted", [])
        assert not back["problem"], back["problem"]
        changed = {line.partition(":")[0] for line in engine.difference(before, engine.tree(host))}
        names = ("passwd", "shadow", "group", "gshadow", "subuid", "subgid")
        own = {path for path in changed if path.startswith("/home/leaves")}
        assert changed - own <= {f"/etc/{name}{mark}" for name in names for mark in ("", "-")}, changed

    engine.everywhere(work, hosts.values())


def test_the_distribution_does_not_bring_our_pam_lines_back_later(hosts: dict[str, str]) -> None:
    def work(host: str) -> None:
        engine.restore(host, "clean")
        before = engine.tree(host)
        engine.run(host, "applied", of("M08-05", "M08-06"))
        engine.run(host, "reverted", [])
        # what the installation of any PAM module does
        engine.must(host, "DEBIAN_FRONTEND=noninteractive pam-auth-update --package </dev/null")
        assert engine.difference(before, engine.tree(host)) == []

    engine.everywhere(work, hosts.values())


def test_unknown_transactions_and_controls_are_refused_in_words(hosts: dict[str, str]) -> None:
    host = hosts[LIKE[0]]
    engine.restore(host, "clean")
    done = engine.run(host, "applied", of("M07-07"))
    before = engine.fingerprint(host, "/etc", engine.JOURNALS)
    for transaction, controls, sentence in (
        (
            "20200101T000000-000000",
            [],
            f"does not exist on this host; those that can be rolled back: {done['transaction']}",
        ),
        ("../../etc", [], "does not exist on this host"),
        ("last", ["M08-01"], "did not change M08-01; it changed M07-07"),
    ):
        back = engine.run(host, "reverted", [], controls, transaction=transaction)
        assert sentence in back["problem"]
    assert engine.fingerprint(host, "/etc", engine.JOURNALS) == before


@pytest.mark.parametrize("name", LIKE)
def test_a_package_that_another_one_drove_out_comes_back(name: str) -> None:
    """chrony and systemd-timesyncd exclude each other: a rollback gives back the one that was there, and its files."""
    with lab.throwaway(name) as host:
        engine.install(host, ["systemd-timesyncd"])
        before, there = engine.tree(host), engine.packages(host)
        applied = engine.run(host, "applied", [CHRONY], packages=True)
        assert not applied.wrong(), applied.wrong()
        assert {"chrony", "systemd-timesyncd"} & engine.packages(host) == {"chrony"}
        back = engine.run(host, "reverted", [], packages=True)
        assert not back["problem"], back["problem"]
        assert engine.packages(host) == there
        # chrony's account came and went, and its programs keep what they changed last
        copies = ("/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-")
        assert [each for each in engine.difference(before, engine.tree(host)) if not each.startswith(copies)] == []
