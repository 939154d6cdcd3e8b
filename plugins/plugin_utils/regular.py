# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a file that may be anything: a pipe nobody writes to, a device without end, a folder, one that grows."""

from __future__ import annotations

import os
import stat
from pathlib import Path


class NoFileError(ValueError):
    """What has the name of a file is none; its text says what it is: ``a folder``, ``a pipe or a device``."""


class TooLargeError(ValueError):
    """A file is larger than its reader takes."""


def read(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file of at most ``limit`` bytes, without waiting for anybody.

    Raises NoFileError, TooLargeError, OSError with its reason, and ValueError for what no file can be called.
    """
    # not blocking: opening a pipe nobody writes to would wait for ever
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise NoFileError("a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            # one byte more than the limit, because a file may grow while it is read
            content = file.read(limit + 1) if found.st_size <= limit else b""
    finally:
        os.close(descriptor)
    if max(found.st_size, len(content)) > limit:
        raise TooLargeError(f"larger than {limit} bytes")
    return content
