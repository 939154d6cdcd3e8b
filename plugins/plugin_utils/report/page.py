# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of one establishment: a single HTML file, for its director on the first page, for technicians below."""

from __future__ import annotations

from itertools import groupby

from ansible_collections.essms.hardening.plugins.plugin_utils.report import assets, charts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.controls import controls
from ansible_collections.essms.hardening.plugins.plugin_utils.report.cover import cover
from ansible_collections.essms.hardening.plugins.plugin_utils.report.drift import drift, without
from ansible_collections.essms.hardening.plugins.plugin_utils.report.exceptions import waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import Say
from ansible_collections.essms.hardening.plugins.plugin_utils.report.machines import hosts
from ansible_collections.essms.hardening.plugins.plugin_utils.report.material import Material
from ansible_collections.essms.hardening.plugins.plugin_utils.report.measures import measures
from ansible_collections.essms.hardening.plugins.plugin_utils.report.plan import URGENT, actions, closed
from ansible_collections.essms.hardening.plugins.plugin_utils.report.scene import Scene
from ansible_collections.essms.hardening.plugins.plugin_utils.report.site import site
from ansible_collections.essms.hardening.plugins.plugin_utils.report.trend import trend
from ansible_collections.essms.hardening.plugins.plugin_utils.report.values import deviations


def render(material: Material, language: str) -> str:
    """Return the report as one HTML text, in ``fr`` or ``en`` (anything else is French).

    It loads nothing, runs no script but its own, and holds everything without one. Whatever came from a host or from
    a person is escaped and bounded. The text can always be written as UTF-8.
    """
    say = Say(language)
    scene = Scene(material, say)
    plan, exceptions, machines, weakened = actions(scene), waivers(scene), hosts(scene), deviations(scene)
    every = controls(scene)
    return assets.page(
        "report.html.j2",
        "report.js",
        {
            "say": say,
            "material": material,
            "scene": scene,
            "cover": cover(scene, exceptions, machines, len(weakened)),
            "measures": measures(scene),
            "urgent": plan[:URGENT],
            "actions": plan,
            "closed": closed(scene),
            "trend": trend(scene),
            "drift": drift(scene),
            "no_drift": without(scene),
            "controls": [(measure, list(group)) for measure, group in groupby(every, lambda each: each.measure)],
            "deviations": weakened,
            "waivers": exceptions,
            "hosts": machines,
            "site": site(scene),
            "bar": charts.bar,
        },
    )
