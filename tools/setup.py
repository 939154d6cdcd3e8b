#!/usr/bin/env python3
# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set-up: the system packages the lab needs, and the virtual environment, both only when something is missing.

Runs on the machine's own Python, before any dependency exists. Everything it says goes to standard error.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.txt"
STAMP = VENV / ".essms-stamp"
OLDEST_PYTHON = (3, 11)

# program that must be there: Debian package that brings it
PROGRAMS_OF_THE_LAB = {
    "podman": "podman",
    "runc": "runc",
    "iptables": "iptables",
    "mmdebstrap": "mmdebstrap",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "git": "git",
    "gpg": "gpg",
}
# What the emulated machine of the scenario `kernel` needs besides.
PROGRAMS_OF_THE_MACHINE = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils", "mke2fs": "e2fsprogs"}
# What the tests of the reports need: a browser, and what reads the PDF it prints.
PROGRAMS_OF_THE_PAGES = {"chromium": "chromium", "pdftotext": "poppler-utils"}
# Only recommended by podman, and found outside PATH: without them containers have no network.
FILES_OF_THE_LAB = {
    "/usr/lib/podman/netavark": "netavark",
    "/usr/lib/podman/aardvark-dns": "aardvark-dns",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
}

# what to set up: the programs it needs
PROGRAMS: dict[str, dict[str, str]] = {
    "venv": {},
    "lab": PROGRAMS_OF_THE_LAB,
    "kernel": {**PROGRAMS_OF_THE_LAB, **PROGRAMS_OF_THE_MACHINE},
    "pages": PROGRAMS_OF_THE_PAGES,
    "test": {**PROGRAMS_OF_THE_LAB, **PROGRAMS_OF_THE_MACHINE, **PROGRAMS_OF_THE_PAGES},
}
WITHOUT_LAB = ("venv", "pages")


class SetupError(RuntimeError):
    """What is missing and what to do, in one sentence."""


def main(argv: list[str]) -> int:
    """Set up ``venv``, and the packages of ``lab``, ``kernel`` (its machine), ``pages``, or all of these: ``test``."""
    try:
        if len(argv) != 1 or argv[0] not in PROGRAMS:
            raise SetupError(f"usage: python3 tools/setup.py {'|'.join(PROGRAMS)}")
        files = {} if argv[0] in WITHOUT_LAB else FILES_OF_THE_LAB
        install_packages([*missing(PROGRAMS[argv[0]], files), *missing_for_venv()])
        make_venv()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def missing(programs: Mapping[str, str], files: Mapping[str, str]) -> list[str]:
    """Return the Debian packages that these programs and files still need on this machine."""
    path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
    packages = [package for program, package in programs.items() if not shutil.which(program, path=path)]
    packages += [package for file, package in files.items() if not Path(file).exists()]
    return list(dict.fromkeys(packages))


def missing_for_venv() -> list[str]:
    """Return the Debian packages without which this Python cannot make a virtual environment."""
    return [] if importlib.util.find_spec("ensurepip") else ["python3-venv"]


def install_packages(packages: list[str]) -> None:
    """Install Debian packages with apt, as root or through sudo.

    :raises SetupError: when they cannot be installed from here; names them and the command to type.
    """
    if not packages:
        return
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    prefix = _root_prefix()
    if prefix is None or not shutil.which("apt-get"):
        raise SetupError(
            f"these system packages are missing: {' '.join(packages)}. "
            f"Ask an administrator to run `{' '.join(command)}`."
        )
    say(f"installing the system packages {' '.join(packages)}")
    environment = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive"]
    run(
        [*environment, "apt-get", "update"],
        "refreshing the package lists failed: check this machine's network and apt sources",
    )
    run([*environment, *command], f"installing {' '.join(packages)} failed: run `{' '.join(command)}` to see why")


def make_venv() -> None:
    """Make ``.venv`` hold exactly what ``requirements.txt`` locks; nothing is done when it already does.

    :raises SetupError: on an unsuitable Python, or when a package cannot be installed.
    """
    if sys.version_info[:2] < OLDEST_PYTHON:
        raise SetupError(
            f"{sys.executable} is Python {sys.version.split()[0]}, 3.11 or newer is needed: "
            "name another with `make setup PYTHON=…`."
        )
    stamp = _stamp()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == stamp:
        return
    if VENV.is_symlink():
        raise SetupError(".venv is a link, and what it leads to would be emptied: remove the link.")
    say("making the virtual environment (about a minute, once)")
    STAMP.unlink(missing_ok=True)
    python = str(VENV / "bin" / "python")
    run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)],
        "the virtual environment could not be made in .venv: check free space",
    )
    # The lock is complete, so pip has nothing to resolve; each file is checked against its hash.
    run(
        [
            python,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--no-compile",
            "--requirement",
            str(LOCK),
        ],
        "a Python package could not be installed: check that this machine reaches its package index",
    )
    # Compiled here rather than by pip: the hundred thousand files of bundled collections would take most of the time.
    packages = sysconfig.get_path("purelib", vars={"base": str(VENV), "platbase": str(VENV)})
    run(
        [python, "-m", "compileall", "-q", "-j", "0", "-x", "ansible_collections", packages],
        "compiling the packages failed",
    )
    STAMP.write_text(stamp, encoding="utf-8")


def say(text: str) -> None:
    """Tell the person waiting what is going on."""
    print(f"setup: {text}", file=sys.stderr, flush=True)


def run(command: list[str], problem: str) -> None:
    """Run a command, its output to standard error.

    :raises SetupError: with ``problem`` and the command's last line, when it fails.
    """
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise SetupError(f"{problem}.")


def _root_prefix() -> list[str] | None:
    """Return what makes root run a command, or None when that is not possible without a password."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


def _stamp() -> str:
    """Return what the virtual environment depends on: the lock, the interpreter, its own folder (it cannot move)."""
    lock = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return f"{lock}\n{sys.version}\n{VENV}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
