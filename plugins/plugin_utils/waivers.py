# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waivers: what an establishment sets aside, why, who answers for it, and until when."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ansible_collections.essms.hardening.plugins.plugin_utils import reading, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import COLLECTION
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown

VARIABLE = "essms_waivers"
"""Variable: a list of ``{control, reason, owner, until}``; its scope is where it is written (all, group, host)."""


@dataclass(frozen=True, slots=True)
class Waiver:
    """One control set aside, up to and including ``until``."""

    control: str
    reason: str
    owner: str
    until: dt.date


def as_dict(waiver: Waiver) -> dict[str, str]:
    """Return a waiver as plain texts, for the results."""
    return {"reason": waiver.reason, "owner": waiver.owner, "until": waiver.until.isoformat()}


def parse(waivers: object, known: Collection[str] = ()) -> list[Waiver]:
    """Return the waivers of a host, expired ones included.

    ``known`` are the ids of the catalogue; when given, a waiver for another id is refused. Raises CatalogueError.
    """
    if isinstance(waivers, list):
        waivers = [_with_text_date(item) for item in waivers]
    broken = schemas.problem(_schema(), waivers)
    if broken:
        # A problem inside an item starts with its index, which belongs to the name.
        separator = "" if re.match(r"\[[0-9]+\]", broken) else ": "
        raise CatalogueError(f"{VARIABLE}{separator}{broken}")
    found = []
    for index, item in enumerate(waivers if isinstance(waivers, list) else []):
        control = str(item["control"])
        if known and control not in known:
            raise CatalogueError(f"{VARIABLE}[{index}].control: unknown control {control}; {nearest(control, known)}")
        try:
            until = dt.date.fromisoformat(item["until"])
        except ValueError:
            raise CatalogueError(
                f"{VARIABLE}[{index}].until: {shown(item['until'])} is no date of the calendar; write YYYY-MM-DD"
            ) from None
        found.append(Waiver(control, str(item["reason"]), str(item["owner"]), until))
    return found


def waiver_for(control_id: str, waivers: object, today: dt.date) -> Waiver | None:
    """Return the waiver of a control that is valid today, the longest when there are several, or None.

    Raises CatalogueError when any waiver of the list is malformed.
    """
    return max(
        (waiver for waiver in parse(waivers) if waiver.control == control_id and waiver.until >= today),
        key=lambda waiver: waiver.until,
        default=None,
    )


def expired_note(control_id: str, waivers: object, today: dt.date) -> str:
    """Return the sentence to show when a control had a waiver that is over, or ``""``."""
    own = [waiver for waiver in parse(waivers) if waiver.control == control_id]
    if not own or waiver_for(control_id, waivers, today):
        return ""
    last = max(own, key=lambda waiver: waiver.until)
    return f"the waiver of {last.owner} ended on {last.until.isoformat()}; renew it or apply the control"


@lru_cache(maxsize=1)
def _schema() -> str:
    name = "schema/waivers.schema.json"
    return reading.read_schema(COLLECTION / name, name)


def _with_text_date(item: object) -> object:
    """Return a waiver with its end as text: YAML reads an unquoted date as a date."""
    if isinstance(item, Mapping):
        return {key: str(value) if isinstance(value, dt.date) else value for key, value in item.items()}
    return item
