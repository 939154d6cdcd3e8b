# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M06-04, M06-06, M06-07, M06-19, M06-20: what the kernel of a hardened host no longer does, for anybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.kernel.conftest import VARIABLES, enforced
from tests.support import engine, lab
from tools.lab import vm

pytestmark = pytest.mark.lab

_ATTACH = (
    "import ctypes, os, signal, subprocess, sys;"
    "libc = ctypes.CDLL(None, use_errno=True);"
    "sys.exit(ctypes.get_errno() if libc.ptrace(16, int(sys.argv[1]), 0, 0) else 0)"
)
_TCP_OVER_SCTP = "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)"
_BPF = "import ctypes; c = ctypes.CDLL(None, use_errno=True); c.syscall(321, 0, 0, 0); print(ctypes.get_errno())"


# --- M06-06: modules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["dccp", "sctp", "rds", "tipc", "squashfs", "hfsplus", "firewire-core"])
def test_a_module_nobody_needs_cannot_be_loaded(hardened: str, module: str) -> None:
    """M06-06: root is refused too; `modinfo` shows that the module is there to be loaded."""
    engine.must(hardened, ["modinfo", "-n", module])
    assert engine.root(hardened, ["modprobe", module]).code != 0
    assert engine.root(hardened, f"grep -q '^{module.replace('-', '_')} ' /proc/modules").code != 0


def test_nor_does_a_user_make_the_kernel_load_it(hardened: str, nobody: Any) -> None:
    """M06-06: asking for such a socket used to be enough; the kernel asks modprobe, which refuses."""
    assert "not supported" in nobody(f'python3 -c "{_TCP_OVER_SCTP}"').text
    assert engine.root(hardened, "grep -q '^sctp ' /proc/modules").code != 0


def test_other_modules_still_load(hardened: str) -> None:
    """M06-06: it is those modules, and not loading as such, that is refused."""
    engine.must(hardened, "modprobe dummy && rmmod dummy")


# --- M06-06: what processes and users may see ------------------------------------------------------------------------


def test_a_process_does_not_look_into_another(hardened: str, nobody: Any) -> None:
    """M06-06: not even into one of the same user, unless it started it."""
    pid = nobody("sleep 60 >/dev/null 2>&1 & echo $!").out.strip()
    assert nobody(f'python3 -c "{_ATTACH}" {pid}').code == 1
    engine.must(hardened, f"sysctl -q -w kernel.yama.ptrace_scope=0; kill -0 {pid}")
    assert nobody(f'python3 -c "{_ATTACH}" {pid}').code == 0, "the test itself must be able to succeed"
    engine.must(hardened, f"sysctl -q -w kernel.yama.ptrace_scope=1; kill {pid}")


def test_the_kernel_s_messages_are_the_administrator_s(hardened: str, nobody: Any) -> None:
    """M06-06: they hold addresses an attacker needs."""
    assert "not permitted" in nobody("dmesg").text
    engine.must(hardened, "dmesg")


def test_addresses_of_the_kernel_are_hidden_even_from_root(hardened: str) -> None:
    """M06-06: kptr_restrict 2."""
    assert set(engine.must(hardened, "head -50 /proc/kallsyms | cut -d' ' -f1").split()) == {"0000000000000000"}


def test_users_load_no_programs_into_the_kernel(nobody: Any, hardened: str) -> None:
    """M06-06: bpf is refused before its arguments are looked at."""
    assert nobody(f'python3 -c "{_BPF}"').out.strip() == "1", hardened


# --- M06-06: links and files in shared folders -----------------------------------------------------------------------


def test_root_does_not_follow_a_stranger_s_link(hardened: str, nobody: Any) -> None:
    """M06-06: a link in /tmp that points at a file of root is no way to have root open it."""
    nobody("ln -sf /etc/hostname trap")
    assert engine.root(hardened, "cat /tmp/trap").code != 0
    assert engine.root(hardened, "cat /etc/hostname").code == 0


def test_nobody_links_to_what_is_not_theirs(nobody: Any, hardened: str) -> None:
    """M06-06: hard links would keep an old set-user-id program alive."""
    assert "not permitted" in nobody("mkdir -p /var/tmp/mine && ln /usr/bin/passwd /var/tmp/mine/passwd").text, hardened


@pytest.mark.parametrize("make", ["mkfifo", "touch"])
def test_root_does_not_write_into_what_a_stranger_put_there(hardened: str, nobody: Any, make: str) -> None:
    """M06-06: neither into a pipe nor into a file that waits in /tmp under the expected name."""
    nobody(f"{make} waiting-{make}")
    code = f"import os; os.open('/tmp/waiting-{make}', os.O_RDWR | os.O_CREAT, 0o600)"
    assert "PermissionError" in engine.root(hardened, ["python3", "-c", code]).text


# --- M06-19 ----------------------------------------------------------------------------------------------------------


def test_a_privileged_program_leaves_no_copy_of_its_memory(hardened: str, nobody: Any) -> None:
    """M06-19: even where somebody raised the limit."""
    engine.must(
        hardened, "install -m 4755 /bin/sleep /var/tmp/suid-sleep; sysctl -q kernel.core_pattern=/var/tmp/core.%e"
    )
    crash = "prlimit --core=unlimited runuser -u probe -- sh -c '{} 60 & sleep 1; kill -SEGV $!; wait' >/dev/null 2>&1"
    engine.root(hardened, crash.format("/var/tmp/suid-sleep"))
    assert engine.must(hardened, "ls /var/tmp | grep ^core || true") == ""
    engine.root(hardened, crash.format("/bin/sleep"))
    assert "core" in engine.root(hardened, "ls /var/tmp").out or nobody, "an ordinary program still may"
    engine.must(hardened, "rm -f /var/tmp/core* /var/tmp/suid-sleep; sysctl -q kernel.core_pattern=core")


# --- M06-20 ----------------------------------------------------------------------------------------------------------


def test_memory_shared_between_programs_runs_none(hardened: str) -> None:
    """M06-20: noexec on /dev/shm."""
    assert (
        "denied"
        in engine.root(hardened, "cp /bin/true /dev/shm/t; /dev/shm/t; code=$?; rm /dev/shm/t; exit $code").text
    )


def test_a_set_user_id_program_in_tmp_gives_no_rights(hardened: str, nobody: Any) -> None:
    """M06-20: nosuid on /tmp; the same program elsewhere does, and with programs allowed there for a moment."""
    engine.must(hardened, "mount -o remount,exec /tmp")
    engine.must(hardened, "for d in /tmp /usr/local/bin; do install -m 4755 /usr/bin/id $d/essms-id; done")
    assert "euid=0" in nobody("/usr/local/bin/essms-id").out
    started = nobody("/tmp/essms-id")
    engine.must(hardened, "mount -o remount,noexec /tmp && rm /tmp/essms-id /usr/local/bin/essms-id")
    assert "uid=" in started.out
    assert "euid=0" not in started.out


@pytest.mark.usefixtures("hardened")
def test_no_program_starts_from_tmp(nobody: Any) -> None:
    """M06-20: noexec on /tmp, where the strict profiles ask for it."""
    tried = nobody("cp /bin/true /tmp/essms-true; /tmp/essms-true; code=$?; rm /tmp/essms-true; exit $code")
    assert "denied" in tried.text


def test_a_device_in_tmp_is_none(hardened: str) -> None:
    """M06-20: nodev on /tmp."""
    assert (
        "denied"
        in engine.root(hardened, "mknod /tmp/zero c 1 5; head -c1 /tmp/zero; code=$?; rm /tmp/zero; exit $code").text
    )


# --- M06-07 ----------------------------------------------------------------------------------------------------------

_PROFILE = """profile essms-reader /usr/local/bin/essms-reader flags=(complain) {
  /usr/lib/** rm,
  /lib/** rm,
  /etc/ld.so.* r,
  /usr/local/bin/essms-reader rm,
  /etc/machine-id r,
}
"""


def test_a_profile_that_complained_refuses(hardened: str) -> None:
    """M06-07: AppArmor itself stands between root and a file."""
    engine.must(hardened, "cp /bin/cat /usr/local/bin/essms-reader; cat > /etc/apparmor.d/essms-reader", stdin=_PROFILE)
    engine.must(hardened, "apparmor_parser -r /etc/apparmor.d/essms-reader")
    engine.must(hardened, "/usr/local/bin/essms-reader /etc/shadow")
    applied = engine.run(hardened, "applied", enforced())
    assert applied["changed"] == ["M06-07"], applied.wrong()
    assert "denied" in engine.root(hardened, "/usr/local/bin/essms-reader /etc/shadow").text
    engine.must(hardened, "/usr/local/bin/essms-reader /etc/machine-id")
    back = engine.run(hardened, "reverted", enforced())
    assert back["changed"] == ["M06-07"]
    engine.must(hardened, "/usr/local/bin/essms-reader /etc/shadow")
    engine.must(hardened, "apparmor_parser -R /etc/apparmor.d/essms-reader; rm /etc/apparmor.d/essms-reader")


# --- M06-04 ----------------------------------------------------------------------------------------------------------


@contextmanager
def stick(machine: str) -> Iterator[None]:
    """Plug a USB key of a megabyte in, and pull it out."""
    image = vm.STATE / "stick.raw"
    image.write_bytes(b"\0" * (1 << 20))
    vm.monitor(machine, f"drive_add 0 if=none,id=stick,file={image},format=raw")
    vm.monitor(machine, "device_add usb-storage,bus=usb.0,drive=stick,id=stick")
    try:
        yield
    finally:
        vm.monitor(machine, "device_del stick")
        lab.root(machine, "for n in $(seq 20); do [ -e /dev/sda ] || exit 0; sleep 0.5; done")
        image.unlink()


_APPEARS = "for n in $(seq 40); do [ -b /dev/sda ] && udevadm settle && exit 0; sleep 0.5; done; exit 1"
_PLUGGED = (
    "for n in $(seq 40); do grep -qs '^08$' /sys/bus/usb/devices/*/bInterfaceClass && exit 0; sleep 0.5; done; exit 1"
)


def test_a_usb_key_is_not_seen(hardened: str) -> None:
    """M06-04, bloque: the key is plugged in, and no disk appears."""
    with stick(hardened):
        engine.must(hardened, _PLUGGED)
        engine.root(hardened, "udevadm settle; sleep 2")
        assert engine.root(hardened, "test -e /dev/sda").code != 0


def test_a_usb_key_can_be_read_and_not_written(prepared: str) -> None:
    """M06-04, lecture: reading works, writing is refused to root too; without the control it is written."""
    engine.restore(prepared, "clean")
    write = "dd if=/dev/zero of=/dev/sda bs=512 count=1 conv=fsync"
    asked = engine.settings(["M06-04"], variables={**VARIABLES, "essms_usb": "lecture"})
    assert engine.run(prepared, "applied", asked)["changed"] == ["M06-04"]
    with stick(prepared):
        engine.must(prepared, _APPEARS)
        assert "not permitted" in engine.root(prepared, write).text
        engine.must(prepared, "head -c 512 /dev/sda > /dev/null")
    assert engine.run(prepared, "reverted", asked)["changed"] == ["M06-04"]
    with stick(prepared):
        engine.must(prepared, _APPEARS)
        engine.must(prepared, write)
    engine.must(prepared, "modprobe -r uas usb_storage")
