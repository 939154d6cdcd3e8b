# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Strength that the rules in force guarantee for a random password, counted together with the lockout.

The CNIL (deliberation 2022-100) asks for 80 bits from a password alone and for 50 where the number of tries is limited;
twelve random characters out of 99 give 79.6, which it rounds, hence 79.5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST
from . import faillock
from .base import Kind, fields
from .pwquality import effective

_BITS = {"type": "number", "minimum": 1, "maximum": 512}
_ALPHABET = {4: 99, 3: 62, 2: 36}
"""Characters to choose from by number of required classes; 99 is the CNIL's full alphabet."""
_ONE_CLASS = 26


class PasswordEntropy(Kind):
    """``password_entropy: {bits: 79.5, bits_with_lockout: 50}``; other controls set length, classes and lockout."""

    schema = fields(("bits", "bits_with_lockout"), bits=_BITS, bits_with_lockout=_BITS)
    rules = {"bits": AT_LEAST}
    check_only = True

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return {"bits": body["bits"]}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        values = effective(host)
        if isinstance(values, Unknown):
            return {"bits": values}
        if not values:
            return {"bits": None}
        bits = round(values["minlen"] * math.log2(_ALPHABET.get(values["minclass"], _ONE_CLASS)), 1)
        body = bodies[0]
        locks = bool(faillock.in_force(host, "deny"))
        if bits < body["bits"] and locks and bits >= body["bits_with_lockout"]:
            # enough together with the lockout: the demand on the password alone counts as met
            return {"bits": Seen(body["bits"], f"{bits} bits, enough because accounts lock after failed tries")}
        if bits < body["bits"] and not locks:
            return {
                "bits": Seen(bits, "accounts do not lock after failed tries: apply M08-06, or ask for longer passwords")
            }
        return {"bits": bits}
