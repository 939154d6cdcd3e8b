# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replace a file as a whole: whoever reads it meanwhile sees the former one or the new one, never half of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write a file, for its owner only (0600), on disk before it takes its name.

    Raises OSError when that is not possible; then the former file is still there, and nothing else is.
    """
    # a name no collector of *.prom, *.xml or *.json takes for a finished file
    descriptor, name = tempfile.mkstemp(prefix=".unfinished-", suffix=".tmp", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
