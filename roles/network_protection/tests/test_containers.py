# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server with every control in force: containers and virtual machines are reached, and reach others, as before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.support import engine_play, lab, neighbours
from tests.support.engine_play import Played
from tests.support.neighbours import OPEN, SILENT, TRUSTED4, Neighbour

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
"""Ports published before and after the controls came, and one that the host itself listens on."""

# As libvirt makes it: names at the bridge's address, addresses for whoever asks on the bridge, and a machine on it.
_BRIDGE, _GUEST = "192.168.122.1", "192.168.122.7"
_MACHINES = f"""
ip link add virbr0 type bridge && ip addr add {_BRIDGE}/24 dev virbr0 && ip link set virbr0 up
ip netns add guest && ip link add vnet0 type veth peer name eth0 netns guest
ip link set vnet0 master virbr0 && ip link set vnet0 up
ip -n guest addr add {_GUEST}/24 dev eth0 && ip -n guest link set eth0 up
systemd-run --quiet --unit=essms-test-dnsmasq python3 -c "$0"
for n in $(seq 100); do [ $(ss -Hlun | grep -c -e virbr0:67 -e {_BRIDGE}:53) = 2 ] && exit; sleep 0.1; done; exit 1
"""
_DNSMASQ = f"""
import select, socket
names, addresses = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
names.bind(("{_BRIDGE}", 53))
addresses.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"virbr0")
addresses.bind(("0.0.0.0", 67))
while True:
    for ready in select.select([names, addresses], [], [])[0]:
        ready.sendto(b"yes", ready.recvfrom(16)[1])
"""
# A machine that has no address yet sends its question to everybody, from the port where it waits for the answer.
_ASK = f"""
import socket
for port, address, own in ((53, "{_BRIDGE}", 0), (67, "255.255.255.255", 68)):
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
    made.bind(("", own))
    made.settimeout(5)
    made.sendto(b"?", (address, port))
    print(port, made.recv(16).decode())
"""
SERVER = {
    "essms_profile": "renforce",
    "essms_admin_networks": ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
    # the ports of the container and of the bridge are named nowhere
    "essms_firewall_closed": [f"{UNDECLARED}/tcp"],
}


@dataclass(frozen=True)
class Docked:
    """A host with containers and machines, as its neighbour sees it, and what the playbook said of it."""

    look: Neighbour
    played: Played

    @property
    def host(self) -> str:
        """Its name."""
        return self.look.host


@pytest.fixture(scope="module")
def docked(neighbour: Neighbour) -> Iterator[Docked]:
    """Give a host that ran a container and a machine when the whole catalogue came, for a server's groups."""
    with lab.throwaway(neighbour.host) as host:
        lab.must(host, _INSTALL, timeout=400)
        lab.must(host, _RUN.format(port=BEFORE))
        lab.must(host, ["sh", "-c", _MACHINES, _DNSMASQ])
        lab.must(host, ["systemd-run", "--quiet", "python3", "-m", "http.server", str(UNDECLARED)])
        own = lab.must(host, "ip -4 -o address show dev eth0 | awk '{print $4}' | cut -d/ -f1").strip()
        look = Neighbour(host, neighbour.other, {TRUSTED4: own})
        assert look.tries("tcp", UNDECLARED, [TRUSTED4]) == {TRUSTED4: OPEN}
        yield Docked(look, engine_play.play("apply", [host], variables=SERVER, timeout=900))


def test_every_control_of_a_server_is_in_force(docked: Docked) -> None:
    """M02 to M08: but for the web filter, that nobody declared, and walks of the file system that go on."""
    assert docked.played.code == 0, docked.played.text
    verdicts = docked.played.verdicts(docked.host)
    assert not set(verdicts.values()) & {"waived"}
    others = {control for control, verdict in verdicts.items() if verdict not in ("compliant", "not_applicable")}
    assert others <= {"M02-09", "M04-14"}
    assert {verdicts[control] for control in ("M02-06", "M02-08", "M06-06")} == {"compliant"}


def test_the_antivirus_is_only_for_the_groups_asked_for(docked: Docked) -> None:
    """M02-02, M02-05: this host is in none of them, so nothing is judged and nothing of it is installed."""
    for control in ("M02-02", "M02-05"):
        result = docked.played.results[docked.host][control]
        assert result["verdict"] == "not_applicable"
        assert "only for hosts of the groups of essms_linux_av_groups" in result["reason"]
    assert lab.root(docked.host, "dpkg-query -W -f '${db:Status-Abbrev} ${Package}\\n' | grep '^i.*clam'").out == ""


def test_the_firewall_is_there(docked: Docked) -> None:
    """M02-06: the host's own port gets no answer, although something listens there."""
    assert docked.look.tries("tcp", UNDECLARED, [TRUSTED4]) == {TRUSTED4: SILENT}


@pytest.mark.parametrize("port", [BEFORE, AFTER])
def test_a_published_port_is_reached(docked: Docked, port: int) -> None:
    """M02-06: that of a container that ran already, and that of one that was started since; declared nowhere."""
    if port == AFTER:
        lab.must(docked.host, _RUN.format(port=port))
    url = f"http://{docked.look.addresses[TRUSTED4]}:{port}/"
    read = f'for n in 1 2 3; do python3 -c "{_READ}" {url} && exit; sleep 1; done; exit 1'
    assert lab.must(docked.look.other, read) == "from the container\n"


def test_a_container_reaches_out(docked: Docked) -> None:
    """M02-06, M06-06: to a service of the neighbour."""
    other = docked.look.other
    there = lab.must(other, "ip -4 -o address show dev eth0 | awk '{print $4}' | cut -d/ -f1").split()[0]
    assert lab.must(docked.host, ["podman", "exec", "--latest", "python3", "-c", _REACH, there]) == "reached\n"


def test_a_virtual_machine_gets_names_and_addresses(docked: Docked) -> None:
    """M02-06: from the host, as libvirt gives them; other ports of the host are closed to it."""
    inside = ["ip", "netns", "exec", "guest"]
    assert lab.must(docked.host, [*inside, "python3", "-c", _ASK]) == "53 yes\n67 yes\n"
    tried = json.dumps([("tcp", _BRIDGE, UNDECLARED, 1)])
    assert json.loads(lab.must(docked.host, [*inside, "python3", "-c", neighbours.TRY, tried])) == [SILENT]
