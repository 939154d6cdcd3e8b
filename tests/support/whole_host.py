# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host as it stands, to the last bit: its files, its packages, what starts with it and what runs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tests.support import engine

# Everything but the times of folders, which tell that something came and went, and of the file's own inode.
_FILES = """
import hashlib, json, os, stat, sys
found = {}
def look(path):
    info = os.lstat(path)
    kept = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in
            os.listxattr(path, follow_symlinks=False)}
    said = [stat.filemode(info.st_mode), f"{info.st_uid}:{info.st_gid}", *(kept and [kept])]
    if stat.S_ISLNK(info.st_mode):
        said += [os.readlink(path), info.st_mtime_ns]
    elif not stat.S_ISDIR(info.st_mode):
        said += [info.st_nlink, info.st_mtime_ns]
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as stream:
            said.append(hashlib.sha256(stream.read()).hexdigest())
    found[path] = " ".join(map(str, said))
for top in sys.argv[1:]:
    for folder, names, files in os.walk(top):
        for path in [folder, *(os.path.join(folder, name) for name in [*files, *names])]:
            if os.path.islink(path) or not os.path.isdir(path) or path == folder:
                look(path)
print(json.dumps(found))
"""
_PACKAGES = (
    "dpkg-query -W -f 'package ${Package}\\t${Version} ${db:Status-Abbrev}\\n'; "
    "apt-mark showmanual | sed 's/^/manual /'"
)
# A session of ours and what it starts comes and goes.
_UNITS = (
    'systemctl list-unit-files --plain --no-legend | awk \'{print "unit " $1 "\\t" $2}\'; '
    "systemctl list-units --plain --no-legend --type=service,socket,timer,path "
    '--state=running,listening,waiting,failed | awk \'{print "now " $1 "\\t" $4}\''
)
_OURS = ("unit session-", "now user@", "now session-")


def state(host: str, folders: Sequence[str]) -> dict[str, str]:
    """Return bytes, modes, owners, times, links and extended attributes of all files; packages; units and services.

    One line of text for each, by its path or its name.
    """
    found: dict[str, str] = json.loads(engine.must(host, ["python3", "-c", _FILES, *folders], timeout=300))
    for line in engine.must(host, f"{_PACKAGES}; {_UNITS}", timeout=120).splitlines():
        name, _, value = line.partition("\t")
        if not name.startswith(_OURS):
            found[name] = value
    return found
