# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of every message on a central log server, over TLS, by rsyslog."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.errors import NotApplicable
from ..engine.host import Host
from .base import Kind, fields, integer

PATH = "/etc/rsyslog.d/50-essms-forward.conf"
_FOLDER = "/etc/rsyslog.d"
_MAIN = "/etc/rsyslog.conf"
_RSYSLOGD = "/usr/sbin/rsyslogd"
_UNIT = "rsyslog.service"
_NOWHERE = "no log server is declared"
# rsyslog looks whether the server has closed the connection by looking whether something waits to be read. A session
# ticket, which it never reads, would hide that, and messages would be lost in a dead connection.
_TLS = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%NO_TICKETS"
_AT_ONCE = "1"
_ACTION = re.compile(r'^\*\.\*\s+action\(type="omfwd" (.*)\)\s*$', re.MULTILINE)
_OPTION = re.compile(r'([A-Za-z.]+)="([^"]*)"')
_CA = re.compile(r'^global\(DefaultNetstreamDriverCAFile="([^"]*)"\)\s*$', re.MULTILINE)


class LogForward(Kind):
    """``log_forward: {server: logs.example.org, port: 6514, ca_file: /etc/ssl/…}``; an empty server asks nothing."""

    schema = fields(
        ("server", "port", "ca_file"),
        server={"type": "string", "pattern": r"^[A-Za-z0-9.\-]{0,253}$"},
        port=integer(1, 65535),
        ca_file={"type": "string", "pattern": r"^/[A-Za-z0-9._/\-]{1,200}$"},
    )

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        if not body["server"]:
            return {"server": ""}
        return {
            "server": f"{body['server']}:{body['port']}",
            "encrypted": True,
            "server name checked": True,
            "authority": body["ca_file"],
            "kept while the server is away": True,
            "service": True,
        }

    def needs(self, host: Host, body: Mapping[str, Any]) -> tuple[str, ...]:
        return ("rsyslog", "rsyslog-gnutls") if body["server"] else ()

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        body = bodies[0]
        if not body["server"]:
            return {"server": NotApplicable(_NOWHERE)}
        content = (host.text(PATH) or "") if _is_read(host) else ""
        action = _ACTION.search(content)
        options = {key.lower(): value for key, value in _OPTION.findall(action[1])} if action else {}
        authority = _CA.search(content)
        return {
            "server": f"{options['target']}:{options.get('port', '514')}" if "target" in options else None,
            "encrypted": options.get("streamdriver") == "gtls" and options.get("streamdrivermode") == "1",
            "server name checked": options.get("streamdriverauthmode") == "x509/name"
            and options.get("streamdriverpermittedpeers") == body["server"],
            "authority": authority[1] if authority else None,
            "kept while the server is away": "queue.filename" in options
            and options.get("action.resumeretrycount") == "-1"
            and options.get("queue.saveonshutdown") == "on"
            and options.get("queue.dequeuebatchsize") == _AT_ONCE,
            "service": host.run("systemctl", "is-active", _UNIT).out.strip() == "active",
        }

    def precheck(self, host: Host) -> str:
        fault = self.validate(host)
        return f"the configuration of rsyslog is already invalid, before any change: {fault}" if fault else ""

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        host.write(PATH, _rendered(body))
        if "service" in wanted:
            host.operate(
                {
                    "op": "run",
                    "do": ["systemctl", "start", _UNIT],
                    "undo": ["systemctl", "stop", _UNIT, "syslog.socket"],
                }
            )
        # rsyslog reads its configuration only when it starts; one that a rollback has stopped stays so
        host.activate(40, "systemctl", "try-restart", _UNIT)

    def validate(self, host: Host) -> str:
        if not os.path.exists(host.path(_RSYSLOGD)):
            return ""
        done = host.run(_RSYSLOGD, "-N1")
        return "" if done.rc == 0 else done.err.strip().replace("\n", "; ")[-300:]

    def explain(self, host: Host, name: str) -> str:
        return f"`{_RSYSLOGD} -N1` and `journalctl -u {_UNIT}` say why"


def _is_read(host: Host) -> bool:
    lines = (host.text(_MAIN) or "").splitlines()
    return any(_FOLDER in line for line in lines if not line.lstrip().startswith("#"))


def _rendered(body: Mapping[str, Any]) -> str:
    options = {
        "target": body["server"],
        "port": body["port"],
        "protocol": "tcp",
        "TCP_Framing": "octet-counted",
        "template": "RSYSLOG_SyslogProtocol23Format",
        "StreamDriver": "gtls",
        "StreamDriverMode": 1,
        "StreamDriverAuthMode": "x509/name",
        "StreamDriverPermittedPeers": body["server"],
        "streamdriver.CheckExtendedKeyPurpose": "on",
        "gnutlsPriorityString": _TLS,
        # in memory first, on disk once that is full or rsyslog stops; tried again for as long as it takes. What it has
        # taken out to be sent is lost when rsyslog stops: one message, and not the 128 of the default.
        "queue.type": "LinkedList",
        "queue.dequeueBatchSize": _AT_ONCE,
        "queue.filename": "essms-forward",
        "queue.maxDiskSpace": "1g",
        "queue.saveOnShutdown": "on",
        "action.resumeRetryCount": -1,
        "action.resumeInterval": 5,
        "action.resumeIntervalMax": 15,
    }
    said = " ".join(f'{key}="{value}"' for key, value in options.items())
    authority = f'global(DefaultNetstreamDriverCAFile="{body["ca_file"]}")\n'
    return f'{text.HEADER}{authority}*.* action(type="omfwd" {said})\n'
