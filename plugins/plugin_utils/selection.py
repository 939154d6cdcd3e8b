# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which controls a run is about: from Ansible's tags to a list of controls."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue, Control

_OF_ANSIBLE = frozenset({"all", "tagged", "untagged", "always", "never"})
"""Words that Ansible gives a meaning of its own."""
_LOOKS_LIKE_ID = re.compile(r"m[0-9]{1,2}([-_.][0-9]{1,3})?|m[0-9]{4}", re.IGNORECASE)
"""Wider than an id, on purpose: ``M8`` or ``m08`` taken for a free word would select everything. Not ``m365``."""


def select(
    catalogue: Catalogue, tags: Sequence[str], skip_tags: Sequence[str], measures: Sequence[str] = ()
) -> list[Control]:
    """Return the selected controls in the order of their ids.

    ``tags`` and ``skip_tags`` come as Ansible gives them: ids of controls and measures, names of roles, and words of
    Ansible's own. ``measures`` restricts a role to its own. Raises CatalogueError for an id that does not exist, for a
    measure that has no control yet, and for tags none of which means anything here: a green run that looked at nothing
    would be a lie, and one that changed everything because of a misspelling would be worse.
    """
    if _all_foreign(catalogue, tags):
        if measures:
            # a role among others in a play: the tags are somebody else's, so it has nothing to do
            return []
        raise CatalogueError(_foreign_sentence(catalogue, tags))
    wanted, skipped = _ids(catalogue, tags), _ids(catalogue, skip_tags)
    own = _ids(catalogue, measures)
    unknown = [measure for measure in measures if measure not in own]
    if unknown:
        raise CatalogueError(f"measures: {shown(unknown[0])} is no measure; {nearest(unknown[0], catalogue.measures)}")
    return [
        control
        for control in catalogue.controls.values()
        if (not wanted or _names(control, wanted))
        and not _names(control, skipped)
        and (not own or _names(control, own))
    ]


def _all_foreign(catalogue: Catalogue, tags: Sequence[str]) -> bool:
    roles = {control.role for control in catalogue.controls.values()}
    return bool(set(tags) - _OF_ANSIBLE) and not any(tag in roles or _LOOKS_LIKE_ID.fullmatch(tag) for tag in tags)


def _foreign_sentence(catalogue: Catalogue, tags: Sequence[str]) -> str:
    foreign = next(tag for tag in tags if tag not in _OF_ANSIBLE)
    present = sorted({control.measure for control in catalogue.controls.values()})
    return (
        f"tag {shown(foreign)} selects no control: give ids such as {' or '.join(present)},"
        " or --skip-tags always to leave this task out"
    )


def _names(control: Control, ids: set[str]) -> bool:
    return control.id in ids or control.measure in ids


def _ids(catalogue: Catalogue, words: Iterable[str]) -> set[str]:
    """Return the ids of controls and measures among the words."""
    present = {control.measure for control in catalogue.controls.values()}
    roles = {control.role: control.measure for control in catalogue.controls.values()}
    ids = set()
    for word in words:
        if word in catalogue.controls or word in present:
            ids.add(word)
        elif word in roles:
            ids.add(roles[word])
        elif word in catalogue.measures:
            raise CatalogueError(f"{word} has no control yet; use {' or '.join(sorted(present))}")
        elif _LOOKS_LIKE_ID.fullmatch(word):
            known = [*present, *catalogue.controls] if "-" not in word else list(catalogue.controls)
            raise CatalogueError(f"tag {shown(word)} is no control or measure; {nearest(word.upper(), known)}")
    return ids
