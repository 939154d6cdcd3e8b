# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible says becomes one sentence that says what to do."""

from __future__ import annotations

import pytest
from ansible_collections.essms.hardening.plugins.plugin_utils import failures

SAID = [
    ("Missing sudo password", "Privilege escalation failed"),
    ("sudo: a password is required", "Privilege escalation failed"),
    ("ansible is not in the sudoers file.", "no right to use sudo"),
    ("Timeout (12s) waiting for privilege escalation prompt: ", "too slow"),
    ("/bin/sh: 1: /usr/bin/python3: not found", "Python is missing"),
    ("ssh: connect to host 192.0.2.1 port 22: Connection timed out", "does not answer over SSH"),
    ("ssh: Could not resolve hostname poste-12: Name or service not known", "cannot be resolved"),
    ("ansible@192.0.2.1: Permission denied (publickey).", "SSH refused the login"),
    ("Host key verification failed.", "host key is unknown"),
    ("cannot write: No space left on device", "disk of this host is full"),
]


@pytest.mark.parametrize(("message", "expected"), SAID)
def test_known_messages_become_advice(message: str, expected: str) -> None:
    said = failures.sentence(message)
    assert expected in said
    assert said.endswith(".")
    assert "\n" not in said


def test_an_unknown_message_is_shown_printable_and_short() -> None:
    said = failures.sentence("strange\n\x1b[31m" + "x" * 5000)
    assert said.startswith("The host could not be verified: strange")
    assert said.isprintable()
    assert len(said) < 400


def test_a_killed_module_is_told_apart() -> None:
    assert "killed" in failures.of_result({"rc": 137, "msg": "Module result deserialization failed"})


def test_a_response_needs_no_sentence() -> None:
    assert failures.of_result({"response": {}, "rc": 0}) == ""
