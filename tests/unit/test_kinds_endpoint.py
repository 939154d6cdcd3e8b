# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds of the endpoint read: kernel settings and their files, modules, mounts, disks, firmware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import integrity
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import (
    SHARED_KERNEL,
    NotApplicable,
    Seen,
    SettingError,
    Unknown,
)
from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load

from tests.support.fixture_host import FixtureHost


def observed(host: FixtureHost, kind: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return what the kind sees, a bare value where it is nothing more, or the value with the verdict it carries."""
    found = KINDS[kind].observe(host, [body])
    return {name: (value.value, value.satisfied) if isinstance(value, Seen) else value for name, value in found.items()}


# --- sysctl ----------------------------------------------------------------------------------------------------------

KEY = "net.ipv4.conf.all.send_redirects"
RUNNING = "/proc/sys/net/ipv4/conf/{}/send_redirects"
FILE = "/etc/sysctl.d/99-zz-essms.conf"


def kernel(root: Path, files: dict[str, str], eth0: str = "0") -> FixtureHost:
    running = {RUNNING.format("all"): "0\n", RUNNING.format("eth0"): eth0, RUNNING.format("default"): "0"}
    return FixtureHost(root, {**running, **files})


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({}, (0, False)),
        ({FILE: f"{KEY} = 0\n"}, 0),
        ({FILE: "net/ipv4/conf/all/send_redirects=0\n"}, 0),
        ({FILE: f"-{KEY}=0\n"}, 0),
        ({FILE: f"# {KEY} = 0\n; {KEY} = 0\n"}, (0, False)),
        ({FILE: "net.ipv4.conf.*.send_redirects = 0\n"}, 0),
        ({FILE: f"{KEY} = 0\n", "/etc/sysctl.d/99-zzz.conf": f"{KEY} = 1\n"}, (1, False)),
        ({FILE: f"{KEY} = 0\n", "/usr/lib/sysctl.d/99-zzz.conf": f"{KEY} = 1\n"}, (1, False)),
        ({FILE: f"{KEY} = 0\n", "/usr/lib/sysctl.d/99-a.conf": f"{KEY} = 1\n"}, 0),
        # a file of /etc hides the one of /usr that has its name
        ({"/usr/lib/sysctl.d/50-a.conf": f"{KEY} = 1\n", "/etc/sysctl.d/50-a.conf": f"{KEY} = 0\n"}, 0),
        # a pattern gives way to the key itself, wherever it stands
        ({FILE: f"{KEY} = 0\n", "/etc/sysctl.d/99-zzz.conf": "net.ipv4.conf.*.send_redirects = 1\n"}, 0),
    ],
)
def test_a_kernel_setting_has_to_outlive_a_restart(tmp_path: Path, files: dict[str, str], seen: Any) -> None:
    assert observed(kernel(tmp_path, files), "sysctl", {"values": {KEY: 0}}) == {KEY: seen}


def test_an_interface_of_its_own_mind_is_named(tmp_path: Path) -> None:
    host = kernel(tmp_path, {FILE: f"{KEY} = 0\n"}, eth0="1")
    assert observed(host, "sysctl", {"values": {KEY: 0}}) == {KEY: (1, False)}


def routes_through(*interfaces: str) -> str:
    """Return the kernel's table with a default route by the first interface and one network on each."""
    default = f"{interfaces[0]}\t00000000\t0102A8C0\t0003\t0\t0\t0\t00000000\n"
    lines = "".join(f"{name}\t0002A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n" for name in interfaces)
    return f"Iface\tDestination\n{default}{lines}"


@pytest.mark.parametrize(
    ("interfaces", "seen"),
    [(("eth0",), 2), (("eth0", "lo", "*"), 2), (("eth0", "wlan0"), (2, True))],
)
def test_loose_filtering_is_right_with_several_networks(tmp_path: Path, interfaces: tuple[str, ...], seen: Any) -> None:
    key = "net.ipv4.conf.default.rp_filter"
    files = {
        "/proc/net/route": routes_through(*interfaces),
        "/proc/sys/net/ipv4/conf/default/rp_filter": "2",
        FILE: f"{key} = 2\n",
    }
    found = observed(FixtureHost(tmp_path, files), "sysctl", {"values": {key: 1}})
    assert found == {key: seen}


@pytest.mark.parametrize(("interfaces", "kept"), [(("eth0",), False), (("eth0", "eth1"), True)])
def test_an_interface_that_was_loosened_stays_so_with_several_networks(
    tmp_path: Path, interfaces: tuple[str, ...], kept: bool
) -> None:
    """Writing down the value of "all" must not reach the interface, neither now nor at the next start."""
    key = "net.ipv4.conf.all.rp_filter"
    running = {f"/proc/sys/net/ipv4/conf/{name}/rp_filter": "1" for name in ("all", "eth0")}
    files = {
        **running,
        "/proc/sys/net/ipv4/conf/eth1/rp_filter": "2",
        "/proc/net/route": routes_through(*interfaces),
        FILE: "-net.ipv4.conf.*.rp_filter = 1\n",
    }
    host = FixtureHost(tmp_path, files)
    KINDS["sysctl"].edit(host, {"values": {key: 1}}, {key: 1})
    written = host.text(FILE) or ""
    assert f"\n{key} = 1\n" in f"\n{written}"
    assert ("-net.ipv4.conf.*.rp_filter = 1\n" not in written) == kept
    assert ("net/ipv4/conf/eth1/rp_filter=1" not in str(host.operations)) == kept


@pytest.mark.parametrize(
    ("key", "needed"),
    [
        ("net.ipv4.ip_forward", {"/usr/bin/podman": ""}),
        ("net.ipv4.conf.all.route_localnet", {"/usr/bin/dockerd": ""}),
        (
            "net.ipv6.conf.all.autoconf",
            {"/proc/net/ipv6_route": f"{'0' * 32} 00 {'0' * 32} 00 fe80 00000400 00000001 00000000 00450003 eth0\n"},
        ),
    ],
)
def test_what_a_host_needs_is_left_alone(tmp_path: Path, key: str, needed: dict[str, str]) -> None:
    running = {"/proc/sys/" + key.replace(".", "/"): "1"}
    alone = {"ip -j -d address": "[]", "ip -j -4 route show table all": "[]"}
    body = {"values": {key: 0}}
    assert observed(FixtureHost(tmp_path / "a", running, alone), "sysctl", body) == {key: 1}
    assert isinstance(observed(FixtureHost(tmp_path / "b", {**running, **needed}), "sysctl", body)[key], NotApplicable)


def test_stricter_values_are_kept_when_they_are_written_down(tmp_path: Path) -> None:
    key = "kernel.yama.ptrace_scope"
    host = FixtureHost(tmp_path, {"/proc/sys/kernel/yama/ptrace_scope": "2\n"})
    KINDS["sysctl"].edit(host, {"values": {key: 1}}, {key: 1})
    assert f"{key} = 2\n" in (host.text(FILE) or "")


# --- services --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("printers", "state", "seen"),
    [
        ("DeviceURI implicitclass://Copier/\n", "active", NotApplicable),
        ("DeviceURI ipp://192.0.2.9/ipp/print\n", "active", Seen),
        ("DeviceURI implicitclass://Copier/\n", "absent", bool),
    ],
)
def test_print_queues_made_by_cups_browsed_keep_it(tmp_path: Path, printers: str, state: str, seen: type) -> None:
    ask = (
        "systemctl show -p Id,LoadState,UnitFileState,ActiveState,FragmentPath cups-browsed.socket cups-browsed.service"
    )
    load = "loaded" if state == "active" else "not-found"
    unit = f"Id=cups-browsed.service\nLoadState={load}\nUnitFileState=enabled\nActiveState={state}\nFragmentPath=\n"
    host = FixtureHost(tmp_path, {"/etc/cups/printers.conf": printers}, {ask: unit})
    found = KINDS["forbidden_service"].observe(host, [{"services": ["cups-browsed"]}])
    assert isinstance(found["cups-browsed"], seen)


# --- modules ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        ({}, False),
        ({"/etc/modprobe.d/a.conf": "install usb-storage /bin/false\n"}, True),
        ({"/etc/modprobe.d/a.conf": "install usb_storage /usr/bin/true\n"}, True),
        ({"/etc/modprobe.d/a.conf": "blacklist usb_storage\n"}, False),
        ({"/etc/modprobe.d/a.conf": "#install usb_storage /bin/false\n"}, False),
        ({"/etc/modprobe.d/a.conf": "install usb_storage /sbin/modprobe -i usb_storage && /bin/true\n"}, False),
        (
            {
                "/etc/modprobe.d/a.conf": "install usb_storage /bin/false\n",
                "/proc/modules": "usb_storage 81920 1 uas, Live 0x0\n",
            },
            (False, None),
        ),
    ],
)
def test_a_module_is_refused_or_not(tmp_path: Path, files: dict[str, str], seen: Any) -> None:
    assert observed(FixtureHost(tmp_path, files), "kernel_module", {"blocked": ["usb-storage"]}) == {
        "usb-storage": seen
    }


# --- mounts ----------------------------------------------------------------------------------------------------------

MOUNT = "36 35 0:31 / /tmp {} - tmpfs tmpfs rw\n"


@pytest.mark.parametrize(
    ("mounted", "fstab", "seen"),
    [
        ("rw,nodev", "tmpfs /tmp tmpfs nodev 0 0\n", True),
        ("rw,nodev", "tmpfs\t/tmp\ttmpfs\tdefaults,users\n", True),
        ("rw,nodev", "tmpfs /tmp tmpfs users,dev 0 0\n", (True, False)),
        ("rw,nodev", "tmpfs /tmp tmpfs defaults 0 0\n", (True, False)),
        ("rw", "tmpfs /tmp tmpfs nodev 0 0\n", False),
        ("rw,nodev", "  #tmpfs /tmp tmpfs nodev 0 0\n", (True, False)),
    ],
)
def test_a_mount_option_is_in_force_and_kept(tmp_path: Path, mounted: str, fstab: str, seen: Any) -> None:
    host = FixtureHost(tmp_path, {"/proc/self/mountinfo": MOUNT.format(mounted), "/etc/fstab": fstab})
    assert observed(host, "mount_option", {"points": {"/tmp": ["nodev"]}}) == {"/tmp nodev": seen}


@pytest.mark.parametrize(
    ("fstab", "seen"),
    [("tmpfs /tmp tmpfs nodev 0 0\n", True), ("tmpfs /var/tmp tmpfs nodev 0 0\n", NotApplicable)],
)
def test_a_container_answers_for_what_its_own_fstab_mounts(tmp_path: Path, fstab: str, seen: Any) -> None:
    """What its runtime mounts is the runtime's to set."""
    files = {"/proc/self/mountinfo": MOUNT.format("rw,nodev"), "/etc/fstab": fstab}
    host = FixtureHost(tmp_path, files, {"systemd-detect-virt --container --quiet": ""})
    found = KINDS["mount_option"].observe(host, [{"points": {"/tmp": ["nodev"], "/home": ["nodev"]}}])
    assert found["/tmp nodev"] is True if seen is True else isinstance(found["/tmp nodev"], seen)
    assert found["/home nodev"].reason == SHARED_KERNEL


def test_a_mount_of_a_person_hides_no_other(tmp_path: Path) -> None:
    """Its name may hold what separates lines elsewhere."""
    theirs = "".join(f"40 22 0:50 / /home/p/a{char}b rw - fuse.sshfs x rw\n" for char in "\v\f\x1c\x85\u2028\r")
    table = f"{theirs}{MOUNT.format('rw')}{theirs}"
    host = FixtureHost(tmp_path, {"/proc/self/mountinfo": table, "/etc/fstab": ""})
    assert observed(host, "mount_option", {"points": {"/tmp": ["nodev"]}}) == {"/tmp nodev": False}


def test_fstab_keeps_its_form(tmp_path: Path) -> None:
    lines = "# /tmp\nUUID=1  /     ext4  defaults  0 1\ntmpfs   /tmp\ttmpfs   dev,size=1g   0 0  # ours\n"
    host = FixtureHost(tmp_path, {"/proc/self/mountinfo": MOUNT.format("rw"), "/etc/fstab": lines})
    body = {"points": {"/tmp": ["nodev", "nosuid"]}}
    KINDS["mount_option"].edit(host, body, {"/tmp nodev": True, "/tmp nosuid": True})
    assert host.text("/etc/fstab") == lines.replace("dev,size=1g", "size=1g,nodev,nosuid")


# --- umask -----------------------------------------------------------------------------------------------------------


def test_the_mask_of_bash_stands_last_on_a_line_of_its_own(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/etc/bash.bashrc": "umask 022\nalias l=ls"})
    for mask in ("027", "077"):
        KINDS["umask"].edit(host, {"mask": mask}, {"subshell": mask})
        written = (host.text("/etc/bash.bashrc") or "").splitlines()
        assert written[:2] == ["umask 022", "alias l=ls"]
        assert written[2].startswith("# essms.hardening")
        assert written[3:] == [f"umask {mask}"]


@pytest.mark.parametrize(("own", "written"), [("077", "077"), ("022", "027"), ("0007", "027")])
def test_a_mask_that_takes_more_stays(tmp_path: Path, own: str, written: str) -> None:
    files = {"/etc/login.defs": f"UMASK\t{own}\nUSERGROUPS_ENAB yes\n"}
    files["/etc/pam.d/common-session"] = "session optional pam_umask.so\n"
    host = FixtureHost(tmp_path, files)
    KINDS["umask"].edit(host, {"mask": "027"}, {"session": "027"})
    assert (host.text("/etc/login.defs") or "").startswith(f"UMASK\t{written}\n")


# --- integrity of files ----------------------------------------------------------------------------------------------


def test_the_entries_of_aide_are_read_and_nothing_else() -> None:
    """As aide 0.18.3 and 0.19.1 write them."""
    report = """Start timestamp: 2026-11-27 21:59:06 +0000 (AIDE 0.18.3)
AIDE found differences between database and filesystem!!

Added entries:
---------------------------------------------------

f++++++++++++++++: /usr/local/sbin/evil

Removed entries:
---------------------------------------------------

f----------------: /usr/bin/a b: c

Changed entries:
---------------------------------------------------

f  >.... ..C..  .: /etc/hosts.allow
d  =.... .     . : /etc

The attributes of the (uncompressed) database(s):
/var/lib/essms-integrity/noted.db
"""
    assert integrity.changed(report) == ["/etc", "/etc/hosts.allow", "/usr/bin/a b: c", "/usr/local/sbin/evil"]


@pytest.mark.parametrize(("content", "seen"), [("", None), ("{", None), ('{"time": 0, "changed": 0}', 20000)])
def test_a_check_that_never_was_is_not_fresh(tmp_path: Path, content: str, seen: int | None) -> None:
    host = FixtureHost(tmp_path, {integrity.LAST: content})
    found = KINDS["file_comparison"].observe(host, [{"max_age_days": 2}])["max_age_days"]
    assert found is None if seen is None else found >= seen


def test_folders_of_the_hosts_own_stay_watched(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {integrity.CONFIG: "Watched = sha256\n/srv/a\\.b Watched\n"})
    body = {"hour": 1, "folders": ["/etc", "/opt/x.y"]}
    KINDS["file_integrity"].edit(host, body, {"folders": body["folders"]})
    assert KINDS["file_integrity"].observe(host, [body])["folders"] == ["/etc", "/opt/x.y", "/srv/a.b"]


# --- core dumps ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "allowed"),
    [("", False), ("@staff soft core unlimited\n", False), ("@staff hard core 0\n", False),
     ("@staff hard core unlimited\n", (True, None)), ("1000: - core 9\n", (True, None))],
)  # fmt: skip
def test_a_group_with_a_limit_of_its_own_is_not_overlooked(tmp_path: Path, more: str, allowed: Any) -> None:
    files = {"/etc/security/limits.conf": f"{more}* hard core 0\nroot hard core 0\n"}
    files["/etc/systemd/coredump.conf"] = "[Coredump]\nStorage=none\nProcessSizeMax=0\n"
    found = observed(FixtureHost(tmp_path, files), "core_dump", {"allowed": False})
    assert found == {"users": allowed, "root": False, "systemd": False}


# --- disks and firmware ----------------------------------------------------------------------------------------------

DISK = {
    "/proc/self/mountinfo": "25 1 254:1 / / rw - ext4 /dev/mapper/root rw\n26 25 8:1 / /boot rw - ext4 /dev/sda1 rw\n",
    "/sys/class/dmi/id/chassis_type": "10\n",
}
LUKS = {"/sys/dev/block/254:0/dm/uuid": "CRYPT-LUKS2-1\n", "/sys/class/block/dm-0/dev": "254:0\n"}
ON_TOP = {"/sys/dev/block/254:1/dm/uuid": "LVM-1\n", "/sys/dev/block/254:1/slaves/dm-0/x": ""}


@pytest.mark.parametrize(
    ("files", "seen"),
    [
        (DISK, (False, None)),
        ({**DISK, "/sys/dev/block/254:1/dm/uuid": "CRYPT-LUKS2-0\n"}, True),
        ({**DISK, **LUKS, **ON_TOP}, True),
        ({**DISK, **ON_TOP, "/sys/class/block/dm-0/dev": "8:2\n"}, (False, None)),
    ],
)
def test_encryption_is_looked_for_below_volumes(tmp_path: Path, files: dict[str, str], seen: Any) -> None:
    assert observed(FixtureHost(tmp_path, files), "disk_encryption", {"scope": "portables"}) == {"every disk": seen}


POOL = "25 1 0:20 /@ / rw - btrfs {} rw\n26 25 254:0 / /home rw - ext4 /dev/mapper/home rw\n"


@pytest.mark.parametrize(
    ("source", "files", "seen"),
    [
        ("/dev/sda2", {"/sys/class/block/sda2/dev": "8:2\n"}, (False, None)),
        ("/dev/dm-0", LUKS, True),
        ("tank/root", {}, Unknown),
    ],
)
def test_a_file_system_over_several_disks_is_on_disks_too(
    tmp_path: Path, source: str, files: dict[str, str], seen: Any
) -> None:
    host = FixtureHost(tmp_path, {"/proc/self/mountinfo": POOL.format(source), **LUKS, **files})
    found = observed(host, "disk_encryption", {"scope": "tous"})["every disk"]
    assert isinstance(found, Unknown) if seen is Unknown else found == seen


def test_what_a_user_mounts_hides_no_disk(tmp_path: Path) -> None:
    line = "40 25 0:50 / /home/x/a\vb rw - fuse.sshfs x rw\n"
    host = FixtureHost(tmp_path, {**DISK, "/proc/self/mountinfo": line + DISK["/proc/self/mountinfo"]})
    assert observed(host, "disk_encryption", {"scope": "tous"}) == {"every disk": (False, None)}


def test_only_portable_computers_have_to_be_encrypted(tmp_path: Path) -> None:
    desktop = FixtureHost(tmp_path, {**DISK, "/sys/class/dmi/id/chassis_type": "3\n"})
    assert isinstance(observed(desktop, "disk_encryption", {"scope": "portables"})["every disk"], NotApplicable)
    assert observed(desktop, "disk_encryption", {"scope": "tous"}) == {"every disk": (False, None)}


def test_no_disk_at_all_is_not_verified(tmp_path: Path) -> None:
    host = FixtureHost(tmp_path, {"/proc/self/mountinfo": ""})
    assert isinstance(observed(host, "disk_encryption", {"scope": "tous"})["every disk"], Unknown)


def test_swap_counts_as_a_disk(tmp_path: Path) -> None:
    root = {**DISK, "/sys/dev/block/254:1/dm/uuid": "CRYPT-LUKS2-0\n", "/sys/class/block/sda3/dev": "8:3\n"}
    swapping = {**root, "/proc/swaps": "Filename Type Size Used Priority\n/dev/sda3 partition 1 0 -2\n"}
    found = KINDS["disk_encryption"].observe(FixtureHost(tmp_path, swapping), [{"scope": "tous"}])["every disk"]
    assert (found.value, found.note) == (False, "not encrypted: swap")
    hidden = FixtureHost(tmp_path, {"/sys/dev/block/8:3/dm/uuid": "CRYPT-PLAIN-swap\n"})
    assert observed(hidden, "disk_encryption", {"scope": "tous"}) == {"every disk": True}


_FIRMWARE = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
_TPM = "/sys/class/tpm/tpm0/tpm_version_major"


@pytest.mark.parametrize(
    ("files", "secure_boot", "tpm"),
    [
        ({_FIRMWARE: "\x06\x00\x00\x00\x01", _TPM: "2\n"}, True, 2),
        ({_FIRMWARE: "\x06\x00\x00\x00\x00", _TPM: "1\n"}, False, 1),
        # UEFI that does not know the word
        ({"/sys/firmware/efi/fw_platform_size": "64\n"}, False, (0, None)),
        ({}, (False, None), (0, None)),
    ],
)
def test_what_the_firmware_vouches_for(tmp_path: Path, files: dict[str, str], secure_boot: Any, tpm: Any) -> None:
    seen = observed(FixtureHost(tmp_path, files), "boot_trust", {"secure_boot": True, "tpm": 2})
    assert seen == {"secure_boot": secure_boot, "tpm": tpm}


# --- AppArmor --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "left"),
    [("flags=(complain) ", ""), ("flags=(attach_disconnected, complain) ", "flags=(attach_disconnected) ")],
)
def test_a_profile_that_only_complains_is_enforced(tmp_path: Path, flags: str, left: str) -> None:
    path = "/etc/apparmor.d/usr.bin.x"
    host = FixtureHost(tmp_path, {path: f"/usr/bin/x {flags}{{\n}}\n", "/etc/apparmor.d/other": "/usr/bin/y {\n}\n"})
    KINDS["mandatory_access"].edit(host, {"enforcing": True}, {"only complaining": 0})
    assert (host.text(path) or "").split() == f"/usr/bin/x {left}{{\n}}\n".split()
    assert [argv for _order, argv in host.activations] == [["apparmor_parser", "--replace", path]]


# --- USB disks -------------------------------------------------------------------------------------------------------

MOUNTED = "40 1 8:1 / /mnt/usb {mode},relatime shared:1 - vfat /dev/sda1 {super},errors=remount-ro\n"


def plugged_in(root: Path, files: dict[str, str]) -> FixtureHost:
    """Return a host with one USB disk of one partition."""
    host = FixtureHost(root, {"/sys/class/block/.is": "", **files})
    for name, minor in (("sda", 0), ("sda1", 1)):
        place = root / "sys/devices/pci0/usb1/1-1" / name
        place.mkdir(parents=True)
        (place / "ro").write_text("0\n", encoding="ascii")
        (place / "dev").write_text(f"8:{minor}\n", encoding="ascii")
        (root / "sys/class/block" / name).symlink_to(place)
    return host


@pytest.mark.parametrize("mounts", ["", MOUNTED.format(mode="ro", super="ro")])
def test_a_usb_disk_is_told_that_it_is_for_reading_only(tmp_path: Path, mounts: str) -> None:
    host = plugged_in(tmp_path, {"/proc/self/mountinfo": mounts})
    KINDS["usb_storage"].edit(host, {"policy": "lecture"}, {"policy": "lecture"})
    done = [(operation["do"], operation["undo"][-1]) for operation in host.operations]
    assert [do for do, _ in done] == [["blockdev", "--setro", f"/dev/{name}"] for name in ("sda", "sda1")]
    assert "blockdev --setrw /dev/sda1" in done[1][1]


@pytest.mark.parametrize(
    "files",
    [
        {"/proc/self/mountinfo": MOUNTED.format(mode="rw", super="rw")},
        # a place that is mounted for reading may be one of several
        {"/proc/self/mountinfo": MOUNTED.format(mode="ro", super="rw")},
    ],
)
def test_a_usb_disk_in_use_is_not_cut_off(tmp_path: Path, files: dict[str, str]) -> None:
    with pytest.raises(SettingError, match="sda1 is in use for writing"):
        KINDS["usb_storage"].edit(plugged_in(tmp_path, files), {"policy": "lecture"}, {"policy": "lecture"})


# --- kernel command line ---------------------------------------------------------------------------------------------

GRUB = "/etc/default/grub"
DROP_IN = "/etc/default/grub.d/50-site.cfg"
MENU = """set default="0"
### BEGIN /etc/grub.d/10_linux ###
menuentry 'Debian GNU/Linux' {{
\tlinux\t/boot/vmlinuz-6.1.0-1-amd64 root=UUID=1 ro {0} quiet
}}
\tmenuentry 'Debian GNU/Linux, (recovery mode)' {{
\t\tlinux\t/boot/vmlinuz-6.1.0-1-amd64 root=UUID=1 ro single
\t}}
### END /etc/grub.d/10_linux ###
### BEGIN /etc/grub.d/20_memtest86+ ###
\tlinux /boot/memtest86+x64.bin
### END /etc/grub.d/20_memtest86+ ###
"""


def booted(root: Path, running: str, menu: str | None, files: dict[str, str]) -> FixtureHost:
    """Return a machine by the options it runs with, those of its menu, and the settings the next menu is made of."""
    menus = {} if menu is None else {"/boot/grub/grub.cfg": MENU.format(menu)}
    container = {"systemd-detect-virt --container --quiet": ""} if running == "container" else {}
    return FixtureHost(
        root, {"/proc/cmdline": f"BOOT_IMAGE=/vmlinuz ro {running} quiet\n", **menus, **files}, container
    )


def asked_for(host: FixtureHost, *options: str) -> list[Any]:
    return list(observed(host, "kernel_command_line", {"options": list(options)}).values())


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({GRUB: 'GRUB_CMDLINE_LINUX="pti=on"\n'}, True),
        ({GRUB: "GRUB_CMDLINE_LINUX_DEFAULT='quiet pti=on'\n"}, True),
        ({GRUB: "GRUB_CMDLINE_LINUX=pti=on\n"}, True),
        ({GRUB: '# GRUB_CMDLINE_LINUX="pti=on"\n'}, False),
        ({GRUB: 'GRUB_CMDLINE_LINUX="pti=on"\nGRUB_CMDLINE_LINUX=""\n'}, False),
        ({GRUB: 'GRUB_CMDLINE_LINUX="pti=on pti=off"\n'}, False),
        ({GRUB: 'GRUB_CMDLINE_LINUX="quiet"\nGRUB_CMDLINE_LINUX+=" pti=on"\n'}, True),
        # drop-ins come after it, by name, and may add to it or replace it
        ({GRUB: 'GRUB_CMDLINE_LINUX="pti=on"\n', DROP_IN: 'GRUB_CMDLINE_LINUX="console=ttyS0"\n'}, False),
        ({GRUB: 'GRUB_CMDLINE_LINUX="pti=on"\n', DROP_IN: 'GRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX x=1"\n'}, True),
        ({GRUB: 'GRUB_CMDLINE_LINUX=""\n', DROP_IN: 'GRUB_CMDLINE_LINUX="${GRUB_CMDLINE_LINUX} pti=on"\n'}, True),
        ({GRUB: 'GRUB_CMDLINE_LINUX="pti=on"\n', DROP_IN: "GRUB_CMDLINE_LINUX='$GRUB_CMDLINE_LINUX x=1'\n"}, False),
        ({f"{DROP_IN}.dpkg-old": 'GRUB_CMDLINE_LINUX="pti=on"\n'}, False),
    ],
)
def test_a_boot_option_has_to_be_kept_by_the_next_menu(tmp_path: Path, settings: dict[str, str], kept: bool) -> None:
    assert asked_for(booted(tmp_path, "pti=on", "pti=on", settings), "pti=on") == [True if kept else (True, False)]


KEPT = {GRUB: 'GRUB_CMDLINE_LINUX="pti=on"\n'}


@pytest.mark.parametrize(
    ("running", "menu", "settings", "value", "said"),
    [
        ("", "", {}, False, "add it to GRUB_CMDLINE_LINUX"),
        ("", "", KEPT, False, "run update-grub"),
        ("", "pti=on", KEPT, False, "from the next restart on"),
        ("pti=on", "", KEPT, True, "only until the next restart"),
        ("pti=off", "pti=on", KEPT, False, "from the next restart on"),
        ("pti=on pti=auto", "pti=on", KEPT, False, "from the next restart on"),
        ("", None, {}, False, "where its boot loader is set up"),
    ],
)
def test_a_boot_option_that_is_missing_says_where(
    tmp_path: Path, running: str, menu: str | None, settings: dict[str, str], value: bool, said: str
) -> None:
    host = booted(tmp_path, running, menu, settings)
    seen = KINDS["kernel_command_line"].observe(host, [{"options": ["pti=on"]}])["pti=on"]
    assert seen.value is value
    assert said in seen.note
    assert seen.satisfied is not True


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("page_poison=on", "page_poison=1"),
        ("slab_nomerge=yes", "slab_nomerge"),
        ("slub_debug=FZP", "slab_debug=FZP"),
        ("spec_store_bypass_disable=seccomp", "spec_store_bypass_disable=on"),
    ],
)
def test_a_boot_option_spelled_otherwise_counts(tmp_path: Path, asked: str, given: str) -> None:
    host = booted(tmp_path, given, given, {GRUB: f'GRUB_CMDLINE_LINUX="{given}"\n'})
    assert asked_for(host, asked) == [True]


def test_entries_in_files_of_their_own_are_the_menu_too(tmp_path: Path) -> None:
    entry = "/boot/loader/entries/{}.conf"
    files = {
        "/boot/grub2/grub.cfg": "blscfg\n",
        entry.format("a"): "title A\noptions root=UUID=1 ro pti=on\n",
        **KEPT,
    }
    assert asked_for(booted(tmp_path / "one", "pti=on", None, files), "pti=on") == [True]
    files[entry.format("b")] = "title B\noptions root=UUID=1 ro\n"
    assert asked_for(booted(tmp_path / "two", "pti=on", None, files), "pti=on") == [(True, False)]


def test_boot_options_have_no_object_where_nobody_asks_or_the_kernel_is_another_s(tmp_path: Path) -> None:
    none = asked_for(booted(tmp_path / "none", "", "", {}))
    container = asked_for(booted(tmp_path / "container", "container", None, {}), "pti=on")
    assert [type(value) for value in (*none, *container)] == [NotApplicable, NotApplicable]


def test_another_boot_loader_is_not_vouched_for(tmp_path: Path) -> None:
    assert [type(value) for value in asked_for(booted(tmp_path, "pti=on", None, KEPT), "pti=on")] == [Unknown]


def test_only_known_boot_options_can_be_asked_for() -> None:
    """What is reported as missing gets typed into a boot loader: it had better be an option the kernel knows."""
    allowed = KINDS["kernel_command_line"].schema["properties"]["options"]["items"]["enum"]
    assert load().parameters["essms_kernel_options"].bounds["items"]["enum"] == allowed
