# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quality of new passwords, as libpwquality itself has it in force, options of the PAM line included."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import pam, text
from ..engine.errors import Unknown
from ..engine.host import Host
from ..engine.rules import AT_LEAST, AT_MOST, EQUALS, INCLUDES, LIMIT, Rule
from .base import Kind, fields, integer

PATH = "/etc/security/pwquality.conf"
_WORDS = {
    "type": "array",
    "maxItems": 200,
    "items": {"type": "string", "pattern": r"^[0-9A-Za-zÀ-ÖØ-öø-ÿŒœŸ\-]{4,60}$"},
}
# numbers of libpwquality's public header pwquality.h
_NUMBERS = {
    "difok": 1,
    "minlen": 3,
    "dcredit": 4,
    "ucredit": 5,
    "lcredit": 6,
    "ocredit": 7,
    "minclass": 8,
    "maxrepeat": 9,
    "gecoscheck": 12,
    "maxsequence": 14,
    "dictcheck": 15,
    "usercheck": 16,
    "enforcing": 17,
    "enforce_for_root": 19,
}
_BADWORDS = 13
_CREDITS = ("dcredit", "ucredit", "lcredit", "ocredit")
_ONE = -1
"""As a credit: one character at least of this class."""
_FLAGS = ("enforce_for_root",)


class Pwquality(Kind):
    """``pwquality: {minlen: 12, minclass: 4, enforce_for_root: true, badwords: [words]}``.

    The observed minimum length is the effective one: positive credits shorten what minlen asks for. All four classes
    are also asked for one by one, which is the same and is where auditors look.
    """

    schema = fields(
        minlen=integer(6, 128),
        minclass=integer(0, 4),
        difok=integer(0, 128),
        maxrepeat=integer(0, 128),
        maxsequence=integer(0, 128),
        dictcheck=integer(0, 1),
        usercheck=integer(0, 1),
        gecoscheck=integer(0, 1),
        enforce_for_root={"type": "boolean"},
        badwords=_WORDS,
    )
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        wanted = {name: value for name, value in body.items() if value != []}
        return {**wanted, **dict.fromkeys(_CREDITS, _ONE)} if wanted.get("minclass") == len(_CREDITS) else wanted

    def rule(self, name: str) -> Rule:
        if name in _CREDITS:
            return AT_MOST
        if name in ("maxrepeat", "maxsequence"):
            return LIMIT
        return {"badwords": INCLUDES, "enforce_for_root": EQUALS}.get(name, AT_LEAST)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        values = effective(host)
        if isinstance(values, Unknown):
            return dict.fromkeys(names, values)
        return pam.everywhere(host, "password", {name: values.get(name) for name in names})

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        pam.refuse_own_stacks(host, "password")
        content = host.text(PATH) or text.HEADER
        for name, value in wanted.items():
            if name in _FLAGS:
                content = (
                    text.put(content, name, "", text.EQUALS_SIGN)
                    if value
                    else text.drop(content, name, text.EQUALS_SIGN)
                )
            elif name == "badwords":
                # those in force, wherever they are written: our line replaces every other one
                values = effective(host)
                in_force = [] if isinstance(values, Unknown) else values.get(name, [])
                known = [*(text.get(content, name, text.EQUALS_SIGN) or "").split()]
                known += [word for word in in_force if word not in known]
                words = [*known, *(word for word in value if word not in known)]
                content = text.put(content, name, " ".join(words), text.EQUALS_SIGN)
            else:
                content = text.put(content, name, str(value), text.EQUALS_SIGN)
        if "minlen" in wanted:
            for credit in _CREDITS:
                if (text.get(content, credit, text.EQUALS_SIGN) or "0").lstrip("+").isdigit():
                    content = text.drop(content, credit, text.EQUALS_SIGN)
        host.write(PATH, content)

    def explain(self, host: Host, name: str) -> str:
        if not pam.in_force(host, "pam_pwquality.so", "password"):
            return "pam_pwquality is not in the PAM stack: apply M08-01"
        return f"an option of pam_pwquality in /etc/pam.d overrides {PATH}: remove it there"


def effective(host: Host) -> dict[str, Any] | Unknown:
    """Return libpwquality's settings in force, or why they cannot be read; nothing is in force without the PAM line."""
    unreadable = pam.readable(host)
    if unreadable:
        return unreadable
    stack = pam.in_force(host, "pam_pwquality.so", "password")
    if not stack:
        return {}
    values = _library(host)
    if isinstance(values, Unknown):
        return values
    for line in stack:
        for word in line.options:
            name, _, value = word.partition("=")
            if name in _FLAGS:
                values[name] = True
            elif name in _NUMBERS and value.lstrip("-").isdigit():
                values[name] = int(value)
            elif name == "badwords":
                values[name] = value.split()
    if values["enforcing"] == 0:
        return {}
    values["minlen"] = max(6, values["minlen"] - sum(max(0, values[credit]) for credit in _CREDITS))
    return values


def _library(host: Host) -> dict[str, Any] | Unknown:
    try:
        library = ctypes.CDLL("libpwquality.so.1")
    except OSError:
        return Unknown("libpwquality is not installed although PAM asks for it")
    library.pwquality_default_settings.restype = ctypes.c_void_p
    settings = ctypes.c_void_p(library.pwquality_default_settings())
    problem = ctypes.c_void_p()
    path = None if host.root == "/" else host.path(PATH).encode()
    status = library.pwquality_read_config(settings, path, ctypes.byref(problem))
    if status != 0:
        library.pwquality_free_settings(settings)
        return Unknown(f"libpwquality refuses its configuration (error {status}): look at {PATH}")
    number, word = ctypes.c_int(), ctypes.c_char_p()
    values: dict[str, Any] = {}
    for name, code in _NUMBERS.items():
        library.pwquality_get_int_value(settings, code, ctypes.byref(number))
        values[name] = bool(number.value) if name in _FLAGS else number.value
    library.pwquality_get_str_value(settings, _BADWORDS, ctypes.byref(word))
    values["badwords"] = (word.value or b"").decode(errors="replace").split()
    library.pwquality_free_settings(settings)
    return values
