# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of logs and time: what is kept, for how long, and by which clock."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row, sed

_JOURNALD = {
    "storage": ("Storage", "volatile", "volatile"),
    "compress": ("Compress", "no", False),
    "retention_days": ("MaxRetentionSec", "2month", 60),
    "file_days": ("MaxFileSec", "1month", 30),
    "max_use_megabytes": ("SystemMaxUse", "64M", 64),
    "max_files": ("SystemMaxFiles", "2", 2),
    "level": ("MaxLevelStore", "err", "err"),
    "forward_to_syslog": ("ForwardToSyslog", "no", False),
}
_LOGROTATE = {
    "default days": ("s/^rotate .*/rotate 9/", "/etc/logrotate.conf", 63),
    "system log days": ("s/^( *maxage) .*/\\1 99/", "/etc/logrotate.d/btmp", 99),
    "silent logs are purged": ("s/^( *)ifempty/\\1notifempty/", "/etc/logrotate.d/btmp", False),
}
_APPLICATION = "/etc/logrotate.d/probe-application"


def _journald(host: str, row: Row, _body: Body) -> Any:
    key, value, observed = _JOURNALD[row["name"]]
    path = "/etc/systemd/journald.conf.d/zz-essms.conf"
    engine.must(host, f"sed -i '/^{key}=/d' {path} && echo {key}={value} >> {path}")
    engine.must(host, "systemctl reset-failed systemd-journald; systemctl restart systemd-journald")
    return observed


def _logrotate(host: str, row: Row, _body: Body) -> Any:
    script, path, observed = _LOGROTATE[row["name"]]
    sed(host, script, path)
    return observed


def _logrotate_others(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, f"cat > {_APPLICATION}", stdin="/var/log/probe-application.log {\n    rotate 900\n}\n")
    return 6300


def _no_others(host: str) -> None:
    engine.must(host, ["rm", "-f", _APPLICATION])


def _time_sync(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "sources":
        engine.must(host, ["chronyc", "delete", SERVERS[1]])
        return 1
    if row["name"] == "servers":
        sed(host, f"/{SERVERS[0]}/d", "/etc/chrony/sources.d/essms.sources")
        return [SERVERS[1], "2.debian.pool.ntp.org"]
    engine.must(host, ["systemctl", "--quiet", "stop", "chrony.service"])
    return False


_AUDITD = {
    "megabytes": ("s/^num_logs = .*/num_logs = 2/", "/etc/audit/auditd.conf", 32),
    "full_log": ("s/^max_log_file_action = .*/max_log_file_action = IGNORE/", "/etc/audit/auditd.conf", "IGNORE"),
    "low_space": ("s/^space_left_action = .*/space_left_action = IGNORE/", "/etc/audit/auditd.conf", "IGNORE"),
    "retention_days": ("s/m:[0-9]+d$/m:9d/", "/etc/tmpfiles.d/essms-audit.conf", 9),
}


def _auditd(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "enabled":
        engine.must(host, "systemctl --quiet disable auditd.service")
        return False
    if row["name"] == "recording":
        engine.must(host, "rm /etc/systemd/journald.conf.d/zz-essms-audit.conf; systemctl restart systemd-journald")
        return False
    if row["name"] == "running":
        # it refuses to be stopped in any other way
        gone = "for n in $(seq 60); do systemctl --quiet is-active auditd || exit 0; sleep 0.5; done; exit 1"
        engine.must(host, f"systemctl kill --signal=TERM auditd.service; {gone}")
        return False
    script, path, observed = _AUDITD[row["name"]]
    sed(host, script, path)
    return observed


def _audit_rules(host: str, row: Row, body: Body) -> Any:
    rule = body["rules"][0]
    if row["name"].endswith(" in the kernel"):
        forget = rule.replace("-w ", "-W ", 1) if rule.startswith("-w") else rule.replace("-a ", "-d ", 1)
        engine.must(host, ["auditctl", *forget.split()])
    else:
        sed(host, f"\\#^{rule}$#d", "/etc/audit/rules.d/50-essms.rules")
        # as at every start of the host: what is compiled is never older than what it is made of
        engine.must(host, ["augenrules"])
    return False


_LOG_FORWARD = {
    "server": ('s/ target=[^ ]+/ target="127.0.0.1"/', "127.0.0.1:6514"),
    "encrypted": ('s/ StreamDriverMode=[^ ]+/ StreamDriverMode="0"/', False),
    "server name checked": ('s#"x509/name"#"anon"#', False),
    "authority": ('s#^(global.*File=).*#\\1"/etc/other.pem")#', "/etc/other.pem"),
    "kept while the server is away": ("s/ queue.filename=[^ ]+//", False),
}


def _log_forward(host: str, row: Row, _body: Body) -> Any:
    if row["name"] == "service":
        engine.must(host, "systemctl --quiet stop rsyslog.service syslog.socket")
        return False
    script, observed = _LOG_FORWARD[row["name"]]
    # one that rsyslog accepts
    engine.must(host, "cp /etc/ssl/certs/ca-certificates.crt /etc/other.pem")
    sed(host, script, "/etc/rsyslog.d/50-essms-forward.conf")
    return observed


SERVERS = ("127.0.0.11", "127.0.0.12")
_NEVER_SET_THE_CLOCK = "[Service]\nExecStart=\nExecStart=!/usr/sbin/chronyd -x $DAEMON_OPTS\n"
_SERVER = """[Service]
Type=exec
ExecStart=/usr/sbin/chronyd -x -d -u root 'local stratum 8' 'allow' 'cmdport 0' 'bindcmdaddress /' \
    'pidfile /run/essms-ntp-%i.pid' 'bindaddress %i'
"""


def install_chrony(host: str) -> None:
    """Install chrony on a lab host. There it may set the machine's own clock, and is kept from it."""
    drop_in = "/run/systemd/system/chrony.service.d"
    engine.must(host, f"mkdir -p {drop_in} && printf '{_NEVER_SET_THE_CLOCK}' > {drop_in}/lab.conf")
    engine.must(host, "systemctl daemon-reload")
    engine.install(host, ["chrony"])


def tell_time(host: str) -> str:
    """Make a lab host a time server that never sets a clock; return its address."""
    install_chrony(host)
    engine.must(
        host, "printf 'allow\\nlocal stratum 8\\n' > /etc/chrony/conf.d/server.conf && systemctl restart chrony"
    )
    return engine.must(host, ["hostname", "--all-ip-addresses"]).split()[0]


def _services(host: str) -> None:
    """Have a syslog service, which Debian has none of by itself, a time service, and two time servers to ask."""
    install_chrony(host)
    engine.install(host, ["rsyslog"])
    engine.must(host, "cat > /run/systemd/system/essms-ntp@.service && systemctl daemon-reload", stdin=_SERVER)
    engine.must(host, "systemctl start " + " ".join(f"essms-ntp@{server}.service" for server in SERVERS))


AREA = Area(
    faults={
        "audit_rules": _audit_rules,
        "auditd": _auditd,
        "journald": _journald,
        "log_forward": _log_forward,
        "logrotate": _logrotate,
        "logrotate_others": _logrotate_others,
        "time_sync": _time_sync,
    },
    prepare=_services,
    repairs={"logrotate_others": _no_others},
    # the clock of a container is the machine's, which no test may set; the emulated machine has nobody to ask the time
    shown_by={"clock": "tests/unit/test_kinds_logs.py::test_how_far_the_clock_is_off"},
)
