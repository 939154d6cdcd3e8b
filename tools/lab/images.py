# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images of the lab: a fresh Debian server with a simulated GNOME desktop, built by mmdebstrap.

An image is kept as long as its recipe (everything that goes into it) is unchanged: the recipe's hash is its tag.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from .podman import LabError, as_root, attempt, run

REPOSITORY = "localhost/essms-lab"

INSTALLED = (
    # a server
    "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "passwd", "login", "adduser",
    "python3", "python3-apt", "iproute2", "procps", "acl", "netbase", "kmod", "ca-certificates",
    # what a GNOME desktop brings and an ordinary user needs to read its settings
    "dconf-gsettings-backend", "gsettings-desktop-schemas", "libglib2.0-bin",
)  # fmt: skip

# Installed by the controls, not by us: their archives wait in apt's cache, so that a first apply really installs
# packages and still needs no network. Recommended packages come along, as with apt's own default.
CACHED = ("libpam-pwquality", "cracklib-runtime", "libpwquality-tools", "dconf-cli")
CACHED_ALONE = (
    "nftables", "conntrack", "chrony", "unattended-upgrades", "needrestart", "auditd", "rsyslog", "rsyslog-gnutls",
    "clamav-daemon", "clamav-freshclam", "clamdscan", "unbound", "apparmor", "apparmor-utils", "libpam-tmpdir", "cron",
    "logrotate", "debsums", "aide", "aide-common", "acct", "sysstat", "fail2ban", "python3-systemd",
)  # fmt: skip

# The kernel is the machine's own: nothing in a lab host may load modules or set kernel parameters at boot.
# The apt timers would take the package lock in the middle of a test.
MASKED = ("systemd-modules-load.service", "systemd-sysctl.service", "systemd-binfmt.service")
DISABLED = ("apt-daily.timer", "apt-daily-upgrade.timer")

# Marks a simulated GNOME desktop, for controls that look for one.
DESKTOP = (
    r"[Desktop Entry]\nName=GNOME\nComment=Lab fixture: marks a simulated GNOME desktop\n"
    r"Exec=/bin/true\nType=Application\n"
)

SETUP = r"""
set -eu
printf 'Acquire::Languages "none";\nAcquire::Retries "3";\n' > /etc/apt/apt.conf.d/90lab
apt-get clean
DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --download-only \
    -o APT::Install-Recommends=true @CACHED@
DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --download-only \
    -o APT::Install-Recommends=false @CACHED_ALONE@
systemctl mask @MASKED@
systemctl disable @DISABLED@
useradd --create-home --shell /bin/bash --user-group ansible
install -d -m 0700 -o ansible -g ansible /home/ansible/.ssh
printf 'ansible ALL=(ALL:ALL) NOPASSWD: ALL\n' > /etc/sudoers.d/ansible
chmod 0440 /etc/sudoers.d/ansible
install -d /usr/share/wayland-sessions
printf '@DESKTOP@' \
    > /usr/share/wayland-sessions/gnome.desktop
rm -f /etc/machine-id /var/lib/dbus/machine-id
: > /etc/machine-id
"""


def _recipe(suite: str) -> tuple[list[str], str]:
    """Return the command that writes the image of a Debian suite to standard output, and its hash."""
    setup = SETUP
    for word, values in (
        ("@CACHED@", CACHED),
        ("@CACHED_ALONE@", CACHED_ALONE),
        ("@MASKED@", MASKED),
        ("@DISABLED@", DISABLED),
        ("@DESKTOP@", (DESKTOP,)),
    ):
        setup = setup.replace(word, " ".join(values))
    command = [
        "mmdebstrap",
        "--variant=apt",
        "--quiet",
        "--format=tar",
        "--skip=cleanup/apt",
        f"--include={','.join(INSTALLED)}",
        '--aptopt=Acquire::Languages "none"',
        f"--customize-hook=chroot \"$1\" sh -c '{setup.replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}' >&2",
        suite,
        "-",
    ]
    return command, hashlib.sha256(json.dumps(command).encode()).hexdigest()[:12]


def reference(suite: str) -> str:
    """Return the name of the image of a Debian suite, as the present recipe makes it."""
    return f"{REPOSITORY}:{suite}-{_recipe(suite)[1]}"


def missing(suites: Iterable[str]) -> list[str]:
    """Return the suites whose image has to be built."""
    return [suite for suite in suites if attempt(["podman", "image", "exists", reference(suite)]).returncode != 0]


def build(suites: Sequence[str]) -> None:
    """Build the images of these suites side by side (about a minute and a half the first time).

    :raises LabError: when a build fails; the sentence carries the builder's last words.
    """
    if not suites:
        return
    with ThreadPoolExecutor() as pool:
        list(pool.map(_build, suites))
    _forget_older(suites)


def remove_all() -> list[str]:
    """Remove every image of the lab, present or older recipe, and return their names."""
    names = _all()
    if names:
        run(["podman", "rmi", "--force", *names])
    return names


def _all() -> list[str]:
    return run(["podman", "images", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY]).split()


def _forget_older(suites: Sequence[str]) -> None:
    """Remove the images older recipes made of these suites; podman itself keeps those a host still uses."""
    current = {reference(suite) for suite in suites}
    ours = tuple(f"{REPOSITORY}:{suite}-" for suite in suites)
    for name in _all():
        if name.startswith(ours) and name not in current:
            attempt(["podman", "rmi", name])


def _build(suite: str) -> None:
    command, _hash = _recipe(suite)
    print(f"lab: building the image of Debian {suite} (once; kept afterwards)", file=sys.stderr, flush=True)
    store_command = as_root(["podman", "import", "--quiet", "-", reference(suite)])
    with (
        subprocess.Popen(
            as_root(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as make,
        subprocess.Popen(store_command, stdin=make.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as store,
    ):
        assert make.stdout is not None
        assert make.stderr is not None
        make.stdout.close()  # so that mmdebstrap notices when podman gives up
        said = make.stderr.read().decode(errors="replace").strip().splitlines()
        stored = store.communicate()[1].decode(errors="replace").strip().splitlines()
    if make.returncode != 0:
        attempt(["podman", "rmi", "--force", reference(suite)])
        raise LabError(
            f"Building the image of Debian {suite} failed ({said[-1] if said else 'no message'}): "
            "check that this machine reaches its Debian mirror, then run `make lab-up` again."
        )
    if store.returncode != 0:
        raise LabError(f"podman could not store the image of Debian {suite}: {stored[-1] if stored else 'no message'}.")
