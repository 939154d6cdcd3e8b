# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the way to the web, and a proxy of a neighbour that refuses one name."""

from __future__ import annotations

from typing import Any

from tests.support import engine
from tests.support.faults.common import Area, Body, Row

REFUSED_NAME = "refused.example"
ADDRESS, PORT = "198.51.100.7", 3128
"""Of the neighbour: a network namespace on the host itself, so that every host has its own."""
LENIENT = "/var/tmp/essms-lets-through"
_LISTENER = "essms-probe-proxy"
_PROXY = f"""
import http.server, os
class Proxy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        refused = "{REFUSED_NAME}" in self.path and not os.path.exists("{LENIENT}")
        self.send_response(403 if refused else 200)
        self.end_headers()
        self.wfile.write(b"through the proxy\\n")
    def log_message(self, *words):
        pass
http.server.ThreadingHTTPServer(("{ADDRESS}", {PORT}), Proxy).serve_forever()
"""
# Answers the proxy's own address for every name but the refused one, which does not exist for it.
_NAMES = f"""
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("{ADDRESS}", 53))
while True:
    asked, client = server.recvfrom(512)
    question = asked[12:asked.index(bytes(1), 12) + 5]
    refused, four = b"refused" in question, question[-4:-2] == bytes([0, 1])
    head = asked[:2] + bytes([0x81, 0x83 if refused else 0x80, 0, 1, 0, 0 if refused or not four else 1, 0, 0, 0, 0])
    record = bytes([0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]) + socket.inet_aton("{ADDRESS}")
    server.sendto(head + question + (record if four and not refused else b""), client)
"""
_NEIGHBOUR = f"""
ip netns add probe-web
ip link add probe-web0 type veth peer name probe-web1
ip link set probe-web1 netns probe-web
ip addr add 198.51.100.1/24 dev probe-web0 && ip link set probe-web0 up
# one more way out: what is only behind a host would make it a router, which keeps its forwarding
ip route add default via {ADDRESS} dev probe-web0 metric 9999
ip -n probe-web addr add {ADDRESS}/24 dev probe-web1 && ip -n probe-web link set probe-web1 up
systemd-run --quiet --unit={_LISTENER} ip netns exec probe-web python3 /var/tmp/{_LISTENER}.py
systemd-run --quiet --unit={_LISTENER}-names ip netns exec probe-web python3 /var/tmp/{_LISTENER}-names.py
systemd-run --quiet --unit={_LISTENER}-site ip netns exec probe-web python3 -m http.server --directory /srv 80
ready() {{ [ $(ip netns exec probe-web ss -Hltun | grep -c -e :{PORT} -e :53 -e :80) = 3 ]; }}
for n in $(seq 100); do ready && exit 0; sleep 0.1; done; exit 1
"""


def give_proxy(host: str) -> None:
    """Give a host a neighbour with a proxy that refuses one name, and with a web site of its own."""
    engine.must(host, f"cat > /var/tmp/{_LISTENER}.py", stdin=_PROXY)
    engine.must(host, f"cat > /var/tmp/{_LISTENER}-names.py", stdin=_NAMES)
    engine.must(host, _NEIGHBOUR)


def _web_filter(host: str, row: Row, _body: Body) -> Any:
    faults: dict[str, tuple[str, Any]] = {
        "proxy of packages": ("rm /etc/apt/apt.conf.d/99essms-proxy", None),
        "proxy of sessions": ("sed -i /http_proxy/d /etc/environment", None),
        "proxy of services": ("rm /etc/systemd/system.conf.d/99-essms-proxy.conf && systemctl daemon-reload", None),
        "direct web blocked": ("nft flush chain inet essms web", False),
        "started at boot (web)": ("rm /etc/essms/firewall.d/30-web.nft", False),
    }
    command, value = faults[row["name"]]
    engine.must(host, command)
    return value


def _web_refusal(host: str, _row: Row, _body: Body) -> Any:
    engine.must(host, ["touch", LENIENT])
    return False


def _strict_again(host: str) -> None:
    engine.must(host, ["rm", "-f", LENIENT])


AREA = Area(
    faults={"web_filter": _web_filter, "web_refusal": _web_refusal},
    prepare=give_proxy,
    repairs={"web_refusal": _strict_again},
)
