# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M02-06: containers of podman on a host with the firewall are reached, and reach others, as before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import engine, lab
from tests.support.neighbours import SILENT, TRUSTED4, Neighbour

# The host is a container itself: no layers on layers, and no control groups of its own to give.
_STORAGE = '[storage]\ndriver = "vfs"\nrunroot = "/run/containers/storage"\ngraphroot = "/var/lib/containers/storage"\n'
_ENGINE = '[containers]\ncgroups = "disabled"\n[engine]\ncgroup_manager = "cgroupfs"\nruntime = "crun"\n'
_INSTALL = f"""
mkdir -p /etc/containers /srv/site /srv/container
echo 'from the container' > /srv/site/index.html
printf '%s' '{_STORAGE}' > /etc/containers/storage.conf
printf '%s' '{_ENGINE}' > /etc/containers/containers.conf
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-confold podman crun netavark iptables nftables
mount --bind / /srv/container
"""
# An image would have to be fetched: the container sees the host's own programs, and nothing else of it.
_RUN = "podman run --detach --publish {port}:80 --rootfs /srv/container python3 -m http.server 80 --directory /srv/site"
_READ = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=5).read().decode(), end='')"
_REACH = "import socket, sys; socket.create_connection((sys.argv[1], 8080), timeout=5); print('reached')"
BEFORE, AFTER, UNDECLARED = 8081, 8082, 9999
"""Ports published before and after the firewall came, and one that the host itself listens on."""


@pytest.fixture(scope="module")
def docked(neighbour: Neighbour) -> Iterator[Neighbour]:
    """Give a host that ran a container when the firewall came, as its neighbour sees it."""
    with lab.throwaway(neighbour.host) as host:
        lab.must(host, _INSTALL, timeout=300)
        lab.must(host, _RUN.format(port=BEFORE))
        lab.must(host, ["systemd-run", "--quiet", "python3", "-m", "http.server", str(UNDECLARED)])
        declared = {"essms_firewall_closed": [f"{port}/tcp" for port in (BEFORE, UNDECLARED)]}
        applied = engine.run(host, "applied", engine.settings(["M02-06"], variables=declared), packages=True)
        assert not applied.wrong(), applied.wrong()
        own = lab.must(host, "ip -4 -o address show dev eth0 | awk '{print $4}' | cut -d/ -f1").strip()
        yield Neighbour(host, neighbour.other, {TRUSTED4: own})


def test_the_firewall_is_there(docked: Neighbour) -> None:
    """M02-06: the host's own port gets no answer, although something listens there."""
    assert docked.tries("tcp", UNDECLARED, [TRUSTED4]) == {TRUSTED4: SILENT}


@pytest.mark.parametrize("port", [BEFORE, AFTER])
def test_a_published_port_is_reached(docked: Neighbour, port: int) -> None:
    """M02-06: that of a container that ran already, and that of one that was started since."""
    if port == AFTER:
        lab.must(docked.host, _RUN.format(port=port))
    url = f"http://{docked.addresses[TRUSTED4]}:{port}/"
    read = f'for n in 1 2 3; do python3 -c "{_READ}" {url} && exit; sleep 1; done; exit 1'
    assert lab.must(docked.other, read) == "from the container\n"


def test_a_container_reaches_out(docked: Neighbour, neighbour: Neighbour) -> None:
    """M02-06: to a service of the neighbour."""
    there = lab.must(neighbour.other, "ip -4 -o address show dev eth0 | awk '{print $4}' | cut -d/ -f1").split()[0]
    assert lab.must(docked.host, ["podman", "exec", "--latest", "python3", "-c", _REACH, there]) == "reached\n"
