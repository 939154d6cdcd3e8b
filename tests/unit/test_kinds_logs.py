# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of journald, logrotate and chrony, read as these programs read it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import logrotate
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import (
    SHARED_KERNEL,
    Seen,
    SettingError,
    Unknown,
)
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS, audit_rules, time_sync

from tests.support.fixture_host import FixtureHost

CAT = "systemd-analyze cat-config --no-pager systemd/journald.conf"


@pytest.mark.parametrize(
    ("name", "written", "value"),
    [
        ("retention_days", "MaxRetentionSec=365day", 365),
        ("retention_days", "MaxRetentionSec=1year 2w", 379),
        ("retention_days", "MaxRetentionSec=1y\nMaxRetentionSec=30d", 30),
        ("retention_days", "MaxRetentionSec=soon", "soon"),
        ("retention_days", "MaxRetentionSec=3fortnights", "3fortnights"),
        ("retention_days", "MaxRetentionSec=", None),
        ("max_use_megabytes", "SystemMaxUse=4G", 4096),
        ("max_use_megabytes", "SystemMaxUse=1048576", 1),
        ("storage", "#Storage=auto\nStorage=persistent", "persistent"),
        ("level", "", "debug"),
        ("level", "MaxLevelStore=3", "err"),
        ("level", "MaxLevelStore=emerg", "emerg"),
        ("max_files", "", 100),
        ("max_files", "SystemMaxFiles=2", 2),
        ("compress", "Compress=512", False),
        ("compress", "Compress=true", True),
    ],
)
def test_journald(tmp_path: Path, name: str, written: str, value: Any) -> None:
    host = FixtureHost(tmp_path, {}, {CAT: f"[Journal]\n{written}\n"})
    assert KINDS["journald"].observe(host, [{name: 1}])[name] == value


def test_journald_has_not_read_a_newer_file(tmp_path: Path) -> None:
    conf = "/etc/systemd/journald.conf"
    kind = KINDS["journald"]
    started = (
        "busctl --json=short get-property org.freedesktop.systemd1 "
        "/org/freedesktop/systemd1/unit/systemd_2djournald_2eservice org.freedesktop.systemd1.Service "
        "ExecMainStartTimestamp"
    )
    answers = {CAT: f"# {conf}\n[Journal]\nCompress=yes\n", started: '{"type":"t","data":1000000}'}
    seen = kind.observe(FixtureHost(tmp_path, {conf: ""}, answers), [{"compress": True}])["compress"]
    assert isinstance(seen, Seen)
    assert seen.satisfied is False


STANZAS = [
    ("/var/log/a {\n weekly\n rotate 4\n}\n", 28),
    ("/var/log/a {\n daily\n rotate 400\n maxage 365\n}\n", 365),
    ("/var/log/a /var/log/b\n{\n\trotate 2\n}\n", 2),
    ("/var/log/a {\n size 1M\n rotate 9\n}\n", 0),
    ("/var/log/a {\n daily\n size 1M\n weekly\n rotate 9\n}\n", 63),
    ("/var/log/a {\n daily\n rotate -1\n}\n", logrotate.FOREVER),
    ("/var/log/a {\n monthly\n rotate 3 # daily\n postrotate\n  daily\n }\n endscript\n}\n", 90),
    ('"/var/log/a b" {\n yearly\n rotate=2\n}\n', 730),
]


@pytest.mark.parametrize(("content", "days"), STANZAS)
def test_logrotate_keeps(content: str, days: int) -> None:
    defaults, stanza = logrotate.parse("/x", content)
    assert not defaults.own
    assert stanza.patterns[0].startswith("/var/log/a")
    assert logrotate.kept(stanza, {"daily": "", "rotate": "7"}) == days


@pytest.mark.parametrize(("content", "_days"), STANZAS)
def test_logrotate_is_written_once_and_reads_back(content: str, _days: int) -> None:
    changed = logrotate.put(content, 1, "/x", weekly="", rotate=53, maxage=365, ifempty="")
    assert logrotate.put(changed, 1, "/x", weekly="", rotate=53, maxage=365, ifempty="") == changed
    stanza = logrotate.parse("/x", changed)[1]
    assert logrotate.kept(stanza, {}) == 365
    assert "ifempty" in stanza.own


def test_a_log_that_is_rotated_when_it_is_large_may_be_gone_the_same_day() -> None:
    """Whoever floods it pushes the rest out; a log that stays small is kept its whole time."""
    content = "/var/log/auth.log {\n weekly\n rotate 53\n maxage 365\n maxsize 100k\n}\n"
    stanza = logrotate.parse("/x", content)[1]
    assert logrotate.kept(stanza, {}) == 0
    assert logrotate.kept(stanza, {}, at_least=False) == 365
    assert logrotate.kept(logrotate.parse("/x", "/a {\n weekly\n rotate 9\n}\n")[1], {"maxsize": "1M"}) == 0
    assert "maxsize" not in logrotate.put(content, 1, "/x", weekly="", rotate=53)


def test_a_pattern_that_takes_a_log_of_the_system_is_one_of_its_stanzas(tmp_path: Path) -> None:
    files = {
        "/etc/logrotate.conf": "weekly\nrotate 53\n",
        "/etc/logrotate.d/all": "/var/log/*.log {\n daily\n rotate 7\n}\n",
        "/etc/logrotate.d/app": "/var/log/app/*.log {\n daily\n rotate 3\n}\n",
    }
    found = KINDS["logrotate"].observe(FixtureHost(tmp_path, files, {}), [{"days": 365}])["system log days"]
    assert (found.value, found.note) == (7, "the first to look at: /etc/logrotate.d/all")


def test_logrotate_needs_its_files(tmp_path: Path) -> None:
    kind, others, body = KINDS["logrotate"], KINDS["logrotate_others"], {"days": 365}
    files = {
        "/etc/logrotate.conf": "weekly\nrotate 4\ninclude /etc/logrotate.d\n",
        "/etc/logrotate.d/syslog": "/var/log/syslog {\n notifempty\n}\n",
        "/etc/logrotate.d/app": "/var/log/app/*.log {\n rotate 900\n maxage 900\n}\n",
        "/etc/logrotate.d/app.dpkg-old": "/var/log/old {\n maxage 9000\n}\n",
    }
    host = FixtureHost(tmp_path, files, {})
    found = {name: getattr(value, "value", value) for name, value in kind.observe(host, [body]).items()}
    assert found == {"default days": 28, "system log days": 28, "silent logs are purged": False}
    longest = others.observe(host, [body])["other log days"]
    assert (longest.value, longest.note[:43]) == (900, "the first to look at: /etc/logrotate.d/app;")
    kind.edit(host, body, kind.expand(body))
    found = {name: getattr(value, "value", value) for name, value in kind.observe(host, [body]).items()}
    assert found == kind.expand(body)
    assert others.observe(host, [body])["other log days"].value == 900


@pytest.mark.parametrize("frequency", ["daily", "weekly", "monthly"])
@pytest.mark.parametrize(
    ("own", "days"), [(" rotate 52\n", 52), (" monthly\n rotate 72\n", 2160), (" rotate 900\n", 900)]
)
def test_logrotate_never_shortens_what_an_application_keeps(
    tmp_path: Path, frequency: str, own: str, days: int
) -> None:
    kind, body = KINDS["logrotate"], {"days": 365}
    files = {
        "/etc/logrotate.conf": f"{frequency}\nrotate 4\n",
        "/etc/logrotate.d/app": f"/var/log/app.log {{\n{own}}}\n",
        "/etc/logrotate.d/inherits": "/var/log/other.log {\n}\n",
    }
    host = FixtureHost(tmp_path, files, {})
    kind.edit(host, body, kind.expand(body))
    assert host.text("/etc/logrotate.d/app") == files["/etc/logrotate.d/app"]
    (defaults,) = logrotate.parse("/x", host.text("/etc/logrotate.conf") or "")
    stanza = logrotate.parse("/x", files["/etc/logrotate.d/app"])[1]
    times = 1 if "monthly" in own else logrotate.FREQUENCIES[frequency]
    assert logrotate.kept(stanza, defaults.own) == days * times
    # and what applications are given by default is no longer than asked either
    assert 360 <= logrotate.kept(defaults, {}) <= 365


def test_logrotate_leaves_longer_defaults_and_those_it_cannot_count(tmp_path: Path) -> None:
    kind, body = KINDS["logrotate"], {"days": 365}
    for conf, value in (("weekly\nrotate 520\n", 3640), ("monthly\nrotate 12\n", 365), ("weekly\nrotate 51\n", 357)):
        host = FixtureHost(tmp_path / conf.split()[2], {"/etc/logrotate.conf": conf}, {})
        assert kind.observe(host, [body])["default days"] == value
        assert kind.rule("default days").test(365, value) == (value >= 365)
    host = FixtureHost(tmp_path / "size", {"/etc/logrotate.conf": "size 1M\nrotate 4\n"}, {})
    assert isinstance(kind.observe(host, [body])["default days"], Unknown)


def test_logrotate_minds_a_file_that_another_control_is_about_to_write(tmp_path: Path) -> None:
    kind, body = KINDS["logrotate"], {"days": 365}
    host = FixtureHost(tmp_path, {"/etc/logrotate.conf": "daily\nrotate 365\nmaxage 365\n"}, {})
    host.write("/etc/logrotate.d/essms-sudo", "/var/log/sudo.log {\n weekly\n rotate 4\n notifempty\n}\n")
    kind.edit(host, body, {"system log days": 365, "silent logs are purged": True})
    found = kind.observe(host, [body])
    assert (found["system log days"].value, found["silent logs are purged"]) == (365, True)


UNITS = (
    "systemctl show -p LoadState,ActiveState,UnitFileState,ConditionResult,ActiveEnterTimestampMonotonic "
    "chrony.service chronyd.service systemd-timesyncd.service "
    "ntpsec.service ntp.service ntpd.service openntpd.service"
)
ABSENT = "LoadState=not-found\nActiveState=inactive\nUnitFileState=\nConditionResult=no"
RUNS = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nConditionResult=yes"
SOURCES = "^,*,192.0.2.1,2,6,377,5,0.1,0.1,0.1\n^,x,192.0.2.2,2,6,377,5,9.1,9.1,0.1\n^,?,192.0.2.3,0,6,0,9,0,0,0\n"


def units(place: int) -> str:
    return "\n\n".join(RUNS if number == place else ABSENT for number in range(7)) + "\n"


def test_sources_that_lie_or_are_dead_do_not_count(tmp_path: Path) -> None:
    answers = {UNITS: units(0), "chronyc -c -n sources": SOURCES}
    seen = KINDS["time_sync"].observe(FixtureHost(tmp_path, {}, answers), [{"sources": 2}])
    assert seen["service"] is True
    assert seen["sources"].value == 1


def test_another_service_is_left_alone(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {}, {UNITS: units(3)})
    seen = KINDS["time_sync"].observe(host, [{"sources": 2}])
    assert seen["service"] is True
    assert isinstance(seen["sources"], Unknown)
    assert KINDS["time_sync"].needs(host, {"sources": 2}) == ()


TRACKING = "C0000201,192.0.2.1,{stratum},1764275000.1,{offset},0.1,0.1,1,0,0,0.1,0.1,64.1,Normal\n"
NTP_MESSAGE = "busctl --json=short get-property " + " ".join((*time_sync.TIMESYNC1, "NTPMessage"))


def heard(count: int) -> str:
    """Return what timesyncd tells of its last answer: asked at 10 s, answered by a clock 2.5 s ahead."""
    times = [10_000_000, 12_600_000, 12_600_000, 10_200_000]
    return json.dumps({"type": "(uuuuittayttttbtt)", "data": [0, 4, 4, 2, -20, 0, 0, [0] * 4, *times, False, count, 0]})


@pytest.mark.parametrize(
    ("answers", "seen"),
    [
        ({UNITS: units(0), "chronyc -c -n tracking": TRACKING.format(stratum=3, offset="-0.000123456")}, 0.0),
        ({UNITS: units(0), "chronyc -c -n tracking": TRACKING.format(stratum=3, offset="-2.5001")}, 2.5),
        ({UNITS: units(0), "chronyc -c -n tracking": TRACKING.format(stratum=0, offset="0.0")}, Unknown),
        ({UNITS: units(0), "chronyc -c -n tracking": "506 Cannot talk to daemon\n"}, Unknown),
        ({UNITS: units(2), NTP_MESSAGE: heard(8)}, 2.5),
        ({UNITS: units(2), NTP_MESSAGE: heard(0)}, Unknown),
        # ntpsec
        ({UNITS: units(3)}, Unknown),
    ],
)
def test_how_far_the_clock_is_off(tmp_path: Path, answers: dict[str, str], seen: Any) -> None:
    """By chronyc, or by what timesyncd last heard; nothing known is not verified, never in order."""
    found = KINDS["clock"].observe(FixtureHost(tmp_path, {}, answers), [{"offset_seconds": 1}])["offset_seconds"]
    assert isinstance(found, Unknown) if seen is Unknown else found == seen
    if seen is not Unknown:
        assert KINDS["clock"].rule("offset_seconds").test(1, found) == (seen <= 1)


BUSCTL = "busctl --json=short get-property " + " ".join(time_sync.TIMESYNC1)
SERVERS = f"{BUSCTL} SystemNTPServers LinkNTPServers FallbackNTPServers"
FOUR = ["0.pool.example", "1.pool.example", "2.pool.example", "3.pool.example"]
STARTED = "\nActiveEnterTimestampMonotonic=100000000"


def timesyncd(root: Path, packets: int, seconds_ago: float = 60, uptime: int = 9000, state: str = RUNS) -> FixtureHost:
    """Return a host whose timesyncd has four names to ask, and as many answers from the one it follows."""
    parts = [state + STARTED if place == 2 else ABSENT for place in range(7)]
    arrived = int((time.time() - seconds_ago) * 1e6)
    # as busctl of systemd 252 says it: leap, version, mode, stratum, precision, delay, dispersion, reference, the four
    # times of the exchange, whether it was a spike, answers so far, jitter
    message = [0, 4, 4, 2, -23, 7629, 21331, [145, 238, 203, 14], *[arrived] * 4, False, packets, 1204]
    lists = "".join(json.dumps({"type": "as", "data": names}) + "\n" for names in ([], [], FOUR))
    answers = {
        UNITS: "\n\n".join(parts) + "\n",
        SERVERS: lists,
        f"{BUSCTL} NTPMessage": json.dumps({"type": "(uuuuittayttttbtt)", "data": message}) + "\n",
    }
    return FixtureHost(root, {"/proc/uptime": f"{uptime}.00 1.00\n"}, answers)


@pytest.mark.parametrize(
    ("packets", "wanted", "seconds_ago", "uptime", "seen"),
    [
        # four names and no answer are no source
        (0, 2, 0, 9000, 0),
        (0, 1, 0, 9000, 0),
        # one server at a time, however many names it was given
        (7, 2, 60, 9000, 1),
        (7, 1, 60, 9000, 1),
        # the server fell silent hours ago
        (7, 1, 9000, 9000, 0),
        # it has had no time to be answered
        (0, 1, 0, 110, Unknown),
        (0, 2, 0, 110, 0),
    ],
)
def test_timesyncd_follows_one_source_once_it_has_answered(
    tmp_path: Path, packets: int, wanted: int, seconds_ago: float, uptime: int, seen: Any
) -> None:
    host = timesyncd(tmp_path, packets, seconds_ago, uptime)
    found = KINDS["time_sync"].observe(host, [{"sources": wanted}])
    assert (found["service"], found["servers"]) == (True, FOUR)
    if seen is Unknown:
        assert isinstance(found["sources"], Unknown)
    else:
        value = found["sources"]
        assert (value.value if isinstance(value, Seen) else value) == seen


def test_two_sources_need_another_service_than_timesyncd(tmp_path: Path) -> None:
    """chrony drives timesyncd out and is installed first; where that failed a person is told to do it."""
    kind, host = KINDS["time_sync"], timesyncd(tmp_path, 7)
    assert kind.needs(host, {"sources": 2}) == ("chrony",)
    assert kind.needs(host, {"sources": 1}) == ()
    for wanted in ({"sources": 2}, {"servers": ["a.example"]}, {"service": True}):
        with pytest.raises(SettingError, match=r"follows one server at a time and 2 sources .*`apt install chrony`"):
            kind.edit(host, {"sources": 2, "servers": ["a.example"]}, wanted)
    assert not host.has_edits
    assert "installs chrony" in kind.observe(host, [{"sources": 2}])["sources"].note


def test_one_source_is_within_the_reach_of_timesyncd(tmp_path: Path) -> None:
    kind, silent = KINDS["time_sync"], timesyncd(tmp_path / "silent", 0)
    with pytest.raises(SettingError, match="no time server answers"):
        kind.edit(silent, {"sources": 1}, {"sources": 1})
    stopped = timesyncd(tmp_path / "stopped", 0, state=RUNS.replace("=active", "=inactive"))
    found = kind.observe(stopped, [{"sources": 1}])
    assert found["service"] is False
    assert isinstance(found["sources"], Unknown)
    kind.edit(stopped, {"sources": 1, "servers": ["a.example"]}, {"service": True, "servers": ["a.example"]})
    assert (stopped.text("/etc/systemd/timesyncd.conf.d/99-essms.conf") or "").endswith("[Time]\nNTP=a.example\n")
    assert ["systemctl", "start", time_sync.TIMESYNCD] in [operation["do"] for operation in stopped.operations]


def test_servers_come_from_every_file_chrony_reads(tmp_path: Path) -> None:
    files = {
        "/etc/os-release": "ID=debian\nVERSION_ID=12\n",
        "/etc/chrony/chrony.conf": "confdir /etc/chrony/conf.d\nsourcedir /etc/chrony/sources.d\npool a.example\n",
        "/etc/chrony/conf.d/x.conf": "# server no.example\n server b.example\n",
        "/etc/chrony/sources.d/y.sources": "peer c.example\n",
        "/etc/chrony/sources.d/y.conf": "server no.example\n",
    }
    host = FixtureHost(tmp_path, files, {})
    assert time_sync.configured(host, "chrony.service") == {"a.example", "b.example", "c.example"}
    host.answers[UNITS] = units(0)
    KINDS["time_sync"].edit(host, {"servers": ["a.example", "d.example"]}, {"servers": []})
    written = host.text("/etc/chrony/sources.d/essms.sources") or ""
    assert written.endswith("server d.example iburst\n")
    assert "a.example" not in written


@pytest.mark.parametrize(
    ("written", "listed"),
    [
        ("-w /etc/sudoers.d/ -p wa -k actions", "-w /etc/sudoers.d -p aw -k actions"),
        (
            "-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -F auid!=unset -k perm_mod",
            "-a exit,always -F arch=b64 -S fchmod -S chmod -F auid>=1000 -F auid!=-1 -F key=perm_mod",
        ),
        (
            "-a always,exit -F path=/usr/bin/su -F perm=x -F auid!=unset -k privileged",
            "-a always,exit -S all -F path=/usr/bin/su -F perm=x -F auid!=4294967295 -F key=privileged",
        ),
    ],
)
def test_a_rule_is_known_however_it_is_written(written: str, listed: str) -> None:
    assert audit_rules.canonical(written) == audit_rules.canonical(listed)


def test_a_weaker_rule_is_another() -> None:
    asked = "-a always,exit -F arch=b64 -S chmod,fchmod -F auid>=1000 -k perm_mod"
    assert audit_rules.canonical(asked) != audit_rules.canonical(asked.replace("fchmod", "chown"))
    assert audit_rules.canonical(asked) != audit_rules.canonical(asked.replace(">=1000", ">=2000"))


def test_rules_that_are_written_but_not_loaded_are_seen(tmp_path: Path) -> None:
    rules = ["-w /etc/passwd -p wa -k identity", "-w /etc/shadow -p wa -k identity"]
    files = {"/etc/audit/rules.d/x.rules": "\n".join(rules), "/etc/audit/rules.d/x.off": rules[0]}
    host = FixtureHost(tmp_path, files, {"auditctl -l": f"{rules[0]}\n", "auditctl -s": "enabled 1\n"})
    body = {"name": "accounts", "rules": rules}
    seen = KINDS["audit_rules"].observe(host, [body, {"immutable": True}])
    assert seen["accounts"] is True
    assert seen["accounts in the kernel"].note == f"1 of 2 rules missing, the first: {rules[1]}"
    assert seen["immutable until the next restart"] is False


@pytest.mark.parametrize(
    ("kernel", "journald", "note"),
    [
        ("enabled 1", "[Journal]\n#Audit=no\nAudit=\n", ""),
        ("enabled 2", "[Journal]\nAudit=yes\n", ""),
        ("enabled 0", "[Journal]\nAudit=\n", "the audit of the kernel is switched off"),
        ("enabled 1", "[Journal]\n#Audit=no\n", "journald switches the audit of the kernel off whenever it starts"),
        ("enabled 1", "[Journal]\nAudit=no\n", "journald switches the audit of the kernel off whenever it starts"),
    ],
)
def test_a_kernel_that_journald_silences_does_not_record(tmp_path: Path, kernel: str, journald: str, note: str) -> None:
    answers = {
        "auditctl -s": f"{kernel}\nfailure 1\n",
        CAT: journald,
        "systemctl show --property=UnitFileState,ActiveState auditd.service": (
            "ActiveState=active\nUnitFileState=enabled\n"
        ),
    }
    body = {"enabled": True, "running": True, "recording": True}
    seen = KINDS["auditd"].observe(FixtureHost(tmp_path, {}, answers), [body])
    assert (seen["enabled"], seen["running"]) == (True, True)
    recording = seen["recording"]
    assert (recording is True) if not note else (recording.value is False and recording.note == note)


def test_a_container_is_given_no_audit_of_its_own(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {}, {"systemd-detect-virt --container --quiet": ""})
    bodies = {
        "auditd": {"running": True, "megabytes": 64},
        "audit_rules": {"name": "accounts", "rules": ["-w /etc/passwd -p wa -k identity"]},
    }
    for kind, body in bodies.items():
        seen = KINDS[kind].observe(host, [body])
        assert set(seen) == set(KINDS[kind].expand(body))
        assert {answer.reason for answer in seen.values()} == {SHARED_KERNEL}
        assert KINDS[kind].needs(host, body) == ()


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("$IncludeConfig /etc/rsyslog.d/*.conf", True),
        ('include(file="/etc/rsyslog.d/*.conf" mode="optional")', True),
        ("#$IncludeConfig /etc/rsyslog.d/*.conf", False),
    ],
)
def test_forwarding_counts_when_rsyslog_reads_its_file(tmp_path: Path, line: str, read: bool) -> None:
    body = {"server": "logs.invalid", "port": 6514, "ca_file": "/etc/ssl/ca.pem"}
    host = FixtureHost(tmp_path, {"/etc/rsyslog.conf": f"{line}\n"})
    KINDS["log_forward"].edit(host, body, KINDS["log_forward"].expand(body))
    found = KINDS["log_forward"].observe(host, [body])
    assert found["server"] == ("logs.invalid:6514" if read else None)
