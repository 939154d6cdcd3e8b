# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two hosts for the whole session, one of each Debian, with an object for every control; removed at the end.

Each has two saved states: ``clean``, everything installed and no control applied, and ``applied``, all of them in
force.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import SHARED_KERNEL

from tests.support import engine, faults, lab
from tests.support.faults import logs, privileges

LIKE = ("deb12", "deb13")
VARIABLES = {
    "essms_web_filter": "proxy",
    "essms_proxy_url": "http://198.51.100.7:3128",
    "essms_web_filter_test_name": "refused.example",
    "essms_resolver_addresses": ["127.0.0.1"],
    "essms_resolver_networks": ["10.0.0.0/8", "fd00::/8"],
    "essms_resolver_blocked": ["blocked.example", "other.example"],
    "essms_resolver_allowed": ["fine.blocked.example"],
    # the neighbour that also is the proxy
    "essms_resolver_forwarders": ["198.51.100.7"],
    "essms_resolver_dnssec": False,
    "essms_av_alert_program": "/usr/local/bin/essms-probe-alert",
    "essms_av_mirrors": ["mirror.invalid"],
    "essms_av_proxy": "proxy.invalid:3128",
    "essms_banned_words": ["hopital", "ehpad"],
    "essms_ntp_servers": list(logs.SERVERS),
    "essms_log_server": "localhost",
    "essms_sudo_group": privileges.GROUP,
    "essms_admin_suffix": "-admin",
    "essms_privileged_accounts": [str(uid) for uid in (0, *range(1000, 1010))],
    "essms_inactive_action": "desactiver",
    "essms_leavers": [{"account": "probe-leaver", "date": "2024-01-31"}],
    "essms_sensitive_paths": ["/etc/probe-data"],
    "essms_software_min": [{"name": "essms-probe-software", "version": "2"}],
    # every audit walks over everything that a control or a test changes
    "essms_walk_milliseconds": 60_000,
    "essms_walk_excluded_paths": ["/usr", "/var/cache", "/var/lib"],
    "essms_admin_networks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fd00::/8"],
    # the hosts share by NFS, which keeps it
    "essms_services_allow": ["rpcbind"],
    # their time server asks the lab, nobody asks it
    "essms_firewall_closed": ["123/udp"],
    "essms_firewall_protocols": ["vrrp", "esp"],
    "essms_firewall_services": [{"name": "probe", "port": 8443, "sources": ["10.0.0.0/8", "fd00::/8"]}],
}


def everything() -> list[engine.Setting]:
    """Return the settings of the whole catalogue and those for the kinds it does not use."""
    return [*engine.settings(variables=VARIABLES), *faults.EXTRA]


@pytest.fixture(scope="session")
def hosts() -> Iterator[dict[str, str]]:
    """Give the name of each prepared host by the lab host it is like."""
    with ExitStack() as stack:
        found: dict[str, str] = {}

        def bring(like: str) -> None:
            found[like] = stack.enter_context(lab.throwaway(like))
            _bring_into_shape(found[like])

        engine.everywhere(bring, LIKE)
        yield found


def _bring_into_shape(host: str) -> None:
    faults.prepare(host)
    applied = engine.run(host, "applied", everything(), packages=True)
    assert not applied.wrong(), applied.wrong()
    # a row without an object would make the round of its control vacuous
    objectless = [key for key, row in applied.rows("not_applicable").items() if row["reason"] != SHARED_KERNEL]
    assert not objectless, objectless
    engine.save(host, "applied")
    back = engine.run(host, "reverted", [])
    assert not back["problem"], back["problem"]
    # its package stays, and as Debian sets it up it would ban the tests for the logins that they see refused
    engine.must(host, "systemctl disable --quiet --now fail2ban.service 2>/dev/null")
    engine.must(host, ["rm", "-rf", engine.JOURNALS])
    engine.save(host, "clean")
