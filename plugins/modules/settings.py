#!/usr/bin/python
# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module that runs on the host: one request, one response."""

from __future__ import annotations

DOCUMENTATION = r"""
module: settings
short_description: Audit, apply or roll back security controls
description:
  - Observes what is in force on a host for many settings at once, brings it into force, or puts it back.
  - The action plugin of the same name selects the controls, fills in their parameters and confirms access over a new
    connection after a change that could cut it.
  - A run that changes something is one transaction with a journal under C(/var/lib/essms) of the host.
author: essms.hardening contributors (!UNKNOWN)
options:
  state:
    description:
      - V(audited) observes and changes nothing, not even a temporary file.
      - V(applied) brings every setting into force that is not; what is stricter already is left alone.
      - V(reverted) puts back what a transaction, or some controls of it, had changed.
    type: str
    choices: [audited, applied, reverted]
    default: audited
  measures:
    description: Only the controls of these measures, such as V(M08). All measures when empty.
    type: list
    elements: str
    default: []
  controls:
    description: Only these controls, such as V(M08-01). All when empty. Tags that are ids restrict them further.
    type: list
    elements: str
    default: []
  settings:
    description:
      - Settings of your own instead of those of the catalogue, each with O(settings[].control), O(settings[].kind) and
        O(settings[].body).
    type: list
    elements: dict
    default: []
    suboptions:
      control:
        description: Name under which the setting is reported and can be rolled back.
        type: str
        required: true
      kind:
        description: Kind of the setting, such as V(sshd) or V(key_value).
        type: str
        required: true
      body:
        description: What the kind is to hold.
        type: dict
        required: true
      risk:
        description: V(access) arms the guard timer, for a change that could cut access.
        type: str
        choices: [access]
  transaction:
    description: For O(state=reverted), the id of the transaction, or V(last).
    type: str
    default: last
  guard_seconds:
    description: Time a change that could cut access has for its confirmation over a new connection.
    type: int
    default: 60
  relax:
    description: Also replace values that are stricter than asked for. Without it a host is never weakened.
    type: bool
    default: false
  request:
    description: Set by the action plugin only.
    type: dict
attributes:
  check_mode:
    description: Can plan a change without making it.
    support: full
  diff_mode:
    description: Shows every file before and after.
    support: full
"""

EXAMPLES = r"""
- name: Audit every control
  essms.hardening.settings:
    state: audited

- name: Apply the controls on passwords
  essms.hardening.settings:
    state: applied
    measures: [M08]

- name: Take the last transaction back
  essms.hardening.settings:
    state: reverted
"""

RETURN = r"""
essms:
  description: What was found and done, control by control; the callback P(essms.hardening.results#callback) keeps it.
  returned: always
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.essms.hardening.plugins.module_utils.arguments import OPTIONS
from ansible_collections.essms.hardening.plugins.module_utils.engine.run import run


def main() -> None:
    """Read the request, answer it."""
    module = AnsibleModule(argument_spec={**OPTIONS, "request": {"type": "dict"}}, supports_check_mode=True)
    if not module.params["request"]:
        module.fail_json(msg="essms.hardening.settings works through its action plugin: call it by its full name")
    response = run({**module.params["request"], "check": module.check_mode})
    diff = response.pop("diff") if module._diff else []  # noqa: SLF001 - Ansible offers no public name for it
    module.exit_json(changed=bool(response["changed"]), response=response, diff=diff)


if __name__ == "__main__":
    main()
