# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Defaults of the shadow suite for new accounts and new passwords (/etc/login.defs)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import text
from ..engine.host import Host
from ..engine.rules import AT_LEAST, AT_MOST, ranked
from .base import Kind, fields, integer

PATH = "/etc/login.defs"
NEVER = 99999
"""Days that the shadow suite reads as "no limit"."""
HASHES = ("des", "md5", "sha256", "sha512", "yescrypt")
"""Password hashes from weakest to strongest, as login.defs and pam_unix name them."""


class LoginDefs(Kind):
    """``login_defs: {PASS_MAX_DAYS: 365, PASS_WARN_AGE: 7, ENCRYPT_METHOD: yescrypt}``; zero days: no limit."""

    schema = fields(
        PASS_MAX_DAYS=integer(0, NEVER),
        PASS_MIN_DAYS=integer(0, NEVER),
        PASS_WARN_AGE=integer(0, NEVER),
        ENCRYPT_METHOD={"enum": ["yescrypt", "sha512"]},
        SHA_CRYPT_MIN_ROUNDS=integer(5000, 1000000),
    )
    rules = {
        "PASS_MAX_DAYS": AT_MOST,
        "PASS_MIN_DAYS": AT_LEAST,
        "PASS_WARN_AGE": AT_LEAST,
        "SHA_CRYPT_MIN_ROUNDS": AT_LEAST,
        "ENCRYPT_METHOD": ranked([name.upper() for name in HASHES]),
    }
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        wanted = dict(body)
        if wanted.get("PASS_MAX_DAYS") == 0:
            wanted["PASS_MAX_DAYS"] = NEVER
        if "ENCRYPT_METHOD" in wanted:
            wanted["ENCRYPT_METHOD"] = wanted["ENCRYPT_METHOD"].upper()
        return wanted

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {name: read(host, name) for name in self.names(host, bodies)}

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        content = host.text(PATH) or ""
        for key, value in wanted.items():
            content = text.put(content, key, str(value), text.BLANKS)
        host.write(PATH, content)


def read(host: Host, key: str) -> int | str | None:
    """Return a value of login.defs, as a number where it is one; a negative number of days means no limit."""
    value = text.get(host.text(PATH) or "", key, text.BLANKS)
    if value is None:
        return None
    try:
        number = int(value)
    except ValueError:
        return value
    return NEVER if number < 0 else number
