# Copyright: (c) 2026, essms.hardening contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible's default output, with one sentence where a host failed instead of a dump of every setting."""

from __future__ import annotations

DOCUMENTATION = """
    name: terminal
    type: stdout
    short_description: Default output without the settings that were looked at
    description:
      - Like P(ansible.builtin.default#callback), but the settings observed on a host never fill the screen.
      - A host that failed or could not be reached gets one sentence.
    author: essms.hardening contributors (!UNKNOWN)
    extends_documentation_fragment:
      - default_callback
      - result_format_callback
    requirements:
      - set as C(stdout_callback) in the configuration
"""

from typing import Any

from ansible import constants
from ansible.plugins.callback.default import CallbackModule as Default
from ansible_collections.essms.hardening.plugins.plugin_utils import events
from ansible_collections.essms.hardening.plugins.plugin_utils.printable import printable

_CHECK = "essms.hardening.establishment"
_SENTENCE = 1000


class CallbackModule(Default):
    """The default callback, less the results that have a report of their own."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "essms.hardening.terminal"

    def v2_runner_on_ok(self, result: Any) -> None:
        """Show the host's line without the observed settings."""
        events.content(result).pop("essms", None)
        super().v2_runner_on_ok(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Show one sentence when a settings task failed, and everything when another task did."""
        checked = events.task(result).resolved_action == _CHECK
        if "essms" not in events.content(result) and not checked:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._say("failed", constants.COLOR_ERROR, result)
        # the sentence holds the first one already
        for problem in events.content(result).get("problems", ())[1:] if checked else ():
            self._display.display(f"  {printable(problem, _SENTENCE)}", color=constants.COLOR_ERROR)
        if ignore_errors:
            self._display.display("...ignoring", color=constants.COLOR_SKIP)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Show one sentence for a host that does not answer."""
        self._say("unreachable", constants.COLOR_UNREACHABLE, result)
        if events.task(result).ignore_unreachable:
            self._display.display("...ignoring", color=constants.COLOR_SKIP)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        """Show the item's line without the observed settings."""
        events.content(result).pop("essms", None)
        super().v2_runner_item_on_ok(result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        """Show the item's line without the observed settings."""
        events.content(result).pop("essms", None)
        super().v2_runner_item_on_failed(result)

    def _say(self, state: str, color: str, result: Any) -> None:
        task = events.task(result)
        if self._last_task_banner != task._uuid:
            self._print_task_banner(task)
        content = events.content(result)
        self._handle_warnings(content)
        if self._display.verbosity:
            # Without -v the sentence is enough; with it, where it was raised helps.
            self._handle_exception(content)
        message = f"{state}: [{self.host_label(result)}] {printable(events.sentence(result), _SENTENCE)}"
        self._display.display(message, color=color, stderr=self.get_option("display_failed_stderr"))
