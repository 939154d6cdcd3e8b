# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scanners: Debian's own packages, downloaded by hosts of the lab and unpacked into a folder of the checkout.

Nothing of them is installed anywhere. Lynis and the SSG data stream come from trixie, where they are the versions the
peers were measured with; OpenSCAP, a program with libraries, has to come from the release that will run it.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ..lab import hosts
from ..lab.podman import run

FOLDER = hosts.ROOT / ".cache" / "score" / "scanners"
VERSIONS = {"lynis": "3.1.4", "ssg-debian": "0.1.76", "openscap-scanner": "1.3.7"}
"""Package: the version whose figures and reasons are published."""
_DOWNLOADS = {
    "bookworm": "apt-get install --yes --no-install-recommends --download-only"
    " -o Dir::Cache::archives=/run/debs openscap-scanner",
    "trixie": "cd /run/debs && apt-get download lynis ssg-debian",
}
_NEEDLESS = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/lintian", "usr/share/scap-security-guide")


class ScannerError(RuntimeError):
    """What is wrong with the scanners, and what to do, in one sentence."""


def ready() -> Path:
    """Return the folder of the unpacked scanners; the first call downloads them.

    :raises ScannerError: when a package has not the version that the reasons were written for.
    """
    if not FOLDER.is_dir():
        kept = FOLDER.with_name("packages")
        kept.mkdir(parents=True, exist_ok=True)
        _download(kept)
        _check(kept)
        _unpack(kept)
    return FOLDER


def _download(folder: Path) -> None:
    """Let a host of each release fetch packages with its own apt, and take them out of it."""
    fetching = {suite: hosts.Host(f"fetch-{suite}", suite) for suite in _DOWNLOADS}
    try:
        with hosts.lock():
            hosts.up(fetching.values(), fresh=True)
        for suite, command in _DOWNLOADS.items():
            inside = f"mkdir -p /run/debs/partial && apt-get --quiet update && {command}"
            name = fetching[suite].container
            run(["podman", "exec", "--interactive", name, "sh", "-c", inside], timeout=300)
            run(["podman", "cp", f"{name}:/run/debs/.", str(folder)])
    finally:
        with hosts.lock():
            hosts.remove(fetching.values())


def _check(folder: Path) -> None:
    for package, version in VERSIONS.items():
        found = [path.name for path in folder.glob(f"{package}_*.deb")]
        if not any(name.startswith(f"{package}_{version}") for name in found):
            raise ScannerError(
                f"the release brings {found or 'no package'} where {package} {version} was expected: look at the rules "
                "that are new, then change VERSIONS in tools/score/scanners.py and the reasons beside it."
            )


def _unpack(packages: Path) -> None:
    """Unpack beside the final place and rename, so that an interrupted run leaves no half of it."""
    half = FOLDER.with_name("half")
    shutil.rmtree(half, ignore_errors=True)
    for package in sorted(packages.glob("*.deb")):
        subprocess.run(["dpkg-deb", "--extract", str(package), str(half)], check=True)
    for needless in _NEEDLESS:
        shutil.rmtree(half / needless, ignore_errors=True)
    for other in (half / "usr/share/xml/scap/ssg/content").glob("ssg-debian11-*"):
        other.unlink()
    half.rename(FOLDER)
