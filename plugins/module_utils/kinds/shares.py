# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shared with everybody: Samba, NFS, and folders that hold sensitive data."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine import exports, shown
from ..engine.errors import NotApplicable, Seen, Unknown
from ..engine.host import Host
from ..engine.rules import AT_MOST, Rule
from .base import Kind, fields

_PATH = {"type": "string", "pattern": r"^/[^\x00-\x1f]*$", "maxLength": 200}
_ROWS = ("samba guests", "samba writable", "nfs everybody", "nfs root", "sensitive folders")
_SMB = "/etc/samba/smb.conf"


class Shares(Kind):
    """``shares: {sensitive_paths: [/srv/residents]}``: who may see what is a decision, so nothing is repaired."""

    schema = fields(("sensitive_paths",), sensitive_paths={"type": "array", "items": _PATH, "maxItems": 100})
    check_only = True

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return dict.fromkeys(_ROWS, 0)

    def rule(self, name: str) -> Rule:
        return AT_MOST

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {**_samba(host), **_nfs(host), "sensitive folders": _folders(host, bodies[0]["sensitive_paths"])}


def _samba(host: Host) -> dict[str, Any]:
    text = host.text(_SMB)
    if text is None:
        return dict.fromkeys(_ROWS[:2], NotApplicable("no Samba server is set up"))
    # what is in force after includes and defaults, where Samba itself can say so
    done = host.run("testparm", "-s", "--suppress-prompt", host.path(_SMB))
    if done.rc not in (0, 127):
        return dict.fromkeys(_ROWS[:2], Unknown("testparm refuses smb.conf: look at what `testparm -s` says"))
    shares = exports.samba(done.out if done.rc == 0 else text)
    guests = [share.name for share in shares if share.guests]
    open_to_all = [
        share.name
        for share in shares
        if share.writable and not share.restricted and (share.forced or _world(host, share.path, 0o002))
    ]
    return {
        "samba guests": _counted(host, guests, "without a password"),
        "samba writable": _counted(host, open_to_all, "everybody may write to"),
    }


def _nfs(host: Host) -> dict[str, Any]:
    files = ["/etc/exports", *host.names("/etc/exports.d", ".exports")]
    texts = [text for path in files for text in [host.text(path)] if text is not None]
    if not texts:
        return dict.fromkeys(_ROWS[2:4], NotApplicable("no NFS server is set up"))
    # what the server was told last may be older, or newer, than the files
    found = [each for text in [*texts, host.text("/var/lib/nfs/etab") or ""] for each in exports.nfs(text)]
    everybody = sorted({each.path for each in found if each.everybody})
    root = sorted({each.path for each in found if each.root})
    return {
        "nfs everybody": _counted(host, everybody, "any machine may mount"),
        "nfs root": _counted(host, root, "root of another machine stays root in"),
    }


def _folders(host: Host, paths: Sequence[str]) -> Any:
    there = [path for path in paths if os.path.lexists(host.path(path))]
    if not there:
        why = "none of the sensitive folders is on this host" if paths else "no sensitive folder is declared"
        return NotApplicable(why)
    return _counted(host, [path for path in there if _world(host, path, 0o007)], "everybody may enter")


def _world(host: Host, path: str, bits: int) -> bool:
    """Say whether everybody has one of these rights on a folder; one that cannot be found is nobody's."""
    try:
        return bool(stat.S_IMODE(os.stat(host.path(path)).st_mode) & bits)
    except OSError:
        return False


def _counted(host: Host, found: Sequence[str], what: str) -> Any:
    return Seen(len(found), f"{what}: {shown.paths(host, found)}") if found else 0
