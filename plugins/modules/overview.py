#!/usr/bin/python
# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation only: the action plugin of the same name does the work, on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: overview
short_description: Show every establishment of a report folder on one page
description:
  - Writes C(overview.html) into the report folder, of all establishments that have results there, the worst first.
  - Runs that the history of an establishment does not know yet are recorded first. One whose history cannot be used is
    on the page with the reason.
  - Runs on the controller only and looks at no host. The page is for whoever looks after all of these establishments.
author: essms.hardening contributors (!UNKNOWN)
options:
  inventories:
    description:
      - Folder that holds the inventory folders of the establishments, where each may say in C(hosts_unseen_days) of its
        C(establishment.yml) after how many days a host that no run verified is missed. Without it, after 30.
    type: path
  language:
    description: Language of the page. Without it, that of the results callback.
    type: str
    choices: [fr, en]
attributes:
  check_mode:
    description: Says which file it would write, and writes none.
    support: full
  diff_mode:
    description: Has no difference to show.
    support: none
"""

EXAMPLES = r"""
- name: Show all establishments
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Make the overview
      essms.hardening.overview:
        inventories: "{{ playbook_dir }}/inventories"
"""

RETURN = r"""
file:
  description: The page.
  returned: always
  type: str
  sample: reports/overview.html
problems:
  description: One sentence for each establishment or run that could not be taken into account.
  returned: always
  type: list
  elements: str
"""
