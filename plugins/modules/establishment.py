#!/usr/bin/python
# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation only: the action plugin of the same name does the work, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: establishment
short_description: Check the files of an establishment before any host is touched
description:
  - Reads the inventory folders of the run and fails with everything that is wrong in them, each with file, line, key
    and what is expected.
  - In a folder with an C(establishment.yml), that is the whole folder; its schemas, its variables, secrets in clear or
    shared with another establishment, files that others may read. In any other, the variables of this collection.
  - Runs on the controller only, connects to nothing and changes nothing. Give it once per play.
author: essms.hardening contributors (!UNKNOWN)
attributes:
  check_mode:
    description: Changes nothing in any case.
    support: full
  diff_mode:
    description: Has no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Check the files of the establishment
  essms.hardening.establishment:
  run_once: true
  become: false
  any_errors_fatal: true
"""

RETURN = r"""
problems:
  description: Everything that is wrong, one sentence each.
  returned: always
  type: list
  elements: str
  sample: ["ehpad-les-tilleuls/establishment.yml:11: size.places: 9000 is too large; use 5000 or less"]
"""
