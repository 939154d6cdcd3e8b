# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strength that the length in force guarantees for a random password, judged together with the lockout.

The CNIL (deliberation 2022-100) asks for 80 bits from a password alone and for 50 where the number of tries is limited.
It counts log2(99) bits for a random character: twelve characters give 79.6, which it rounds, hence 79.5; ten give 66.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST
from . import faillock
from .base import Kind, fields
from .pwquality import effective

_BITS = {"type": "number", "minimum": 1, "maximum": 512}
_ALPHABET = 99
"""Characters to choose from in the CNIL's count."""
_TRIES = 20
"""A lockout after more failures does not limit the tries enough to allow shorter passwords."""


class PasswordEntropy(Kind):
    """``password_entropy: {bits: 79.5, bits_with_lockout: 50}``; other controls set the length and the lockout."""

    schema = fields(("bits", "bits_with_lockout"), bits=_BITS, bits_with_lockout=_BITS)
    rules = {"bits": AT_LEAST}
    check_only = True
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"bits": body["bits"]}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return pam.everywhere(host, "password", self._observe(host, bodies))

    def _observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        values = effective(host)
        if isinstance(values, Unknown):
            return {"bits": values}
        if not values:
            return {"bits": None}
        body = bodies[0]
        bits = round(values["minlen"] * math.log2(_ALPHABET), 1)
        if bits >= body["bits"]:
            return {"bits": bits}
        tries = faillock.in_force(host, "deny")
        if isinstance(tries, Unknown):
            return {"bits": tries}
        if not isinstance(tries, int) or not 0 < tries <= _TRIES or pam.own_stacks(host, "auth"):
            note = "accounts do not lock after failed tries: apply M08-06, or ask for longer passwords"
            return {"bits": Seen(bits, note)}
        enough = bits >= body["bits_with_lockout"]
        note = "enough, because accounts lock after failed tries" if enough else "too weak even with the lockout"
        return {"bits": Seen(bits, note, enough)}
