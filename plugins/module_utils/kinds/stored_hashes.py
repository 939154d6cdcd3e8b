# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strength of the password hashes that are already stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import accounts
from ..engine.errors import NotApplicable, Seen, Unknown
from ..engine.host import Host
from ..engine.rules import Rule, ranked
from .base import Kind, fields

ORDER = ("des", "md5", "sha256", "sha512", "scrypt", "yescrypt")
_STRENGTH = ranked(ORDER)
_PEERS = {"bcrypt": "sha512"}
"""Methods that resist guessing as well as another one does."""
_PREFIXES = {"1": "md5", "2a": "bcrypt", "2b": "bcrypt", "2y": "bcrypt", "5": "sha256", "6": "sha512", "7": "scrypt"}
_PREFIXES.update({"y": "yescrypt", "gy": "yescrypt"})


class StoredHashes(Kind):
    """``stored_hashes: {minimum: sha512}``; only the owner can renew a weak one, by changing the password."""

    schema = fields(minimum={"enum": ["sha512", "yescrypt"]})
    rules = {
        "minimum": Rule(_STRENGTH.label, lambda expected, seen: _STRENGTH.test(expected, _PEERS.get(seen, seen))),
    }
    check_only = True

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        try:
            stored = [account for account in accounts.read(host) if account.has_password]
        except PermissionError:
            return {"minimum": Unknown("reading /etc/shadow needs root")}
        if not stored:
            return {"minimum": NotApplicable("no account has a password on this host")}
        methods = [_method(account.hash) for account in stored]
        weakest = min(methods, key=lambda method: ORDER.index(_PEERS.get(method, method)))
        expected = bodies[0]["minimum"]
        weak = [account for account, method in zip(stored, methods) if not self.rules["minimum"].test(expected, method)]
        note = f"to be changed by their owners: {accounts.uids(weak)}"
        return {"minimum": Seen(weakest, note) if weak else weakest}


def _method(secret: str) -> str:
    parts = secret.split("$")
    return _PREFIXES.get(parts[1], "des") if len(parts) > 2 else "des"
