# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options given to the kernel when it starts: in force now, in the menu of the next start, and kept by the one after.

Reported only. The menu is written anew with every kernel, so that a rollback, weeks later, could give back one of
kernels that are gone; and no test here starts a machine through its own boot loader. A person adds the options, and
restarts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..engine.errors import SHARED_KERNEL, NotApplicable, Seen, Unknown
from ..engine.host import Host
from .base import Kind, fields

OPTIONS = (
    "l1tf=full,force", "mce=0", "mds=full,nosmt", "page_alloc.shuffle=1", "page_poison=on", "pti=on",
    "rng_core.default_quality=500", "slab_nomerge=yes", "slub_debug=FZP", "spec_store_bypass_disable=seccomp",
    "spectre_v2=on",
)  # fmt: skip
_ALSO = {
    "page_alloc.shuffle=1": ("page_alloc.shuffle=on", "page_alloc.shuffle=y"),
    "page_poison=on": ("page_poison=1", "page_poison=y"),
    "slab_nomerge=yes": ("slab_nomerge",),
    "slub_debug=FZP": ("slab_debug=FZP",),
    "spec_store_bypass_disable=seccomp": ("spec_store_bypass_disable=on",),
}
"""Other spellings of an option, and stricter values."""
_NONE = "no boot option is asked for"
_ASKED = "options"
_RUNNING = "/proc/cmdline"
_MENUS = ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg")
_ENTRIES = "/boot/loader/entries"
_SETTINGS = "/etc/default/grub"
_ADD = f"add it to GRUB_CMDLINE_LINUX in {_SETTINGS}, run update-grub, then restart"
_ADD_ELSEWHERE = "add it to the kernel's command line where its boot loader is set up, then restart"
_NO_GRUB = "in force now, but no menu of GRUB is here: see in the boot loader that the next start has it too"
_OURS = re.compile(
    r"^### BEGIN /etc/grub\.d/10_linux ###$(.*?)^### END /etc/grub\.d/10_linux ###$", re.MULTILINE | re.DOTALL
)
"""The entries of this system; those of memory tests and of other systems stand elsewhere in the menu."""
_LINUX = re.compile(r"^\s*linux(?:16|efi)?\s+\S+[ \t]*(.*)$", re.MULTILINE)
_ENTRY = re.compile(r"^options\s+(.*)$", re.MULTILINE)
_ASSIGNMENT = re.compile(
    r"""^\s*(?:export\s+)?(GRUB_CMDLINE_LINUX(?:_DEFAULT)?)(\+?=)("[^"]*"|'[^']*'|\S*)""", re.MULTILINE
)
_REFERENCE = re.compile(r"\$\{?(\w+)\}?")
_RESCUE = {"single", "recovery", "systemd.unit=rescue.target"}


class KernelCommandLine(Kind):
    """``kernel_command_line: {options: [pti=on, slab_nomerge=yes]}``; an empty list asks for nothing."""

    schema = fields(
        ("options",),
        options={"type": "array", "items": {"enum": list(OPTIONS)}, "uniqueItems": True},
    )
    check_only = True
    evidence = "not-exercised"

    def expand(self, body: Mapping[str, Any], family: str = "debian") -> dict[str, Any]:
        return dict.fromkeys(body["options"], True) or {_ASKED: True}

    def observe(self, host: Host, bodies: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        names = self.names(host, bodies)
        if host.in_container:
            return dict.fromkeys(names, NotApplicable(SHARED_KERNEL))
        running = _options(host.text(_RUNNING) or "")
        menu, kept = _menu(host), _kept(host)
        return {name: NotApplicable(_NONE) if name == _ASKED else _look(name, running, menu, kept) for name in names}


def _look(option: str, running: Mapping[str, str], menu: Sequence[Mapping[str, str]], kept: Mapping[str, str]) -> Any:
    now, next_start, later = _has(running, option), _everywhere(menu, option), _has(kept, option)
    if not menu:
        return Unknown(_NO_GRUB) if now else Seen(False, _ADD_ELSEWHERE)
    if now and next_start and later:
        return True
    if now:
        return Seen(True, f"only until the next restart: {_ADD.rpartition(', then')[0]}", satisfied=False)
    if next_start and later:
        return Seen(False, "from the next restart on")
    return Seen(False, "written, but not in the menu: run update-grub" if later else _ADD)


def _everywhere(menu: Sequence[Mapping[str, str]], option: str) -> bool:
    return all(_has(entry, option) for entry in menu)


def _has(options: Mapping[str, str], wanted: str) -> bool:
    """Say whether the kernel would see an option, the last one of its name, with the wanted value or a better one."""
    return any(options.get(each.partition("=")[0]) == each for each in (wanted, *_ALSO.get(wanted, ())))


def _options(line: str) -> dict[str, str]:
    """Return the options of a command line by their name; of those given twice the last one, as the kernel does."""
    return {word.partition("=")[0]: word for word in line.split()}


def _menu(host: Host) -> list[dict[str, str]]:
    """Return the options of every entry of the boot menu but those for rescue; none where there is no GRUB."""
    found = next((host.text(path) for path in _MENUS if host.exists(path)), None)
    if found is None:
        return []
    lines = [*_LINUX.findall("".join(_OURS.findall(found))), *_of_entries(host)]
    return [_options(line) for line in lines if not _RESCUE & set(line.split())]


def _of_entries(host: Host) -> Iterator[str]:
    """Yield the options of the entries that the RHEL family keeps as files of their own."""
    for path in host.names(_ENTRIES, ".conf"):
        yield from _ENTRY.findall(host.text(path) or "")


def _kept(host: Host) -> dict[str, str]:
    """Return what the next menu will hold: the settings of GRUB, its drop-ins by name, as a shell reads them."""
    values = {"GRUB_CMDLINE_LINUX": "", "GRUB_CMDLINE_LINUX_DEFAULT": ""}
    for content in _settings(host):
        for name, sign, value in _ASSIGNMENT.findall(content):
            plain = _filled(value, values)
            values[name] = f"{values[name]} {plain}" if sign == "+=" else plain
    return _options(" ".join(values.values()))


def _settings(host: Host) -> Iterable[str]:
    names = [f"{_SETTINGS}.d/{os.path.basename(path)}" for path in host.names(f"{_SETTINGS}.d", ".cfg")]
    return [host.text(path) or "" for path in (_SETTINGS, *names)]


def _filled(value: str, values: Mapping[str, str]) -> str:
    """Return a shell word without its quotes, the settings it refers to filled in."""
    if value.startswith("'"):
        return value.strip("'")
    return _REFERENCE.sub(lambda found: values.get(found[1], ""), value.strip('"'))
