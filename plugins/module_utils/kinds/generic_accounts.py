# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that several people share: their names tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ..engine import accounts
from ..engine.errors import Seen
from ..engine.host import Host
from ..engine.rules import AT_MOST
from .base import Kind, fields


class GenericAccounts(Kind):
    """``generic_accounts: {patterns: [poste, soins, infirm*]}``.

    A pattern means the name itself, and the name with a number or a further word: poste, poste3, poste-2, poste.nuit.
    """

    schema = fields(
        ("patterns",),
        patterns={"type": "array", "items": {"type": "string", "pattern": r"^[a-z0-9*_\-]{2,40}$"}, "maxItems": 100},
    )
    rules = {"accounts": AT_MOST}
    check_only = True

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"accounts": 0}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        patterns = bodies[0]["patterns"]
        found = [each for each in accounts.humans(host) if not each.closed and is_generic(each.name, patterns)]
        note = f"named after a post, not a person: {accounts.uids(found)}"
        return {"accounts": Seen(len(found), note) if found else 0}


def is_generic(name: str, patterns: Sequence[str]) -> bool:
    """Say whether a login name is that of a post: whole, without its number, or its first word."""
    lower = name.lower()
    forms = {lower, re.sub(r"[-_.]?\d+$", "", lower), re.split(r"[-_.]", lower)[0]}
    return any(fnmatchcase(form, pattern) for form in forms for pattern in patterns)
