# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the controls, fill in their parameters, send one request to the host and confirm access afterwards."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.essms.hardening.plugins.module_utils.arguments import OPTIONS
from ansible_collections.essms.hardening.plugins.plugin_utils import (
    answer,
    failures,
    host_request,
    inventory,
    memory,
    ownership,
    sources,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, CatalogueError, load
from ansible_collections.essms.hardening.plugins.plugin_utils.errors import shown
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import folder as establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout, waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import NO_FOLDER, Establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.host_record import HostRecord
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import (
    Source,
    is_role_default,
    is_secret,
    origin_of,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.report import settings
from ansible_collections.essms.hardening.plugins.plugin_utils.resolution import RUN_OPTIONS, check_names
from ansible_collections.essms.hardening.plugins.plugin_utils.selection import select

_WINDOWS = ("winrm", "psrp")
_MODES = {"audited": "audit", "applied": "apply", "reverted": "rollback"}
_PACKAGE_MODULES = {"debian": "ansible.builtin.apt", "redhat": "ansible.builtin.dnf"}
_GUARD_BOUNDS = (15, 600)
"""Seconds: a blocked try to connect costs ten, and nobody waits longer than ten minutes for access."""
_AFTER_GUARD = 5
_SENTENCE = 1000
_ACCOUNT = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_TRANSACTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SSH = ("ssh", "paramiko", "paramiko_ssh", "libssh")

display = Display()

# Loaded here, in the process that forks the workers, so that a fleet pays for it once.
_CATALOGUE: Catalogue | CatalogueError
try:
    _CATALOGUE = load()
except CatalogueError as error:
    _CATALOGUE = error


class ActionModule(ActionBase):
    """The controller's half of essms.hardening.settings."""

    _supports_check_mode = True
    _supports_diff = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the task; whatever happens it holds a record of every selected control."""
        super().run(tmp, task_vars)
        # an audit leaves no trace, and names of accounts do not belong into a host's log
        self._vars = {**(task_vars or {}), "ansible_no_target_syslog": True}
        self._args = self._arguments()
        self._diffs: list[dict[str, str]] = []
        self._planned: list[str] = []
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._home = ownership.site(inventory.given(self._inventory), settings.in_use().folder)
        state = self._args["state"]
        record = HostRecord(
            host=str(self._vars.get("inventory_hostname", "")),
            establishment=self._home.name,
            profile="",
            mode=_MODES[state] + (" (check)" if self._task.check_mode and state != "audited" else ""),
            facets=[],
            groups=inventory.groups_of(self._host),
            seconds=self._seconds,
        )
        unreachable = False
        try:
            self._prepare(record)
            # a role none of whose controls the tags select has nothing to ask
            if record.facets:
                self._carry_out(record)
        except CatalogueError as error:
            record.problem, record.refused = str(error), True
        except AnsibleConnectionFailure as error:
            record.problem, unreachable = failures.sentence(str(error)), True
        except _ExplainedError as error:
            record.problem = str(error)
        except AnsibleError as error:
            record.problem = failures.sentence(str(error))
        except OSError as error:
            place = printable(error.filename or "this controller", 200)
            record.problem = f"{place}: {error.strerror or error}: put that right on this controller, then run again."
        return self._result(record, unreachable)

    # --- before the host is asked ------------------------------------------------------------------------------------

    def _arguments(self) -> dict[str, Any]:
        for variable, option in RUN_OPTIONS.items():
            if variable in self._vars and option not in self._task.args:
                self._task.args[option] = self._template(variable, None)
        _spec, arguments = self.validate_argument_spec(argument_spec=OPTIONS)
        return dict(arguments)

    def _template(self, name: str, default: Any) -> Any:
        return self._templar.template(self._vars[name]) if name in self._vars else default

    @property
    def _inventory(self) -> Any:
        return inventory.of_task(self._vars)

    @property
    def _host(self) -> Any:
        return self._inventory.get_host(self._vars["inventory_hostname"])

    def _prepare(self, record: HostRecord) -> None:
        """Fill in what will be asked of the host. Raises CatalogueError before the host is touched."""
        if isinstance(_CATALOGUE, CatalogueError):
            raise _CATALOGUE
        if self._args["settings"]:
            self._check_inventory()
            asked = host_request.of_settings(self._args["settings"], self._args["controls"])
        else:
            asked = self._from_catalogue(record, _CATALOGUE)
        record.facets, record.parameters, record.excluded = asked.facets, asked.parameters, asked.excluded
        self._memory = memory.Memory(settings.in_use().folder, record.establishment, record.host)
        self._request = {
            **asked.content,
            "memory": self._memory.load(),
            "state": self._args["state"],
            "spared": self._spared(),
            "relax": self._args["relax"],
            "guard_seconds": self._guard_seconds(),
            "transaction": self._transaction(),
        }

    def _check_inventory(self) -> None:
        """Raise CatalogueError when this run must not touch the host, whatever it asks for."""
        if self._home.problem:
            raise CatalogueError(self._home.problem)
        inventory.check_common(self._host, self._inventory, self._home.folder)
        used = {name: self._template(name, None) for name in layout.HOST_VARIABLES if name in self._vars}
        inventory.check_groups(self._host, used, datetime.now(UTC).astimezone().date())
        if self._home.folder:
            ownership.claim(settings.in_use().folder, self._home.folder)

    def _from_catalogue(self, record: HostRecord, catalogue: Catalogue) -> host_request.HostRequest:
        measures = self._args["measures"]
        # until the selection succeeds, everything counts as not verified
        record.facets = [host_request.facet(control) for control in select(catalogue, ["all"], [], measures)]
        self._check_inventory()
        tags = list(self._vars.get("ansible_run_tags") or ["all"])
        if set(tags) & (set(self._task.tags) - {"always"}):
            # the play gave this very task the tag that was asked for
            tags = ["all"]
        skipped = list(self._vars.get("ansible_skip_tags") or [])
        chosen = host_request.chosen_controls(catalogue, tags, skipped, measures, self._args["controls"])
        record.facets = [host_request.facet(control) for control in chosen]
        if self._connection.transport in _WINDOWS:
            raise CatalogueError("Windows hosts are not supported by this version: put them in a group of their own")
        folder = self._home.folder
        self._site = establishment.load(folder) if folder else Establishment(Path(NO_FOLDER), {})
        declared = waivers.load(folder) if folder else []
        record.waivers = [waiver for waiver in declared if waiver.covers(record.host, record.groups)]
        variables = self._variables(catalogue)
        profile = str(variables.get("essms_profile", "combine"))
        # what is no profile may be anything, a secret too
        record.profile = profile if profile in catalogue.profiles else ""
        return host_request.of_controls(
            catalogue,
            chosen,
            profile=profile,
            variables=variables,
            source_of=self._source_of,
            groups=self._template("group_names", []),
            waivers=record.waivers,
            today=_today(),
            base=str(self._site.content.get("profile", "")),
            secret=[name for name in variables if is_secret(self._vars.get(name))],
        )

    def _variables(self, catalogue: Catalogue) -> dict[str, Any]:
        """Return what somebody decided: inventory and command line first, else the file of the establishment."""
        names = [name for name in self._vars if name.startswith("essms_")]
        check_names(catalogue, names, list(RUN_OPTIONS))
        decided = [name for name in names if name not in RUN_OPTIONS and not is_role_default(self._vars[name])]
        fed = {name: default.value for name, default in self._site.defaults.items()}
        return {**fed, **{name: self._template(name, None) for name in decided}}

    def _source_of(self, name: str, _value: object) -> Source:
        written = self._vars.get(name)
        fed = self._site.defaults.get(name)
        if fed and (name not in self._vars or is_role_default(written)):
            return Source(fed.source, "establishment")
        return origin_of(name, written, sources.bases(self._home.folder), inventory.owners(self._host))

    def _spared(self) -> list[str]:
        """Return the accounts no control touches: the one this connection uses, and those for emergencies."""
        emergency = self._template("essms_break_glass_accounts", [])
        if not isinstance(emergency, list) or not all(_ACCOUNT.fullmatch(str(name)) for name in emergency):
            raise CatalogueError("essms_break_glass_accounts: must be a list of account names, such as [secours]")
        user = self._connection.get_option("remote_user") if self._connection.transport != "local" else None
        return [*([str(user)] if user else []), *emergency]

    def _transaction(self) -> str:
        """Return the transaction to take back; the host makes the name of a folder of it."""
        name = str(self._args["transaction"])
        if not _TRANSACTION.fullmatch(name):
            raise CatalogueError(
                f"essms_transaction: {shown(name)} is no name of a transaction; use last, or a name as a run shows it"
            )
        return name

    def _guard_seconds(self) -> int:
        """Return the time for the confirmation; only SSH can be cut and proven, so no guard waits for anything else."""
        seconds = int(self._args["guard_seconds"])
        low, high = _GUARD_BOUNDS
        if not low <= seconds <= high:
            raise CatalogueError(f"essms_guard_seconds: {seconds} is out of bounds; use {low} to {high} seconds")
        return seconds if self._connection.transport in _SSH else 0

    # --- on the host -------------------------------------------------------------------------------------------------

    def _carry_out(self, record: HostRecord) -> None:
        changes = self._args["state"] == "applied" and not self._task.check_mode
        response = self._ask({**self._request, "wait_for_packages": changes})
        if response.get("packages_missing") and changes:
            self._planned = response["packages_planned"]
            self._install(response["packages_missing"], response["platform"]["family"])
            response = self._ask({**self._request, "packages_planned": self._planned})
        self._memory.keep(response.get("memory", {}))
        record.response = response
        record.problem = response["problem"]
        record.before = response.get("rows_before", [])
        for note in response["notes"]:
            _warn(f"{record.host}: {note}")
        if response["armed"]:
            self._confirm(record)
        elif response["transaction"]:
            record.guard = "not armed"
        if record.response.get("packages_to_remove") and not self._task.check_mode:
            self._remove(record.response)
            record.response["rows"] = self._ask({**self._request, "state": "audited"})["rows"]

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request. Raises AnsibleError with a clear sentence when there is no response."""
        result = self._execute_module(
            module_name="essms.hardening.settings", module_args={"request": dict(request)}, task_vars=self._vars
        )
        if result.get("unreachable"):
            raise AnsibleConnectionFailure(str(result.get("msg", "")))
        problem = failures.of_result(result)
        if problem:
            raise _ExplainedError(problem)
        try:
            response = answer.checked(result["response"])
        except answer.AnswerError as error:
            raise _ExplainedError(str(error)) from None
        self._diffs += answer.diffs(result.get("diff"))
        for part, seconds in response["seconds"].items():
            self._seconds[part] += seconds
        return response

    def _install(self, names: list[str], family: str) -> None:
        """Install what is missing; a failure is left to the controls that need it, which then say so."""
        arguments: dict[str, Any] = {"name": names, "state": "present"}
        module = _PACKAGE_MODULES[family]
        if module.endswith("apt"):
            arguments["install_recommends"] = False
        result: Mapping[str, Any] = {}
        for refresh in (False, True):
            result = self._with_packages(module, {**arguments, "update_cache": refresh})
            if not result.get("failed"):
                return
        _warn(f"packages could not be installed: {printable(result.get('msg', ''), 200)}")

    def _remove(self, response: Mapping[str, Any]) -> None:
        """Remove packages that a transaction had installed and nothing else needs; bring back those they drove out.

        What they have running is stopped first: not all of their own scripts do.
        """
        names = response["packages_to_remove"]
        problem = self._ask({"state": "parting", "packages_to_remove": names})["problem"]
        if problem:
            _warn(problem)
        result = self._with_packages("ansible.builtin.apt", {"name": names, "state": "absent", "purge": True})
        if result.get("failed"):
            _warn(f"packages installed by the transaction could not be removed: {', '.join(names)}")
        elif response["packages_to_restore"]:
            self._install(response["packages_to_restore"], response["platform"]["family"])

    def _with_packages(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        asked = time.monotonic()
        result = self._execute_module(module_name=module, module_args=dict(arguments), task_vars=self._vars)
        self._seconds["packages"] += time.monotonic() - asked
        return dict(result)

    def _confirm(self, record: HostRecord) -> None:
        """Prove access over a new connection, or wait until the guard has given it back and look again."""
        asked = time.monotonic()
        refused = self._refusal(record.response["transaction"])
        # sshd closes its port for a moment when it reads its files again
        while (
            refused and "Connection refused" in refused and time.monotonic() < asked + self._args["guard_seconds"] / 2
        ):
            time.sleep(1)
            refused = self._refusal(record.response["transaction"])
        refused = refused and failures.sentence(refused)
        if not refused:
            record.guard = "confirmed"
            return
        # what the host said before may no longer hold, whether it answers again or not
        said, record.response = record.response, {"platform": record.response["platform"]}
        record.guard = "reverted"
        record.problem = f"A new connection could not confirm the change, so the guard puts everything back: {refused}"
        time.sleep(max(0.0, self._args["guard_seconds"] + _AFTER_GUARD - (time.monotonic() - asked)))
        self._connection.reset()
        look = {"state": "audited", "transaction_asked": said["transaction"], "packages_planned": self._planned}
        now = self._ask({**self._request, **look})
        if now["transaction_status"] == "committed":
            # only the answer to the confirmation was lost
            record.guard, record.problem = "confirmed", ""
            record.response = {**said, "rows": now["rows"]}
        else:
            record.response = {**now, "transaction": None}

    def _refusal(self, transaction: str) -> str:
        """Try to confirm over a new connection; return why that failed, or an empty text."""
        try:
            self._connection.reset()
            return str(self._ask({"state": "confirmed", "transaction": transaction})["problem"])
        except AnsibleError as error:
            return str(error)

    # --- afterwards --------------------------------------------------------------------------------------------------

    def _result(self, record: HostRecord, unreachable: bool) -> dict[str, Any]:
        failed: Mapping[str, str] = record.response.get("failed", {})
        message = record.problem or _failed_sentence(failed)
        result: dict[str, Any] = {
            "changed": bool(record.response.get("changed")),
            "essms": record.as_dict(_today()),
        }
        if self._task.diff and self._diffs:
            result["diff"] = self._diffs
        if message:
            result.update(msg=message, failed=not unreachable)
        if unreachable:
            result["unreachable"] = True
        return result


class _ExplainedError(AnsibleError):
    """A failure whose text is already the sentence for the user."""


def _warn(sentence: str) -> None:
    """Show a sentence that may hold the words of a host: none of them acts on the terminal."""
    display.warning(printable(sentence, _SENTENCE))


def _failed_sentence(failed: Mapping[str, str]) -> str:
    reasons = [f"{control}: {reason}" for control, reason in failed.items()]
    return f"Could not be applied and was put back: {'; '.join(reasons)}" if reasons else ""


def _today() -> date:
    return datetime.now(UTC).date()
