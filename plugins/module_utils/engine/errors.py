# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong on a host, each with one sentence for the person who reads the result."""

from __future__ import annotations


class EngineError(Exception):
    """The whole run cannot go on; nothing was changed or everything was put back."""


class SettingError(Exception):
    """One setting cannot be applied; its control is put back and the others go on."""


class Unknown:
    """An observation that could not be made, with the reason; never counted as compliant."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class NotApplicable:
    """A setting that has no object on this host, with the reason."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


SHARED_KERNEL = "a container has no kernel of its own: this is set on the machine that runs it"
"""Why a setting of the kernel has no object in a container; its kinds answer NotApplicable with it."""


class Seen:
    """An observed value that needs a word of explanation (which accounts, which file).

    :param satisfied: the verdict where it depends on more than this value; None leaves it to the rule.
    """

    def __init__(self, value: object, note: str, satisfied: bool | None = None) -> None:
        self.value = value
        self.note = note
        self.satisfied = satisfied
