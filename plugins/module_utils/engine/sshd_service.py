# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the service of the host starts sshd: what its command line says comes before any file, and may name another."""

from __future__ import annotations

import getopt
import os
import re
import shlex
from collections.abc import Iterator

from . import text
from .errors import Unknown
from .host import Host

SSHD = "/usr/sbin/sshd"
MAIN = "/etc/ssh/sshd_config"
_USUAL = {"debian": ("/etc/default/ssh", "$SSHD_OPTS"), "redhat": ("/etc/sysconfig/sshd", "$OPTIONS")}
"""File and variable of the distribution's own unit, for a host where systemd says nothing."""
_FLAGS = "46C:DE:GQRTb:c:deFf:g:h:ik:o:p:qrtu:V:"
"""Options of sshd(8), earlier versions included."""
_THAT_COUNT = ("-f", "-g", "-o", "-p")
_COMMAND = re.compile(r"path=(?P<path>\S+) ; argv\[\]=(?P<argv>.*?) ; ignore_errors=")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")


def unit(host: Host) -> str:
    """Return the name of the service."""
    return "ssh.service" if host.family == "debian" else "sshd.service"


def options(host: Host) -> list[str] | Unknown:
    """Return the options the service gives sshd, as far as they count for its configuration, or why they are not known.

    Overrides of the unit and its files of variables are followed.
    """
    shown = host.run("systemctl", "show", "-p", "ExecStart", "-p", "Environment", "-p", "EnvironmentFiles", unit(host))
    lines = [line.partition("=") for line in shown.out.splitlines()] if shown.rc == 0 else []
    commands = [value for key, _, value in lines if key == "ExecStart" and value]
    try:
        if not commands:
            path, variable = _USUAL.get(host.family, ("", ""))
            return _that_count(list(_words(variable.split(), _of_file(host, path))))
        command = _COMMAND.search(commands[0])
        if len(commands) > 1 or command is None or host.path(command["path"]) != host.path(SSHD):
            raise ValueError
        variables: dict[str, str] = {}
        for key, _, value in lines:
            if key == "Environment":
                variables.update(word.partition("=")[::2] for word in shlex.split(value))
        for key, _, value in lines:
            if key == "EnvironmentFiles":
                variables.update(_of_file(host, value.partition(" (")[0]))
        return _that_count(list(_words(shlex.split(command["argv"])[1:], variables)))
    except ValueError:
        return Unknown(f"how {unit(host)} starts sshd is not understood: `systemctl cat {unit(host)}` shows it")


def main_file(given: list[str]) -> str:
    """Return the file sshd reads first."""
    named = [value for option, value in zip(given[::2], given[1::2]) if option == "-f"]
    return os.path.join("/", named[-1]) if named else MAIN


def _of_file(host: Host, path: str) -> dict[str, str]:
    """Return the variables of a file that systemd reads.

    :raises ValueError: when their quotes have no end, or the path stands for several files.
    """
    if re.search(r"[*?\[]", path):
        raise ValueError
    entries = text.entries(host.text(path) or "" if path else "", text.BARE_EQUALS)
    return {entry.key: " ".join(shlex.split(entry.value)) for entry in entries}


def _words(argv: list[str], variables: dict[str, str]) -> Iterator[str]:
    """Yield the words of a command line as systemd expands them: a variable without braces gives all those it holds."""
    for word in argv:
        whole = re.fullmatch(r"\$(\w+)", word)
        if whole:
            yield from shlex.split(variables.get(whole[1], ""))
        else:
            yield _VARIABLE.sub(lambda found: variables.get(found[1] or found[2], ""), word)


def _that_count(argv: list[str]) -> list[str]:
    """Return options and their values, in pairs.

    :raises ValueError: when one is none of sshd's.
    """
    try:
        found, rest = getopt.getopt(argv, _FLAGS)
    except getopt.GetoptError as error:
        raise ValueError from error
    if rest:
        raise ValueError
    return [word for option in found if option[0] in _THAT_COUNT for word in option]
