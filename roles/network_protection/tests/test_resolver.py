# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""M02-14: the neighbour asks the host for names, as a computer of the site and as a stranger would."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support import engine, lab
from tests.support.faults import web
from tests.support.faults.resolver import READ_AGAIN
from tests.support.neighbours import FOREIGN4, FOREIGN6, TRUSTED4, TRUSTED6, Neighbour

FOUND, NO_SUCH_NAME, REFUSED = 0, 3, 5
FOLDER = "/etc/unbound/unbound.conf.d"
# What the names would be without the control, so that only it can have taken them away.
_NAMES = {
    "allowed.example": "192.0.2.10",
    "fine.blocked.example": "192.0.2.11",
    "blocked.example": "192.0.2.12",
    "deep.down.blocked.example": "192.0.2.13",
}
_ASK = """
import json, socket, struct, sys
answers = []
for server, protocol, name, kind, group in json.loads(sys.argv[1]):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    asked = b"id" + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + labels + bytes(1) + struct.pack("!HH", kind, group)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM) as link:
        link.settimeout(5)
        link.connect((server, 53))
        link.send(struct.pack("!H", len(asked)) + asked if protocol == "tcp" else asked)
        answer = link.recv(4096)[2 if protocol == "tcp" else 0:]
    answers.append([answer[3] & 15, socket.inet_ntoa(answer[-4:]) if answer[7] and kind == 1 else ""])
print(json.dumps(answers))
"""
ADDRESS, VERSION = (1, 1), (16, 3)
"""Type and class of a question: for an address, and for what a server says of itself."""


def asks(
    host: str, server: str, *names: str, protocol: str = "udp", question: tuple[int, int] = ADDRESS
) -> list[tuple[int, str]]:
    """Return code and address that a host gets for each name from a server."""
    asked = [[server, protocol, name, *question] for name in names]
    return [tuple(each) for each in json.loads(lab.must(host, ["python3", "-c", _ASK, json.dumps(asked)]))]


@pytest.fixture(scope="module")
def site(neighbour: Neighbour) -> Iterator[Neighbour]:
    """Give a host whose resolver knows some names without asking the internet, and the one that asks it."""
    data = "".join(f'    local-data: "{name}. A {address}"\n' for name, address in _NAMES.items())
    lab.must(neighbour.host, f"cat > {FOLDER}/50-probe.conf && {READ_AGAIN}", stdin=f"server:\n{data}")
    yield neighbour
    lab.must(neighbour.host, f"rm {FOLDER}/50-probe.conf && {READ_AGAIN}")


@pytest.mark.parametrize("network", [TRUSTED4, TRUSTED6])
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_a_computer_of_the_site_gets_names(site: Neighbour, network: str, protocol: str) -> None:
    """M02-14: what is not blocked is found, over both families."""
    got = asks(site.other, site.addresses[network], "allowed.example", protocol=protocol)
    assert got == [(FOUND, "192.0.2.10")]


def test_a_blocked_domain_does_not_exist(site: Neighbour) -> None:
    """M02-14: neither it nor anything below, although the resolver has data for both."""
    got = asks(
        site.other, site.addresses[TRUSTED4], "blocked.example", "deep.down.blocked.example", "a.blocked.example"
    )
    assert got == [(NO_SUCH_NAME, "")] * 3


def test_an_exception_is_found(site: Neighbour) -> None:
    """M02-14: although its domain is blocked."""
    assert asks(site.other, site.addresses[TRUSTED4], "fine.blocked.example") == [(FOUND, "192.0.2.11")]


@pytest.mark.parametrize("network", [FOREIGN4, FOREIGN6])
def test_a_stranger_is_refused(site: Neighbour, network: str) -> None:
    """M02-14: the firewall lets the question in here, and the resolver itself answers nobody but the site."""
    assert asks(site.other, site.addresses[network], "allowed.example") == [(REFUSED, "")]


def test_programs_of_a_computer_of_the_site(site: Neighbour) -> None:
    """M02-14: what a browser would call, with nothing but the address of the resolver to go by."""
    own = f"unshare --mount sh -c 'echo nameserver {site.addresses[TRUSTED4]} > /run/probe-resolv && "
    own += "mount --bind /run/probe-resolv /etc/resolv.conf && getent ahostsv4 {name}'"
    assert lab.must(site.other, own.format(name="allowed.example")).split()[0] == "192.0.2.10"
    assert lab.root(site.other, own.format(name="deep.down.blocked.example")).code == 2


def test_it_does_not_say_what_it_is(site: Neighbour) -> None:
    """M02-14: neither version nor name of the server."""
    got = asks(site.other, site.addresses[TRUSTED4], "version.bind", "hostname.bind", question=VERSION)
    assert [code for code, _address in got] == [REFUSED] * 2


def test_the_audit_sees_what_another_file_opens(site: Neighbour, applied: Mapping[str, Any]) -> None:
    """M02-14: everybody answered, a blocked name opened, signatures unchecked: each by somebody's own file."""
    asked = engine.settings(["M02-14"], variables=applied)
    host = site.host
    before = engine.run(host, "audited", asked)
    assert not before.wrong(), before.wrong()
    opened = 'server:\n access-control: 0.0.0.0/1 allow\n local-zone: "x.blocked.example" transparent\n'
    opened += ' module-config: "iterator"\n'
    lab.must(host, f"cat > {FOLDER}/zzz-probe.conf && {READ_AGAIN}", stdin=opened)
    wrong = {row["name"]: row["observed"] for row in engine.run(host, "audited", asked).rows("fail").values()}
    lab.must(host, f"rm {FOLDER}/zzz-probe.conf && {READ_AGAIN}")
    assert set(wrong) == {"networks", "exceptions", "signatures checked"}
    assert wrong["exceptions"] == ["fine.blocked.example", "x.blocked.example"]
    assert "0.0.0.0/1" in wrong["networks"]


# --- on a host of its own ---------------------------------------------------------------------------------------------

OWN = "198.51.100.1"
"""The host's address towards its neighbour, which is a name server itself."""
DECLARED = {
    "essms_resolver_addresses": ["127.0.0.1", OWN],
    "essms_resolver_networks": ["198.51.100.0/24"],
    "essms_resolver_blocked": ["blocked.example"],
    "essms_resolver_forwarders": [web.ADDRESS],
    "essms_resolver_dnssec": False,
}


def settings(**variables: object) -> list[engine.Setting]:
    """Return what M02-14 asks for with these parameters."""
    return engine.settings(["M02-14"], variables={**DECLARED, **variables})


@pytest.fixture(scope="module")
def own(name: str) -> Iterator[str]:
    """Give a host with the packages and a neighbour, nothing applied yet."""
    with lab.throwaway(name) as host:
        web.give_proxy(host)
        engine.install(host, ["unbound", "dns-root-data"])
        yield host


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"essms_resolver_addresses": ["192.0.2.99"]}, "192.0.2.99 is no address of this host"),
        ({"essms_resolver_forwarders": ["198.51.100.99"]}, "198.51.100.99 does not answer"),
        ({"essms_resolver_dnssec": True}, "hands out no signatures"),
    ],
)
def test_what_would_leave_the_site_without_names_is_refused(own: str, variables: Any, sentence: str) -> None:
    """M02-14: an address of another host, a server that is silent, one whose answers could not be checked."""
    done = engine.run(own, "applied", settings(**variables))
    assert sentence in done["failed"]["M02-14"]
    assert lab.root(own, ["test", "-e", f"{FOLDER}/zz-essms.conf"]).code == 1


def test_another_name_server_is_left_alone(own: str) -> None:
    """M02-14: two programs cannot answer on one address; the one that does stays."""
    listen = f"import socket,time; s=socket.socket(type=socket.SOCK_DGRAM); s.bind(('{OWN}',53)); time.sleep(99)"
    lab.must(own, ["systemd-run", "--quiet", "--unit=probe-names", "python3", "-c", listen])
    lab.must(own, f"for n in $(seq 50); do ss -Hlnu src {OWN}:53 | grep -q . && exit; sleep 0.1; done; exit 1")
    done = engine.run(own, "applied", settings())
    assert f"python3 answers on port 53 of {OWN} already" in done["failed"]["M02-14"]
    assert lab.must(own, ["systemctl", "is-active", "probe-names"]) == "active\n"
    lab.must(own, ["systemctl", "stop", "probe-names"])


def test_a_forwarder_is_asked_and_a_client_is_filtered(own: str) -> None:
    """M02-14 with M02-09: the resolver asks the declared server, and a host that asks the resolver is compliant."""
    done = engine.run(own, "applied", settings())
    assert not done.wrong(), done.wrong()
    assert asks(own, OWN, "allowed.example", "blocked.example") == [(FOUND, web.ADDRESS), (NO_SUCH_NAME, "")]
    # a container's own file is a mount, which nobody may replace
    lab.must(own, "cp /etc/resolv.conf /tmp/r; umount /etc/resolv.conf; cat /tmp/r > /etc/resolv.conf")
    client = {"essms_web_filter": "dns", "essms_dns_servers": [OWN], "essms_web_filter_test_name": "blocked.example"}
    done = engine.run(own, "applied", engine.settings(["M02-09"], variables=client), packages=True)
    assert not done.wrong(), done.wrong()
    assert lab.must(own, ["getent", "ahostsv4", "allowed.example"]).split()[0] == web.ADDRESS
    # with a dot at its end: the lab's search domain would make another name of it, which the neighbour knows
    assert lab.root(own, ["getent", "ahostsv4", "a.blocked.example."]).code == 2


def test_a_rollback_leaves_the_site_unanswered_as_before(own: str) -> None:
    """M02-14: what answered nobody outside answers nobody again."""
    engine.run(own, "reverted", [], ["M02-09"])
    back = engine.run(own, "reverted", [])
    assert not back["problem"], back["problem"]
    assert lab.root(own, ["test", "-e", f"{FOLDER}/zz-essms.conf"]).code == 1
    assert OWN not in lab.must(own, ["ss", "-Hln", "sport = :53"])
