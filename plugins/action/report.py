# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the report of the establishment of this run, and its exports, from results that are already on disk."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase
from ansible_collections.essms.hardening.plugins.plugin_utils import exports, inventory, ownership, reports
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import CatalogueError, load
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import folder as establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.report import acting, printing, publish, settings

_OPTIONS = {
    "formats": {"type": "list", "elements": "str", "choices": list(exports.FORMATS), "default": []},
    "pdf": {"type": "bool", "default": False},
    "language": {"type": "str", "choices": ["fr", "en"]},
}


class ActionModule(ActionBase):
    """The whole of essms.hardening.report: it works on the controller only, and looks at no host."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task: the files, and a sentence for whatever is not in them."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        _spec, options = self.validate_argument_spec(argument_spec=_OPTIONS)
        with acting.one_sentence():
            given = inventory.given(inventory.of_task(variables))
            home = ownership.site(given, settings.in_use().folder)
            if home.problem:
                raise CatalogueError(home.problem)
            run = _last_run(home.name)
            if self._task.check_mode:
                return {"changed": True, "files": [str(run / publish.REPORT)], "problems": []}
            return self._made(run, home.folder, options)

    def _made(self, run: Path, folder: Path | None, options: dict[str, Any]) -> dict[str, Any]:
        site = establishment.load(folder) if folder else None
        language = options["language"] or publish.language_of(site, settings.in_use().language)
        catalogue = load()
        gathered = publish.gather(run, site=site, catalogue=catalogue, language=language, now=datetime.now(UTC))
        report = publish.write(run, gathered, language)
        files, problems = [report], list(gathered.problems)
        if options["formats"]:
            files += exports.write(gathered.material.document, catalogue, run / "exports", options["formats"], language)
        if options["pdf"]:
            try:
                printing.pdf(report, report.with_suffix(".pdf"))
                files.insert(1, report.with_suffix(".pdf"))
            except printing.PrintingError as error:
                problems.append(str(error))
        acting.warn(self._display, problems, language)
        return {"changed": True, "files": [str(file) for file in files], "problems": problems}


def _last_run(name: str) -> Path:
    latest = acting.report_folder() / reports.folder_name(name) / "latest"
    if not (latest / "results.json").is_file():
        raise AnsibleError(f"{latest}: there is no run to report yet; audit the establishment first")
    return latest.resolve()
