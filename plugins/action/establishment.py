# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Say everything that is wrong in the inventory folders of a run, before any host is touched."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.essms.hardening.plugins.plugin_utils import inventory, ownership, sources
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, CatalogueError, load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import validation
from ansible_collections.essms.hardening.plugins.plugin_utils.report import settings

# Loaded here, in the process that forks the workers, so that this task and the settings share it.
with contextlib.suppress(CatalogueError):
    load()


class ActionModule(ActionBase):
    """The whole of essms.hardening.establishment: it works on the controller only, and changes nothing."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task, failed with every problem when there is one."""
        super().run(tmp, task_vars)
        self.validate_argument_spec(argument_spec={})
        manager, root = inventory.of_task(task_vars or {}), settings.in_use().folder
        home = ownership.site(inventory.given(manager), root)
        try:
            problems = [home.problem] if home.problem else _problems(manager, home.folder, load())
            if home.folder and not problems:
                ownership.claim(root, home.folder)
        except CatalogueError as error:
            problems = [str(error)]
        result: dict[str, Any] = {"changed": False, "problems": problems}
        if problems:
            count = f"{len(problems)} problem{'s' if len(problems) > 1 else ''}"
            result.update(failed=True, msg=f"No host was touched: {count} in the inventory, first {problems[0]}")
        return result


def _problems(manager: Any, folder: Path | None, catalogue: Catalogue) -> list[str]:
    """Return what is wrong in the folders of the inventory; names on the command line have none."""
    if folder is None:
        return []
    given = inventory.given(manager)
    found = [each for known in sources.folders(given, folder) for each in validation.problems(known, catalogue)]
    if not found and sources.is_whole(given, folder):
        missing = inventory.difference(manager, folder)
        found += [missing] if missing else []
    return found
