# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use su: the members of one group, by pam_wheel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.accounts import members, read
from ..engine.errors import NotApplicable, Seen, SettingError
from ..engine.host import Host
from .base import Kind, fields

PATH = "/etc/pam.d/su"
_ADMINISTRATORS = {"debian": "sudo", "redhat": "wheel"}
_WHEEL = re.compile(r"^\s*auth\s+(required|requisite)\s+pam_wheel\.so(?P<options>(?:[ \t]+[^#\s]+)*)")
_WEAK = {"deny", "trust", "root_only"}
"""Options with which it refuses others than those outside the group, asks nobody, or asks only who becomes root."""
_AUTH = re.compile(r"^\s*-?(auth\s|@include\s+common-auth)")
_ROOT_OK = re.compile(r"^\s*auth\s+sufficient\s+pam_rootok\.so\b")


class SuGroup(Kind):
    """``su_group: {group: sudo}``; an empty name stands for the distribution's own group of administrators."""

    schema = fields(("group",), group={"type": "string", "pattern": r"^([a-z_][a-z0-9_\-]{0,31})?$"})
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"group": body["group"] or _ADMINISTRATORS.get(family, "wheel")}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        content = host.text(PATH)
        if content is None:
            return {"group": NotApplicable("su is not installed")}
        for line in content.split("\n"):
            found = _WHEEL.match(line)
            if found and not _WEAK & set(found["options"].split()):
                options = dict(word.partition("=")[::2] for word in found["options"].split())
                return {"group": options.get("group") or "wheel"}
            if _AUTH.match(line) and not _ROOT_OK.match(line):
                # what is asked for later can be answered before pam_wheel has its say
                return {"group": Seen(None, "everybody who knows a password may use su")}
        return {"group": Seen(None, "everybody who knows a password may use su")}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        group = wanted["group"]
        root_has_password = any(account.uid == 0 and account.has_password for account in read(host))
        if root_has_password and not members(host, [group]):
            raise SettingError(
                f"root has a password and nobody is in the group {group}, so nobody could use su any more: "
                "put its administrators into the group, or name theirs in essms_su_group"
            )
        lines = [line for line in text.split_lines(host.text(PATH) or "") if not _WHEEL.match(line)]
        after = [number + 1 for number, line in enumerate(lines) if _ROOT_OK.match(line)]
        place = after[0] if after else 0
        lines.insert(place, f"auth       required   pam_wheel.so use_uid group={group}\n")
        host.write(PATH, "".join(lines))
