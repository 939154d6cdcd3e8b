# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How sudo behaves: the Defaults in force for everybody, and those that weaken them for some."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..engine import shown, sudoers, text
from ..engine.accounts import Account, first_of_people, members, read, uids
from ..engine.errors import NotApplicable, Seen, SettingError
from ..engine.host import Host
from ..engine.rules import EQUALS, INCLUDES, LIMIT, Rule
from .base import Kind, fields, integer

SUDO = "/usr/bin/sudo"
VISUDO = "/usr/sbin/visudo"
DROP_IN = f"{sudoers.FOLDER}/zz-essms"
ROTATION = "/etc/logrotate.d/essms-sudo"
_ROTATION = """{path} {{
    weekly
    rotate 53
    compress
    delaycompress
    missingok
    create 0600 root root
}}
"""
_ALIAS = "ESSMS_NOEXEC"
_FLAGS = ("use_pty", "ignore_dot", "env_reset", "requiretty", "log_output")
_MINUTES = ("passwd_timeout", "timestamp_timeout")
_PROGRAM = {"type": "string", "pattern": r"^(/[A-Za-z0-9._+\-]+)+$", "maxLength": 120}
_NO_PASSWORD = ("authenticate", False)
_UNDOES = {"log_output": "NOLOG_OUTPUT", "noexec": "EXEC"}
"""Tags of a rule that take back, for its commands, what a Defaults line gives everybody."""
WHO = {"type": "string", "pattern": r"^%?[A-Za-z_][A-Za-z0-9_.\-]{0,31}$"}
"""An account, or a group after a %."""
_SNAP = {"/snap/bin", "/var/lib/snapd/snap/bin"}
"""Folders of Ubuntu's own secure_path, which only root writes."""


def _masks(expected: Any, observed: Any) -> bool:
    """Say whether a umask takes away at least the expected rights."""
    return isinstance(observed, str) and not int(expected, 8) & ~int(observed, 8)


def _minutes(expected: Any, observed: Any) -> bool:
    """Say whether a ticket ends in time; a negative number never does, zero asks every time."""
    return isinstance(observed, (int, float)) and 0 <= observed <= expected


_EQUAL = dict.fromkeys(_FLAGS, EQUALS)
_SWITCHES: dict[str, Any] = {name: {"type": "boolean"} for name in _FLAGS}
_PATHS = Rule("one_of", lambda expected, observed: bool(observed) and set(observed) <= {*expected, *_SNAP})


class Sudoers(Kind):
    """``sudoers: {use_pty: true, umask: "0027", logfile: /var/log/sudo.log, noexec: [/usr/bin/less]}``.

    A flag that is false, an empty list or text asks for nothing. ``noexec`` lists programs that may start no other.
    Accounts to be spared, root and the accounts of services that have a rule are exempt from requiretty and umask; from
    requiretty also those of ``unattended`` and of rules without a password: a job of theirs would stop.
    """

    schema = fields(
        **_SWITCHES,
        umask={"enum": ["0022", "0027", "0077"]},
        logfile={"type": "string", "pattern": r"^(/[A-Za-z0-9._\-]+)*$"},
        passwd_timeout=integer(1, 60),
        timestamp_timeout=integer(0, 60),
        secure_path={"type": "array", "items": _PROGRAM},
        noexec={"type": "array", "items": _PROGRAM},
        unattended={"type": "array", "items": WHO},
    )
    rules = {
        **_EQUAL,
        "umask": Rule("at_least", _masks),
        "passwd_timeout": LIMIT,
        "timestamp_timeout": Rule("at_most", _minutes),
        "secure_path": _PATHS,
        "noexec": INCLUDES,
    }

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        found = {name: value for name, value in body.items() if value is not False and value not in ([], "")}
        found.pop("unattended", None)
        return {**found, "rotation": True} if "logfile" in found else found

    def journalled(self, body: Mapping[str, Any]) -> dict[str, Any]:
        # what was written for them stays in our file, by uid
        return {name: value for name, value in body.items() if name != "unattended"}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        wanted = {name: value for body in bodies for name, value in self.expand(body, host.family).items()}
        if not os.path.exists(host.path(SUDO)):
            return dict.fromkeys(wanted, NotApplicable("sudo is not installed"))
        policy = sudoers.read(host)
        spared = _spared(host, policy, [who for body in bodies for who in body.get("unattended", [])])
        return {name: self._seen(host, policy, name, wanted, spared) for name in wanted}

    def _seen(
        self,
        host: Host,
        policy: sudoers.Policy,
        name: str,
        wanted: Mapping[str, Any],
        spared: Mapping[str, Sequence[Account]],
    ) -> Any:
        if name == "rotation":
            return _rotated(host, wanted["logfile"])
        if name == "noexec":
            return _noexec(host, policy, wanted[name])
        everybody = [each for each in policy.defaults if each.name == name and not each.scope]
        value = _typed(name, everybody[-1].value) if everybody else None
        if not self.rule(name).test(wanted[name], value):
            return value
        for each in policy.defaults:
            weaker = (
                each.name == name and each.scope and not self.rule(name).test(wanted[name], _typed(name, each.value))
            )
            if weaker and not (
                each.scope == ":" and set(policy.names("User", each.who)) <= _called(spared.get(name, ()))
            ):
                return Seen(
                    _typed(name, each.value), f"set for some users or commands at {shown.paths(host, [each.place])}"
                )
        for rule, _command in _undone(host, policy, name):
            return Seen(False, f"{_UNDOES[name]} takes it back for some commands at {shown.paths(host, [rule.place])}")
        return _terminal(policy, value, spared) if name == "requiretty" else value

    def precheck(self, host: Host) -> str:
        fault = self.validate(host)
        return f"the rules of sudo are already invalid, before any change: {fault}" if fault else ""

    def edit(self, host: Host, body: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
        policy = sudoers.read(host)
        if sudoers.FOLDER not in policy.folders:
            raise SettingError(
                f"{sudoers.MAIN} does not read {sudoers.FOLDER}: add the line @includedir {sudoers.FOLDER}"
            )
        own = [each for each in policy.defaults if each.place.rpartition(":")[0] == DROP_IN]
        values: dict[str, Any] = {each.name: _typed(each.name, each.value) for each in own if not each.scope}
        noexec = policy.aliases.get(("Cmnd", _ALIAS))
        values.update({"noexec": list(noexec)} if noexec else {})
        values.update({name: value for name, value in wanted.items() if name != "rotation"})
        exempt = {}
        for name, accounts in _spared(host, policy, body.get("unattended", [])).items():
            lines = [each.who for each in own if each.scope == ":" and each.name == name]
            already = {int(who[1:]) for who_ in lines for who in who_ if who[1:].isdigit()}
            exempt[name] = sorted({account.uid for account in accounts} | already)
        host.write(DROP_IN, _written(values, exempt), mode=0o440)
        if "rotation" in wanted:
            host.write(ROTATION, text.HEADER + _ROTATION.format(path=self.expand(body)["logfile"]))

    def validate(self, host: Host) -> str:
        # named, so that rights do not count: they are another control's
        done = host.run(VISUDO, "-c", "-f", sudoers.MAIN)
        # only the place: visudo shows the line too, which may name somebody
        said = (done.err or done.out).strip().partition("\n")[0]
        return "" if done.rc == 0 else shown.without_names(host, said[:300]) or f"visudo -c ended with {done.rc}"

    def explain(self, host: Host, name: str) -> str:
        return f"a line that sudo reads after {DROP_IN} sets {name}: `grep -rn {name} /etc/sudoers*` shows it"


def _typed(name: str, value: sudoers.Value) -> Any:
    if name in _MINUTES:
        try:
            minutes = float(value)
        except ValueError:
            return value
        return int(minutes) if minutes.is_integer() else minutes
    if name == "secure_path" and isinstance(value, str):
        return value.split(":")
    return value


def _noexec(host: Host, policy: sudoers.Policy, wanted: Sequence[str]) -> Any:
    """Return the programs that may start no other, in the order they are asked for; all of them when nothing may."""
    flags = [each for each in policy.defaults if each.name == "noexec"]
    held: set[str] = set()
    if any(each.value is True and not each.scope for each in flags):
        held.update(wanted)
    for each in flags:
        if each.scope == "!":
            (held.update if each.value else held.difference_update)(policy.names("Cmnd", each.who))
    freed = {
        program: rule.place
        for rule, command in _undone(host, policy, "noexec")
        for program in held.intersection(wanted)
        if any(_runs(text, program) for text in policy.names("Cmnd", (command.text,)))
    }
    found = [program for program in wanted if program in held and program not in freed] or None
    return Seen(found, f"EXEC takes it back at {shown.paths(host, list(freed.values()), 1)}") if freed else found


def _undone(host: Host, policy: sudoers.Policy, name: str) -> Iterator[tuple[sudoers.Rule, sudoers.Command]]:
    """Yield the commands whose tag takes an option back, but for root and the accounts to be spared."""
    trusted = {"root", "#0", *host.spared}
    for rule in policy.rules:
        for command in rule.commands if set(policy.names("User", rule.users)) - trusted else ():
            if _UNDOES.get(name) in command.tags and not command.negated:
                yield rule, command


def _runs(command: str, program: str) -> bool:
    """Say whether a command of a rule can be this program; what is written as a regular expression can be any."""
    path = command.split(" ", 1)[0]
    if path == "ALL" or path.startswith("^"):
        return True
    return path == f"{os.path.dirname(program)}/" or fnmatch.fnmatchcase(program, path)


def _rotated(host: Host, path: str) -> bool:
    """Say whether logrotate is told about the log."""
    return any(path in (host.text(file) or "") for file in host.names("/etc/logrotate.d", ""))


def _exempt_accounts(host: Host, policy: sudoers.Policy) -> list[Account]:
    """Return root, the accounts to be spared and those of services with a rule: none of them has a terminal."""
    ruled = {name for rule in policy.rules for name in policy.names("User", rule.users)}
    people = first_of_people(host)
    return [
        account
        for account in read(host)
        if account.uid == 0
        or account.name in host.spared
        or (account.uid < people and (account.name in ruled or f"#{account.uid}" in ruled))
    ]


def _spared(host: Host, policy: sudoers.Policy, unattended: Sequence[str]) -> dict[str, list[Account]]:
    """Return the accounts that are exempt, by option: those that run jobs need no terminal, but are asked a umask."""
    exempt = _exempt_accounts(host, policy)
    free = [rule.users for rule in policy.rules if any("NOPASSWD" in command.tags for command in rule.commands)]
    free += [each.who for each in policy.defaults if each.scope == ":" and (each.name, each.value) == _NO_PASSWORD]
    words = {*unattended, *(word for users in free for word in policy.names("User", users))}
    named = words | members(host, [word[1:] for word in words if word.startswith("%")])
    jobs = [each for each in read(host) if each not in exempt and {each.name, f"#{each.uid}"} & named]
    return {"requiretty": [*exempt, *jobs], "umask": exempt}


def _terminal(policy: sudoers.Policy, value: Any, spared: Mapping[str, Sequence[Account]]) -> Any:
    """Return requiretty with whom it leaves out; no good when it stops somebody who has no terminal."""
    if not _all_exempt(policy, spared["requiretty"]):
        return Seen(value, "an account of the automation or of a service would need one too", satisfied=False)
    jobs = [account for account in spared["requiretty"] if account not in spared["umask"]]
    return Seen(value, f"not of unattended accounts: {uids(jobs)}") if jobs else value


def _all_exempt(policy: sudoers.Policy, accounts: Sequence[Account]) -> bool:
    """Say whether all these accounts are exempt from requiretty."""
    flags = [each for each in policy.defaults if each.name == "requiretty" and each.scope == ":" and not each.value]
    spared = {who for each in flags for who in policy.names("User", each.who)}
    return all({account.name, f"#{account.uid}"} & spared for account in accounts)


def _called(accounts: Sequence[Account]) -> set[str]:
    return {account.name for account in accounts} | {f"#{account.uid}" for account in accounts}


def _written(values: Mapping[str, Any], exempt: Mapping[str, Sequence[int]]) -> str:
    """Return our file: what holds for everybody, then the accounts without a terminal, by uid."""
    lines = []
    for name, value in sorted(values.items()):
        if name == "noexec":
            lines += [f"Cmnd_Alias {_ALIAS} = {', '.join(value)}", f"Defaults!{_ALIAS} noexec"]
        elif isinstance(value, bool):
            lines.append(f"Defaults {name}" if value else f"Defaults !{name}")
        else:
            written = ":".join(value) if name == "secure_path" else str(value)
            lines.append(f'Defaults {name}="{written}"' if "/" in written else f"Defaults {name}={written}")
    options: dict[tuple[int, ...], list[str]] = {}
    for name, option in (("requiretty", "!requiretty"), ("umask", "umask=0022")):
        if name in values and exempt[name]:
            options.setdefault(tuple(exempt[name]), []).append(option)
    for accounts, given in options.items():
        lines.append(f"Defaults:{', '.join(f'#{uid}' for uid in accounts)} {', '.join(given)}")
    return text.HEADER + "".join(f"{line}\n" for line in lines)
