# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read what Ansible hands to a callback, whatever its version.

Before ansible-core 2.19 the names have an underscore.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any


def content(result: Any) -> MutableMapping[str, Any]:
    """Return the callback's own copy of what the task returned."""
    found: MutableMapping[str, Any] = result.result if hasattr(result, "result") else result._result
    return found


def task(result: Any) -> Any:
    """Return the task a result comes from."""
    return result.task if hasattr(result, "task") else result._task


def host(result: Any) -> str:
    """Return the inventory name of the host a result comes from."""
    return str((result.host if hasattr(result, "host") else result._host).get_name())


def sentence(result: Any) -> str:
    """Return the message of a result on one line; empty when it has none."""
    said = " ".join(str(content(result).get("msg") or "").split())
    # what ansible-core since 2.19 puts before the words of an action
    return said.removeprefix("Task failed: ")
