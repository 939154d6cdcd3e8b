# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where packages come from: whether somebody known signs them, and whether they fit this release.

The distribution's own archive is recognised by its keys, so any mirror of it is.
"""

from __future__ import annotations

import configparser
import fnmatch
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, BinaryIO

from ..engine import apt, text
from ..engine.errors import Seen, Unknown
from ..engine.host import Host
from .base import Kind, fields

_KEYRINGS = {"debian": "debian-archive-keyring", "ubuntu": "ubuntu-archive-keyring"}
_FOLDER = "/usr/share/keyrings"
_SHIPPED = "/var/lib/dpkg/info"
_ON = ("yes", "true", "on", "1", "enable", "with")
_INSECURE = ("trusted", "allow-insecure", "allow-weak", "allow-downgrade-to-insecure")
_PATTERNS = {"type": "array", "items": {"type": "string", "pattern": r"^[A-Za-z0-9.*?_/:\[\]\-]{1,200}$"}}
_UNKNOWN, _UNSIGNED, _OUTDATED, _INSECURE_WAY = "unknown", "unsigned", "of another release", "not encrypted"


class Repositories(Kind):
    """``repositories: {allowed: ["depot.example.org/*"], encrypted: false}``: how many sources are not as they should.

    ``allowed`` are patterns of host and suite; the distribution's own archive needs none.
    """

    schema = fields(("allowed",), allowed=_PATTERNS, encrypted={"type": "boolean"})
    check_only = True
    needs_root = False

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        names = [_UNKNOWN, _UNSIGNED]
        names += [_OUTDATED] if family == "debian" else []
        return dict.fromkeys([*names, *([_INSECURE_WAY] if body.get("encrypted") else [])], 0)

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        allowed = [pattern for body in bodies for pattern in body["allowed"]]
        found: dict[str, list[str]] = {name: [] for name in (_UNKNOWN, _UNSIGNED, _OUTDATED, _INSECURE_WAY)}
        try:
            with ExitStack() as stack:
                for name, place in _dnf(host, allowed) if host.family == "redhat" else _apt(host, allowed, stack):
                    found[name].append(place)
        except configparser.Error as error:
            return dict.fromkeys(found, Unknown(f"a repository file cannot be read: {str(error)[:150]}"))
        return {
            name: Seen(len(places), f"see {', '.join(places[:6])}") if places else 0 for name, places in found.items()
        }


def _apt(host: Host, allowed: Sequence[str], stack: ExitStack) -> Iterator[tuple[str, str]]:
    """Yield what is wrong and where."""
    content = host.text("/etc/os-release") or ""
    codename = text.get(content, "VERSION_CODENAME", text.BARE_EQUALS)
    for source in apt.sources(host):
        release = apt.release(host, source)
        own = release is not None and _is_own(host, source, release, stack)
        if not own and not any(fnmatch.fnmatchcase(source.name, pattern) for pattern in allowed):
            yield _UNKNOWN, source.place
        weakened = any(source.options.get(option, "no").lower() in _ON for option in _INSECURE)
        if weakened or (release is not None and not release.signed):
            yield _UNSIGNED, source.place
        if own and release is not None and codename and not _fits(release, codename):
            yield _OUTDATED, source.place
        if not source.uri.startswith(("https:", "tor+https:", "mirror+https:", "file:", "cdrom:", "copy:")):
            yield _INSECURE_WAY, source.place


def _is_own(host: Host, source: apt.Source, release: apt.Release, stack: ExitStack) -> bool:
    """Say whether the distribution's archive keys signed what was fetched."""
    stem = _KEYRINGS.get(host.release()["id"])
    keyring = next((f"{_FOLDER}/{stem}{end}" for end in (".gpg", ".pgp") if host.exists(f"{_FOLDER}/{stem}{end}")), "")
    if not stem or not keyring or not release.signed:
        return False
    signers = source.options.get("signed-by", "").replace(",", " ").split()
    weakened = any(source.options.get(option, "no").lower() in _ON for option in _INSECURE)
    # a name proves nothing, anybody may choose it: what counts is that the distribution's package brought the file
    shipped = (host.text(f"{_SHIPPED}/{stem}.list") or "").split("\n") if signers else []
    if signers and not weakened and all(signer in shipped for signer in signers):
        # apt has checked it against nothing else
        return True
    return _verified(host, keyring, release.path, stack)


def _verified(host: Host, keyring: str, path: str, stack: ExitStack) -> bool:
    real = host.path(path)
    detached = path.endswith("_Release")
    if host.exists("/usr/bin/gpgv"):
        files = [f"{real}.gpg", real] if detached else [real]
        # a further signature by an unknown key makes gpgv fail although one of ours is good
        done = host.run("/usr/bin/gpgv", "--status-fd", "1", "--keyring", keyring, *files)
        return "[GNUPG:] VALIDSIG " in done.out and "[GNUPG:] BADSIG " not in done.out
    if detached:
        return host.run("/usr/bin/sqv", "--keyring", keyring, "--signature-file", f"{real}.gpg", real).rc == 0
    # sqv would want to write what it verified, and an audit writes nothing: both parts are files in memory. They stay
    # open as long as others are verified, so that each has a name of its own
    data, mark = apt.signed_part(host.text(path) or "")
    kept = [stack.enter_context(_in_memory(content)) for content in (mark, data)]
    places = [f"/proc/{os.getpid()}/fd/{stream.fileno()}" for stream in kept]
    return host.run("/usr/bin/sqv", "--keyring", keyring, "--signature-file", *places).rc == 0


def _in_memory(content: str) -> BinaryIO:
    stream = os.fdopen(os.memfd_create("essms"), "w+b")
    stream.write(content.encode(errors="surrogateescape"))
    stream.flush()
    return stream


def _fits(release: apt.Release, codename: str) -> bool:
    """Say whether a suite is of this release of the distribution."""
    suite = release.fields.get("codename", "").partition("/")[0]
    return suite == codename or suite.startswith(f"{codename}-")


def _dnf(host: Host, allowed: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the same for the repositories of dnf: those of the distribution's own packages are known."""
    main = configparser.ConfigParser(interpolation=None, strict=False)
    main.read_string(host.text("/etc/dnf/dnf.conf") or "[main]\n")
    signed = main.get("main", "gpgcheck", fallback="0")
    for path in host.names("/etc/yum.repos.d", ".repo"):
        shown = f"/etc/yum.repos.d/{os.path.basename(path)}"
        file = configparser.ConfigParser(interpolation=None, strict=False)
        file.read_string(host.text(shown) or "")
        owner = host.run("rpm", "-qf", "--qf", "%{NAME}", shown)
        for name in file.sections():
            if file.get(name, "enabled", fallback="1").lower() not in _ON:
                continue
            place = f"{shown} [{name}]"
            urls = " ".join(file.get(name, key, fallback="") for key in ("baseurl", "mirrorlist", "metalink"))
            hosts = [url.partition("://")[2].partition("/")[0] for url in urls.split()]
            listed = any(fnmatch.fnmatchcase(f"{one}/{name}", pattern) for one in hosts for pattern in allowed)
            if not listed and not (owner.rc == 0 and owner.out.endswith(("-release", "-repos"))):
                yield _UNKNOWN, place
            if file.get(name, "gpgcheck", fallback=signed).lower() not in _ON:
                yield _UNSIGNED, place
            if any(not url.startswith(("https:", "file:")) for url in urls.split()):
                yield _INSECURE_WAY, place
