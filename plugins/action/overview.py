# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Show every establishment of the report folder on one page."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.essms.hardening.plugins.plugin_utils import atomic
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import load
from ansible_collections.essms.hardening.plugins.plugin_utils.history.overview import Overview, gather
from ansible_collections.essms.hardening.plugins.plugin_utils.report import acting, overview, publish, settings

_OPTIONS = {"inventories": {"type": "path"}, "language": {"type": "str", "choices": ["fr", "en"]}}
_FILE = "overview.html"


class ActionModule(ActionBase):
    """The whole of essms.hardening.overview: it works on the controller only, and looks at no host."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task: the page, and a sentence for whatever is not on it."""
        super().run(tmp, task_vars)
        _spec, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        root = acting.report_folder()
        if not root.is_dir():
            raise AnsibleError(f"{root}: there is no run to show yet; audit an establishment first")
        page = root / _FILE
        if self._task.check_mode:
            return {"changed": True, "file": str(page), "problems": []}
        with acting.one_sentence():
            catalogue = load()
            inventories = Path(options["inventories"]) if options["inventories"] else None
            found = gather(root, catalogue=catalogue, now=datetime.now(UTC), inventories=inventories)
            language = options["language"] or settings.in_use().language
            atomic.replace(page, overview.render(found, catalogue, language, _links(root, found)).encode())
        problems = [said for each in found.establishments for said in (each.problem, *each.notes) if said]
        acting.warn(self._display, problems, language)
        return {"changed": True, "file": str(page), "problems": problems}


def _links(root: Path, found: Overview) -> dict[str, str]:
    """Return the latest report of each establishment that has one, relative to the page."""
    slugs = [each.slug for each in found.establishments]
    return {slug: f"{slug}/latest/{publish.REPORT}" for slug in slugs if _has_report(root / slug)}


def _has_report(folder: Path) -> bool:
    try:
        return (folder / "latest" / publish.REPORT).is_file()
    except OSError:
        # the line of the establishment says what is wrong with its folder
        return False
