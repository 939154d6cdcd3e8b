# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets of an establishment: each has its own vault, its own password, and nobody else can read either."""

from __future__ import annotations

import hashlib
import re
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import reading
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import inventory, layout
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_CIPHER = re.compile(rb"\$ANSIBLE_VAULT;[^\n]*\n((?:[ \t]*[0-9a-f]+[ \t]*\r?\n?)+)")


def problems(found: inventory.Inventory) -> Iterator[str]:
    """Yield what is wrong with the vault of an establishment, its password, and whether another one shares them."""
    slug = found.folder.name
    yield from _vault_files(found, slug)
    for variable in found.variables:
        for path, value in inventory.encrypted_in(variable.value):
            wrong = _header_problem(str(value).lstrip().partition("\n")[0], slug)
            if wrong:
                yield f"{variable.at(*path)}: {printable(variable.name)}: {wrong}"
    yield from _password(layout.vault_folder() / slug)
    yield from _shared(found)


def _vault_files(found: inventory.Inventory, slug: str) -> Iterator[str]:
    for path in found.vaults:
        with path.open(encoding="ascii", errors="replace") as stream:
            wrong = _header_problem(stream.readline(200).rstrip("\n"), slug)
        if wrong:
            yield f"{found.name(path)}:1: {wrong}"
    for path in sorted({*found.vaults, *(found.folder / "group_vars").rglob("vault.yml")}):
        if path not in found.vaults and path.is_file():
            command = f"ansible-vault encrypt --encrypt-vault-id {slug} {_typed(path)}"
            yield f"{found.name(path)}:1: is not encrypted; run: {command}"
        yield from open_to_others(path, found.name(path))


def _header_problem(header: str, slug: str) -> str:
    """Return what is wrong with the first line of something encrypted."""
    wanted = f"{inventory.VAULT_MARK}1.2;AES256;{slug}"
    if header.strip() == wanted:
        return ""
    return f"{shown(header.strip())} is not the vault of this establishment ({wanted}); encrypt it with its vault id"


def _password(path: Path) -> Iterator[str]:
    if path.is_file():
        yield from open_to_others(path)
        yield from open_to_others(path.parent)


def open_to_others(path: Path, name: str = "") -> Iterator[str]:
    """Yield a sentence when somebody else than its owner may use a file or folder; an absent one is nobody's."""
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0
    if mode & _OTHERS:
        yield f"{name or printable(path, 200)}: others may read it (mode {mode:04o}); run: chmod go= {_typed(path)}"


def _typed(path: Path) -> str:
    """Return a path as it is typed in a shell, on one printable line."""
    return printable(shlex.quote(str(path)), 400)


def _shared(found: inventory.Inventory) -> Iterator[str]:
    """Yield each secret that another establishment beside this one has too."""
    own = _ciphers(found.folder)
    password = _digest_of(layout.vault_folder() / found.folder.name)
    for other in siblings(found.folder):
        same = sorted(own.keys() & _ciphers(other).keys()) if own else []
        for digest in same:
            name = found.name(own[digest])
            yield f"{name}: holds a secret that {other.name} has too; give each establishment its own"
        if password and password == _digest_of(layout.vault_folder() / other.name):
            where = printable(layout.vault_folder() / found.folder.name, 200)
            yield f"{where}: is the vault password of {other.name} too; give each its own (ansible-vault rekey)"


def siblings(folder: Path) -> list[Path]:
    """Return the folders of the other establishments beside this one, in order."""
    return [
        path.parent for path in sorted(folder.parent.glob(f"*/{layout.IDENTITY}")) if path.parent.name != folder.name
    ]


def _ciphers(folder: Path) -> dict[bytes, Path]:
    """Return the digest of everything encrypted in a folder, and the file it stands in."""
    inner = [path for kind in layout.VARIABLES for path in sorted((folder / kind).rglob("*"))]
    return {
        hashlib.sha256(b"".join(cipher.split())).digest(): path
        for path in (folder / layout.HOSTS, *inner)
        for cipher in _CIPHER.findall(_content(path))
    }


def _digest_of(password_file: Path) -> bytes:
    """Return the digest of a password, empty when there is none to be read."""
    content = _content(password_file).strip()
    return hashlib.sha256(content).digest() if content else b""


def _content(path: Path) -> bytes:
    """Return what a file begins with: one that another establishment let grow costs nobody his run."""
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as stream:
            return stream.read(reading.MAX_BYTES)
    except OSError:
        return b""
