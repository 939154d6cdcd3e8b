# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What apt knows: its sources in both formats, and the lists it fetched from them."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Container, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from .host import Host

LISTS = "/var/lib/apt/lists"
_MAIN = "/etc/apt/sources.list"
_PARTS = "/etc/apt/sources.list.d"
_HELPER = "/usr/lib/apt/apt-helper"
_ONE_LINE = re.compile(
    r"^(?P<type>deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>cdrom:\[[^\]]*\]\S*|\S+)\s+(?P<suite>\S+)"
)
_FIELD = re.compile(r"^([A-Za-z0-9-]+):[ \t]*(.*)$")
_QUOTED = re.compile(r"[\\|{}\[\]<>\"^~_=!@#$%&*]")
_NAME = "Package: "
_VERSION = re.compile(r"^Version: (\S+)$", re.MULTILINE)


class Source(NamedTuple):
    """One suite of one repository.

    :param place: file and line that ask for it.
    :param options: by name as deb822 writes it, in small letters: signed-by, trusted…
    """

    place: str
    uri: str
    suite: str
    options: Mapping[str, str]

    @property
    def name(self) -> str:
        """Host and suite, as patterns of allowed repositories see them; ``local`` for one without a host."""
        host = re.sub(r"^[^/]*@", "", self.uri.partition("://")[2]).partition("/")[0] or "local"
        return f"{host}/{self.suite.strip('/')}"

    @property
    def stem(self) -> str:
        """The beginning of the names of its lists."""
        uri = re.sub(r"^[A-Za-z0-9+.-]+:(//)?([^/@]*@)?", "", self.uri).rstrip("/") + "/"
        path = uri + (self.suite.lstrip("/") if self.suite.endswith("/") else f"dists/{self.suite}/")
        return _QUOTED.sub(lambda char: f"%{ord(char[0]):02x}", path).replace("/", "_")


class Release(NamedTuple):
    """The index of a suite as it was fetched.

    :param path: the signed file, or the unsigned one.
    :param signed: whether a signature came with it; apt has checked it then.
    """

    path: str
    fields: Mapping[str, str]
    signed: bool

    def age_days(self) -> float | None:
        """Return the days since it was made, None when it does not say."""
        try:
            return (time.time() - parsedate_to_datetime(self.fields["date"]).timestamp()) / 86400
        except (KeyError, TypeError, ValueError):
            return None


def sources(host: Host) -> list[Source]:
    """Return the active sources of the host, in apt's order.

    :raises OSError: when a file cannot be read.
    """
    found = list(_one_line(_MAIN, host.text(_MAIN) or ""))
    for path in sorted([*host.names(_PARTS, ".list"), *host.names(_PARTS, ".sources")]):
        read = _one_line if path.endswith(".list") else _deb822
        shown = f"{_PARTS}/{os.path.basename(path)}"
        found += read(shown, host.text(shown) or "")
    return found


def _one_line(path: str, text: str) -> Iterator[Source]:
    for number, line in enumerate(text.split("\n"), start=1):
        parsed = _ONE_LINE.match(line.strip())
        if parsed:
            words = [word.partition("=") for word in (parsed["options"] or "").split()]
            options = {name.rstrip("+-").lower(): value for name, _, value in words}
            yield Source(f"{path}:{number}", parsed["uri"], parsed["suite"], options)


def _deb822(path: str, text: str) -> Iterator[Source]:
    for start, fields in stanzas(text):
        if fields.get("enabled", "yes").lower() in ("no", "false", "off", "0", "disable", "without"):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(f"{path}:{start}", uri, suite, fields)


def stanzas(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line and the fields of each stanza, names in small letters, continued lines joined by a space."""
    fields: dict[str, str] = {}
    start, name = 0, ""
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield start, fields
            fields, name = {}, ""
        elif line[0] in " \t":
            if name:
                fields[name] = f"{fields[name]} {line.strip()}".strip()
        else:
            parsed = _FIELD.match(line)
            if parsed:
                start, name = start if fields else number, parsed[1].lower()
                fields[name] = parsed[2].strip()


def release(host: Host, source: Source) -> Release | None:
    """Return the index fetched from a source, None when nothing was."""
    for name, signed in (("InRelease", True), ("Release", False)):
        path = f"{LISTS}/{source.stem}{name}"
        text = host.text(path)
        if text is None:
            continue
        head = text.partition("\nSHA256:")[0].partition("\nMD5Sum:")[0]
        if signed:
            head = head.partition("\n\n")[2]
        fields = next((fields for _line, fields in stanzas(head)), {})
        return Release(path, fields, signed or host.exists(f"{path}.gpg"))
    return None


def signed_part(text: str) -> tuple[str, str]:
    """Return what an InRelease file signs, as a verifier of detached signatures wants it, and the signature."""
    head, _, signature = text.partition("\n-----BEGIN PGP SIGNATURE-----")
    lines = head.partition("\n\n")[2].split("\n")
    return "\n".join(line[2:] if line.startswith("- ") else line.rstrip(" \t\r") for line in lines), (
        f"-----BEGIN PGP SIGNATURE-----{signature}"
    )


def available(host: Host, source: Source, names: Container[str]) -> list[tuple[str, str]]:
    """Return name and version of every package of these names that a suite offers, by its lists.

    :raises OSError: when a list cannot be read.
    """
    found: list[tuple[str, str]] = []
    folder = host.path(LISTS)
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if file.startswith(source.stem) and "_Packages" in file:
            for stanza in _list(host, f"{LISTS}/{file}").split("\n\n"):
                name = stanza[len(_NAME) : stanza.find("\n")] if stanza.startswith(_NAME) else ""
                version = _VERSION.search(stanza) if name in names else None
                if version:
                    found.append((name, version[1]))
    return found


def _list(host: Host, path: str) -> str:
    if not path.endswith("_Packages"):
        # apt may keep its lists packed, in a format of its choice
        return host.run(_HELPER, "cat-file", path).out
    with open(host.path(path), "rb") as stream:
        # megabytes of which only plain words are read: the fastest decoding will do
        return stream.read().decode("latin-1")
