# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the value of a variable was written, and whose decision that makes it.

The only place that knows Ansible's private interface for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import regular

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # it is private, so a later ansible-core may keep it elsewhere
    Origin = None

_ENCRYPTED = frozenset({"EncryptedString", "AnsibleVaultEncryptedUnicode"})
"""Names of the class of an encrypted variable, of ansible-core since 2.19 and before."""

_TEMPLATE = re.compile(r"\{[{%#]")
_LARGEST = 10_000_000
_FOLDERS = {"group_vars": "group", "host_vars": "host"}


class Source(NamedTuple):
    """Who decided a value.

    :ivar place: file and line, relative to the inventory where it can be.
    :ivar layer: profile, establishment, group, host, or run (command line and playbook).
    :ivar name: of the profile, the group or the host; else empty.
    """

    place: str
    layer: str
    name: str = ""


class Owners(NamedTuple):
    """Which variables stand with the host itself and with its groups in an inventory file, the nearest group first."""

    host: str
    host_variables: Collection[str]
    group_variables: Mapping[str, Collection[str]]


def origin_of(name: str, value: object, bases: Sequence[Path], owners: Owners) -> Source:
    """Return who decided a variable; ``bases`` are the folders of the inventory, places are relative to the first.

    Where Ansible cannot tell the place, it is "inventory".
    """
    tag = Origin.get_tag(value) if Origin is not None else None
    if tag is None:
        return Source("inventory", *_in_file(name, owners))
    if not tag.path:
        return Source(str(tag.description or "inventory"), "run")
    path = Path(tag.path)
    shown = path.relative_to(bases[0]) if path.is_relative_to(bases[0]) else Path(*path.parts[-3:])
    place = f"{shown}:{tag.line_num}" if tag.line_num else str(shown)
    if not any(path.is_relative_to(base) for base in bases):
        return Source(place, "run")
    for folder, layer in _FOLDERS.items():
        if folder in path.parts[:-1]:
            owner = path.parts[path.parts.index(folder) + 1].removesuffix(path.suffix)
            return Source(place, "establishment") if owner == "all" else Source(place, layer, owner)
    return Source(place, *_in_file(name, owners))


def is_role_default(value: object) -> bool:
    """Return whether a variable has the value that a role gives it where nobody decides; False when nobody can tell."""
    tag = Origin.get_tag(value) if Origin is not None else None
    return bool(tag and tag.path and Path(tag.path).match("roles/*/defaults/*"))


def is_secret(value: object) -> bool:
    """Return whether a variable, as it was written, may hold what nobody is to read.

    It may when it is encrypted, stands in an encrypted file, or is a template, which may draw from both.
    """
    if isinstance(value, Mapping):
        return any(map(is_secret, (*value.keys(), *value.values())))
    if isinstance(value, (list, tuple)):
        return any(map(is_secret, value))
    if type(value).__name__ in _ENCRYPTED or (isinstance(value, str) and _TEMPLATE.search(value)):
        return True
    tag = Origin.get_tag(value) if Origin is not None else None
    return bool(tag and tag.path and _is_encrypted(tag.path))


@lru_cache(maxsize=256)
def _is_encrypted(path: str) -> bool:
    try:
        return regular.read(Path(path), _LARGEST).startswith(b"$ANSIBLE_VAULT")
    except (OSError, ValueError):
        return False


def _in_file(name: str, owners: Owners) -> tuple[str, str]:
    """Return layer and name of a variable that stands in an inventory file, beside a host or a group."""
    if name in owners.host_variables:
        return "host", owners.host
    group = next((group for group, variables in owners.group_variables.items() if name in variables), "all")
    return ("establishment", "") if group == "all" else ("group", group)
