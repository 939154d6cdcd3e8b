# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-01, M04-02, M04-04, M04-05, M04-10: accounts that really log in, are told by number, and closed where asked."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import engine, lab, people

PASSWORD = people.GOOD
CLOSE = {"essms_inactive_action": "desactiver"}


def rows(name: str, control: str, variables: dict[str, Any] | None = None, **options: Any) -> dict[str, dict[str, Any]]:
    """Return what an audit of one control says, by name."""
    done = engine.run(name, "audited", engine.settings([control], variables=variables), **options)
    return {key[2]: row for key, row in done.rows().items()}


def uid(name: str, user: str) -> str:
    return lab.must(name, ["id", "-u", user]).strip()


def test_an_account_of_a_post_is_told_by_number(name: str) -> None:
    """M04-01: whoever knows the password of poste-7 logs in; the audit says so without any name."""
    assert rows(name, "M04-01")["accounts"]["observed"] == 0
    with people.account(name, "poste-7") as user:
        assert lab.ssh(name, "true", user=user).code == 0
        row = rows(name, "M04-01")["accounts"]
        assert (row["state"], row["observed"]) == ("fail", 1)
        assert uid(name, user) in row["reason"]
        assert "poste" not in str(row["reason"])


@pytest.fixture
def recorded(name: str) -> None:
    """Let the host have recorded a login of today."""
    script = (
        "import struct, time; open('/var/log/wtmp', 'ab').write(struct.Struct('=hxxi32s4s32s256shhiii4I20x')"
        ".pack(7, 1, b'pts/0', b'0', b'ansible', b'', 0, 0, 0, int(time.time()) - 60, 0, 0, 0, 0, 0))"
    )
    lab.must(name, ["python3", "-c", script])
    # lastlog goes by number: that of an earlier test's user may have been given again
    lab.must(name, ["truncate", "--size", "0", "/var/log/lastlog"])


@pytest.mark.usefixtures("recorded")
def test_an_inactive_account_is_closed_and_opened_again(name: str) -> None:
    """M04-02: neither the key nor anything else opens it then; the automation account stays; a rollback opens it."""
    with lab.user(name, key=True) as user:
        lab.must(name, ["chage", "--lastday", "2020-01-01", user])
        before = lab.must(name, "cat /etc/shadow /etc/shadow-")
        # no login before: it would be use; that the key opens the account is seen after the rollback
        assert rows(name, "M04-02")["inactive"]["observed"] == 1
        reported = engine.run(name, "applied", engine.settings(["M04-02"]))
        assert reported["changed"] == [], "without being asked to, it closed an account"
        settings = engine.settings(["M04-02"], variables=CLOSE)
        done = engine.run(name, "applied", settings)
        assert done["changed"] == ["M04-02"], done.wrong()
        refused = lab.ssh(name, "true", user=user)
        assert refused.code != 0
        assert "expired" in refused.err.lower() or "closed" in refused.err.lower()
        assert lab.ssh(name, "sudo -n true").code == 0
        back = engine.run(name, "reverted", settings, transaction=done["transaction"])
        assert not back["problem"], back["problem"]
        assert lab.must(name, "cat /etc/shadow /etc/shadow-") == before
        assert lab.ssh(name, "true", user=user).code == 0


@pytest.mark.usefixtures("recorded")
def test_an_account_in_use_is_not_inactive(name: str) -> None:
    """M04-02: a session counts while it is open and once it has ended, however old the password."""
    with lab.user(name, key=True) as user:
        lab.must(name, ["chage", "--lastday", "2020-01-01", user])
        with lab.terminal(name, user=user):
            assert rows(name, "M04-02")["inactive"]["observed"] == 0
        lab.must(
            name, f"loginctl terminate-user {user}; for n in $(seq 60); do pgrep -u {user} || exit 0; sleep 0.5; done"
        )
        assert rows(name, "M04-02")["inactive"]["observed"] == 0


@pytest.mark.usefixtures("recorded")
def test_somebody_who_left_no_longer_logs_in(name: str) -> None:
    """M04-02: after the days left, an account in daily use is closed as well; no name is in journal or rows."""
    with lab.user(name, key=True) as user:
        variables = {**CLOSE, "essms_leavers": [{"account": user, "date": "2025-06-30"}]}
        settings = engine.settings(["M04-02"], variables=variables)
        done = engine.run(name, "applied", settings)
        assert done["changed"] == ["M04-02"], done.wrong()
        assert lab.ssh(name, "true", user=user).code != 0
        assert user not in str(done["rows"])
        assert lab.root(name, f"grep -r {user} {engine.JOURNALS}/tx/{done['transaction']}").code == 1
        engine.run(name, "reverted", settings, transaction=done["transaction"])
        assert lab.ssh(name, "true", user=user).code == 0


def test_a_new_administrator_is_told_until_gone(name: str) -> None:
    """M04-04: one who becomes root by a rule of sudo fails every audit, not only the first."""
    first = engine.run(name, "audited", engine.settings(["M04-04"]))
    memory = first["memory"]
    assert first.rows()["M04-04", "privileged_accounts", "added"]["state"] == "ok"
    with lab.user(name, key=True) as user:
        lab.must(name, "cat > /etc/sudoers.d/probe-new && chmod 0440 /etc/sudoers.d/probe-new",
                 stdin=f"{user} ALL=(ALL) NOPASSWD: ALL\n")  # fmt: skip
        try:
            # sudo asks people for a terminal (M04-07)
            assert "root" in lab.ssh(name, "script -qec 'sudo -n whoami' /dev/null", user=user).out
            for _audit in range(2):
                done = engine.run(name, "audited", engine.settings(["M04-04"]), memory=memory)
                memory = done["memory"]
                row = done.rows()["M04-04", "privileged_accounts", "added"]
                assert (row["state"], row["observed"]) == ("fail", 1)
                assert uid(name, user) in row["reason"]
                assert user not in str(row) + str(memory)
        finally:
            lab.must(name, ["rm", "/etc/sudoers.d/probe-new"])
    done = engine.run(name, "audited", engine.settings(["M04-04"]), memory=memory)
    assert done.rows()["M04-04", "privileged_accounts", "added"]["state"] == "ok"


def test_an_administrator_with_a_mailbox_is_told(name: str) -> None:
    """M04-05: the same account may become root and reads mail."""
    with lab.user(name, key=True) as user:
        lab.must(name, ["usermod", "--append", "--groups", "sudo", user])
        assert rows(name, "M04-05")["daily"]["observed"] == 0
        lab.must(name, f"mkdir -p /var/mail && echo 'From x' > /var/mail/{user}")
        row = rows(name, "M04-05")["daily"]
        lab.must(name, ["rm", f"/var/mail/{user}"])
        assert (row["state"], row["observed"]) == ("fail", 1)
        assert uid(name, user) in row["reason"]


def test_a_sensitive_folder_that_anybody_reads_is_told(name: str) -> None:
    """M04-10: an ordinary user reads a resident's record in it, until its rights are narrowed."""
    variables = {"essms_sensitive_paths": ["/srv/probe-records"]}
    lab.must(name, "mkdir -p /srv/probe-records && echo record > /srv/probe-records/one")
    try:
        with lab.user(name, key=True) as user:
            for mode, readable in (("0755", True), ("0750", False)):
                lab.must(name, ["chmod", mode, "/srv/probe-records"])
                assert (lab.ssh(name, "cat /srv/probe-records/one", user=user).code == 0) is readable
                assert rows(name, "M04-10", variables)["sensitive folders"]["observed"] == int(readable)
    finally:
        lab.must(name, ["rm", "-r", "/srv/probe-records"])
