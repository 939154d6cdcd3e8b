# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of updates read: apt's answers, timers, dates, kernels, versions."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import NotApplicable, Unknown
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS, apt_conf, pending_restart, timer

from tests.support.fixture_host import FixtureHost


def today(days: int = 0) -> str:
    return (dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)).isoformat()


# --- apt's settings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "days"), [("1", 1), ("0", 0), ("always", 1), ("12h", 1), ("3d", 3), ("0h", "0h"), ("x", "x")]
)
def test_intervals_of_apt(value: str, days: int | str) -> None:
    assert apt_conf.days([value]) == days
    assert apt_conf.days([]) == 0


@pytest.mark.parametrize(("value", "on"), [("true", True), ("Yes", True), ("0", False), ("off", False), ("x", "x")])
def test_switches_of_apt(value: str, on: bool | str) -> None:
    assert apt_conf.boolean(["no", value], False) == on


DUMP = (
    'APT "";\nAPT::Periodic::Unattended-Upgrade "1";\nUnattended-Upgrade::Origins-Pattern "";\n'
    'Unattended-Upgrade::Origins-Pattern:: "{0}-security,label=Debian-Security";\n'
    'Unattended-Upgrade::Origins-Pattern:: "{0},label=Debian-Security";\n'
).replace("{0}", "origin=Debian,codename=${distro_codename}")


def automatic(root: Path, dump: str, origins: str = "security") -> dict[str, Any]:
    host = FixtureHost(root, {}, {"apt-config dump": dump})
    return KINDS["automatic_updates"].observe(host, [{"origins": origins}])


def test_the_origins_in_force_are_one_word_where_they_can_be(tmp_path: Path) -> None:
    assert automatic(tmp_path, DUMP)["origins"] == "security"
    assert automatic(tmp_path, 'APT "";\n')["origins"] == "none"
    assert automatic(tmp_path, 'Unattended-Upgrade::Allowed-Origins:: "o:a";\n')["origins"] == "o:a"


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ("origin=Debian,codename=${distro_codename},label=Debian", "security"),
        ("o=Vendor,l=Vendor", "security"),
        ("origin=Debian,codename=${distro_codename}*", "all"),
        ("o=Debian", "all"),
    ],
)
def test_more_than_security_is_left_alone(tmp_path: Path, more: str, word: str) -> None:
    kind = KINDS["automatic_updates"]
    assert automatic(tmp_path, f'{DUMP}Unattended-Upgrade::Origins-Pattern:: "{more}";\n')["origins"] == word
    assert kind.rule("origins").test("security", word)
    # a source is taken only as far as it says
    half = 'Unattended-Upgrade::Origins-Pattern:: "o=Debian,l=Debian";\n'
    assert automatic(tmp_path, half)["origins"] == "o=Debian,l=Debian"
    host = FixtureHost(tmp_path, {})
    kind.edit(host, {"origins": "security"}, {"origins": "security"})
    assert "#clear" not in (host.text(apt_conf.DROP_IN) or "")


@pytest.mark.parametrize(("held", "origins"), [("linux-", "security"), (".", "none: "), ("(lib)?", "none: ")])
def test_a_list_that_holds_every_package_back_leaves_no_updates(tmp_path: Path, held: str, origins: str) -> None:
    sources = "".join(
        f'Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename={name},label=Debian-Security";\n'
        for name in ("${distro_codename}-security", "${distro_codename}")
    )
    files = {"/etc/os-release": "ID=debian\nVERSION_ID=12\n"}
    answers = {"apt-config dump": f'{sources}Unattended-Upgrade::Package-Blacklist:: "{held}";\n'}
    found = KINDS["automatic_updates"].observe(FixtureHost(tmp_path, files, answers), [{"origins": "security"}])
    assert found["origins"].startswith(origins)


def test_an_automatic_restart_is_never_switched_off() -> None:
    assert "restarts" not in KINDS["automatic_updates"].expand({"origins": "security", "restart": False})


def test_what_is_written_is_what_is_then_read(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {})
    wanted = {"origins": "all", "restarts": True, "restart time": "04:30", "journal": True}
    KINDS["automatic_updates"].edit(host, {"origins": "all", "restart": True, "restart_time": "04:30"}, wanted)
    lines = (host.text(apt_conf.DROP_IN) or "").splitlines()[1:]
    host.answers["apt-config dump"] = "\n".join(lines) + "\n"
    body = {"origins": "all", "restart": True, "restart_time": "04:30"}
    seen = KINDS["automatic_updates"].observe(host, [body])
    assert {name: seen[name] for name in wanted} == wanted
    KINDS["automatic_updates"].edit(host, body, wanted)
    assert (host.text(apt_conf.DROP_IN) or "").splitlines()[1:] == lines


def test_dnf_automatic_is_read_and_edited(tmp_path: Path) -> None:
    path = "/etc/dnf/automatic.conf"
    host = FixtureHost(
        tmp_path, {"/etc/os-release": "ID=rhel\n", path: "[commands]\nupgrade_type = default\n[emitters]\n"}
    )
    kind, body = KINDS["automatic_updates"], {"origins": "security"}
    assert kind.observe(host, [body]) == {"origins": "all", "switched on": False}
    kind.edit(host, body, {"origins": "security", "switched on": True})
    assert kind.observe(host, [body]) == {"origins": "security", "switched on": True}


# --- timers ----------------------------------------------------------------------------------------------------------


def schedule(root: Path, *lines: str) -> Any:
    properties = "LoadState,UnitFileState,ActiveState,TimersCalendar,TimersMonotonic,RandomizedDelayUSec,Persistent"
    answer = "UnitFileState=enabled\nActiveState=active\n" + "".join(f"{line}\n" for line in lines)
    host = FixtureHost(root, {}, {f"systemctl show -p {properties} x.timer": answer})
    return KINDS["timer"].observe(host, [{"unit": "x.timer", "days": ["Mon"], "hour": 3}])


@pytest.mark.parametrize(
    ("calendar", "said"),
    [
        ("*-*-* 03:00:00", "daily 03:00"),
        ("Mon..Wed,Sat *-*-* 23:00:00", "Mon,Tue,Wed,Sat 23:00"),
        ("*-*-* 06,18:00:00", "*-*-* 06,18:00:00"),
        ("*-*-01 03:00:00", "*-*-01 03:00:00"),
        ("*-*-* 03:15:00", "*-*-* 03:15:00"),
    ],
)
def test_times_of_timers(tmp_path: Path, calendar: str, said: str) -> None:
    found = schedule(tmp_path, f"TimersCalendar={{ OnCalendar={calendar} ; next_elapse=(null) }}")
    assert found["x.timer schedule"] == said


@pytest.mark.parametrize(("span", "minutes"), [("1h 30min", 90), ("12h", 720), ("0", 0), ("30s", 0), ("2d", 2880)])
def test_spread_of_timers(tmp_path: Path, span: str, minutes: int) -> None:
    found = schedule(tmp_path, f"RandomizedDelayUSec={span}", "Persistent=yes")
    assert (found["x.timer spread (minutes)"], found["x.timer catches up"]) == (minutes, True)


def test_a_second_time_is_not_overlooked(tmp_path: Path) -> None:
    one = "TimersCalendar={ OnCalendar=Mon *-*-* 03:00:00 ; next_elapse=(null) }"
    found = schedule(tmp_path, one, one.replace("03", "12"))
    assert found["x.timer schedule"] == "Mon 03:00; Mon 12:00"
    assert timer.Timer().expand({"unit": {"redhat": "x.timer"}}, "debian") == {}


@pytest.mark.parametrize(("catch_up", "written"), [(True, "true"), (False, "false")])
def test_a_missed_run_is_made_up_for_only_if_asked(tmp_path: Path, catch_up: bool, written: str) -> None:
    kind, host = KINDS["timer"], FixtureHost(tmp_path, {})
    body = {"unit": "x.timer", "days": ["Mon"], "hour": 3, "catch_up": catch_up}
    wanted = {name: value for name, value in kind.expand(body).items() if name == "x.timer catches up"}
    assert wanted == {"x.timer catches up": catch_up}
    kind.edit(host, body, wanted)
    assert f"\nPersistent={written}\n" in (host.text("/etc/systemd/system/x.timer.d/essms.conf") or "")


# --- systems, kernels, programs --------------------------------------------------------------------------------------

TABLE = [{"release": "debian 12", "until": "2020-01-01", "lts": "2100-01-01", "source": "s"}]


@pytest.mark.parametrize(
    ("system", "body", "said"),
    [
        ("ID=debian\nVERSION_ID=12\n", {"lts": True}, "2100-01-01 (s)"),
        ("ID=debian\nVERSION_ID=12\n", {"lts": False}, "2020-01-01 (s)"),
        ("ID=debian\nVERSION_ID=12.7\n", {"lts": True}, "2100-01-01 (s)"),
        (
            "ID=debian\nVERSION_ID=12\n",
            {"own": [{"release": "debian 12", "until": "2030-05-05", "source": "contract"}]},
            "2030-05-05 (contract)",
        ),
        ('ID=fedora\nVERSION_ID=50\nSUPPORT_END="2040-02-02"\n', {}, "2040-02-02 (os-release)"),
    ],
)
def test_the_end_of_support_and_where_it_comes_from(
    tmp_path: Path, system: str, body: dict[str, Any], said: str
) -> None:
    host = FixtureHost(tmp_path, {"/etc/os-release": system})
    found = KINDS["support_end"].observe(host, [{"releases": TABLE, "as_of": today(), **body}])["days left"]
    assert found.note.endswith(f": until {said}")
    assert found.value == (dt.date.fromisoformat(said.partition(" ")[0]) - dt.datetime.now(dt.UTC).date()).days


def test_an_unknown_system_is_not_judged(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/os-release": "ID=debian\nVERSION_ID=99\n"})
    found = KINDS["support_end"].observe(host, [{"releases": TABLE, "as_of": today()}])["days left"]
    assert isinstance(found, Unknown)


def test_the_end_is_announced_and_an_old_table_says_its_age(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/os-release": "ID=debian\nVERSION_ID=12\n"})
    soon = [{"release": "debian 12", "until": today(-100), "source": "s"}]
    found = KINDS["support_end"].observe(host, [{"releases": soon, "as_of": "2020-01-01", "warn_days": 180}])[
        "days left"
    ]
    assert found.value == 100
    assert "; plan its replacement now" in found.note
    assert found.note.endswith("; the table is of 2020-01-01")


@pytest.mark.parametrize(
    ("names", "running", "newest"),
    [
        (["6.1.0-9-amd64", "6.1.0-10-amd64"], "6.1.0-9-amd64", "6.1.0-10-amd64"),
        (["6.1.0-9-amd64"], "6.1.0-9-amd64", None),
        (["6.1.0-28-cloud-amd64"], "6.1.0-9-amd64", None),
        (["6.1.0-9-amd64"], "6.1.0-10-amd64", None),
        (["6.12.9+bpo-amd64"], "6.1.0-10-amd64", "6.12.9+bpo-amd64"),
        ([], "6.1.0-10-amd64", None),
    ],
)
def test_a_newer_kernel_waits(tmp_path: Path, names: list[str], running: str, newest: str | None) -> None:
    host = FixtureHost(tmp_path, {f"/boot/vmlinuz-{name}": "" for name in names})
    found = pending_restart._newer_kernel(host, running)
    assert (found and found[0]) == newest


MAPS = """7f00-7f01 r--p 00000000 08:01 12 /usr/lib/x86_64-linux-gnu/libgone.so.1 (deleted)
7f01-7f02 r-xp 00000000 08:01 12                         /usr/lib/x86_64-linux-gnu/libssl.so.3 (deleted)
7f02-7f03 r-xp 00000000 08:01 13                         /usr/lib/x86_64-linux-gnu/libc.so.6
7f03-7f04 rw-s 00000000 00:01 14                         /dev/zero (deleted)
7f04-7f05 r-xp 00000000 00:01 14                         /memfd:x (deleted)
"""


def test_files_that_run_although_they_were_replaced() -> None:
    assert pending_restart._REPLACED.findall(MAPS) == ["/usr/lib/x86_64-linux-gnu/libssl.so.3"]
    assert pending_restart._UNIT.search("0::/system.slice/ssh.service\n")[1] == "ssh.service"  # type: ignore[index]
    assert pending_restart._UNIT.search("0::/user.slice/user-1.slice/session-1.scope\n") is None


ASKED = "dpkg-query -W -f ${Package} ${Version} ${db:Status-Status}\n"


def test_programs_below_their_minimum(tmp_path: Path) -> None:
    programs = [{"name": "a", "version": "2"}, {"name": "b", "version": "1:0.1"}, {"name": "c", "version": "1"}]
    host = FixtureHost(tmp_path, {}, {f"{ASKED} a b c": "a 1.9 installed\nb 1:0.1-1 installed\nc 0 config-files\n"})
    found = KINDS["software_minimum"].observe(host, [{"programs": programs}])["too old"]
    assert (found.value, found.note) == (1, "to be updated: a 1.9 (below 2)")
    empty = KINDS["software_minimum"].observe(host, [{"programs": []}])["too old"]
    assert isinstance(empty, NotApplicable)
