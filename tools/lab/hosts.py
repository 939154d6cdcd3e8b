# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of the lab: making, finding and removing systemd containers, and the SSH configuration that reaches them.

Everything SSH needs lies in the git-ignored folder ``.lab`` of the checkout: the automation key, and per host one
``hosts.d/<host>.conf`` with its address and one ``hosts.d/<host>.known`` with its public key.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import images
from .podman import LabError, attempt, run

ROOT = Path(__file__).resolve().parents[2]
STATE = ROOT / ".lab"
KEY = STATE / "id_ed25519"
SSH_CONFIG = STATE / "ssh_config"
USER = "ansible"
BOOT_SECONDS = 60
# Each systemd holds about six inotify instances of the machine; Linux gives one user 128 of them, enough for 18 hosts.
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
INOTIFY_PER_HOST = 12
SUITES = {"deb12": "bookworm", "deb13": "trixie"}


@dataclass(frozen=True)
class Host:
    """One host of the lab: its inventory name, and the Debian suite it runs."""

    name: str
    suite: str

    @property
    def container(self) -> str:
        """Name of its container."""
        return f"{lab_name()}-{self.name}"


STANDING = tuple(Host(name, suite) for name, suite in SUITES.items())


@functools.cache
def lab_name() -> str:
    """Return the name of this checkout's lab: ``essms``, or one of its own when another checkout already has that one.

    The first letters of every container and of the network; chosen once and kept in ``.lab/name``.
    """
    kept = STATE / "name"
    if not kept.exists():
        STATE.mkdir(mode=0o700, exist_ok=True)
        others = {labels["essms.lab"] for labels in _all_labels() if labels["essms.checkout"] != str(ROOT)}
        own = f"essms-{hashlib.sha256(str(ROOT).encode()).hexdigest()[:6]}" if "essms" in others else "essms"
        kept.write_text(own + "\n", encoding="utf-8")
    return kept.read_text(encoding="utf-8").strip()


def network() -> str:
    """Return the name of the lab's network."""
    return f"{lab_name()}-lab"


def remove_orphans() -> list[str]:
    """Remove the hosts of checkouts that no longer exist, and return the names of their containers."""
    labels = [labels for labels in _all_labels() if not Path(labels["essms.checkout"]).is_dir()]
    orphans = [f"{each['essms.lab']}-{each['essms.host']}" for each in labels]
    if orphans:
        _remove_containers(orphans)
        run(["podman", "network", "rm", *{f"{each['essms.lab']}-lab" for each in labels}])
    return orphans


@contextmanager
def lock() -> Iterator[None]:
    """Keep two lab commands of one checkout from making or removing the same hosts at once."""
    STATE.mkdir(mode=0o700, exist_ok=True)
    with (STATE / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def up(hosts: Iterable[Host], *, fresh: bool = False) -> dict[str, str]:
    """Make these hosts exist, run and answer over SSH; return what was done for each.

    :param fresh: replace hosts that exist by pristine ones.
    :raises LabError: when an image, a host or its SSH access cannot be made.
    """
    wanted = list(hosts)
    prepare_folder()
    images.build(images.missing(sorted({host.suite for host in wanted})))
    _bring_up_network()
    found = inspect(wanted)
    with ThreadPoolExecutor(max_workers=4) as pool:
        done = list(pool.map(lambda host: _bring_up(host, found.get(host.name), fresh), wanted))
    return {host.name: what for host, what in zip(wanted, done, strict=True)}


def make_room(count: int) -> None:
    """Raise the machine's limit of inotify instances, if it is too low for this many hosts more, until its next boot.

    :raises LabError: when the limit cannot be raised from here.
    """
    needed = 128 + count * INOTIFY_PER_HOST
    if int(INOTIFY_LIMIT.read_text(encoding="ascii")) < needed:
        run(["sh", "-c", f"echo {needed} > {INOTIFY_LIMIT}"])


def remove(hosts: Iterable[Host]) -> list[str]:
    """Remove these hosts and what SSH knows of them; return the names of those that existed."""
    wanted = list(hosts)
    found = inspect(wanted)
    if found:
        _remove_containers([host.container for host in wanted if host.name in found])
    for host in wanted:
        for kind in ("conf", "known"):
            part(host.name, kind).unlink(missing_ok=True)
    return sorted(found)


def remove_network() -> None:
    """Remove the lab's network, once no host is left in it."""
    attempt(["podman", "network", "rm", network()])


def existing() -> list[Host]:
    """Return every host of this lab that exists, standing or not, by the labels of its container."""
    return [
        Host(labels["essms.host"], labels["essms.suite"])
        for labels in _all_labels()
        if labels["essms.checkout"] == str(ROOT)
    ]


def inspect(hosts: Iterable[Host]) -> dict[str, dict[str, str]]:
    """Return ``{name: {"state", "image", "address"}}`` of those of these hosts that exist."""
    by_container = {host.container: host.name for host in hosts}
    # podman inspect prints what it found even when some names do not exist
    done = attempt(["podman", "container", "inspect", *by_container])
    found = {}
    for item in json.loads(done.stdout or "[]"):
        networks = item["NetworkSettings"]["Networks"]
        found[by_container[item["Name"]]] = {
            "state": item["State"]["Status"],
            "image": item["ImageName"],
            "address": networks.get(network(), {}).get("IPAddress", ""),
        }
    return found


def write_inventory(path: Path, hosts: Iterable[Host], variables: Mapping[str, object] | None = None) -> Path:
    """Write an Ansible inventory of hosts that `inventories/lab` does not know (throw-away hosts, fleets)."""
    inventory = {
        "lab": {
            "hosts": {host.name: {} for host in hosts},
            "vars": {
                "ansible_user": USER,
                "ansible_ssh_args": f'-F "{SSH_CONFIG}" -o ControlMaster=auto -o ControlPersist=15m',
                "ansible_python_interpreter": "/usr/bin/python3",
                **(variables or {}),
            },
        }
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(inventory, indent=2) + "\n", encoding="utf-8")
    return path


def _all_labels() -> list[dict[str, str]]:
    """Return the labels of every lab host of this machine, whichever checkout it belongs to."""
    listing = run(["podman", "ps", "--all", "--filter", "label=essms.checkout", "--format", "json"])
    return [item["Labels"] for item in json.loads(listing or "[]") or []]


def _remove_containers(names: list[str]) -> None:
    """Remove containers without waiting for a clean shutdown; podman under load may need to be told twice."""
    command = ["podman", "rm", "--force", "--ignore", "--time", "0", *names]
    if attempt(command).returncode != 0:
        run(command)


def prepare_folder() -> None:
    """Make the folder of keys and SSH configuration, with this checkout's own key."""
    (STATE / "hosts.d").mkdir(mode=0o700, parents=True, exist_ok=True)
    STATE.chmod(0o700)
    if not KEY.exists():
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "essms lab", "-f", str(KEY)], check=True)
    SSH_CONFIG.write_text(f'Include "{STATE}/hosts.d/*.conf"\n', encoding="utf-8")


def _bring_up_network() -> None:
    # podman 4.3 has no --ignore, and whoever brings up another host of this lab may make it at the same time
    exists = ["podman", "network", "exists", network()]
    if attempt(exists).returncode != 0:
        try:
            run(["podman", "network", "create", network()])
        except LabError:
            if attempt(exists).returncode != 0:
                raise


def _bring_up(host: Host, found: dict[str, str] | None, fresh: bool) -> str:
    if found and (fresh or found["image"] != images.reference(host.suite)):
        remove([host])
        _create(host)
        done = "replaced by a pristine one"
    elif not found:
        _create(host)
        done = "made"
    elif found["state"] != "running":
        run(["podman", "start", host.container])
        done = "started"
    else:
        done = "already running"
    address = found["address"] if found and done == "already running" else inspect([host])[host.name]["address"]
    if done != "already running" or not _describes(host, address):
        _wait_until_booted(host)
        _authorise(host)
        _describe(host, address)
    return done


def _create(host: Host) -> None:
    run(
        [
            "podman", "run", "--detach", "--name", host.container, "--hostname", host.name,
            "--systemd=always", "--privileged", "--network", network(), "--stop-timeout", "1",
            "--label", f"essms.checkout={ROOT}", "--label", f"essms.lab={lab_name()}",
            "--label", f"essms.host={host.name}", "--label", f"essms.suite={host.suite}",
            images.reference(host.suite), "/sbin/init",
        ]
    )  # fmt: skip


def _wait_until_booted(host: Host) -> None:
    """Wait until the host lets users in: pam_nologin refuses them until systemd has removed /run/nologin."""
    ready = "until systemctl is-active --quiet ssh.service systemd-user-sessions.service; do sleep 0.1; done"
    started = time.monotonic()
    while attempt(["podman", "exec", host.container, "timeout", str(BOOT_SECONDS), "sh", "-c", ready]).returncode != 0:
        if time.monotonic() - started > BOOT_SECONDS:
            raise LabError(
                f"Host {host.name} did not finish booting within {BOOT_SECONDS} s: "
                f"see `podman logs {host.container}`, then run `make lab-down lab-up`."
            )
        time.sleep(0.2)


def _authorise(host: Host) -> None:
    """Let this checkout's key in, beside those already there."""
    public = KEY.with_suffix(".pub").read_text(encoding="utf-8")
    script = (
        "f=/home/ansible/.ssh/authorized_keys; key=$(cat); touch $f; "
        'grep -qxF "$key" $f || echo "$key" >> $f; chown ansible:ansible $f; chmod 0600 $f'
    )
    run(["podman", "exec", "--interactive", host.container, "sh", "-c", script], stdin=public)


def part(name: str, kind: str) -> Path:
    """Return the file that holds what SSH knows of a host: its configuration (conf) or its public key (known)."""
    return STATE / "hosts.d" / f"{name}.{kind}"


def _describe(host: Host, address: str) -> None:
    public = run(["podman", "exec", host.container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub"]).split()[:2]
    part(host.name, "known").write_text(f"{host.name} {' '.join(public)}\n", encoding="utf-8")
    part(host.name, "conf").write_text(configuration(host.name, address), encoding="utf-8")


def _describes(host: Host, address: str) -> bool:
    conf = part(host.name, "conf")
    return conf.exists() and conf.read_text(encoding="utf-8") == configuration(host.name, address)


def configuration(name: str, address: str, port: int = 22) -> str:
    """Return what SSH has to know to reach a host by its name."""
    known = str(part(name, "known")).replace("%", "%%")
    key = str(KEY).replace("%", "%%")
    return (
        f"Host {name}\n"
        f"  HostName {address}\n"
        f"  Port {port}\n"
        f"  HostKeyAlias {name}\n"
        f"  User {USER}\n"
        f'  IdentityFile "{key}"\n'
        "  IdentitiesOnly yes\n"
        f'  UserKnownHostsFile "{known}"\n'
        "  StrictHostKeyChecking yes\n"
        "  HostKeyAlgorithms ssh-ed25519\n"
    )
