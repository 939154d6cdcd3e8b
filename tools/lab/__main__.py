# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Command line of the lab: ``python3 -m tools.lab up | down | status | fleet | ssh | exec``."""

from __future__ import annotations

import argparse
import os
import sys

from . import hosts, images, vm, vm_image
from .podman import LabError, as_root

FLEET_INVENTORY = hosts.STATE / "fleet" / "hosts.json"


def main(argv: list[str] | None = None) -> int:
    """Run one lab command; an error is one sentence and exit code 1."""
    options = _parser().parse_args(argv)
    try:
        options.run(options)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


def _up(options: argparse.Namespace) -> None:
    with hosts.lock():
        hosts.remove_orphans()
        done = hosts.up(hosts.STANDING, fresh=options.fresh)
    for name, what in done.items():
        print(f"lab: {name} {what}", file=sys.stderr)


def _down(options: argparse.Namespace) -> None:
    with hosts.lock():
        removed = hosts.remove({*hosts.existing(), *hosts.STANDING})
        hosts.remove_network()
        removed += [name for name in (*vm.MACHINES, *vm.SCORED) if vm.remove(name)]
        if options.images:
            removed += images.remove_all() + vm_image.remove_all()
    print(f"lab: removed {', '.join(removed) or 'nothing, no host existed'}", file=sys.stderr)


def _status(_options: argparse.Namespace) -> None:
    found = hosts.inspect(known := hosts.existing())
    for host in known:
        print(f"{host.name}\tDebian {host.suite}\t{found[host.name]['state']}\t{found[host.name]['address']}")
    if not known:
        print("no host: run `make lab-up`", file=sys.stderr)


def _fleet(options: argparse.Namespace) -> None:
    fleet = [hosts.Host(f"fleet{number:02d}", "bookworm") for number in range(1, options.count + 1)]
    with hosts.lock():
        surplus = [host for host in hosts.existing() if host.name.startswith("fleet") and host not in fleet]
        hosts.remove(surplus)
        if fleet:
            hosts.make_room(len(fleet))
            hosts.up(fleet)
            print(hosts.write_inventory(FLEET_INVENTORY, fleet).relative_to(hosts.ROOT))


def _ssh(options: argparse.Namespace) -> None:
    os.execvp("ssh", ["ssh", "-F", str(hosts.SSH_CONFIG), options.host, *options.command])


def _exec(options: argparse.Namespace) -> None:
    command = as_root(["podman", "exec", "--interactive", f"{hosts.lab_name()}-{options.host}", *options.command])
    os.execvp(command[0], command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 -m tools.lab", description="Real Debian hosts to try the collection on."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("up", help="make the hosts deb12 and deb13 run and answer over SSH")
    one.add_argument("--fresh", action="store_true", help="replace hosts that exist by pristine ones")
    one.set_defaults(run=_up)
    one = commands.add_parser("down", help="remove every host of the lab; images are kept")
    one.add_argument("--images", action="store_true", help="remove the images too")
    one.set_defaults(run=_down)
    commands.add_parser("status", help="list the hosts").set_defaults(run=_status)
    one = commands.add_parser(
        "fleet", help="have exactly COUNT more Debian 12 hosts (0 removes them); prints their inventory"
    )
    one.add_argument("count", type=int, choices=range(100), metavar="COUNT")
    one.set_defaults(run=_fleet)
    for name, action, text in (
        ("ssh", _ssh, "log in as Ansible does"),
        ("exec", _exec, "run a command as root, without SSH"),
    ):
        one = commands.add_parser(name, help=text)
        one.add_argument("host")
        one.add_argument("command", nargs=argparse.REMAINDER)
        one.set_defaults(run=action)
    return parser


if __name__ == "__main__":
    sys.exit(main())
