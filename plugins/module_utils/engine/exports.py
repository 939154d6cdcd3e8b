# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares as the files of Samba and NFS declare them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_YES = {"yes", "true", "1", "on"}
_SYNONYMS = {"public": "guestok", "onlyguest": "guestonly", "writable": "!readonly", "writeable": "!readonly"}
_SYNONYMS.update({"group": "forcegroup", "writeok": "!readonly", "directory": "path", "printok": "printable"})


class Share(NamedTuple):
    """A share of Samba: open to guests, writable, whether only some accounts may write or enter, or all as one."""

    name: str
    path: str
    guests: bool
    writable: bool
    restricted: bool
    forced: bool


class Export(NamedTuple):
    """A folder that NFS gives away: to every machine, and whether the root of another stays root."""

    path: str
    everybody: bool
    root: bool


def samba(text: str) -> list[Share]:
    """Return the shares of a smb.conf, or of what testparm prints; printers are left out."""
    sections = _sections(text)
    common = sections.pop("global", {})
    found = []
    for name, own in sections.items():
        told = {**common, **own}

        def yes(key: str, told: dict[str, str] = told) -> bool:
            return told.get(key, "").lower() in _YES

        if yes("printable") or name in ("printers", "print$"):
            continue
        writable = told.get("readonly", "yes").lower() not in _YES
        # homes are each person's own, unless guests are let in
        restricted = bool(own.get("validusers") or own.get("writelist") or name == "homes")
        guests = yes("guestok") or yes("guestonly")
        forced = bool(told.get("forceuser") or told.get("forcegroup"))
        found.append(Share(name, told.get("path", ""), guests, writable, restricted, forced))
    return found


def _sections(text: str) -> dict[str, dict[str, str]]:
    """Return keys and values by section; Samba heeds neither case nor blanks of either."""
    sections: dict[str, dict[str, str]] = {}
    current = sections.setdefault("global", {})
    for line in text.replace("\\\n", "").splitlines():
        bare = line.strip()
        if not bare or bare[0] in "#;":
            continue
        if bare.startswith("["):
            current = sections.setdefault(bare.strip("[]").strip().lower(), {})
            continue
        key, _, value = bare.partition("=")
        name = re.sub(r"\s+", "", key).lower()
        name = _SYNONYMS.get(name, name)
        if name.startswith("!"):
            name, value = name[1:], "no" if value.strip().lower() in _YES else "yes"
        current[name] = value.strip()
    return sections


def nfs(text: str) -> Iterator[Export]:
    """Yield the exports of an /etc/exports, or of the table of the running server."""
    for line in text.replace("\\\n", " ").splitlines():
        bare = re.sub(r"#.*", "", line).strip()
        found = re.match(r'"([^"]+)"|(\S+)', bare)
        if not found:
            continue
        path = _plain(found[1] or found[2])
        words = bare[found.end() :].split()
        common = next((word[1:] for word in words if word.startswith("-")), "")
        clients = [word for word in words if not word.startswith("-")] or ["*"]
        for client in clients:
            name, _, options = client.partition("(")
            given = {*common.split(","), *options.rstrip(")").split(",")}
            everybody = name in ("", "*") or re.fullmatch(r"(0\.0\.0\.0|::)/0(\.0\.0\.0)?", name) is not None
            flavours = [flavour for word in given if word.startswith("sec=") for flavour in word[4:].split(":")]
            # the client chooses among them
            asks = bool(flavours) and all(flavour.startswith("krb5") for flavour in flavours)
            yield Export(path, everybody and not asks, "no_root_squash" in given)


def _plain(path: str) -> str:
    """Return a path without the octal escapes of exports."""
    return re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), path)
