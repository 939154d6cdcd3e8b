# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fail2ban's server and its files say, and what is written: nobody's own addresses and stricter values stay."""

from __future__ import annotations

import pickle
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import fail2ban, firewall
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import (
    NotApplicable,
    Seen,
    SettingError,
    Unknown,
)
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.module_utils.kinds.fail2ban import DEFAULTS, DROP_IN

from tests.support.fixture_host import FixtureHost

KIND = KINDS["fail2ban"]
BODY: dict[str, Any] = {"tries": 5, "window_minutes": 15, "ban_minutes": 60, "never": ["192.0.2.0/24"]}
FILES = {"/usr/sbin/sshd": "", "/usr/sbin/nft": "", "/usr/bin/fail2ban-client": ""}
SHOW = "systemctl show -p LoadState,UnitFileState,ActiveState fail2ban.service"
START = "systemctl show --value -p ExecMainStartTimestampMonotonic fail2ban.service"
ON = "LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n"
ACTIVE = "systemctl is-active fail2ban.service"
ANSWERS = {SHOW: ON, ACTIVE: "active", START: "1", "/usr/sbin/sshd -T": "port 22\nport 2222\n"}
MATCH = ["_UID=0", "_COMM=sshd", "_COMM=sshd-session"]
SERVER: dict[tuple[str, ...], Any] = {
    ("status",): [("Number of jail", 2), ("Jail list", "other, sshd")],
    ("get", "sshd", "maxretry"): 5,
    ("get", "sshd", "findtime"): 900,
    ("get", "sshd", "bantime"): 3600,
    ("get", "sshd", "ignoreip"): ["127.0.0.0/8", "::1", "192.0.2.0/24"],
    ("get", "sshd", "journalmatch"): [MATCH],
    ("get", "sshd", "actions"): ["sendmail", "nftables-multiport"],
    ("get", "sshd", "action", "sendmail", "port"): ValueError("no port"),
    ("get", "sshd", "action", "nftables-multiport", "port"): "22,2222",
}
DUMP = """['set', 'loglevel', 'INFO']
['add', 'sshd', 'systemd']
['set', 'sshd', 'addignoreip', '127.0.0.1/8', '::1', 'host.example']
['set', 'sshd', 'addjournalmatch', '_SYSTEMD_UNIT=ssh.service', '+', '_COMM=sshd']
['set', 'sshd', 'maxretry', 3]
['set', 'sshd', 'findtime', '1h']
['set', 'sshd', 'bantime', -1]
['set', 'sshd', 'addaction', 'iptables-multiport']
['multi-set', 'sshd', 'action', 'iptables-multiport', [['actionban', 'x'], ['port', 'ssh']]]
['start', 'sshd']
"""


class Address(str):
    """Comes over the socket as fail2ban's own addresses do: as a text that is to be made."""

    __slots__ = ()

    def __reduce__(self) -> Any:
        return str, (str.__str__(self),)


@contextmanager
def server(root: Path, says: dict[tuple[str, ...], Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Answer as fail2ban does, until the conversation ends."""
    place = root / "f2b"
    monkeypatch.setattr(fail2ban, "_SOCKET", "/f2b")
    end = b"<F2B_END_COMMAND>"
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(str(place))
        waiting.listen()
        waiting.settimeout(10)

        def talk() -> None:
            link, _ = waiting.accept()
            with link:
                asked = b""
                while part := link.recv(4096):
                    asked += part
                    if asked.endswith(end):
                        value = says[tuple(pickle.loads(asked))]
                        link.sendall(pickle.dumps((int(isinstance(value, Exception)), value)) + end)
                        asked = b""

        thread = threading.Thread(target=talk)
        thread.start()
        yield
        thread.join()


def host(root: Path, answers: dict[str, str] | None = None, files: dict[str, str] | None = None) -> FixtureHost:
    return FixtureHost(root, FILES if files is None else files, {**ANSWERS, **(answers or {})})


def seen(root: Path, monkeypatch: pytest.MonkeyPatch, **said: Any) -> dict[str, Any]:
    changed = {("get", "sshd", name): value for name, value in said.items()}
    made = host(root)
    with server(root, {**SERVER, **changed}, monkeypatch):
        return KIND.observe(made, [BODY])


def state(found: Any, name: str) -> bool:
    """Say whether a value is in order, as the results would."""
    value = found[name]
    if isinstance(value, Seen):
        if value.satisfied is not None:
            return value.satisfied
        value = value.value
    return KIND.rule(name).test(KIND.expand(BODY)[name], value)


def test_what_is_in_force_is_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(tmp_path, monkeypatch)
    assert {name for name in KIND.expand(BODY) if not state(found, name)} == set()
    assert found["action"].value == "nftables-multiport"


@pytest.mark.parametrize(
    ("said", "row", "good"),
    [
        ({"maxretry": 3}, "tries", True),
        ({"maxretry": 6}, "tries", False),
        ({"maxretry": 0}, "tries", False),
        ({"findtime": 3600}, "window_minutes", True),
        ({"findtime": 899}, "window_minutes", False),
        ({"bantime": -1}, "ban_minutes", True),
        ({"bantime": 600}, "ban_minutes", False),
        ({"ignoreip": [Address("127.0.0.0/8"), Address("::1"), Address("192.0.0.0/16")]}, "never banned", True),
        ({"ignoreip": ["127.0.0.1", "::1", "192.0.2.0/24"]}, "never banned", False),
        ({"ignoreip": ["127.0.0.0/8", "::1", "192.0.2.0/24", "host.example"]}, "never banned", True),
        ({"ignoreip": ["127.0.0.0/8", "::1", "192.0.2.0/24", "::/0"]}, "never banned", False),
        ({"journalmatch": []}, "journal", False),
        ({"journalmatch": [["_COMM=sshd"]]}, "journal", False),
        ({"actions": ["sendmail"]}, "action", False),
        ({"actions": ["sendmail"]}, "ports", False),
    ],
)
def test_stricter_is_in_order_and_weaker_is_not(
    said: dict[str, Any], row: str, good: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert state(seen(tmp_path, monkeypatch, **said), row) is good


@pytest.mark.parametrize(
    ("ports", "still_open"), [("22", "2222"), ("ssh", "22, 2222"), ("0:65535", ""), ("20-30,2222", "")]
)
def test_every_port_of_the_ssh_server_has_to_be_closed(
    ports: str, still_open: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {**SERVER, ("get", "sshd", "action", "nftables-multiport", "port"): ports}
    made = host(tmp_path)
    with server(tmp_path, said, monkeypatch):
        found = KIND.observe(made, [BODY])["ports"]
    assert found is True if not still_open else found.note == f"open to banned addresses: {still_open}"


def test_an_action_without_its_program_bans_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = host(tmp_path, files={name: "" for name in FILES if not name.endswith("nft")})
    with server(tmp_path, SERVER, monkeypatch):
        found = KIND.observe(made, [BODY])
    assert not state(found, "action")
    assert not state(found, "ports")


def test_who_else_is_never_banned_is_not_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = seen(tmp_path, monkeypatch, ignoreip=["127.0.0.0/8", "::1", "192.0.2.0/24", "198.51.100.77"])
    assert found["never banned"] == KIND.expand(BODY)["never banned"]


def test_a_server_without_the_jail_or_without_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = host(tmp_path)
    with server(tmp_path, {("status",): [("Number of jail", 0), ("Jail list", "")]}, monkeypatch):
        found = KIND.observe(made, [BODY])
    assert (found["running"].value, found["tries"], found["enabled"]) == (False, None, True)
    silent = KIND.observe(host(tmp_path), [BODY])
    assert isinstance(silent["tries"], Unknown)
    assert silent["running"] is True


class Evil:
    """Would run a command when it is read."""

    def __reduce__(self) -> Any:
        return print, ("read",)


def test_nothing_but_data_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = seen(tmp_path, monkeypatch, maxretry=Evil())
    assert isinstance(found["tries"], Unknown)
    assert capsys.readouterr().out == ""


STOPPED = {SHOW: ON.replace("=active", "=failed"), ACTIVE: "failed", "/usr/bin/fail2ban-client -d": DUMP}
TIMES = {"/usr/bin/fail2ban-client --str2sec 1h": "3600\n"}


def test_a_server_that_does_not_run_is_judged_by_its_files(tmp_path: Path) -> None:
    found = KIND.observe(host(tmp_path, {**STOPPED, **TIMES}), [BODY])
    # stricter values stay so
    assert [found[name].value for name in ("tries", "window_minutes", "ban_minutes")] == [3, 60, -1]
    assert all(state(found, name) for name in ("tries", "window_minutes", "ban_minutes", "enabled"))
    assert not any(state(found, name) for name in ("never banned", "journal", "action", "ports", "running"))


def test_files_without_the_jail_or_that_cannot_be_read(tmp_path: Path) -> None:
    found = KIND.observe(
        host(tmp_path, {**STOPPED, "/usr/bin/fail2ban-client -d": "['set', 'loglevel', 'INFO']"}), [BODY]
    )
    assert found["tries"] is None
    made = host(tmp_path, STOPPED)
    del made.answers["/usr/bin/fail2ban-client -d"]
    assert isinstance(KIND.observe(made, [BODY])["tries"], Unknown)
    assert "already invalid" in KIND.precheck(made)


def test_without_fail2ban_everything_is_missing(tmp_path: Path) -> None:
    gone = {SHOW: "LoadState=not-found\nUnitFileState=\nActiveState=inactive\n"}
    made = host(tmp_path, gone, {"/usr/sbin/sshd": ""})
    found = KIND.observe(made, [BODY])
    assert not any(found.values())
    assert KIND.packages(made) == ("fail2ban", "python3-systemd", "nftables")
    assert KIND.validate(made) == ""


@pytest.mark.parametrize("files", [{}, {**FILES, "/etc/os-release": "ID=rhel\n"}])
def test_no_ssh_server_or_no_package(files: dict[str, str], tmp_path: Path) -> None:
    made = host(tmp_path, files=files)
    assert all(isinstance(value, NotApplicable) for value in KIND.observe(made, [BODY]).values())
    assert KIND.packages(made) == ()


# --- what is written -------------------------------------------------------------------------------------------------


def written(root: Path, *names: str, files: dict[str, str] | None = None, **body: Any) -> FixtureHost:
    made = host(root, files={**FILES, **(files or {})})
    wanted = {name: value for name, value in KIND.expand(BODY).items() if name in names}
    KIND.edit(made, {**BODY, **body}, wanted)
    return made


def test_everything_is_written_at_first(tmp_path: Path) -> None:
    made = written(tmp_path, *KIND.expand(BODY))
    assert (made.text(DROP_IN) or "").splitlines()[1:] == [
        "[sshd]",
        "enabled = true",
        "ignoreip = %(known/ignoreip)s 127.0.0.0/8 192.0.2.0/24 ::1",
        "maxretry = 5",
        "findtime = 15m",
        "bantime = 60m",
        "backend = systemd",
        "journalmatch = _UID=0 _COMM=sshd _COMM=sshd-session",
        "banaction = nftables-multiport",
        "port = 22,2222",
    ]


def test_what_is_in_order_is_left_to_whoever_set_it(tmp_path: Path) -> None:
    made = written(tmp_path, "ban_minutes", files={DROP_IN: "[sshd]\nmaxretry = 5\nbantime = 1m\n"})
    spared = "ignoreip = %(known/ignoreip)s 127.0.0.0/8 192.0.2.0/24 ::1"
    assert made.text(DROP_IN) == f"[sshd]\nmaxretry = 5\nbantime = 60m\nenabled = true\n{spared}\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[DEFAULT]\nignoreip = 192.0.2.9\n", "[DEFAULT]\nignoreip = 192.0.2.9\n"),
        ("[DEFAULT]\nsshd_log = /x\n", "[DEFAULT]\nsshd_log = /x\nignoreip = 127.0.0.0/8 ::1\n"),
    ],
)
def test_what_gives_way_to_anybody_gives_way_to_who_came_before(before: str, after: str, tmp_path: Path) -> None:
    assert written(tmp_path, "never banned", files={DEFAULTS: before}).text(DEFAULTS) == after


@pytest.mark.parametrize(
    ("address", "end"), [("198.51.100.9", " ::1 198.51.100.9"), ("192.0.2.9", " ::1"), (None, " ::1")]
)
def test_the_address_in_use_is_never_banned(
    address: str | None, end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(firewall, "connection", lambda: (address, 22) if address else None)
    assert (written(tmp_path, "running").text(DROP_IN) or "").rstrip().endswith(end)


def test_the_whole_world_is_no_network_of_administrators(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="essms_admin_networks"):
        written(tmp_path, "never banned", never=["0.0.0.0/0"])


def test_a_server_that_runs_starts_again_and_one_that_does_not_is_started(tmp_path: Path) -> None:
    made = written(tmp_path, "tries")
    assert [argv[1] for _order, argv in made.activations] == ["reset-failed", "try-restart"]
    assert made.operations == []
    # it runs, without a jail for SSH
    assert [argv[1] for _order, argv in written(tmp_path, "running").activations] == ["reset-failed", "try-restart"]
    made = host(tmp_path, STOPPED)
    KIND.edit(made, BODY, {"running": True})
    assert made.activations == []
    assert [each["do"] for each in made.operations] == [["systemctl", "start", "fail2ban.service"]]
    assert [each["undo"] for each in made.operations] == [["systemctl", "stop", "fail2ban.service"]]
