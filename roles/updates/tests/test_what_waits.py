# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M05-03, M05-04, M05-05, M05-07: updates and restarts that wait and old software are seen, and for how long."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.support import apt_repository, engine
from tests.support.updates import FOLDER, SOURCES, Audit, Offer

PACKAGE, SERVICE = "essms-test-late", "essms-test.service"
PROGRAM = "/usr/local/sbin/essms-test"


@pytest.fixture
def late(name: str, codename: str, offer: Offer) -> Iterator[Callable[[float], None]]:
    """Return a function that offers an update of an installed package, by lists of some days ago."""
    engine.put(name, f"{FOLDER}/old.deb", apt_repository.package(PACKAGE, "1.9"))
    engine.must(name, f"dpkg -i {FOLDER}/old.deb")

    def make(days: float) -> None:
        files = apt_repository.repository(
            {PACKAGE: "1.10"}, suite=f"{codename}-security", origin="Debian", label="Debian-Security", days_old=days
        )
        said = offer(files, f"deb [trusted=yes] file:{FOLDER}/late {codename}-security main")
        # apt itself agrees that there is something to update
        only = f"-o Dir::Etc::SourceList={SOURCES} -o Dir::Etc::SourceParts=-"
        assert f"Inst {PACKAGE}" in engine.must(name, f"apt-get -s {only} upgrade", timeout=120), said

    yield make
    engine.must(name, ["dpkg", "--purge", PACKAGE])


def test_a_late_security_update_is_reported(audit: Audit, late: Callable[[float], None]) -> None:
    """M05-03: an update that its list has offered for longer than allowed fails the control, by name."""
    assert audit("M05-03")["oldest (days)"]["state"] == "ok"
    late(25)
    row = audit("M05-03")["oldest (days)"]
    assert (row["state"], row["observed"]) == ("fail", 25)
    assert PACKAGE in row["reason"]


def test_a_recent_security_update_becomes_late(audit: Audit, late: Callable[[float], None]) -> None:
    """M05-03: one that is new waits in good order, until the controller remembers it for too long."""
    late(0)
    assert audit("M05-03")["oldest (days)"]["state"] == "ok"
    since = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=21)).isoformat()
    memory = {"pending_updates": {"seen": since, "waiting": {PACKAGE: ["1.9", since, since]}}}
    row = audit("M05-03", memory=memory)["oldest (days)"]
    assert (row["state"], row["observed"]) == ("fail", 21)


@pytest.fixture
def service(name: str) -> Iterator[str]:
    """Give a service whose program is then replaced under its feet, as an update does."""
    # "exec" waits until the program runs: replaced any earlier, the service would run the new one
    unit = f"[Service]\nType=exec\nExecStart={PROGRAM} 3600\n"
    engine.must(name, f"cp /usr/bin/sleep {PROGRAM} && cat > /run/systemd/system/{SERVICE}", stdin=unit)
    engine.must(name, f"systemctl daemon-reload && systemctl start {SERVICE}")
    engine.must(name, f"cp /usr/bin/sleep {PROGRAM}.new && mv {PROGRAM}.new {PROGRAM}")
    yield SERVICE
    engine.must(
        name, f"systemctl stop {SERVICE}; rm -f {PROGRAM} /run/systemd/system/{SERVICE}; systemctl daemon-reload"
    )


def test_a_service_that_runs_a_replaced_program_is_named(name: str, audit: Audit, service: str) -> None:
    """M05-04: the service is named until it is restarted."""
    assert service in audit("M05-04")["days"]["reason"]
    engine.must(name, ["systemctl", "restart", service])
    assert service not in audit("M05-04")["days"]["reason"]


def test_a_service_whose_program_is_gone_is_remembered(name: str, audit: Audit, service: str) -> None:
    """M05-04: where no new file tells the date, the first audit that saw it does."""
    engine.must(name, ["rm", "-f", PROGRAM])
    assert audit("M05-04")["days"]["state"] == "ok"
    since = (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=9)).isoformat()
    row = audit("M05-04", memory={"pending_restart": {service: since}})["days"]
    assert (row["state"], row["observed"]) == ("fail", 9)


@pytest.mark.parametrize(("days", "state"), [(2, "ok"), (4, "fail")])
def test_a_restart_the_host_waits_for(name: str, audit: Audit, days: int, state: str) -> None:
    """M05-04: the mark that Debian's packages leave counts from its date."""
    engine.must(name, f"touch -d '{days} days ago' /run/reboot-required")
    try:
        row = audit("M05-04")["days"]
    finally:
        engine.must(name, "rm -f /run/reboot-required")
    assert (row["state"], row["observed"]) == (state, days)


def test_the_system_is_supported_until_its_published_date(audit: Audit) -> None:
    """M05-05: the date shown is the one of the table."""
    row = audit("M05-05")["days left"]
    assert row["state"] == "ok"
    assert any(date in row["reason"] for date in ("until 2028-06-30", "until 2030-06-30"))


@pytest.mark.parametrize(("minimum", "state"), [("1.8", "ok"), ("99", "fail")])
def test_a_program_below_its_minimum(name: str, applied: Mapping[str, Any], minimum: str, state: str) -> None:
    """M05-07: an installed package is compared with the version asked for, one that is absent is not."""
    wanted = [{"name": "sudo", "version": minimum}, {"name": "no-such-package", "version": "9"}]
    asked = engine.settings(["M05-07"], variables={**applied, "essms_software_min": wanted})
    (row,) = engine.run(name, "audited", asked)["rows"]
    assert (row["state"], row["observed"]) == (state, 0 if state == "ok" else 1)
    assert "no-such-package" not in row["reason"]
