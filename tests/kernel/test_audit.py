# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-16: what the kernel records of sensitive actions, and how long that is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import engine

pytestmark = pytest.mark.lab

_LOG = "/var/log/audit/audit.log"
_RECENT = "ausearch --input-logs --start recent --interpret"
_ROTATE = "essms-audit-rotate"
PURGED_AFTER = 365
"""Days, as the profile has it."""


def _recorded(machine: str, key: str, *traces: str) -> bool:
    """Say whether records with this key soon hold all the traces."""
    looks = " && ".join(f"echo \"$found\" | grep -q '{trace}'" for trace in traces)
    look = f"found=$({_RECENT} --key {key} 2>/dev/null); {looks} && exit 0"
    return engine.root(machine, f"for n in $(seq 10); do {look}; sleep 1; done; exit 1", timeout=120).code == 0


@pytest.mark.parametrize(
    ("act", "key", "trace"),
    [
        ("chage --maxdays 99 probe", "identity", "name=/etc/shadow"),
        ("touch /etc/sudoers.d/probe; rm /etc/sudoers.d/probe", "actions", "name=/etc/sudoers.d/probe"),
        ("modprobe --dry-run dummy", "modules", "proctitle=modprobe --dry-run dummy"),
        ("modprobe dummy; rmmod dummy", "modules", "syscall=delete_module"),
        ("ln -sf /usr/share/zoneinfo/Etc/UTC /etc/localtime", "time-change", "name=/etc/localtime"),
        ("date --set=now", "time-change", "syscall=clock_settime"),
        ("hostname $(hostname)", "network", "syscall=sethostname"),
        ("mkdir -p /tmp/m; mount -t tmpfs none /tmp/m; umount /tmp/m", "export", "syscall=mount"),
        ("touch /tmp/probe-file; rm /tmp/probe-file", "delete", "name=/tmp/probe-file"),
        ("touch /tmp/probe-mode; chmod 0700 /tmp/probe-mode", "perm_mod", "name=/tmp/probe-mode"),
        ("passwd --status probe", "privileged", "exe=/usr/bin/passwd"),
        ("touch /etc/audit/probe; rm /etc/audit/probe", "audit-config", "name=/etc/audit/probe"),
    ],
)
@pytest.mark.usefixtures("nobody")
def test_a_sensitive_action_is_recorded(hardened: str, act: str, key: str, trace: str) -> None:
    """M04-16: the record says what was done, whatever program did it, and who had logged in, also behind sudo."""
    engine.must(hardened, act)
    assert _recorded(hardened, key, trace, "auid=ansible")


def test_a_refused_access_is_recorded(hardened: str, nobody: Any) -> None:
    """M04-16: somebody who tries what is not theirs leaves a trace of it."""
    assert nobody("cat /etc/shadow").code != 0
    assert _recorded(hardened, "access", "name=/etc/shadow", " uid=probe ", "exit=EACCES")


def test_an_ordinary_action_is_not_recorded(hardened: str, nobody: Any) -> None:
    """M04-16: reading what everybody may read leaves no record."""
    assert nobody("cat /etc/hostname").code == 0
    engine.must(hardened, "sleep 2")
    assert "name=/etc/hostname" not in engine.root(hardened, _RECENT).out


def test_a_new_log_is_begun_every_week(hardened: str) -> None:
    """M04-16: nothing in a file is then older than what its date says, by more than a week."""
    engine.must(hardened, f"rm -f {_LOG}.*; systemctl is-active {_ROTATE}.timer && systemctl start {_ROTATE}.service")
    engine.must(hardened, f"for n in $(seq 20); do test -s {_LOG}.1 && exit 0; sleep 1; done; exit 1")
    engine.must(hardened, "touch /etc/audit/probe-new; rm /etc/audit/probe-new")
    assert _recorded(hardened, "audit-config", "probe-new")


def test_old_records_are_purged(hardened: str) -> None:
    """M04-16: the daily cleaning of systemd removes what is too old, never the log in use, and nothing else."""
    ages = {11: 30, 12: PURGED_AFTER - 5, 13: PURGED_AFTER + 5, 14: 2000}
    forged = "; ".join(
        f"echo {age} > {_LOG}.{number}; touch -d '{age} days ago' {_LOG}.{number}" for number, age in ages.items()
    )
    engine.must(hardened, f"{forged}; touch -d '2000 days ago' {_LOG}; systemctl start systemd-tmpfiles-clean.service")
    left = engine.must(hardened, "ls /var/log/audit").split()
    engine.must(hardened, f"rm -f {_LOG}.1?")
    assert {"audit.log", "audit.log.11", "audit.log.12"} <= set(left)
    assert not {"audit.log.13", "audit.log.14"} & set(left)


def test_a_host_without_it_is_given_the_service(prepared: str) -> None:
    """M04-16: it comes with its package, really records, and a rollback takes everything away again."""
    engine.restore(prepared, "clean")
    engine.must(prepared, "auditctl -D; DEBIAN_FRONTEND=noninteractive apt-get purge -y -q auditd", timeout=300)
    before = engine.tree(prepared)
    asked = engine.settings(["M04-16"])
    try:
        assert engine.run(prepared, "audited", asked).rows("fail")
        applied = engine.run(prepared, "applied", asked, packages=True)
        assert not applied.wrong(), applied.wrong()
        engine.must(prepared, "chage --maxdays 98 ansible; chage --maxdays 99999 ansible")
        assert _recorded(prepared, "identity", "name=/etc/shadow")
        back = engine.run(prepared, "reverted", asked, packages=True)
        assert not back["problem"], back["problem"]
        assert back.removed == ["auditd"]
        # the second program of chage keeps a copy of what it changed
        assert [line for line in engine.difference(before, engine.tree(prepared)) if "/etc/shadow" not in line] == []
    finally:
        engine.install(prepared, ["auditd"])
