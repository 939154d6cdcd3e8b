#!/usr/bin/python
# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation only: the action plugin of the same name does the work, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: Make the report and the exports of an establishment from its results
description:
  - Makes C(report.html) anew in the folder of the last run, of where the establishment stands today, and beside it the
    exports that are asked for. Looks at no host.
  - Everything is made from the results files of former runs, which the P(essms.hardening.results#callback) callback has
    written into its report folder.
  - Runs on the controller only. Give it once per play.
author: essms.hardening contributors (!UNKNOWN)
options:
  formats:
    description: Exports to make besides the report, in the folder C(exports) beside it.
    type: list
    elements: str
    choices: [csv, json, junit, sarif, oscal, prometheus]
    default: []
  pdf:
    description: Whether to print C(report.pdf) too, which needs Chromium, Chrome or Edge on the controller.
    type: bool
    default: false
  language:
    description: Language of report and exports. Without it, that of the results callback.
    type: str
    choices: [fr, en]
attributes:
  check_mode:
    description: Says which files it would write, and writes none.
    support: full
  diff_mode:
    description: Has no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Make the report and what other tools read
  essms.hardening.report:
    formats: [csv, junit, sarif]
    pdf: true
  run_once: true
  become: false
"""

RETURN = r"""
files:
  description: What was written, the report first.
  returned: always
  type: list
  elements: str
  sample: [reports/ehpad-les-tilleuls/20261128T031200Z-audit/report.html]
problems:
  description: What could not be taken into account or written, one sentence each.
  returned: always
  type: list
  elements: str
"""
