# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who can start sudo at all: the members of one group, also after an update of its package."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import acl, sudo_holders, text
from ..engine.accounts import group_id, uids
from ..engine.errors import NotApplicable, Seen, SettingError, Unknown
from ..engine.host import Host
from ..engine.rules import Rule
from ..engine.undo import Rights
from .base import Kind, fields
from .file_rights import FIRST_OF_PEOPLE, RIGHTS_AT_MOST, names_of
from .sudoers import SUDO

OVERRIDES = "/var/lib/dpkg/statoverride"
"""What dpkg gives a file of a package instead of the package's own rights, one line each."""
_STATOVERRIDE = "/usr/bin/dpkg-statoverride"
_MODE = 0o4110


class SudoProgram(Kind):
    """``sudo_program: {group: sudogrp}``; without a name the program stays as it is.

    Refused as long as an account that a rule allows today would lose sudo. Root, its owner, needs no membership.
    """

    schema = fields(("group",), group={"type": "string", "pattern": r"^([a-z_][a-z0-9_\-]{0,31})?$"})

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        rights = f"{_MODE:04o} root:{body['group']}"
        return {"rights": rights, "rights after an update": rights} if body["group"] else {}

    def rule(self, name: str) -> Rule:
        return RIGHTS_AT_MOST

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        group = next((body["group"] for body in bodies if body["group"]), "")
        if not group:
            return {}
        reason = _no_object(host)
        if reason:
            return dict.fromkeys(self.names(host, bodies), NotApplicable(reason))
        return {
            "rights": _rights(host, group),
            "rights after an update": _override(host, group),
        }

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        group = body["group"]
        gid = group_id(host, group)
        if gid is None:
            raise SettingError(
                f"the group {group} of essms_sudo_group does not exist on this host: create it "
                f"(groupadd --system {group}), put everybody into it who has a rule of sudo, and apply again"
            )
        _refuse_to_cut_off(host, group, gid)
        if "rights" in wanted:
            if acl.shares(host.path(SUDO)):
                raise SettingError(f"{SUDO} has an access list: `setfacl -b {SUDO}` takes it away")
            host.set_rights(SUDO, {"mode": _MODE, "uid": 0, "gid": gid})
        if "rights after an update" in wanted:
            # as a file, not by dpkg-statoverride: a file is put back by the guard at boot too, and to the last bit
            kept = [
                line
                for line in text.split_lines(host.text(OVERRIDES) or "")
                if line.split(None, 3)[3:] != [f"{SUDO}\n"]
            ]
            host.write(OVERRIDES, "".join([*kept, f"root {group} {_MODE:o} {SUDO}\n"]))

    def validate(self, host: Host) -> str:
        done = host.run(_STATOVERRIDE, "--list")
        return "" if done.rc in (0, 1) else (done.err or done.out).strip()[:300]

    def explain(self, host: Host, name: str) -> str:
        return f"something gives {SUDO} other rights at once: look at what writes it, and at `dpkg-statoverride --list`"


def _no_object(host: Host) -> str:
    """Return why there is nothing to set here; empty when there is."""
    program = os.path.join(host.root, SUDO.lstrip("/"))
    if not os.path.lexists(program):
        return "sudo is not installed"
    if os.path.islink(program):
        return "sudo is a link to a program that the alternatives choose: its rights are not those of one program"
    if host.family != "debian":
        return "rpm gives a program its own rights back at each update of its package"
    return ""


def _rights(host: Host, group: str) -> Any:
    rights = host.rights(SUDO)
    seen = _told(host, rights, group) if rights else None
    if acl.shares(host.path(SUDO)):
        return Seen(seen, f"an access list gives more accounts or groups rights: {SUDO}", satisfied=False)
    return seen


def _told(host: Host, rights: Rights, group: str) -> str:
    """Return rights as text; the group that is asked for by its name, others of people by number."""
    mode, owner, other = names_of(rights)
    return f"{mode:04o} {owner}:{group if rights['gid'] == group_id(host, group) else other}"


def _override(host: Host, group: str) -> Any:
    """Return the rights that dpkg will give the program at its next update; None when they are the package's."""
    done = host.run(_STATOVERRIDE, "--list", SUDO)
    if done.rc not in (0, 1):
        return Unknown("dpkg cannot read its own list of rights: `dpkg-statoverride --list` says why")
    words = done.out.split()
    if len(words) < 4:
        return None
    owner, other, mode = words[:3]
    shown = other if other == group or (group_id(host, other) or 0) < FIRST_OF_PEOPLE else str(group_id(host, other))
    return f"{int(mode, 8):04o} {owner if owner == 'root' else 'another'}:{shown}"


def _refuse_to_cut_off(host: Host, group: str, gid: int) -> None:
    """Refuse as long as somebody who may use sudo today would lose it.

    :raises SettingError: with who it is and what to do.
    """
    holders = sudo_holders.find(host, group)
    if holders.uncounted:
        raise SettingError(
            f"nobody can count whom {holders.uncounted} allows to use sudo (everybody, a netgroup, a directory), so "
            "some could lose it: name local accounts or groups there, or leave essms_sudo_group empty on this host"
        )
    if holders.outside:
        raise SettingError(
            f"a rule allows {uids(holders.outside)} to use sudo, which only members of {group} could start any more: "
            f"put each of them into it (usermod -aG {group} NAME) or take its rule away, and apply again"
        )
    services, people = sudo_holders.running_without(host, holders.inside, gid)
    if services:
        raise SettingError(
            f"services of {uids(services)} run since before the account joined {group} and could no longer start sudo: "
            "restart them, and apply again"
        )
    note = f"sessions opened before their account joined {group} can no longer start sudo, log in again: {uids(people)}"
    if people and note not in host.notes:
        host.notes.append(note)
