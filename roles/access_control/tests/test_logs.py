# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M04-12: logs are kept as long as asked, then purged by the very services that keep them."""

from __future__ import annotations

import time
import uuid

import pytest

from tests.support import lab, people

APPLIED = people.variables("access_control")
KEPT = APPLIED["essms_log_retention_days"]
YOUNG, OLD = (1, KEPT - 10), (KEPT + 10, 2000)
_STATUS = "/var/lib/logrotate/status"
_USAGE = "MESSAGE_ID=ec387f577b844b8fa948f33cad9a75e6 JOURNAL_NAME='System Journal'"


@pytest.mark.parametrize(("log", "packed"), [("/var/log/auth.log", ".gz"), ("/var/log/btmp", "")])
def test_logrotate_purges_by_age(name: str, log: str, packed: str) -> None:
    """M04-12: a run of logrotate's own service removes what is too old, even of a silent log, and nothing else."""
    ages = (*YOUNG, *OLD)
    forged = "; ".join(
        f"echo {age} | {'gzip' if packed else 'cat'} > {log}.{number}{packed} "
        f"&& touch -d '{age} days ago' {log}.{number}{packed}"
        for number, age in enumerate(ages, start=2)
    )
    # the log itself is silent, and was last rotated in the spring of another year
    lab.must(name, f"rm -f {log}.*; : > {log}; {forged}")
    lab.must(name, f"printf 'logrotate state -- version 2\\n\"{log}\" 2021-4-1-0:0:0\\n' > {_STATUS}")
    lab.must(name, "systemctl start logrotate.service")
    left = lab.must(name, f"zcat -f {log}.* | grep -aE '^[0-9]+$' | sort -n").split()
    lab.must(name, f"rm -f {log}.*")
    assert [int(age) for age in left] == sorted(YOUNG)


def test_logrotate_keeps_what_an_application_keeps(name: str) -> None:
    """M04-12: a log whose own stanza keeps it for six years is purged by nothing that applies to all logs."""
    log, stanza = "/var/log/probe-application.log", "/etc/logrotate.d/probe-application"
    forged = "; ".join(
        f"echo {age} > {log}.{number}; touch -d '{age} days ago' {log}.{number}" for number, age in enumerate(OLD, 2)
    )
    lab.must(name, f"printf '{log} {{\\n monthly\\n rotate 72\\n}}\\n' > {stanza}; echo now > {log}; {forged}")
    lab.must(name, f"printf 'logrotate state -- version 2\\n\"{log}\" 2021-4-1-0:0:0\\n' > {_STATUS}")
    lab.must(name, "systemctl start logrotate.service")
    left = lab.must(name, f"cat {log}.*").split()
    lab.must(name, f"rm -f {log}* {stanza}")
    assert left == ["now", *(str(age) for age in OLD)]


def test_journald_purges_by_age(name: str) -> None:
    """M04-12: when journald begins a new file, it removes the archived ones that are too old, and no other."""
    lab.must(name, "journalctl --rotate")
    folder = lab.must(name, "dirname /var/log/journal/*/system.journal").strip()
    archive = lab.must(name, f"ls {folder} | grep '^system@' | tail -n 1").strip()
    serial = uuid.uuid4().hex
    files = {}
    for age in (*YOUNG, *OLD):
        begun = int((time.time() - age * 86400) * 1e6)
        files[age] = f"{folder}/system@{serial}-{9999 - age:016x}-{begun:016x}.journal"
        lab.must(name, ["cp", "-p", f"{folder}/{archive}", files[age]])
    lab.must(name, "journalctl --rotate")
    left = lab.root(name, ["ls", *files.values()]).out.split()
    lab.root(name, ["rm", "-f", *files.values()])
    assert left == sorted(files[age] for age in YOUNG)


def test_a_message_reaches_the_disk_twice(name: str) -> None:
    """M04-12: what a program says is in the journal that survives a restart, and in the file of the syslog service."""
    word = f"said-{uuid.uuid4().hex}"
    lab.must(name, ["logger", "-p", "user.notice", word])
    lab.must(name, "journalctl --sync")
    assert word in lab.must(name, "journalctl -o cat -n 200 --file '/var/log/journal/*/system.journal'")
    lab.must(name, f"for n in $(seq 50); do grep -q {word} /var/log/syslog && exit 0; sleep 0.1; done; exit 1")


def test_a_full_disk_is_out_of_reach(name: str) -> None:
    """M04-12: journald itself says that it takes no more than allowed, and leaves room on the disk."""
    said = lab.must(name, f"journalctl -o verbose -n 1 {_USAGE}")
    facts = dict(line.strip().split("=", 1) for line in said.splitlines() if "=" in line)
    assert int(facts["MAX_USE"]) == APPLIED["essms_journal_max_megabytes"] * 1024**2
    assert int(facts["DISK_KEEP_FREE"]) > 0
