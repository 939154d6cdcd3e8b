# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the engine itself on a lab host, without Ansible: a zip of the checkout's code, a request in, a response out.

It takes about a third of a second where a playbook takes three, and lets a test stop a run at any stage
(`engine_hooks`). What an apply or a rollback needs from the controller, packages, it does here as the action plugin
does.
"""

from __future__ import annotations

import functools
import hashlib
import io
import json
import re
import subprocess
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.essms.hardening.plugins.plugin_utils.catalogue import Catalogue, load
from ansible_collections.essms.hardening.plugins.plugin_utils.origins import Source
from ansible_collections.essms.hardening.plugins.plugin_utils.resolution import JUSTIFICATIONS, resolve

from tests.support import lab
from tools.lab import hosts as lab_hosts
from tools.lab import vm

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "/var/tmp/essms-test"
SOURCE = ROOT / "plugins" / "module_utils"
JOURNALS = "/var/lib/essms"
# Folders and files whose every byte a control may change; `save` and `restore` bring a host back to a known state.
TREES = (
    "/etc",
    "/boot/grub",
    "/home",
    "/root",
    "/var/lib/pam",
    "/var/lib/essms",
    "/usr/local/lib/systemd",
    "/usr/share/pam-configs",
    "/usr/share/wayland-sessions",
    "/var/cache/debconf",
    "/var/lib/clamav",
    "/var/lib/essms-quarantine",
    "/var/lib/essms-integrity",
    "/usr/local/sbin",
    "/usr/bin/sudo",
    "/var/lib/dpkg/statoverride",
)
# What a rollback gives back to the last bit.
GIVEN_BACK = (
    "/etc",
    "/boot/grub",
    "/home",
    "/root",
    "/var/lib/pam",
    "/usr/bin/sudo",
    "/var/lib/dpkg/statoverride",
)
_MAIN = """
import sys
from essms_engine import agent, hooks
from essms_engine.engine import apply, guard, revert, run, transaction, undo
engine = {"apply": apply, "guard": guard, "run": run, "undo": undo, "transaction": transaction}
(agent.serve if "serve" in sys.argv else agent.answer_one)(engine, hooks.plant)
"""

Setting = list[Any]
"""``[control, kind, body]``, as the action plugin sends it."""


@dataclass
class Run:
    """What a run of the engine left.

    :param code: exit code; 137 when it was killed.
    :param response: empty when it was.
    """

    code: int
    response: dict[str, Any]
    error: str = ""
    removed: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> Any:
        assert self.response, f"the engine gave no response (code {self.code}): {self.error[-2000:]}"
        return self.response[name]

    def rows(self, *states: str, control: str = "") -> dict[tuple[str, str, str], dict[str, Any]]:
        """Return the rows in one of these states (all when none is given), by control, kind and name."""
        return {
            (row["control"], row["kind"], row["name"]): row
            for row in self["rows"]
            if (not states or row["state"] in states) and control in ("", row["control"])
        }

    def wrong(self) -> list[str]:
        """Return one line for each row that is not in force, and every sentence about a failure."""
        lines = [
            f"{row['control']} {row['kind']} {row['name']}: expected {row['expected']!r}, observed {row['observed']!r}"
            f" {row['reason']}"
            for row in self.rows("fail", "unknown").values()
        ]
        failed = [f"{control} failed: {reason}" for control, reason in self["failed"].items()]
        return lines + failed + ([self["problem"]] if self["problem"] else [])


# --- hosts -----------------------------------------------------------------------------------------------------------


def everywhere(work: Callable[[str], object], hosts: Iterable[str]) -> None:
    """Do the same work on several hosts side by side; a failure names its host."""
    names = list(hosts)
    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        done = [(name, pool.submit(work, name)) for name in names]
    for name, future in done:
        error = future.exception()
        if error is not None:
            raise AssertionError(f"on {name}: {error}") from error


def tree(host: str, *paths: str) -> dict[str, str]:
    """Return hash, type, mode and owners of every file under the paths, without times: what a rollback gives back."""
    found: dict[str, str] = {}
    for line in fingerprint(host, *(paths or GIVEN_BACK)).splitlines():
        hashed = re.fullmatch(r"([0-9a-f]{64})  (.*)", line)
        if hashed:
            found[hashed[2]] = f"{found.get(hashed[2], '')} {hashed[1]}"
            continue
        path, kind, mode, owner, size, _time, *link = line.split(" ")
        # the size of a folder is an affair of its filesystem
        found[path] = " ".join([kind, mode, owner, *([] if kind == "d" else [size]), *link])
    return found


def fingerprint(host: str, *paths: str) -> str:
    """Return hash, type, mode, owners, times and link targets of every file under the paths."""
    under = " ".join(paths)
    attributes = rf"find {under} -xdev -printf '%p %y %m %U:%G %s %T@ %l\n' 2>/dev/null | sort"
    return must(host, f"{attributes}; find {under} -xdev -type f -exec sha256sum {{}} + 2>/dev/null | sort -k2")


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return one line for each file that differs between two trees."""
    return [
        f"{path}: {before.get(path, 'absent')} -> {after.get(path, 'absent')}"
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


_KEEP = """
import os, stat, subprocess, sys, tarfile
mode, archive, trees = sys.argv[1], sys.argv[2], sys.argv[3:]
def walk():
    for tree in trees:
        for folder, names, files in os.walk(tree, topdown=False):
            for name in files + names:
                path = os.path.join(folder, name)
                if not os.path.ismount(path):
                    yield path
        if os.path.lexists(tree):
            yield tree
mounted = {line.split()[4] for line in open("/proc/self/mountinfo")}
if mode == "save":
    with tarfile.open(archive, "w") as tar:
        for path in sorted(walk()):
            # what comes and goes by itself (a draft of freshclam) may be gone by now
            if path not in mounted and os.path.lexists(path):
                tar.add(path, recursive=False)
else:
    def same(member):
        path = "/" + member.name
        try:
            now = os.lstat(path)
        except OSError:
            return False
        if (stat.S_IMODE(now.st_mode), now.st_uid, now.st_gid) != (member.mode, member.uid, member.gid):
            return False
        if member.issym():
            return stat.S_ISLNK(now.st_mode) and os.readlink(path) == member.linkname
        if abs(member.mtime - now.st_mtime) > 1e-5:
            return False
        if member.isreg() and stat.S_ISREG(now.st_mode):
            return open(path, "rb").read() == tar.extractfile(member).read()
        return member.isdir() and stat.S_ISDIR(now.st_mode)
    with tarfile.open(archive) as tar:
        kept = {"/" + member.name for member in tar.getmembers()}
        gone = [path for path in walk() if path not in kept and path not in mounted]
        for path in gone:
            os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        other = [member.name for member in tar.getmembers() if not same(member)]
        for name in other:
            if name.startswith("usr/bin/") and os.path.lexists("/" + name):
                os.unlink("/" + name)  # a program that runs is replaced: it cannot be overwritten
        names = "\\0".join(other).encode()
        command = ["tar", "-C", "/", "--overwrite", "--no-recursion", "--null", "-T", "-", "-xpf", archive]
        if other:  # told of no name at all, it would write every file, and each loses its set-user-id bit by that
            subprocess.run(command, input=names, check=True)
    with open(os.path.dirname(archive) + "/changed", "w") as told:
        told.write("\\n".join([*gone, *("/" + name for name in other)]))
"""
"""Saves trees of a host into an archive, or brings them back; what that changed is then told in a file beside it."""


# Kernel settings that a control may change. Those of a container that are not its network's belong to this machine.
_OF_THE_NETWORK = (
    r"net\.ipv[46]\.(conf\.(all|default|eth0|probe-web0)\..*|ip_forward|ip_local_port_range|icmp_(ignore|echo).*|"
    r"tcp_(rfc|sync).*)"
)
_OF_THE_KERNEL = (
    r"dev\.tty\.ldisc_autoload|net\.core\.bpf_jit_harden|vm\.mmap_min_addr|fs\.(protected_.*|suid_dumpable)|kernel\.(dmesg_restrict|kptr_restrict|"
    r"randomize_va_space|sysrq|perf_.*|pid_max|panic_on_oops|yama.*|unprivileged_bpf_disabled)"
)
_SYSCTLS = {True: f"^({_OF_THE_NETWORK})$", False: f"^({_OF_THE_NETWORK}|{_OF_THE_KERNEL})$"}
"""By whether the host is a container."""
# A unit that is enabled runs, one that is not does not: these are those that controls and `tests.support.faults` name.
_UNITS = (
    "essms-probe.service apt-daily.timer apt-daily-upgrade.timer logrotate.timer chrony.service "
    "auditd.service essms-audit-rotate.timer unbound.service fail2ban.service"
)
# Those of the antivirus and of the comparison of files are there or not.
_THERE_OR_NOT = (
    "essms-av-scan.timer essms-av.path clamav-freshclam.service clamav-daemon.service essms-av-access.service "
    "essms-integrity.timer"
)
# What reads its files when it starts starts again when they changed: some take seconds for it. The journal's are judged
# by the time they were last touched, as the audit does: a rollback touches them too.
_READ_AGAIN = (
    f'changed() {{ grep -qE "$1" {FOLDER}/changed; }}; '
    "if changed '/etc/clamav|essms-av[-.a-z]*$'; then systemctl stop essms-av-access.service 2>/dev/null; fi; "
    "systemctl daemon-reload; systemctl stop essmsprobe.slice; "
    f"for unit in {_THERE_OR_NOT}; do if systemctl cat $unit >/dev/null 2>&1; then systemctl start $unit; "
    "else systemctl stop $unit 2>/dev/null; fi; done; "
    "systemctl kill --signal=HUP --kill-who=main systemd-logind.service; systemctl reset-failed; "
    'started="$(systemctl show --property=ExecMainStartTimestamp --value systemd-journald.service)"; '
    'if [ -n "$(find /etc/systemd/journald.conf* -newerct "$started")" ]; then '
    "systemctl restart systemd-journald.service; fi; "
    "systemctl try-restart chrony.service; if changed /unbound/; then systemctl try-restart unbound.service; fi; "
    "if test -e /usr/sbin/rsyslogd; then systemctl start rsyslog.service; fi; "
    "if changed fail2ban; then systemctl try-restart fail2ban.service; fi; "
    "if changed rsyslog; then systemctl try-restart rsyslog.service; fi; "
    "! systemctl --quiet is-active auditd.service || { augenrules --load; auditctl -e 1 >/dev/null; }; "
    f"for unit in {_UNITS}; do if systemctl --quiet is-enabled $unit; then systemctl start $unit; "
    "else systemctl stop $unit; fi; done; systemctl reload ssh.service; "
    "! command -v nft >/dev/null || "
    "{ if [ -e /etc/essms/firewall.nft ]; then nft -f /etc/essms/firewall.nft; "
    "else nft 'add table inet essms; delete table inet essms'; fi; }"
)


# In a machine of its own: mounts by fstab, and no profile of a fault that is over (tests.support.faults.endpoint).
_READ_AGAIN_BY_THE_KERNEL = (
    "mount -o remount /tmp; mount -o remount /dev/shm; "
    "[ -e /etc/apparmor.d/essms-probe ] || echo -n essms-probe > /sys/kernel/security/apparmor/.remove || true"
)


def save(host: str, name: str) -> None:
    """Keep the whole state a control may change under a name, on the host, by other means than the engine's."""
    must(host, f"mkdir -p {FOLDER}")
    must(host, ["python3", "-c", _KEEP, "save", f"{FOLDER}/{name}.tar", *TREES])
    container = root(host, "systemd-detect-virt --container --quiet").code == 0
    # the kernel copies "default" to the interfaces: all, default, eth0 is also the order to write them in
    must(host, f"sysctl -a 2>/dev/null | grep -E '{_SYSCTLS[container]}' > {FOLDER}/{name}.sysctl".replace("$'", " ='"))


def restore(host: str, name: str) -> None:
    """Come back to a saved state, whatever happened since, and let the services read it."""
    script = f'python3 -c "$0" restore {FOLDER}/{name}.tar {" ".join(TREES)} && rm -f {FOLDER}/go {FOLDER}/waiting'
    # some of the kernel's lines cannot be written, whatever they say; forwarding, when it changes, resets others
    values = f"for again in 1 2; do sysctl -q -e -p {FOLDER}/{name}.sysctl >/dev/null 2>&1 || true; done"
    kernel = _READ_AGAIN_BY_THE_KERNEL if vm.is_vm(host) else "true"
    must(host, ["sh", "-c", f"{script} && {{ {_READ_AGAIN}; {kernel}; {values}; }}", _KEEP], timeout=300)


# --- settings --------------------------------------------------------------------------------------------------------


_REASON = {"reason": "what the test needs", "author": "tests", "date": "2026-01-01"}


@functools.cache
def catalogue() -> Catalogue:
    """Return the checkout's catalogue."""
    return load(ROOT)


def with_reasons(variables: Mapping[str, object]) -> dict[str, object]:
    """Return the variables and a written reason for each of them, which one weaker than the profile's needs."""
    return {JUSTIFICATIONS: {name: _REASON for name in variables if name in catalogue().parameters}, **variables}


def settings(
    controls: Sequence[str] = (), *, profile: str = "combine", variables: Mapping[str, object] | None = None
) -> list[Setting]:
    """Return the resolved settings of these controls (all when none is named) for a Linux host."""
    chosen = [control for control in catalogue().controls.values() if not controls or control.id in controls]
    resolution = resolve(
        catalogue(),
        chosen,
        platform="linux",
        family=None,
        profile=profile,
        variables=with_reasons(variables or {}),
        source_of=lambda _name, _value: Source("test", "group", "poste"),
    )
    return [[item["control"], item["kind"], item["body"]] for item in resolution.settings]


# --- running ---------------------------------------------------------------------------------------------------------


def archive(source: Path) -> bytes:
    """Return the engine, its kinds and the hooks as a program Python runs."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("__main__.py", _MAIN)
        packed.writestr("essms_engine/__init__.py", "")
        for name in ("agent", "hooks"):
            text = Path(__file__).with_name(f"engine_{name}.py").read_text(encoding="utf-8")
            packed.writestr(f"essms_engine/{name}.py", text)
        for path in sorted(source.rglob("*.py")):
            packed.write(path, f"essms_engine/{path.relative_to(source)}")
    return buffer.getvalue()


def put(host: str, path: str, data: bytes) -> None:
    """Write a file on a host."""
    command = lab.enter(host, ["sh", "-c", f"mkdir -p $(dirname {path}) && cat > {path}"])
    subprocess.run(command, input=data, check=True, timeout=60)


@functools.cache
def _program(host: str, source: Path) -> str:
    data = archive(source)
    path = f"{FOLDER}/{hashlib.sha256(data).hexdigest()[:12]}.pyz"
    put(host, path, data)
    return path


class _Agent:
    """A process on a host that answers one request after the other; made when needed, reused when idle."""

    def __init__(self, host: str, program: str) -> None:
        self._process = subprocess.Popen(
            lab.enter(host, ["python3", program, "serve"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, request: Mapping[str, Any]) -> tuple[int, str, str] | None:
        """Return code, output and error output, or None when the host died meanwhile."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.kill()
            self._process.wait()
            return None
        code, out, err = json.loads(line)
        return code, out, err


_idle: dict[tuple[str, str], list[_Agent]] = {}


def _answer(host: str, source: Path, request: Mapping[str, Any]) -> lab.Output:
    key = (host, _program(host, source))
    idle = _idle.setdefault(key, [])
    reused = bool(idle)
    agent = idle.pop() if idle else _Agent(*key)
    answer = agent.ask(request)
    if answer is None:
        # an idle agent may have died with its host since; a new one that dies in the middle was killed by the test
        return _answer(host, source, request) if reused else lab.Output(137, "", "the host died")
    idle.append(agent)
    return lab.Output(*answer)


def root(host: str, command: str | Sequence[str], *, stdin: str = "", timeout: float = 60) -> lab.Output:
    """Run a command as root on a host: shell text, or a list of arguments taken literally (seconds of timeout)."""
    argv = ["sh", "-c", command] if isinstance(command, str) else list(command)
    return _answer(host, SOURCE, {"argv": argv, "stdin": stdin, "timeout": timeout})


def must(host: str, command: str | Sequence[str], *, stdin: str = "", timeout: float = 60) -> str:
    """Like `root`, but a command that fails fails the test; return standard output."""
    output = root(host, command, stdin=stdin, timeout=timeout)
    assert output.code == 0, f"on {host}, {command!r} ended with {output.code}: {output.text.strip()}"
    return output.out


def ask(host: str, request: Mapping[str, Any], *, source: Path | None = None) -> Run:
    """Send one request to the engine on a host, as root, and return what it left."""
    output = _answer(host, source or SOURCE, {"engine": request})
    return Run(output.code, json.loads(output.out) if output.code == 0 else {}, output.err)


def ask_over_ssh(host: str, request: Mapping[str, Any], *options: str, timeout: float = 60) -> Run:
    """Send one request over SSH and sudo, as Ansible does; ``options`` of ssh choose the connection."""
    program = _program(host, SOURCE)
    argv = ["ssh", "-F", str(lab_hosts.SSH_CONFIG), "-o", "BatchMode=yes", "-o", "ConnectionAttempts=5", *options, host]
    done = subprocess.run(
        [*argv, f"sudo -n python3 {program}"],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return Run(done.returncode, json.loads(done.stdout) if done.returncode == 0 else {}, done.stderr)


def request_for(
    state: str, asked: Sequence[Setting], controls: Sequence[str] = (), **options: object
) -> dict[str, Any]:
    """Return the request the action plugin would make for these settings."""
    risky = {control.id for control in catalogue().controls.values() if control.risk}
    return {
        "state": state,
        "settings": list(asked),
        "guarded": sorted({setting[0] for setting in asked} & risky),
        "guard_seconds": 0,
        "spared": ["ansible"],
        "relax": False,
        "waived": [],
        "transaction": "last",
        "controls": list(controls),
        **options,
    }


def run(
    host: str,
    state: str,
    asked: Sequence[Setting],
    controls: Sequence[str] = (),
    *,
    packages: bool = False,
    source: Path | None = None,
    **options: object,
) -> Run:
    """Run the engine on a host.

    :param state: audited, applied or reverted.
    :param controls: for reverted, those to take back; all of the transaction when empty.
    :param packages: also install what is missing and remove what the transaction had installed, as the action does.
    :param options: further fields of the request: check, guard_seconds, transaction, hooks, waived, relax…
    """
    request = request_for(state, asked, controls, **options)
    done = ask(host, {**request, "wait_for_packages": packages and state == "applied"}, source=source)
    if done.response.get("packages_missing"):
        install(host, done["packages_missing"])
        done = ask(host, {**request, "packages_planned": done["packages_planned"]}, source=source)
    names = done.response.get("packages_to_remove") or []
    restored = done.response.get("packages_to_restore") or []
    if names and packages:
        parted = ask(host, request_for("parting", [], packages_to_remove=names), source=source)
        assert not parted["problem"], parted["problem"]
        must(host, f"DEBIAN_FRONTEND=noninteractive apt-get purge -y -q {' '.join(names)}", timeout=400)
        done.removed = list(names)
        if restored:
            install(host, restored)
    return done


def packages(host: str) -> set[str]:
    """Return the names of the packages that are installed."""
    listing = r"dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n 's/ installed$//p'"
    return set(must(host, listing).split())


def install(host: str, names: Iterable[str]) -> None:
    """Install packages, from the archives the lab's images hold."""
    command = f"apt-get install -y -q --no-install-recommends {' '.join(names)}"
    must(host, f"umask 022; DEBIAN_FRONTEND=noninteractive {command}", timeout=400)
