# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to close what a control found: the command, or what is left to a person."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.essms.hardening.plugins.module_utils.kinds import KINDS
from ansible_collections.essms.hardening.plugins.plugin_utils import verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say, safe
from ansible_collections.essms.hardening.plugins.plugin_utils.report.outcomes import Outcome, Row
from markupsafe import Markup

_HOSTS_NAMED = 8
"""Up to as many hosts are named in a command; it then stays short enough to be typed."""

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,60}")


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do. ``command`` is empty when no apply would help, ``steps`` are sentences for a person."""

    command: Markup
    steps: tuple[Markup, ...]

    @property
    def needed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.command or self.steps)


def fix(control: str, outcomes: Sequence[Outcome], folder: str, say: Say) -> Fix:
    """Return how to close what these outcomes of a control leave open in the establishment of this folder."""
    hosts: list[str] = []
    steps: dict[Markup, None] = {}
    for outcome in outcomes:
        if outcome.verdict == verdicts.NON_COMPLIANT:
            failed = [row for row in outcome.rows if row.state == "fail"]
            if any(not _by_hand(row) for row in failed):
                hosts += outcome.names
            for row in failed:
                if _by_hand(row):
                    steps[say("fix_hand", _step(row, say))] = None
        elif outcome.verdict == verdicts.NOT_VERIFIED:
            steps[_verify(outcome, say)] = None
    return Fix(_command(control, hosts, folder), tuple(steps))


def _by_hand(row: Row) -> bool:
    return row.kind not in KINDS or KINDS[row.kind].check_only


def _step(row: Row, say: Say) -> Markup:
    return say("colon", row.name, row.note or row.expected)


def _verify(outcome: Outcome, say: Say) -> Markup:
    if outcome.problem:
        advice = say.words.advice(outcome.problem)
        return say("problem", say.own(_sentence(advice.problem)), say.own(_sentence(advice.action)))
    unread = next((row for row in outcome.rows if row.state == "unknown"), None)
    if unread is None:
        return say("fix_verify", outcome.reason)
    return say("fix_verify", say("colon", unread.name, unread.note or outcome.reason or unread.expected))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _command(control: str, hosts: Sequence[str], folder: str) -> Markup:
    if not hosts:
        return Markup("")
    choice = f"--tags {control}"
    if len(hosts) <= _HOSTS_NAMED and all(map(_PLAIN.fullmatch, hosts)):
        choice += f" --limit {','.join(hosts)}"
    if _PLAIN.fullmatch(folder):
        return safe(f'make apply ETAB={folder} ARGS="{choice}"')
    # make hands a name to a shell as it stands
    inventories = ["-i", "inventories/_common", "-i", f"inventories/{folder}"]
    return safe(shlex.join(["ansible-playbook", *inventories, "playbooks/apply.yml", *choice.split()]))
