# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the emulated machines: a small Debian with a kernel of its own, made without mounting anything.

An image is kept as long as its recipe is unchanged, for every checkout of this user: the recipe's hash names its
folder, which holds ``disk.qcow2``, ``kernel``, ``initrd`` and ``host_key.pub``.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import sys
from pathlib import Path

from .podman import LabError, run

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "essms-lab"
BUILD_SECONDS = 2400
DISK = "1800M"

INSTALLED = (
    "systemd", "systemd-sysv", "udev", "dbus", "libpam-systemd", "openssh-server", "sudo", "passwd", "login", "adduser",
    "python3", "python3-apt", "iproute2", "procps", "acl", "netbase", "kmod", "ca-certificates",
    "linux-image-amd64", "initramfs-tools", "auditd", "apparmor", "cryptsetup-bin", "gcc", "libc6-dev",
)  # fmt: skip

# Which key is let in comes on the kernel's command line: a key belongs to a checkout, the image to all of them.
_KEY = r"""[Unit]
Description=Let in the key that the command line names
ConditionKernelCommandLine=essms.key
Before=ssh.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sed "s/.*essms.key=//; s/ .*//" /proc/cmdline | base64 -d > /home/ansible/.ssh/authorized_keys'
[Install]
WantedBy=multi-user.target
"""
_NETWORK = """[Match]
Name=eth0
[Network]
Address=10.0.2.15/24
Gateway=10.0.2.2
LinkLocalAddressing=no
IPv6AcceptRA=no
"""
_FSTAB = """/dev/vda / ext4 defaults,noatime 0 1
tmpfs /tmp tmpfs defaults,size=64m 0 0
tmpfs /home/shared tmpfs defaults,size=16m,mode=1777 0 0
"""
_FILES = {
    "/etc/fstab": _FSTAB,
    "/etc/systemd/network/10-eth0.network": _NETWORK,
    "/etc/systemd/system/essms-key.service": _KEY,
    "/etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\n",
    "/etc/sudoers.d/ansible": "ansible ALL=(ALL:ALL) NOPASSWD: ALL\n",
}
_SETUP = """chmod 0440 /etc/sudoers.d/ansible
useradd --create-home --shell /bin/bash --user-group ansible
install -d -m 0700 -o ansible -g ansible /home/ansible/.ssh
install -m 0600 -o ansible -g ansible /dev/null /home/ansible/.ssh/authorized_keys
install -d /home/shared
systemctl enable systemd-networkd.service essms-key.service
systemctl disable apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer
systemctl mask systemd-networkd-wait-online.service
update-initramfs -u
rm -rf /var/cache/apt/archives/*.deb /usr/share/doc /usr/share/man /usr/share/locale
"""
# Before the kernel's package makes its first initial file system: one for every machine would take minutes to unpack.
_SMALL_INITRD = (
    'mkdir -p "$1/etc/initramfs-tools/conf.d" && echo MODULES=list > "$1/etc/initramfs-tools/conf.d/lab" && '
    'echo COMPRESS=gzip >> "$1/etc/initramfs-tools/conf.d/lab"'
)


def _recipe(suite: str) -> tuple[list[str], str]:
    """Return the command that fills a folder, which is to be added as its last word, and the hash of the recipe."""
    files = "".join(
        f"mkdir -p {Path(path).parent}\ncat > {path} <<'END_OF_FILE'\n{content}END_OF_FILE\n"
        for path, content in _FILES.items()
    )
    script = f"set -eu\n{files}{_SETUP}"
    command = ["mmdebstrap", "--variant=apt", "--quiet", "--format=directory", "--skip=cleanup/apt"]
    command += [f"--include={','.join(INSTALLED)}", '--aptopt=Acquire::Languages "none"']
    command += [f"--essential-hook={_SMALL_INITRD}"]
    command += [f'--customize-hook=chroot "$1" sh -c {shlex.quote(script)} >&2', suite]
    return command, hashlib.sha256(json.dumps([command, DISK]).encode()).hexdigest()[:12]


def folder(suite: str) -> Path:
    """Return the folder of the image of a Debian suite, as the present recipe makes it."""
    return CACHE / f"{suite}-{_recipe(suite)[1]}"


def build(suite: str) -> Path:
    """Return the folder of the image of a suite, building it the first time (a few minutes).

    :raises LabError: when a step fails; nothing half-made is kept.
    """
    wanted = folder(suite)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not wanted.exists():
            print(f"lab: building the emulated machine of Debian {suite} (once; kept afterwards)", file=sys.stderr)
            for older in CACHE.glob(f"{suite}-*"):
                shutil.rmtree(older, ignore_errors=True)
            _make(suite, wanted)
    return wanted


def remove_all() -> list[str]:
    """Remove every image of this user and return their names."""
    found = sorted(path.name for path in CACHE.glob("*-*")) if CACHE.is_dir() else []
    shutil.rmtree(CACHE, ignore_errors=True)
    return found


def _make(suite: str, wanted: Path) -> None:
    draft = wanted.with_name(f"{wanted.name}.draft")
    draft.mkdir()
    tree = str(draft / "tree")
    disk = str(draft / "disk")
    mine = f"{os.getuid()}:{os.getgid()}"
    try:
        # only root may own the files of a Debian; everything else is the user's
        run([*_recipe(suite)[0], tree], timeout=BUILD_SECONDS)
        collect = (
            f"cp {tree}/boot/vmlinuz-* {draft}/kernel && cp {tree}/boot/initrd.img-* {draft}/initrd && "
            f"cp {tree}/etc/ssh/ssh_host_ed25519_key.pub {draft}/host_key.pub && rm -rf {tree}/boot/initrd.img-* && "
            f"mke2fs -q -t ext4 -d {tree} {disk} {DISK} && rm -rf {tree} && chown {mine} {draft}/*"
        )
        run(["sh", "-c", collect], timeout=BUILD_SECONDS)
        run(["qemu-img", "convert", "-O", "qcow2", disk, f"{disk}.qcow2"], timeout=600)
        run(["sh", "-c", f"rm {disk} && chown {mine} {disk}.qcow2"])
        draft.rename(wanted)
    except LabError:
        run(["rm", "-rf", str(draft)])
        raise
