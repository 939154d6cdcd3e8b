# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to close what a control found: the command, or what is left to a person."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import NO_FOLDER
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say, safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.outcomes import Outcome, Row
from markupsafe import Markup

_HOSTS_NAMED = 8
"""Up to as many hosts are named in a command; it then stays short enough to be typed."""

MAKEFILE = Path(__file__).parents[3] / "Makefile"
"""Of a checkout, at the root of the collection."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do.

    :ivar command: empty when no apply would help.
    :ivar audit: the command that looks where no run has looked yet; empty when all were.
    :ivar steps: sentences for a person.
    """

    command: Markup
    audit: Markup
    steps: tuple[Markup, ...]

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.command or self.audit or self.steps)


def fix(control: str, outcomes: Sequence[Outcome], folder: str, say: Say) -> Fix:
    """Return how to close what these outcomes of a control leave open in the establishment of this folder."""
    hosts: list[str] = []
    never: list[str] = []
    steps: dict[Markup, None] = {}
    for outcome in outcomes:
        if outcome.verdict == verdicts.NON_COMPLIANT:
            failed = [row for row in outcome.rows if row.state == "fail"]
            if any(not _by_hand(row) for row in failed):
                hosts += outcome.names
            for row in failed:
                if _by_hand(row):
                    steps[say("fix_hand", _step(row, say))] = None
        elif not outcome.looked:
            never += outcome.names
        elif outcome.verdict == verdicts.NOT_VERIFIED:
            steps[_verify(outcome, say)] = None
    return Fix(
        command=_command("apply", control, hosts, folder) if hosts else Markup(""),
        audit=_command("audit", control, never, folder) if never or not outcomes else Markup(""),
        steps=tuple(steps),
    )


def _by_hand(row: Row) -> bool:
    """Return whether no apply would help: the kind only looks, or somebody has to fill in a variable first."""
    return row.kind not in KINDS or KINDS[row.kind].check_only or "essms_" in row.note


def _step(row: Row, say: Say) -> Markup:
    return say("colon", row.name, row.note or row.expected)


def _verify(outcome: Outcome, say: Say) -> Markup:
    if outcome.problem:
        advice = say.words.advice(outcome.problem)
        if advice.problem == say.words("other"):
            return say("fix_verify", outcome.reason)
        return say("problem", say.own(_sentence(advice.problem)), say.own(_sentence(advice.action)))
    unread = next((row for row in outcome.rows if row.state == "unknown"), None)
    if unread is None:
        return say("fix_verify", outcome.reason)
    return say("fix_verify", say("colon", unread.name, unread.note or outcome.reason or unread.expected))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _command(playbook: str, control: str, hosts: Sequence[str], folder: str) -> Markup:
    """Return how to run a playbook over one control on some hosts; without a host, on all."""
    choice = f"--tags {control}"
    if 0 < len(hosts) <= _HOSTS_NAMED and all(map(_PLAIN.fullmatch, hosts)):
        choice += f" --limit {','.join(hosts)}"
    # an installed collection brings no Makefile; make also hands a name to a shell as it stands
    if folder == NO_FOLDER:
        return safe(f"ansible-playbook -i … essms.hardening.{playbook} {choice}")
    if MAKEFILE.is_file() and _PLAIN.fullmatch(folder):
        return safe(f'make {playbook} ETAB={folder} ARGS="{choice}"')
    inventories = shlex.join(["-i", "inventories/_common", "-i", f"inventories/{folder}"])
    return safe(f"ansible-playbook {inventories} essms.hardening.{playbook} {choice}")
