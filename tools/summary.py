#!/usr/bin/env python3
# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show the summary of a report, or of two reports side by side: ``tools/summary.py REPORT [REPORT_AFTER]``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "collections"))

from ansible_collections.essms.hardening.plugins.plugin_utils import results, summary
from ansible_collections.essms.hardening.plugins.plugin_utils.canvas import Canvas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import CatalogueError, load
from ansible_collections.essms.hardening.plugins.plugin_utils.comparison import comparison
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words


def main(arguments: list[str] | None = None) -> int:
    """Print the summary and return the exit code: 1 with one sentence when a report cannot be used."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path, help="results.json or the folder that holds it")
    parser.add_argument("after", type=Path, nargs="?", help="a later report, to compare with the first")
    options = parser.parse_args(arguments)
    try:
        documents = [results.read(path) for path in (options.report, options.after) if path]
        titles = summary.titles_of(load())
    except (results.ResultsError, CatalogueError) as error:
        print(error, file=sys.stderr)
        return 1
    view = summary.View(titles, Words(os.environ.get("ESSMS_LANG", "fr")), Canvas.of(sys.stdout))
    if options.after:
        print(comparison(documents[0], documents[1], view))
    else:
        print(summary.summary(documents[0], view, str(options.report)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
