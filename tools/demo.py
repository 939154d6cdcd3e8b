# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration: two fresh hosts audited, hardened, audited again, compared, and given back as they were."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from .lab import hosts
from .lab.podman import LabError

ROOT = Path(__file__).resolve().parents[1]
LATEST = ROOT / "reports" / "lab" / "latest"
FRENCH = os.environ.get("ESSMS_LANG", "fr") != "en"


class DemoError(RuntimeError):
    """Which step failed and what to do, in one sentence."""


def main() -> int:
    """Play the demonstration; 1 with one sentence when a step fails."""
    started = time.monotonic()
    try:
        _title("Deux hôtes Debian neufs", "Two fresh Debian hosts")
        with hosts.lock():
            hosts.up(hosts.STANDING, fresh=True)
        before = _play("audit", "Audit : rien n'est modifié", "Audit: nothing is changed")
        _play("apply", "Mise en conformité", "Hardening")
        after = _play("audit", "Nouvel audit", "Audit again")
        _title("Avant → après", "Before → after")
        _compare(before, after)
        _play(
            "rollback",
            "Retour arrière : chaque fichier retrouve son contenu d'avant",
            "Rollback: every file gets its former content back",
        )
        last = _play("audit", "Dernier audit", "Last audit")
        _title("Avant la mise en conformité → après le retour arrière", "Before hardening → after rollback")
        _compare(before, last)
    except (DemoError, LabError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    seconds = time.monotonic() - started
    _title(
        f"Fini en {seconds:.0f} s. Les hôtes restent : `python3 -m tools.lab ssh deb12` ; `make lab-down` les retire.",
        f"Done in {seconds:.0f} s. The hosts stay: `python3 -m tools.lab ssh deb12`; `make lab-down` removes them.",
    )
    return 0


def _title(french: str, english: str) -> None:
    text = french if FRENCH else english
    print(f"\n\033[1m▶ {text}\033[0m\n" if sys.stdout.isatty() else f"\n▶ {text}\n", flush=True)


def _play(playbook: str, french: str, english: str) -> Path:
    """Run a playbook on the lab and return the folder of its report.

    :raises DemoError: when it fails or leaves no new report.
    """
    _title(french, english)
    previous = LATEST.resolve()
    command = ["ansible-playbook", "--inventory", "inventories/lab", f"playbooks/{playbook}.yml"]
    code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
    if code != 0:
        raise DemoError(f"the playbook {playbook} ended with code {code}: run `{' '.join(command)} -v` to see why.")
    if LATEST.resolve() == previous:
        raise DemoError(
            f"the playbook {playbook} wrote no report: check that ansible.cfg enables essms.hardening.results."
        )
    return LATEST.resolve()


def _compare(before: Path, after: Path) -> None:
    command = [sys.executable, "tools/summary.py", str(before), str(after)]
    if subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode != 0:
        raise DemoError(f"the reports {before.name} and {after.name} could not be compared.")


if __name__ == "__main__":
    sys.exit(main())
