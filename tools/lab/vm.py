# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Emulated machines: hosts with a kernel of their own, for what a container cannot prove; no virtualisation needed.

The first start of a machine takes a minute or two; its state is then saved, and every later start resumes from there
within seconds, disk included. Everything lies in ``.lab/vm``; SSH finds a machine as it finds any host of the lab.
"""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import hosts, vm_image
from .podman import LabError

STATE = hosts.STATE / "vm"


@dataclass(frozen=True)
class Machine:
    """What a machine is made of.

    :param suite: release of Debian.
    :param megabytes: its memory.
    """

    suite: str
    megabytes: int = 640


MACHINES = {"vm12": Machine("bookworm")}
"""The machines of the tests."""
SCORED = {"score-vm": Machine("bookworm", 2560)}
"""The machine that scanners judge: one of them, and a costly password hash, need gigabytes."""
_ALL = {**MACHINES, **SCORED}
USER = hosts.USER
FIRST_BOOT_SECONDS = 900
RESUME_SECONDS = 180
_SNAPSHOT = "ready"
_CPUS = min(2, os.cpu_count() or 1)


def is_vm(name: str) -> bool:
    """Say whether a host of the lab is an emulated machine."""
    return name in _ALL


def up(name: str, *, pristine: bool = True) -> None:
    """Have the machine run and answer over SSH, as it was after its first start.

    :param pristine: False leaves one that runs as it is.
    :raises LabError: when it does not start or does not answer.
    """
    if running(name) and not pristine:
        return
    off(name)
    image = vm_image.build(_ALL[name].suite)
    STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
    hosts.prepare_folder()
    disk = _file(name, "qcow2")
    if not _saved(disk, image):
        disk.unlink(missing_ok=True)
        _do(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", str(image / "disk.qcow2"), str(disk)])
        _start(name, image)
        _wait_for_ssh(name, FIRST_BOOT_SECONDS)
        _settle(name)
        monitor(name, f"savevm {_SNAPSHOT}", timeout=300)
    else:
        _start(name, image, "-loadvm", _SNAPSHOT)
        _wait_for_ssh(name, RESUME_SECONDS)
    # its clock stood still while it was saved
    run(name, f"date -s @{int(time.time())} >/dev/null")


def off(name: str) -> bool:
    """End the machine, as a power cut would; say whether it ran."""
    process = _process(name)
    if process is None:
        return False
    os.kill(process, signal.SIGKILL)
    while Path(f"/proc/{process}").exists():  # its disk is locked until it is gone
        time.sleep(0.1)
    _file(name, "pid").unlink(missing_ok=True)
    return True


def remove(name: str) -> bool:
    """End the machine and forget its state; its image is kept."""
    existed = off(name) or _file(name, "qcow2").exists()
    for kind in ("qcow2", "pid", "monitor", "console"):
        _file(name, kind).unlink(missing_ok=True)
    for kind in ("conf", "known"):
        hosts.part(name, kind).unlink(missing_ok=True)
    return existed


def running(name: str) -> bool:
    """Say whether the machine runs."""
    return _process(name) is not None


def command(name: str, argv: Sequence[str]) -> list[str]:
    """Return the command that runs a program as root on the machine."""
    words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in argv)
    return ["ssh", "-F", str(hosts.SSH_CONFIG), "-o", "BatchMode=yes", name, f"sudo -n {words}"]


def run(name: str, script: str, *, timeout: float = 120) -> subprocess.CompletedProcess[str]:
    """Run shell text as root on the machine."""
    return subprocess.run(
        command(name, ["sh", "-c", script]),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def reboot(name: str) -> None:
    """Restart the machine in order, from its disk, and wait until it answers."""
    before = run(name, "cat /proc/sys/kernel/random/boot_id").stdout
    run(name, "systemctl reboot")
    deadline = time.monotonic() + FIRST_BOOT_SECONDS
    while time.monotonic() < deadline:
        time.sleep(2)
        try:
            done = run(name, "cat /proc/sys/kernel/random/boot_id && systemctl is-system-running --wait", timeout=120)
        except subprocess.TimeoutExpired:
            continue
        if done.stdout and done.stdout.split()[0] != before.strip():
            return
    raise LabError(f"The machine {name} did not come back within {FIRST_BOOT_SECONDS} s: see {_file(name, 'console')}.")


def monitor(name: str, text: str, *, timeout: float = 60) -> str:
    """Give the emulator a command and return what it says."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(timeout)
        channel.connect(str(_file(name, "monitor")))
        _until_prompt(channel)
        channel.sendall(text.encode() + b"\n")
        return _until_prompt(channel)


def _until_prompt(channel: socket.socket) -> str:
    said = b""
    while not said.endswith(b"(qemu) "):
        piece = channel.recv(4096)
        if not piece:
            break
        said += piece
    return said.decode(errors="replace")


def _start(name: str, image: Path, *more: str) -> None:
    port = _free_port()
    key = base64.b64encode(hosts.KEY.with_suffix(".pub").read_bytes()).decode()
    arguments = [
        "qemu-system-x86_64", "-name", name, "-machine", "q35,accel=tcg", "-cpu", "max",
        "-m", str(_ALL[name].megabytes), "-smp", str(_CPUS), "-display", "none",
        "-daemonize", "-pidfile", str(_file(name, "pid")),
        "-serial", f"file:{_file(name, 'console')}", "-monitor", f"unix:{_file(name, 'monitor')},server,nowait",
        "-kernel", str(image / "kernel"), "-initrd", str(image / "initrd"),
        "-append", f"root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 essms.key={key}",
        "-drive", f"file={_file(name, 'qcow2')},if=virtio,format=qcow2", "-device", "virtio-rng-pci",
        "-device", "qemu-xhci,id=usb", "-device", "virtio-net-pci,netdev=lab",
        "-netdev", f"user,id=lab,hostfwd=tcp:127.0.0.1:{port}-:22",
        *more,
    ]  # fmt: skip
    _do(arguments)
    public = " ".join((image / "host_key.pub").read_text(encoding="ascii").split()[:2])
    hosts.part(name, "known").write_text(f"{name} {public}\n", encoding="utf-8")
    hosts.part(name, "conf").write_text(hosts.configuration(name, "127.0.0.1", port), encoding="utf-8")


def _wait_for_ssh(name: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if run(name, "systemctl is-system-running --wait", timeout=seconds).stdout.strip() in (
                "running",
                "degraded",
            ):
                return
        except subprocess.TimeoutExpired:
            break
        time.sleep(2)
    raise LabError(f"The machine {name} did not answer within {seconds} s: see {_file(name, 'console')}.")


def _settle(name: str) -> None:
    """Bring what the tests use into memory before the state is saved."""
    run(name, "python3 -c 'import json, subprocess, tarfile'; sync", timeout=300)


def _saved(disk: Path, image: Path) -> bool:
    if not disk.exists():
        return False
    listed = subprocess.run(
        ["qemu-img", "info", "--force-share", str(disk)], capture_output=True, text=True, check=False
    ).stdout
    return str(image) in listed and _SNAPSHOT in listed


def _process(name: str) -> int | None:
    """Return the process of the machine, None when it does not run."""
    try:
        process = int(_file(name, "pid").read_text(encoding="ascii"))
        line = Path(f"/proc/{process}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return process if str(_file(name, "qcow2")).encode() in line else None


def _file(name: str, kind: str) -> Path:
    return STATE / f"{name}.{kind}"


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _do(arguments: Sequence[str]) -> None:
    try:
        done = subprocess.run(
            arguments, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
        )
    except FileNotFoundError as error:
        raise LabError(f"The program {error.filename} is missing: run `make setup`, which installs it.") from None
    if done.returncode != 0:
        raise LabError(f"{arguments[0]} failed: {done.stderr.strip().splitlines()[-1:] or 'no message'}")
