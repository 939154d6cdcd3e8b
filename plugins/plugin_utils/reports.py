# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write results documents to the report folder so that nothing is ever lost or mixed.

``<root>/<establishment>/<UTC timestamp>-<mode>/results.json``, and ``<root>/<establishment>/latest`` pointing to the
newest that was not refused. A folder appears complete or not at all: it is filled under a hidden name, flushed to disk,
then renamed.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.essms.hardening.plugins.plugin_utils import private
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

#: Valid inside JSON strings only as far as the format goes, yet able to act on the terminal of whoever prints the file.
_UNPRINTABLE = re.compile("[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")


def write(document: Document, root: Path) -> Path:
    """Write one document and return its file.

    Folders are created 0700 and the file 0600. Two runs in the same second get distinct names. Raises OSError, naming
    the path, when the folder cannot be written, and ValueError when the document is no JSON; then nothing that existed
    before has changed, and nothing is left behind.
    """
    folder = root / folder_name(document["establishment"])
    content = _encode(document)
    private.make(folder)
    draft = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder))
    try:
        _write_synced(draft / "results.json", content)
        final = _publish(draft, document)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    # a refused run says nothing of the hosts: whoever opens the latest report goes on finding one
    if not document["refused"] or not (folder / "latest").exists():
        _point_latest(folder, final.name)
    return final / "results.json"


def folder_name(establishment: str) -> str:
    """Return a folder name for an establishment; names that only differ in what a path cannot hold stay distinct."""
    safe = re.sub(r"[^\w.-]", "_", establishment).lstrip(".")[:60]
    if safe == establishment and safe:
        return safe
    digest = hashlib.sha256(establishment.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe or 'unnamed'}-{digest}"


def _encode(document: Document) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode() + b"\n"


def _write_synced(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


def _publish(draft: Path, document: Document) -> Path:
    for name in _names(document):
        final = draft.parent / name
        try:
            # Renaming a folder over another one only succeeds when that one is empty, which a report never is.
            draft.rename(final)
        except OSError:
            if not final.exists():
                raise
        else:
            _sync_folder(final.parent)
            return final
    raise AssertionError("names never end")


def _names(document: Document) -> Iterator[str]:
    stamp = re.sub(r"[-:]|\.\d+", "", document["started"])
    base = f"{stamp}-{document['mode']}{'-check' if document['check'] else ''}"
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _point_latest(folder: Path, name: str) -> None:
    link = folder / f".latest-{secrets.token_hex(8)}"
    link.symlink_to(name)
    try:
        link.replace(folder / "latest")
    except OSError:
        link.unlink()
        raise
    _sync_folder(folder)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
