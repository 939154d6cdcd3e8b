# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables of an inventory, checked before Ansible merges them: names, bounds, reasons, and secrets in clear."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils import resolution, schemas
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import CatalogueError, nearest, shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import inventory, layout
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

_SECRET = re.compile(
    r"ansible_(\w+_)?pass(word)?|(\w+_)?(password|passwd|pwd|passphrase|secret|token|api_key|private_key)"
    r"|(\w+_)?(motdepasse|mot_de_passe|mdp)(_\w+)?"
)
_MAGIC = re.compile(
    "ansible_check_mode|ansible_config_file|ansible_diff_mode|ansible_forks|ansible_inventory_sources|"
    "ansible_limit|ansible_play_batch|ansible_play_hosts|ansible_play_hosts_all|ansible_play_name|"
    "ansible_play_role_names|ansible_playbook_python|ansible_role_names|ansible_run_tags|ansible_skip_tags|"
    "ansible_verbosity|ansible_version|group_names|groups|hostvars|inventory_dir|inventory_file|"
    "inventory_hostname|inventory_hostname_short|omit|play_hosts|playbook_dir|role_name|role_names|"
    "role_path|vars"
)
_OF_A_RUN: dict[str, dict[str, Any]] = {
    "essms_guard_seconds": {"type": "integer", "minimum": 15, "maximum": 600},
    "essms_mode": {"enum": ["audited", "applied", "reverted"]},
    "essms_transaction": {"type": "string"},
    "essms_relax": {"type": "boolean"},
    "essms_break_glass_accounts": {
        "type": "array",
        "items": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_.-]{0,31}$"},
    },
}
_KEY_BLOCK = "PRIVATE KEY-----"
_DATE = '{"format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "type": "string"}'


def problems(variable: inventory.Variable, catalogue: Catalogue) -> Iterator[str]:
    """Yield what is wrong with one variable: ``file:line: name: rule; what to do``.

    The value of a template or of the vault is left to the run.
    """
    yield from _secrets(variable)
    if _MAGIC.fullmatch(variable.name):
        yield f"{variable.at()}: {variable.name}: Ansible says this itself, of every host; choose another name"
    try:
        resolution.check_names(catalogue, [variable.name], resolution.RUN_OPTIONS)
    except CatalogueError as error:
        yield f"{variable.at()}: {error}"
        return
    if inventory.is_template(variable.value):
        return
    if resolution.holds_reasons(variable.name):
        yield from _justifications(variable, catalogue)
    elif variable.name == "essms_profile" and variable.value not in list(catalogue.profiles):
        value = variable.value
        known = nearest(str(value)[:60], catalogue.profiles)
        yield f"{variable.at()}: essms_profile: unknown profile {shown(value)}; {known}"
    elif variable.name in catalogue.parameters:
        parameter = catalogue.parameters[variable.name]
        yield from _broken(variable, parameter.bounds_key, resolution.plain(parameter, variable.value))
    elif variable.name in _OF_A_RUN:
        yield from _broken(variable, schemas.key_of(_OF_A_RUN[variable.name]), variable.value)
    elif variable.name.startswith("etab_"):
        yield from _host_variable(variable)


def _broken(variable: inventory.Variable, schema: str, value: Any) -> Iterator[str]:
    for each in schemas.problems(schema, value):
        yield f"{variable.at(*each.place)}: {each.below(variable.name)}"


def _justifications(variable: inventory.Variable, catalogue: Catalogue) -> Iterator[str]:
    yield from _broken(variable, layout.schema("justifications"), variable.value)
    for name in variable.value if isinstance(variable.value, Mapping) else ():
        if name not in catalogue.parameters:
            known = nearest(str(name)[:80], catalogue.parameters)
            yield f"{variable.at(name)}: {variable.name}: unknown parameter {printable(name)}; {known}"


def _host_variable(variable: inventory.Variable) -> Iterator[str]:
    name, value = variable.name, variable.value
    if name not in layout.HOST_VARIABLES:
        yield f"{variable.at()}: {printable(name)}: unknown variable; {nearest(name[:80], layout.HOST_VARIABLES)}"
    elif name == "etab_usage":
        yield from _broken(variable, schemas.key_of({"enum": list(layout.USAGES)}), value)
    elif name == "etab_mobile":
        yield from _broken(variable, schemas.key_of({"type": "boolean"}), value)
    else:
        yield from _broken(variable, _DATE, value)


def _secrets(variable: inventory.Variable) -> Iterator[str]:
    """Yield each secret that is written in clear; its value is never shown."""
    for path, value in inventory.texts_in(variable.value):
        names = [variable.name, *(part for part in path if isinstance(part, str))]
        if isinstance(value, inventory.Encrypted) or inventory.is_template(value) or not isinstance(value, str | int):
            continue
        named = not isinstance(value, bool) and value != "" and _SECRET.fullmatch(names[-1].lower())
        if (named and not names[0].startswith("essms_")) or (isinstance(value, str) and _KEY_BLOCK in value):
            yield (
                f"{variable.at(*path)}: {schemas.dotted((variable.name, *path))}: is a secret in clear;"
                f" move it to {layout.VAULT} (ansible-vault edit) and write its name in braces here"
            )
