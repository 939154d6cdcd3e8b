# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same results in the formats of other tools: nothing is read back, nothing is sent anywhere.

Each module makes the text of one file from a document; ``docs/exports.md`` says for whom.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from ansible_collections.essms.hardening.plugins.plugin_utils import atomic, private, reports
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import (
    csv_table,
    junit,
    oscal,
    prometheus,
    sarif,
    summary_json,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document


class ExportError(ValueError):
    """A format that does not exist; its text is one line."""


class Format(NamedTuple):
    """How a file is called, ``{establishment}`` standing for the folder name of the establishment, and what makes it.

    ``render`` takes the document, the catalogue and the language (``fr`` or ``en``), and returns the text of the file.
    """

    file: str
    render: Callable[[Document, Catalogue, str], str]


FORMATS = {
    "csv": Format("results.csv", csv_table.render),
    "json": Format("summary.json", summary_json.render),
    "junit": Format("junit.xml", junit.render),
    "sarif": Format("results.sarif", sarif.render),
    "oscal": Format("oscal-assessment-results.json", oscal.render),
    # the files of several establishments stand in one folder of the collector
    "prometheus": Format("essms-{establishment}.prom", prometheus.render),
}


def write(
    document: Document,
    catalogue: Catalogue,
    folder: Path,
    names: Iterable[str] = tuple(FORMATS),
    language: str = "fr",
) -> list[Path]:
    """Write the exports of these names into a folder, and return their files in the same order.

    Every text is made before the first file is written; each file then appears whole, 0600, in place of a former one.
    A folder that is missing is made, 0700. Raises ExportError for a name that is none of ``FORMATS``, OSError when the
    folder cannot be written.
    """
    asked = list(dict.fromkeys(names))
    for name in asked:
        if name not in FORMATS:
            raise ExportError(f"unknown export format {shown(name)}; {nearest(str(name)[:60], FORMATS)}")
    establishment = reports.folder_name(document["establishment"])
    texts = {
        folder / FORMATS[name].file.format(establishment=establishment): FORMATS[name].render(
            document, catalogue, language
        )
        for name in asked
    }
    private.make(folder)
    for file, text in texts.items():
        atomic.replace(file, text.encode())
    return list(texts)
