# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kinds want to know again at their next look at a host, kept on the controller: an audit leaves no trace.

``<report folder>/<establishment>/memory/<host>.json``, for its owner only. It makes differences since the last run and
walks that go on where the last one ended possible; when it is lost or damaged, the next run starts afresh.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import private, regular
from ansible_collections.essms.hardening.plugins.plugin_utils.reports import folder_name

_LARGEST = 1_000_000


class Memory:
    """The memory of one host.

    :param root: the report folder; None keeps nothing.
    """

    def __init__(self, root: Path | None, establishment: str, host: str) -> None:
        self._path = root / folder_name(establishment) / "memory" / f"{folder_name(host)}.json" if root else None
        self._known: dict[str, Any] = {}

    def load(self) -> dict[str, Any]:
        """Return what the kinds said last time, by kind; nothing when there is no memory that can be read."""
        try:
            found = json.loads(regular.read(self._path, _LARGEST).decode("utf-8")) if self._path else {}
        except (OSError, ValueError, RecursionError):
            found = {}
        self._known = found if isinstance(found, dict) else {}
        return dict(self._known)

    def keep(self, said: Mapping[str, Any]) -> None:
        """Keep what the kinds said now; those that said nothing keep what they had. A full disk loses only this."""
        text = json.dumps({**self._known, **said}, separators=(",", ":"))
        if self._path is None or not said or len(text) > _LARGEST:
            return
        draft = self._path.with_name(f".{self._path.name}-{secrets.token_hex(4)}")
        try:
            private.make(self._path.parent)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
            draft.replace(self._path)
        except OSError:
            with suppress(OSError):
                draft.unlink()
