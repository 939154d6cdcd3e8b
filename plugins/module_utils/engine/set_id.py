# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs that run with the rights of their owner or group: which ones distributions bring so.

dpkg does not remember the modes of a package's files, so those of Debian and Ubuntu are listed here with their bits;
bits that somebody else gave are unknown, on a packaged program too. RPM remembers modes and is asked.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Collection, Mapping

from .host import Host

BITS = stat.S_ISUID | stat.S_ISGID
_OWNER = """
/usr/bin: chfn chsh doas firejail fping fusermount fusermount3 gpasswd ksu mailq mount mtr-packet newgidmap newgrp
 newuidmap ntfs-3g passwd physlock ping pkexec pmount pumount su su-rs sudo sudo-rs sudo.ws tcptraceroute.mt umount
 vmware-user-suid-wrapper
/usr/sbin: exim4 mount.cifs mount.davfs mount.ecryptfs_private mount.nfs nullmailer-queue pam-tmpdir-helper pppd
 vlock-main
/usr/lib: apache2/suexec-custom apache2/suexec-pristine authbind/helper cargo/bin/su cargo/bin/sudo
 chromium-browser/chrome-sandbox chromium/chrome-sandbox dbus-1.0/dbus-daemon-launch-helper dma/dma-mbox-create
 openssh/ssh-keysign polkit-1/polkit-agent-helper-1 snapd/snap-confine
/usr/lib/*: lxc/lxc-user-nic
/usr/lib/virtualbox: VBoxHeadless VBoxNetAdpCtl VBoxNetDHCP VBoxNetNAT VBoxSDL VBoxVolInfo VirtualBoxVM
/usr/libexec: lxc/lxc-user-nic polkit-agent-helper-1 spice-client-glib-usb-acl-helper
/usr/share: code/chrome-sandbox
/opt: brave.com/brave/chrome-sandbox google/chrome/chrome-sandbox microsoft/msedge/msedge-sandbox
"""
_GROUP = """
/usr/bin: bsd-write chage crontab dotlock.mailutils dotlockfile expiry lockfile mail-lock mail-touchlock mail-unlock
 mlocate mutt_dotlock plocate screen ssh-agent urxvt urxvtd wall write write.ul
/usr/sbin: dma pam_extrausers_chkpwd postdrop postlog postqueue smtpctl ssmtp unix_chkpwd
/usr/lib: systemd-cron/crontab_setgid
/usr/lib/*: utempter/utempter
/usr/libexec: opensmtpd/mail.local sendmail/mailstats sendmail/sendmail systemd-cron/crontab_setgid
"""
_BOTH = """
/usr/bin: at procmail
/usr/lib: xorg/Xorg.wrap
"""
_ARCHITECTURE = re.compile(r"^/usr/lib/[a-z0-9_]+-linux-gnu\w*/")


def _listed(programs: str) -> list[str]:
    """Return the paths of a list: folders, each followed by what lies in it."""
    found, folder = [], ""
    for word in programs.split():
        if word.endswith(":"):
            folder = word[:-1]
        else:
            found.append(f"{folder}/{word}")
    return found


KNOWN = {
    path: bits
    for programs, bits in ((_OWNER, stat.S_ISUID), (_GROUP, stat.S_ISGID), (_BOTH, BITS))
    for path in _listed(programs)
}
"""Bits of the programs that packages of Debian and Ubuntu bring with them, or give them when they are installed."""


class SetId:
    """Which set-id bits are expected on a host.

    :param allowed: programs whose bits are somebody's decision.
    """

    def __init__(self, host: Host, allowed: Collection[str]) -> None:
        self._host = host
        self._known = {**(KNOWN if host.family == "debian" else {}), **dict.fromkeys(allowed, BITS)}
        # what the administrator told dpkg to keep
        for line in host.run("dpkg-statoverride", "--list").out.splitlines() if host.family == "debian" else ():
            _user, _group, mode, path = line.split(" ", 3)
            for name in (path, f"/usr{path}"):  # written before the folders were merged
                self._known[name] = self._known.get(name, 0) | int(mode, 8) & BITS

    def unknown(self, path: str, bits: int) -> bool:
        """Say whether a program has bits that neither the distribution nor somebody's decision gave it."""
        known = self._known.get(path, self._known.get(_ARCHITECTURE.sub("/usr/lib/*/", path), 0))
        return bool(bits & ~known)

    def without_package(self, lending: Mapping[str, int]) -> list[str]:
        """Return those programs that RPM does not say have these bits; all of them where there is no RPM."""
        if not lending or self._host.family == "debian":
            return list(lending)
        done = self._host.run("rpm", "-qf", "--qf", r"[%{FILEMODES:octal} %{FILENAMES}\n]", "--", *lending)
        modes = [line.partition(" ")[::2] for line in done.out.splitlines()]
        shipped = {path: int(mode, 8) for mode, path in modes if re.fullmatch("[0-7]+", mode)}
        return [path for path, bits in lending.items() if bits & ~shipped.get(path, 0)]
