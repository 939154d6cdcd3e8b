# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Collect what every settings task found, write it to the report folder and print the summary."""

from __future__ import annotations

DOCUMENTATION = """
    name: results
    type: aggregate
    short_description: Write the results of a run and print a summary
    description:
      - Collects what every P(essms.hardening.settings#module) task found on every host.
      - At the end writes C(<establishment>/<UTC timestamp>-<mode>/results.json) in the report folder, points C(latest)
        to it and prints a summary.
      - A host that could not be reached, failed, or was skipped is in the results as C(not_verified), with the reason.
      - Then records the run in the history of the establishment and writes C(report.html) beside the results.
      - A run whose results cannot be written ends with exit code 1. A report that cannot be made is told in red, and
        the next run makes up for it.
    author: essms.hardening contributors (!UNKNOWN)
    requirements:
      - listed in C(callbacks_enabled)
    options:
      report_dir:
        description:
          - Folder that holds the reports. Without it, C(reports) beside the configuration file in use, or in the
            current folder when there is none.
        type: path
        env:
          - name: ESSMS_REPORT_DIR
        ini:
          - section: callback_essms_results
            key: report_dir
      report:
        description: Whether C(report.html) is made beside the results, of where the establishment stands now.
        type: bool
        default: true
        env:
          - name: ESSMS_REPORT
        ini:
          - section: callback_essms_results
            key: report
      language:
        description: Language of the summary and of the report, C(fr) or C(en).
        type: str
        default: fr
        env:
          - name: ESSMS_LANG
        ini:
          - section: callback_essms_results
            key: language
"""

import atexit
import os
import shlex
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ansible import constants, context
from ansible.errors import AnsibleError
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__ as ansible_version
from ansible.utils.color import ANSIBLE_COLOR
from ansible_collections.essms.hardening.plugins.plugin_utils import (
    events,
    inventory,
    ownership,
    reports,
    results,
    sources,
    summary,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.canvas import Canvas
from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, CatalogueError, load
from ansible_collections.essms.hardening.plugins.plugin_utils.collector import (
    INTERRUPTED,
    NEVER_REACHED,
    Circumstances,
    Collector,
    Expected,
    Identity,
)
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment import layout, waivers
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import Establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.establishment.folder import load as load_establishment
from ansible_collections.essms.hardening.plugins.plugin_utils.history.database import HistoryError
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable
from ansible_collections.essms.hardening.plugins.plugin_utils.report import settings
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document, Fleet
from ansible_collections.essms.hardening.plugins.plugin_utils.selection import select
from ansible_collections.essms.hardening.plugins.plugin_utils.words import Words

_ACTION = "essms.hardening.settings"
_GATE = "essms.hardening.establishment"
_MODES = {"audited": "audit", "applied": "apply", "reverted": "rollback"}
_SENTENCE = 400
_LONG_SENTENCE = 1000
_REPORT_IT = "This is a fault of essms.hardening: report it, with this sentence."
_ROOT = Path(__file__).parents[2]


class CallbackModule(CallbackBase):
    """Listens to a run; everything it knows is kept by the collector."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "essms.hardening.results"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._play: Any = None
        self._hosts_missing = False
        self._meant: set[str] = set()
        self._chosen = False
        self._pid = os.getpid()
        self._collector = self._new_collector()
        atexit.register(self._rescue)

    def set_options(self, *arguments: Any, **named: Any) -> None:
        """Take the options, and let the action plugins know them."""
        super().set_options(*arguments, **named)
        settings.use(self.get_option("report_dir"), self.get_option("language"))

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Note the hosts every settings task of the play is meant for, before anything can go wrong."""
        self._play = play
        for task in _tasks(play):
            self._expect(task)

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Note a settings task that was not visible in the play, such as one in an included role."""
        self._expect(task)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Keep what was found."""
        self._keep(result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Remember that nobody looked."""
        if events.task(result).resolved_action == _ACTION:
            self._collector.skip(events.task(result)._uuid, events.host(result))

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Keep what was found, or why the host left the run."""
        if events.task(result).resolved_action == _GATE:
            self._collector.refuse()
        if not self._keep(result) and not ignore_errors:
            said = events.sentence(result) or f"The task {events.task(result).get_name()!r} failed on this host."
            self._collector.lose(events.host(result), printable(said, _SENTENCE))

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Keep what the action could say, or why the host left the run."""
        if not self._keep(result):
            said = f"Host unreachable: {events.sentence(result)}"
            self._collector.lose(events.host(result), printable(said, _SENTENCE))

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """Note that a play found no host; it is a fault only when no play of the run finds one."""
        self._hosts_missing = self._collector.used

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write and show the results; exit with code 1 when there is no host, or they could not be written."""
        if self._hosts_missing and not self._collector.has_hosts:
            self._display.display(_no_hosts(), color=constants.COLOR_ERROR, stderr=True)
            raise SystemExit(1)
        if not self._finish(NEVER_REACHED):
            raise SystemExit(1)

    def _rescue(self) -> None:
        # Something is left here only when the run was interrupted; forked workers inherit the hook but not the run.
        if os.getpid() == self._pid:
            locked = self._locked() if self._collector.used else ""
            if locked:
                self._collector.refuse()
            self._finish(locked or INTERRUPTED)

    def _new_collector(self) -> Collector:
        return Collector(self._identity, self._selected)

    def _expect(self, task: Any) -> None:
        if task.resolved_action == _ACTION:
            mode = _MODES.get(str(task.args.get("state", "audited")), "audit")
            check = mode != "audit" and bool(task.check_mode or context.CLIARGS.get("check"))
            hosts = _hosts(self._play)
            self._meant.update(hosts)
            self._chosen |= any(task.args.get(name) for name in ("measures", "controls"))
            self._collector.expect(task._uuid, hosts, mode, check)

    def _keep(self, result: Any) -> bool:
        # any other module of a host could give itself the same key
        if events.task(result).resolved_action != _ACTION:
            return False
        content = events.content(result)
        looped = [item for item in content.get("results") or () if isinstance(item, Mapping)]
        records = [item["essms"] for item in (content, *looped) if isinstance(item.get("essms"), Mapping)]
        host = events.host(result)
        for record in records:
            self._collector.record(events.task(result)._uuid, host, {**record, "host": host})
        return bool(records)

    def _locked(self) -> str:
        """Return why Ansible could not even read the variables of the hosts, or an empty text."""
        manager, home = self._play.get_variable_manager(), self._home
        try:
            for host in sorted(self._meant):
                manager.get_vars(play=self._play, host=manager._inventory.get_host(host), include_hostvars=False)
        except AnsibleError as error:
            said = printable(f"No host was touched, the variables of the inventory cannot be read: {error}", _SENTENCE)
            password = printable(layout.vault_folder() / home.name, _SENTENCE)
            return f"{said} A vault needs its password: --vault-id {home.name}@{password}" if home.folder else said
        return ""

    def _identity(self, host: str) -> Identity:
        manager = self._play.get_variable_manager()
        found = manager._inventory.get_host(host)
        try:
            known = manager.get_vars(play=self._play, host=found, include_hostvars=False)
        except AnsibleError:
            # a vault without its password keeps all of them back, but not what stands with the host itself
            known = found.vars
        home, site = self._home, self._own_site
        fed = site.defaults.get("essms_profile") if site else None
        profile = str(known.get("essms_profile") or (fed.value if fed else ""))
        return Identity(home.name, profile, tuple(inventory.groups_of(found)))

    def _circumstances(self, establishment: str) -> Circumstances:
        known = self._play.get_variable_manager()._inventory
        scope = self._scope(known)
        site, today = self._site(establishment), datetime.now(UTC).date()
        identity = site.identity if site else {"name": "", "finess": "", "category": ""}
        fleet: Fleet = {**inventory.fleet(known), "controls": []}
        try:
            fleet["controls"] = list(load().controls)
            declared = waivers.load(site.folder) if site else []
        except CatalogueError:
            # The hosts already failed with that sentence.
            return Circumstances(identity, scope, fleet, [])
        told = waivers.results_of(declared, today, fleet["controls"], fleet["groups"], fleet["hosts"])
        return Circumstances(identity, scope, fleet, told)

    def _scope(self, known: Any) -> dict[str, str]:
        """Return what the run was meant for. A play of one's own may name a group, and a role alone has one measure.

        What a run over everything does not name is taken out of the history, so "all" is only said when it is sure.
        """
        arguments = context.CLIARGS
        chosen = set(arguments.get("tags") or ["all"]) != {"all"} or bool(arguments.get("skip_tags"))
        every_host = self._meant.issuperset(inventory.hosts(known)) and inventory.is_whole(known, self._home.folder)
        return {
            "hosts": "all" if every_host and not arguments.get("subset") else "some",
            "controls": "some" if chosen or self._chosen else "all",
        }

    @cached_property
    def _home(self) -> sources.Site:
        """Where the hosts of this run belong: asked for every host that never answered, and the same for all."""
        given = inventory.given(self._play.get_variable_manager()._inventory)
        return ownership.site(given, settings.in_use().folder)

    def _site(self, establishment: str) -> Establishment | None:
        """Return the folder of an establishment of this run; None when it has none, or its file is not valid."""
        return self._own_site if self._home.name == establishment else None

    @cached_property
    def _own_site(self) -> Establishment | None:
        try:
            return load_establishment(self._home.folder) if self._home.folder else None
        except CatalogueError:
            return None

    def _selected(self) -> Iterator[Expected]:
        try:
            chosen = select(load(), context.CLIARGS.get("tags") or ["all"], context.CLIARGS.get("skip_tags") or [])
        except CatalogueError:
            # The hosts already failed with that sentence; without a catalogue there is no control to list.
            return
        for control in chosen:
            yield Expected(control.id, control.origin)

    def _finish(self, absent: str) -> bool:
        collector, self._collector = self._collector, self._new_collector()
        if not collector.used:
            return True
        root = settings.in_use().folder or Path()
        versions = {"ansible": ansible_version, "collection": _collection_version()}
        view = summary.View(
            self._titles(), Words(self.get_option("language")), Canvas.of(colour=bool(ANSIBLE_COLOR)), _undo()
        )
        try:
            documents = collector.documents(versions, self._circumstances, absent)
        except Exception as error:  # noqa: BLE001 - Ansible would go on as if the results were there
            self._tell(f"The results could not be put together: {_fault(error)}. {_REPORT_IT}")
            return False
        written = [self._write_and_show(document, root, view) for document in documents]
        return all(written)

    def _tell(self, sentence: str) -> None:
        self._display.display(printable(sentence, _LONG_SENTENCE), color=constants.COLOR_ERROR, stderr=True)

    def _titles(self) -> summary.Titles:
        try:
            catalogue: Catalogue = load()
        except CatalogueError as error:
            self._display.warning(f"The summary has no titles: {error}")
            return {}
        return summary.titles_of(catalogue)

    def _write_and_show(self, document: Document, root: Path, view: summary.View) -> bool:
        try:
            path = reports.write(document, root)
        except OSError as error:
            self._show(document, view)
            self._tell(
                f"The results could not be written to {error.filename or root}: {error.strerror}. "
                "Set ESSMS_REPORT_DIR to a folder you can write to, then run again."
            )
            return False
        except Exception as error:  # noqa: BLE001 - Ansible would go on as if the results were there
            self._tell(f"The results could not be written: {_fault(error)}. {_REPORT_IT}")
            return False
        report = self._report(document, path, view.words)
        self._show(document, view, _short(path), _short(report) if report else "")
        return True

    def _show(self, document: Document, view: summary.View, *files: str) -> None:
        try:
            text = summary.summary(document, view, *files)
        except Exception as error:  # noqa: BLE001 - the results are what counts, and they need no summary
            self._tell(f"The summary could not be made: {_fault(error)}. {_REPORT_IT}")
        else:
            self._display.display(text)

    def _report(self, document: Document, path: Path, words: Words) -> Path | None:
        """Write the report beside the results; whatever goes wrong is told, and costs neither results nor run."""
        if not self.get_option("report") or document["refused"] or not document["results"]:
            return None
        # it takes a moment to import, which a run without a report need not spend
        from ansible_collections.essms.hardening.plugins.plugin_utils.report import publish

        now = datetime.now(UTC)
        try:
            site = self._site(document["establishment"])
            language = publish.language_of(site, words.language)
            gathered = publish.gather(
                path.parent, made=document, site=site, catalogue=load(), language=language, now=now
            )
            report = publish.write(path.parent, gathered, language)
        except (CatalogueError, HistoryError, results.ResultsError) as error:
            self._incomplete(str(error), words)
            return None
        except OSError as error:
            self._incomplete(f"{error.filename or path.parent}: {error.strerror or error}", words)
            return None
        except Exception as error:  # noqa: BLE001 - a report that cannot be made costs neither results nor run
            self._incomplete(f"{_fault(error)}. {_REPORT_IT}", words)
            return None
        for problem in gathered.problems:
            self._incomplete(problem, words)
        return report

    def _incomplete(self, problem: str, words: Words) -> None:
        self._tell(words("report_problem", words.note(problem)))


def _fault(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _undo() -> str:
    """Return the command that takes this very run back: same inventory, same vaults, same hosts."""
    words = ["ansible-playbook"]
    for source in context.CLIARGS.get("inventory") or ():
        relative = os.path.relpath(source)
        words += ["-i", source if "," in source or relative.startswith("..") else relative]
    for vault in context.CLIARGS.get("vault_ids") or ():
        words += ["--vault-id", str(vault)]
    if context.CLIARGS.get("subset"):
        words += ["--limit", str(context.CLIARGS["subset"])]
    return shlex.join([*words, "essms.hardening.rollback"])


def _no_hosts() -> str:
    """Return what is wrong with an inventory without hosts, and what to do."""
    sources = [str(source) for source in context.CLIARGS.get("inventory") or ()]
    absent = [source for source in sources if "," not in source and not Path(source).exists()]
    if absent:
        return f"The inventory {absent[0]} does not exist: check the name of the establishment after -i."
    return f"The inventory {', '.join(sources) or 'in use'} has no host for this playbook: add hosts to its hosts.yml."


def _hosts(play: Any) -> list[str]:
    """Return every host of the play under --limit, those of later batches included."""
    inventory = play.get_variable_manager()._inventory
    return [host.get_name() for host in inventory.get_hosts(play.hosts, ignore_restrictions=True)]


def _tasks(play: Any) -> Iterator[Any]:
    def walk(block: Any) -> Iterator[Any]:
        for part in (*block.block, *block.rescue, *block.always):
            if hasattr(part, "block"):
                yield from walk(part)
            else:
                yield part

    for block in play.compile():
        yield from walk(block)


def _short(path: Path) -> str:
    latest = path.parent.parent / "latest" / path.name
    shown = latest if latest.resolve() == path.resolve() else path
    relative = os.path.relpath(shown)
    return str(shown) if relative.startswith("..") else relative


def _collection_version() -> str:
    """Return the version from the manifest of an installed collection, or from the source of a checkout."""
    manifest = _ROOT / "MANIFEST.json"
    if manifest.is_file():
        import json

        return str(json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"])
    import yaml

    return str(yaml.safe_load((_ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"])
