# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Ansible files of an inventory folder, read for checking: the hosts, groups and variables they write."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import reading
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

VAULT_MARK = "$ANSIBLE_VAULT;"
_PARTS = ("hosts", "children", "vars")
_CONSTRUCTED = ("constructed", "ansible.builtin.constructed")
_RANGE = re.compile(r"\[([0-9A-Za-z]*):([0-9A-Za-z]+)(?::([0-9]+))?\]")


class Encrypted(str):
    """A value that only the vault's password opens: its text is the cipher."""

    __slots__ = ()


class _AnsibleLoader(reading.StrictLoader):
    """The strict loader, which also knows the tags Ansible gives a meaning to."""


_AnsibleLoader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))
for _tag in ("!vault", "!vault-encrypted"):
    _AnsibleLoader.add_constructor(_tag, lambda loader, node: Encrypted(loader.construct_scalar(node)))


class Variable(NamedTuple):
    """A variable and the place of its value in a file."""

    name: str
    value: Any
    file: reading.File
    path: tuple[Any, ...]

    def at(self, *below: Any) -> str:
        """Return ``file:line`` of the variable, or of what a path below its value leads to."""
        return f"{self.file.name}:{self.file.line((*self.path, *below))}"


@dataclass
class Inventory:
    """What the files of one folder write.

    ``vaults`` are the files that are encrypted as a whole; ``open_ended`` says that a plugin may bring hosts and groups
    that no file names; ``problems`` are those of the files themselves.
    """

    folder: Path
    hosts: dict[str, None] = field(default_factory=dict)
    groups: set[str] = field(default_factory=lambda: {"all", "ungrouped"})
    variables: list[Variable] = field(default_factory=list)
    vaults: list[Path] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)
    open_ended: bool = False
    problems: list[str] = field(default_factory=list)

    def name(self, path: Path) -> str:
        """Return how errors call a file of the folder."""
        return printable(f"{self.folder.name}/{path.relative_to(self.folder).as_posix()}", 200)

    def has_host(self, name: str) -> bool:
        """Tell whether a host is written, by its name or within a range."""
        if name in self.hosts:
            return True
        ranges = [written for written in self.hosts if _RANGE.search(written)]
        return any(re.fullmatch("[0-9A-Za-z]+".join(map(re.escape, _around(each))), name) for each in ranges)


def read(folder: Path) -> Inventory:
    """Return what an inventory folder writes; what cannot be read is among its problems."""
    found = read_sources(folder)
    for kind in layout.VARIABLES:
        for path in _files(found, folder / kind):
            _variable_file(found, path)
    return found


def read_sources(folder: Path) -> Inventory:
    """Return the hosts and groups an inventory folder writes, and the variables that stand beside them."""
    found = Inventory(folder)
    for path in sorted(folder.glob("*")):
        if path.suffix in (".yml", ".yaml") and path.is_file() and path.name not in layout.OURS:
            _source(found, path)
    return found


def names_hosts(path: Path) -> bool:
    """Return whether a file names hosts, or may do so in a way of its own."""
    try:
        data = reading.load(path, path.name, _AnsibleLoader).data
    except CatalogueError:
        return True
    if data is not None and (not isinstance(data, Mapping) or "plugin" in data):
        return True
    found = Inventory(path.parent)
    for name, body in (data or {}).items():
        _group(found, reading.File(path.name, "", data), (name,), body)
    return bool(found.hosts or found.problems)


def _around(name: str) -> list[str]:
    """Return the parts of a name before, between and after its ranges."""
    return _RANGE.sub("\0", name).split("\0")


def _host_problem(name: str) -> str:
    """Return why Ansible would not take a name of a host for what is written, or an empty text.

    It drops the whole file from a range on that it cannot read.
    """
    rest = _RANGE.sub("", name)
    if not all(_counts_up(*found.groups()) for found in _RANGE.finditer(name)) or "[" in rest or "]" in rest:
        return "is no range of hosts; write the lower end first, such as poste-[01:12] or poste-[a:f]"
    return "a name holds no colon; write a port as ansible_port, an address as ansible_host" if ":" in rest else ""


def _counts_up(low: str, high: str, step: str | None) -> bool:
    if step is not None and int(step) < 1:
        return False
    if (low or "0").isdigit() and high.isdigit():
        padded = len(low) > 1 and low.startswith("0")
        return int(low or "0") <= int(high) and (not padded or len(low) == len(high))
    letters = string.ascii_letters
    return len(low) == len(high) == 1 and low.isalpha() and high.isalpha() and letters.index(low) <= letters.index(high)


def _files(found: Inventory, folder: Path) -> Iterator[Path]:
    """Yield the files Ansible takes variables from, in order; the end of a host's own name is no extension."""
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        named = path.suffix in ("", ".yml", ".yaml", ".json") or (path.parent == folder and found.has_host(path.name))
        if named and path.is_file() and not hidden:
            yield path


def _load(found: Inventory, path: Path) -> reading.File | None:
    try:
        return reading.load(path, found.name(path), _AnsibleLoader)
    except CatalogueError as error:
        found.problems.append(str(error))
        return None


def _source(found: Inventory, path: Path) -> None:
    file = _load(found, path)
    if file is None or not isinstance(file.data, Mapping):
        return
    if "plugin" in file.data:
        found.sources.append(path.name)
        groups = file.data.get("groups")
        found.groups |= set(map(str, groups)) if isinstance(groups, Mapping) else set()
        found.open_ended |= file.data["plugin"] not in _CONSTRUCTED or "keyed_groups" in file.data
    elif path.name == layout.HOSTS or "all" in file.data:
        found.sources.append(path.name)
        for name, body in file.data.items():
            _group(found, file, (name,), body)


def _group(found: Inventory, file: reading.File, path: tuple[Any, ...], body: Any) -> None:
    found.groups.add(str(path[-1]))
    if not _is_map(found, file, path, body):
        return
    for part, content in (body or {}).items():
        inner = (*path, part)
        if part not in _PARTS:
            advice = nearest(str(part)[:60], _PARTS)
            found.problems.append(f"{file.name}:{file.line(inner)}: unknown key {shown(part)}; {advice}")
        elif not _is_map(found, file, inner, content):
            continue
        elif part == "vars":
            _add(found, file, inner, content)
        else:
            for name, below in (content or {}).items():
                if part == "children":
                    _group(found, file, (*inner, name), below)
                elif _is_map(found, file, (*inner, name), below):
                    wrong = _host_problem(str(name))
                    if wrong:
                        found.problems.append(f"{file.name}:{file.line((*inner, name))}: {shown(str(name))}: {wrong}")
                    found.hosts[str(name)] = None
                    _add(found, file, (*inner, name), below)


def _is_map(found: Inventory, file: reading.File, path: tuple[Any, ...], value: Any) -> bool:
    if value is None or isinstance(value, Mapping):
        return True
    key = printable(".".join(map(str, path)))
    where = f"{file.name}:{file.line(path)}" + (f": {key}" if key else "")
    # what stands there is not shown: it may be a secret
    kind = "a list" if isinstance(value, list) else "a single value"
    found.problems.append(f"{where}: must be a map, not {kind}; write each name on its own line with a colon")
    return False


def _variable_file(found: Inventory, path: Path) -> None:
    try:
        with path.open("rb") as stream:
            encrypted = stream.read(len(VAULT_MARK)) == VAULT_MARK.encode()
    except OSError:
        encrypted = False
    if encrypted:
        found.vaults.append(path)
        return
    file = _load(found, path)
    if file is not None and _is_map(found, file, (), file.data):
        _add(found, file, (), file.data)


def _add(found: Inventory, file: reading.File, path: tuple[Any, ...], variables: Mapping[Any, Any] | None) -> None:
    for name, value in (variables or {}).items():
        found.variables.append(Variable(str(name), value, file, (*path, name)))


def encrypted_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Encrypted]]:
    """Yield each encrypted value in a variable, and the path to it."""
    for inner, text in texts_in(value, path):
        if isinstance(text, Encrypted):
            yield inner, text


def texts_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each value that is neither a list nor a map in a variable, and the path to it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts_in(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts_in(item, (*path, index))
    else:
        yield path, value


def is_template(value: Any) -> bool:
    """Tell whether a value is only known when the play runs: a template, or encrypted, anywhere in it."""
    return any(
        isinstance(text, Encrypted) or (isinstance(text, str) and ("{{" in text or "{%" in text))
        for _path, text in texts_in(value)
    )
