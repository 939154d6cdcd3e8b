# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible says when a host cannot be verified, turned into one sentence that says what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

_KNOWN = (
    (
        re.compile(r"waiting for privilege escalation prompt", re.IGNORECASE),
        "The host was too slow to answer: check its load, or raise timeout in ansible.cfg.",
    ),
    (
        re.compile(
            r"missing (sudo|su|become|\w+) password|a password is required|incorrect sudo password", re.IGNORECASE
        ),
        "Privilege escalation failed: allow sudo without a password for the automation account, or run with -K.",
    ),
    (
        re.compile(r"not in the sudoers|may not run sudo|sudo: command not found|sudo: not found", re.IGNORECASE),
        "Privilege escalation failed: the automation account has no right to use sudo on this host; give it one.",
    ),
    (
        re.compile(
            r"python[0-9.]*: (command )?not found|no such file or directory: .*python|interpreter .*not found",
            re.IGNORECASE,
        ),
        "Python is missing on this host: install python3, or set ansible_python_interpreter.",
    ),
    (
        re.compile(r"permission denied \((publickey|password|keyboard)", re.IGNORECASE),
        "SSH refused the login: check ansible_user and the key of this host.",
    ),
    (
        re.compile(r"host key verification failed|remote host identification has changed", re.IGNORECASE),
        "The SSH host key is unknown or has changed: check it, then add it to known_hosts.",
    ),
    (
        re.compile(r"could not resolve hostname|name or service not known", re.IGNORECASE),
        "The name of this host cannot be resolved: check ansible_host in the inventory.",
    ),
    (
        re.compile(
            r"timed out|no route to host|connection refused|connection reset|unreachable|closed by remote",
            re.IGNORECASE,
        ),
        "The host does not answer over SSH: check that it is on, its address, and the network between.",
    ),
    (
        re.compile(r"no space left on device", re.IGNORECASE),
        "The disk of this host is full: free some room, then run again.",
    ),
)
_KILLED = (137, 143)


def sentence(message: str) -> str:
    """Return the sentence for a message of Ansible; an unknown message is shown itself, shortened."""
    for pattern, advice in _KNOWN:
        if pattern.search(message):
            return advice
    return f"The host could not be verified: {printable(' '.join(message.split()), 300)}"


def of_result(result: Mapping[str, Any]) -> str:
    """Return the sentence for a module result without a response, or an empty text when it has one."""
    if "response" in result:
        return ""
    if result.get("rc") in _KILLED:
        return "The module was killed on this host: run again, the next run puts back what it had begun."
    parts = [str(result.get(key) or "") for key in ("msg", "module_stderr", "module_stdout")]
    return sentence(" ".join(part for part in parts if part) or "the module gave no answer")
