# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M05-01: unattended-upgrade, run as its timer runs it, takes security updates, and nothing from elsewhere."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import apt_repository, engine, lab
from tests.support.updates import FOLDER, KEY, SOURCES, Offer

SECURITY, ELSEWHERE = "essms-test-security", "essms-test-elsewhere"
HELD, BLOCKED = "essms-test-held", "essms-test-blocked"
ALL = (SECURITY, ELSEWHERE, HELD, BLOCKED)
BLACKLIST = "/etc/apt/apt.conf.d/51essms-test"


def versions(name: str) -> dict[str, str]:
    """Return the installed version of each package of the test."""
    shown = engine.must(name, f"dpkg-query -W -f '${{Package}} ${{Version}}\\n' {' '.join(ALL)}")
    return dict(line.split() for line in shown.splitlines())


@pytest.fixture
def outdated(name: str, codename: str, key: tuple[Path, bytes], offer: Offer) -> Iterator[None]:
    """Give a host with version 1 of four packages; version 2 of three is a security update, of one it is not."""
    for package in ALL:
        engine.put(name, f"{FOLDER}/{package}.deb", apt_repository.package(package, "1"))
    engine.must(name, f"dpkg -i {' '.join(f'{FOLDER}/{package}.deb' for package in ALL)}")
    engine.put(name, KEY, key[1])
    for folder, packages, suite, origin, label in (
        ("security", (SECURITY, HELD, BLOCKED), f"{codename}-security", "Debian", "Debian-Security"),
        ("elsewhere", (ELSEWHERE,), codename, "Elsewhere", "Elsewhere"),
    ):
        files = apt_repository.repository(
            dict.fromkeys(packages, "2"), suite=suite, origin=origin, label=label, key=key[0]
        )
        said = offer(files, f"deb [signed-by={KEY}] file:{FOLDER}/{folder} {suite} main")
        assert "Err:" not in said, said
    engine.must(name, ["apt-mark", "hold", HELD])
    engine.must(name, f"echo 'Unattended-Upgrade::Package-Blacklist {{ \"{BLOCKED}\"; }};' > {BLACKLIST}")
    assert versions(name) == dict.fromkeys(ALL, "1")
    yield
    engine.must(name, f"apt-mark unhold {HELD}; dpkg --purge {' '.join(ALL)}; rm -f {BLACKLIST}")


def test_only_security_updates_are_installed(name: str, outdated: None) -> None:
    """M05-01: the dry run announces the security update alone, the real run installs it; held and blocked ones stay."""
    del outdated
    # only the repositories of the test: Debian's sixty thousand packages would take a minute and change nothing
    limited = (
        f'f=$(mktemp) && echo \'Dir::Etc::SourceList "{SOURCES}"; Dir::Etc::SourceParts "-";\' > $f && APT_CONFIG=$f'
    )
    said = engine.root(name, f"{limited} unattended-upgrade --dry-run --verbose", timeout=300)
    assert said.code == 0, said.text
    announced = [line for line in said.text.splitlines() if "Packages that will be upgraded" in line]
    assert [line.rpartition(": ")[2].split() for line in announced] == [[SECURITY]], said.text
    assert versions(name) == dict.fromkeys(ALL, "1")
    done = engine.root(name, f"{limited} unattended-upgrade --verbose", timeout=300)
    assert done.code == 0, done.text
    assert versions(name) == {**dict.fromkeys(ALL, "1"), SECURITY: "2"}


def test_updates_wait_for_the_window(name: str, applied: Mapping[str, Any]) -> None:
    """M05-01: systemd's own next date of the installation is on a chosen day, in the first minutes of the window."""
    shown = engine.must(name, "systemctl show -p NextElapseUSecRealtime --value apt-daily-upgrade.timer").strip()
    moment = dt.datetime.strptime(shown, "%a %Y-%m-%d %H:%M:%S %Z").replace(tzinfo=dt.UTC)
    assert moment.strftime("%a") in applied["essms_maintenance_days"]
    assert moment.hour == applied["essms_maintenance_hour"]
    assert moment.minute <= applied["essms_maintenance_spread_minutes"]


@pytest.mark.parametrize("catch_up", [True, False])
def test_a_missed_window(name: str, catch_up: bool) -> None:
    """M05-01: a host that was off at the window installs when it is switched on, or, where care comes first, not."""
    # the window is half a day away, so that nothing but the missed one can start it
    variables = {
        "essms_maintenance_hour": (dt.datetime.now(dt.UTC).hour + 12) % 24,
        "essms_maintenance_spread_minutes": 0,
        "essms_maintenance_catch_up": catch_up,
    }
    unit, mark = "apt-daily-upgrade", "/run/essms-test-installed"
    # the service itself only leaves a mark: what it installs is shown above
    instead = f"[Service]\nExecStartPre=\nExecStart=\nExecStart=/usr/bin/touch {mark}\n"
    stamp = f"/var/lib/systemd/timers/stamp-{unit}.timer"
    with lab.throwaway(name) as host:
        asked = [each for each in engine.settings(["M05-01"], variables=variables) if each[1] == "timer"]
        applied = engine.run(host, "applied", asked)
        assert not applied.wrong(), applied.wrong()
        lab.must(host, f"f=/run/systemd/system/{unit}.service.d; mkdir -p $f && cat > $f/mark.conf", stdin=instead)
        lab.must(host, f"systemctl daemon-reload && systemctl stop {unit}.timer {unit}.service && rm -f {mark}")
        # as after three days without power
        lab.must(host, f"touch -d '3 days ago' {stamp} && systemctl start {unit}.timer")
        deadline = time.monotonic() + 20
        while catch_up and time.monotonic() < deadline and lab.root(host, f"test -e {mark}").code != 0:
            time.sleep(0.5)
        if not catch_up:
            # what would be caught up is caught up in the first second
            time.sleep(5)
        assert (lab.root(host, f"test -e {mark}").code == 0) is catch_up


@pytest.mark.parametrize("unit", ["apt-daily.timer", "apt-daily-upgrade.timer"])
def test_timers_run_and_start_at_boot(host: Any, unit: str) -> None:
    """M05-01: the lists are fetched and the updates installed without anybody."""
    assert host.service(unit).is_enabled
    assert host.service(unit).is_running


def test_the_daily_run_would_install(name: str, applied: Mapping[str, Any]) -> None:
    """M05-01: apt's daily job finds its switches on, and the restart at the chosen time."""
    script = "eval $(apt-config shell A {0}Update-Package-Lists B {0}Unattended-Upgrade C {1}-Time D {1}/b)"
    keys = script.format("APT::Periodic::", "Unattended-Upgrade::Automatic-Reboot")
    answer = engine.must(name, f"{keys}; echo $A $B $C $D").split()
    assert answer == ["1", "1", applied["essms_auto_restart_time"], "true"]
