# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the controls, fill in their parameters, send one request to the host and confirm access afterwards."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.essms.hardening.plugins.plugin_utils import failures, waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.bodies import body_problem
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, CatalogueError, load
from ansible_collections.essms.hardening.plugins.plugin_utils.host_record import Facet, HostRecord
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Control
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import origin_of
from ansible_collections.essms.hardening.plugins.plugin_utils.resolution import check_names, resolve
from ansible_collections.essms.hardening.plugins.plugin_utils.selection import select

_PLATFORM = "linux"
_WINDOWS = ("winrm", "psrp")
_MODES = {"audited": "audit", "applied": "apply", "reverted": "rollback"}
_PACKAGE_MODULES = {"debian": "ansible.builtin.apt", "redhat": "ansible.builtin.dnf"}
_RUN_VARIABLES = ("essms_transaction", "essms_guard_seconds", "essms_relax")
"""Variables of the playbooks that are options of this action, not parameters of a control."""
_AFTER_GUARD = 5

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
        self._vars = task_vars or {}
        self._args = self._arguments()
        self._rows_before: list[dict[str, Any]] = []
        self._diffs: list[dict[str, str]] = []
        self._seconds: defaultdict[str, float] = defaultdict(float)
        state = self._args["state"]
        mode = _MODES[state] + (" (check)" if self._task.check_mode and state != "audited" else "")
        record = HostRecord(
            host=str(self._vars.get("inventory_hostname", "")),
            establishment=self._establishment(),
            profile=str(self._template("essms_profile", "combine")),
            mode=mode,
            facets=[],
            seconds=self._seconds,
        )
        unreachable = False
        try:
            self._prepare(record)
            # a role none of whose controls the tags select has nothing to ask
            if record.facets:
                self._carry_out(record, state)
        except CatalogueError as error:
            record.problem = str(error)
        except AnsibleConnectionFailure as error:
            record.problem, unreachable = failures.sentence(str(error)), True
        except _ExplainedError as error:
            record.problem = str(error)
        except AnsibleError as error:
            record.problem = failures.sentence(str(error))
        return self._result(record, unreachable)

    # --- before the host is asked ------------------------------------------------------------------------------------

    def _arguments(self) -> dict[str, Any]:
        text_list = {"type": "list", "elements": "str", "default": []}
        settings = {
            "control": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "body": {"type": "dict", "required": True},
            "risk": {"type": "str", "choices": ["access"]},
        }
        _spec, arguments = self.validate_argument_spec(
            argument_spec={
                "state": {"type": "str", "choices": list(_MODES), "default": "audited"},
                "measures": text_list,
                "controls": text_list,
                "settings": {"type": "list", "elements": "dict", "options": settings, "default": []},
                "transaction": {"type": "str", "default": "last"},
                "guard_seconds": {"type": "int", "default": 60},
                "relax": {"type": "bool", "default": False},
            }
        )
        return dict(arguments)

    def _template(self, name: str, default: Any) -> Any:
        return self._templar.template(self._vars[name]) if name in self._vars else default

    def _establishment(self) -> str:
        folder = self._vars.get("inventory_dir")
        return str(self._template("essms_establishment", Path(folder).name if folder else "here"))

    def _prepare(self, record: HostRecord) -> None:
        """Fill in what will be asked of the host. Raises CatalogueError before the host is touched."""
        if isinstance(_CATALOGUE, CatalogueError):
            raise _CATALOGUE
        self._request: dict[str, Any] = {
            "state": self._args["state"],
            "spared": self._spared(),
            "relax": self._args["relax"],
            "guard_seconds": 0 if self._connection.transport == "local" else self._args["guard_seconds"],
            "transaction": self._args["transaction"],
        }
        if self._args["settings"]:
            self._prepare_own(record)
        else:
            self._prepare_catalogue(record, _CATALOGUE)

    def _prepare_own(self, record: HostRecord) -> None:
        settings = self._args["settings"]
        for setting in settings:
            broken = body_problem(_PLATFORM, setting["kind"], setting["body"])
            if broken:
                raise CatalogueError(f"{setting['control']}: {setting['kind']}: {broken}")
        names = dict.fromkeys(setting["control"] for setting in settings)
        record.facets = [Facet(name, name.partition("-")[0], "state-of-the-art", "not-exercised") for name in names]
        self._request["settings"] = [[setting["control"], setting["kind"], setting["body"]] for setting in settings]
        self._request["guarded"] = [setting["control"] for setting in settings if setting["risk"]]
        self._request["controls"] = self._args["controls"]

    def _prepare_catalogue(self, record: HostRecord, catalogue: Catalogue) -> None:
        # until the selection succeeds, everything counts as not verified
        record.facets = [_facet(control) for control in select(catalogue, ["all"], [], self._args["measures"])]
        tags = list(self._vars.get("ansible_run_tags") or ["all"])
        skipped = list(self._vars.get("ansible_skip_tags") or [])
        chosen = select(catalogue, tags, skipped, self._args["measures"])
        if self._args["controls"]:
            named = {control.id for control in select(catalogue, self._args["controls"], [])}
            chosen = [control for control in chosen if control.id in named]
        if not chosen and not self._args["measures"]:
            raise CatalogueError(
                "the tags select no control: give the id of a measure or a control that is not skipped"
            )
        record.facets = [_facet(control) for control in chosen]
        if self._connection.transport in _WINDOWS:
            raise CatalogueError("Windows hosts are not supported by this version: put them in a group of their own")
        variables = self._variables(catalogue)
        record.waivers = (
            waivers.parse(variables.get(waivers.VARIABLE, []), catalogue.controls) and variables[waivers.VARIABLE]
        )
        resolution = resolve(
            catalogue,
            chosen,
            platform=_PLATFORM,
            family=None,
            profile=record.profile,
            variables=variables,
            source_of=self._source_of,
        )
        record.parameters = resolution.parameters
        today = _today()
        waived = [control.id for control in chosen if waivers.waiver_for(control.id, record.waivers, today)]
        self._request["waived"] = waived
        self._request["settings"] = [[item["control"], item["kind"], item["body"]] for item in resolution.settings]
        self._request["guarded"] = [control.id for control in chosen if control.risk]
        everything = (
            len(chosen) == len(select(catalogue, ["all"], [], self._args["measures"])) and not self._args["measures"]
        )
        self._request["controls"] = [] if everything else [control.id for control in chosen]

    def _variables(self, catalogue: Catalogue) -> dict[str, Any]:
        names = [name for name in self._vars if name.startswith("essms_")]
        check_names(catalogue, names, _RUN_VARIABLES)
        return {name: self._template(name, None) for name in names if name not in _RUN_VARIABLES}

    def _source_of(self, name: str, _value: object) -> str:
        folder = self._vars.get("inventory_dir")
        return origin_of(self._vars.get(name), Path(str(folder)) if folder else Path.cwd())

    def _spared(self) -> list[str]:
        """Return the accounts no control touches: the one this connection uses, and those for emergencies."""
        emergency = self._template("essms_break_glass_accounts", [])
        if not isinstance(emergency, list) or not all(isinstance(name, str) for name in emergency):
            raise CatalogueError("essms_break_glass_accounts: must be a list of account names")
        user = self._connection.get_option("remote_user") if self._connection.transport != "local" else None
        return [*([str(user)] if user else []), *emergency]

    # --- on the host -------------------------------------------------------------------------------------------------

    def _carry_out(self, record: HostRecord, state: str) -> None:
        waits = state == "applied" and not self._task.check_mode
        response = self._ask({**self._request, "wait_for_packages": waits})
        if response.get("packages_missing"):
            self._install(response)
            response = self._ask({**self._request, "packages_before": response["packages_before"]})
        if response.get("packages_to_remove") and not self._task.check_mode:
            self._remove(response)
            response["rows"] = self._ask({**self._request, "state": "audited"})["rows"]
        record.response = response
        record.problem = response["problem"]
        record.before = response.get("rows_before", [])
        if response["armed"]:
            self._confirm(record)
        elif response["transaction"]:
            record.guard = "not armed"
        for note in response["notes"]:
            display.warning(f"{record.host}: {note}")

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
        self._diffs += result.get("diff") or []
        for part, seconds in result["response"]["seconds"].items():
            self._seconds[part] += seconds
        return dict(result["response"])

    def _install(self, response: Mapping[str, Any]) -> None:
        """Install what is missing; a failure is left to the controls that need it, which then say so."""
        arguments: dict[str, Any] = {"name": response["packages_missing"], "state": "present"}
        module = _PACKAGE_MODULES[response["platform"]["family"]]
        if module.endswith("apt"):
            arguments["install_recommends"] = False
        for refresh in (False, True):
            result = self._with_packages(module, {**arguments, "update_cache": refresh})
            if not result.get("failed"):
                return
        display.warning(f"packages could not be installed: {str(result.get('msg', ''))[:200]}")

    def _remove(self, response: Mapping[str, Any]) -> None:
        names = response["packages_to_remove"]
        result = self._with_packages("ansible.builtin.apt", {"name": names, "state": "absent", "purge": True})
        if result.get("failed"):
            display.warning(f"packages installed by the transaction could not be removed: {', '.join(names)}")

    def _with_packages(self, module: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        asked = time.monotonic()
        result = self._execute_module(module_name=module, module_args=dict(arguments), task_vars=self._vars)
        self._seconds["packages"] += time.monotonic() - asked
        return dict(result)

    def _confirm(self, record: HostRecord) -> None:
        """Prove access over a new connection, or wait until the guard has given it back and look again."""
        asked = time.monotonic()
        try:
            self._connection.reset()
            confirmation = self._ask({"state": "confirmed", "transaction": record.response["transaction"]})
            refused = confirmation["problem"]
        except (AnsibleConnectionFailure, AnsibleError) as error:
            refused = str(error)
        if not refused:
            record.guard = "confirmed"
            return
        time.sleep(max(0.0, self._args["guard_seconds"] + _AFTER_GUARD - (time.monotonic() - asked)))
        self._connection.reset()
        response = self._ask({**self._request, "state": "audited"})
        record.response = {**response, "transaction": None}
        record.guard = "reverted"
        record.problem = (
            "The change cut access for a new connection, so the guard put everything back: nothing was changed "
            f"({failures.sentence(refused)})"
        )

    # --- afterwards --------------------------------------------------------------------------------------------------

    def _result(self, record: HostRecord, unreachable: bool) -> dict[str, Any]:
        failed = record.response.get("failed", {})
        message = record.problem or _failed_sentence(failed)
        changed = bool(record.response.get("changed")) and record.guard != "reverted"
        result: dict[str, Any] = {"changed": changed, "essms": record.as_dict(_today())}
        if self._task.diff and self._diffs:
            result["diff"] = self._diffs
        if message:
            result.update(msg=message, failed=not unreachable)
        if unreachable:
            result["unreachable"] = True
        return result


class _ExplainedError(AnsibleError):
    """A failure whose text is already the sentence for the user."""


def _facet(control: Control) -> Facet:
    part = control.platforms.get(_PLATFORM)
    return Facet(control.id, control.measure, control.origin, part.evidence if part else "not-exercised")


def _failed_sentence(failed: Mapping[str, str]) -> str:
    reasons: Sequence[str] = [f"{control}: {reason}" for control, reason in failed.items()]
    return f"Could not be applied and was put back: {'; '.join(reasons)}" if reasons else ""


def _today() -> Any:
    return datetime.now(UTC).date()
