# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a selection of controls, or settings written in a playbook, to the request one host gets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.bodies import body_problem
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.waivers import Waiver, in_force
from ansible_collections.essms.hardening.plugins.plugin_utils.host_record import Facet
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue, Control
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Source
from ansible_collections.essms.hardening.plugins.plugin_utils.resolution import resolve
from ansible_collections.essms.hardening.plugins.plugin_utils.selection import select

PLATFORM = "linux"


@dataclass(slots=True)
class HostRequest:
    """What is asked of a host, and what the results have to say of it.

    :param content: settings, guarded, waived and controls of the engine's request; no controls means all of them.
    """

    facets: list[Facet]
    content: dict[str, Any]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    excluded: Mapping[str, str] = field(default_factory=dict)


def of_settings(settings: Sequence[Mapping[str, Any]], controls: Sequence[str]) -> HostRequest:
    """Return the request for settings of the user's own. Raises CatalogueError for one that no kind accepts."""
    for setting in settings:
        broken = body_problem(PLATFORM, setting["kind"], setting["body"])
        if broken:
            raise CatalogueError(f"{setting['control']}: {setting['kind']}: {broken}")
    names = dict.fromkeys(setting["control"] for setting in settings)
    return HostRequest(
        [Facet(name, name.partition("-")[0], "state-of-the-art", "not-exercised") for name in names],
        {
            "settings": [[setting["control"], setting["kind"], setting["body"]] for setting in settings],
            "guarded": [setting["control"] for setting in settings if setting["risk"]],
            "controls": list(controls),
        },
    )


def chosen_controls(
    catalogue: Catalogue, tags: Sequence[str], skipped: Sequence[str], measures: Sequence[str], controls: Sequence[str]
) -> list[Control]:
    """Return the controls that tags and options select; none only for a role whose measure the tags leave out.

    Raises CatalogueError when nothing at all is selected.
    """
    chosen = select(catalogue, tags, skipped, measures)
    if controls:
        named = {control.id for control in select(catalogue, controls, [])}
        chosen = [control for control in chosen if control.id in named]
    if not chosen and not measures:
        raise CatalogueError("the tags select no control: give the id of a measure or a control that is not skipped")
    return chosen


def of_controls(
    catalogue: Catalogue,
    chosen: Sequence[Control],
    *,
    profile: str,
    variables: Mapping[str, Any],
    source_of: Callable[[str, object], Source],
    groups: Collection[str],
    waivers: Sequence[Waiver],
    today: date,
    base: str = "",
    secret: Collection[str] = (),
) -> HostRequest:
    """Return the request for controls of the catalogue; ``waivers`` are those that cover the host.

    ``base`` is the profile of the establishment, by which a value is weaker or not; ``secret`` names the variables
    whose value no error may show.

    Raises CatalogueError for the first value that is wrong.
    """
    resolution = resolve(
        catalogue,
        chosen,
        platform=PLATFORM,
        family=None,
        profile=profile,
        variables=variables,
        source_of=source_of,
        groups=groups,
        base=base,
        secret=secret,
    )
    whole = len(chosen) == len(catalogue.controls)
    content = {
        "settings": [[item["control"], item["kind"], item["body"]] for item in resolution.settings],
        "guarded": [control.id for control in chosen if control.risk],
        "waived": [control.id for control in chosen if in_force(control.id, waivers, today)],
        "controls": [] if whole else [control.id for control in chosen],
    }
    facets = [facet(control) for control in chosen]
    return HostRequest(facets, content, resolution.parameters, resolution.excluded)


def facet(control: Control) -> Facet:
    """Return what the results say of a control beside its rows."""
    part = control.platforms.get(PLATFORM)
    return Facet(control.id, control.measure, control.origin, part.evidence if part else "not-exercised")
