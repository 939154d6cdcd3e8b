# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access lists of files: rights of accounts and groups that mode and owners do not tell."""

from __future__ import annotations

import os
import struct

ATTRIBUTE = "system.posix_acl_access"
_ENTRY = struct.Struct("<HHI")
"""Tag, rights, number; after a header of four bytes (acl(5) and linux/posix_acl_xattr.h)."""
_USER, _GROUP, _MASK = 0x02, 0x08, 0x10


def shares(path: str) -> bool:
    """Say whether an access list gives an account or a group that it names any right on a file or folder."""
    try:
        content = os.getxattr(path, ATTRIBUTE)
    except OSError:
        # the file system has no lists, or this file has none
        return False
    entries = list(_ENTRY.iter_unpack(content[4 : 4 + (len(content) - 4) // _ENTRY.size * _ENTRY.size]))
    mask = next((rights for tag, rights, _number in entries if tag == _MASK), 7)
    return any(rights & mask for tag, rights, _number in entries if tag in (_USER, _GROUP))
