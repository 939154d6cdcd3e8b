# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a proxy or a name server for a name, as any client would, and says whether it is refused."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import struct
from urllib.parse import urlsplit

_SECONDS = 2.0
_REFUSALS = (403, 451)
_NOWHERE = ("0.0.0.0/8", "127.0.0.0/8")
_ABSENT = "essms.invalid"
"""A name that never exists: whoever serves this host says so."""
_DNSKEY, _OPTIONS, _DNSSEC_OK, _TRUNCATED = 48, 41, 0x8000, 2
_A, _IN, _NXDOMAIN, _REFUSED, _NO_ERROR = 1, 1, 3, 5, 0


def proxy_refuses(url: str, name: str) -> bool | None:
    """Say whether a proxy refuses to fetch a name; None when it does not answer."""
    proxy = urlsplit(url)
    asked = f"GET http://{name}/ HTTP/1.0\r\nHost: {name}\r\n\r\n"
    try:
        with socket.create_connection((proxy.hostname or "", proxy.port or 80), timeout=_SECONDS) as link:
            link.sendall(asked.encode("ascii"))
            answer = link.recv(4096).decode("latin-1")
    except (OSError, UnicodeError):
        return None
    status = re.match(r"HTTP/\d\.\d (\d{3})", answer)
    if not status:
        return None
    elsewhere = re.search(r"^Location: *(\S+)", answer, re.MULTILINE | re.IGNORECASE)
    # a filter may send to a page that explains; the site itself only sends to itself
    sent_away = bool(elsewhere and not (urlsplit(elsewhere[1]).hostname or name).endswith(name))
    return int(status[1]) in _REFUSALS or (status[1].startswith("3") and sent_away)


def server_answers(server: str, name: str) -> tuple[int, list[str]] | None:
    """Return the code and the IPv4 addresses that a name server answers for a name; None when it does not answer."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in name.rstrip(".").split(".") if label)
    question = labels + b"\0" + struct.pack("!HH", _A, _IN)
    try:
        answer = _asked(server, question)
        return answer[3] & 15, addresses(answer, 12 + len(question))
    except (OSError, IndexError, struct.error):
        return None


def server_signs(server: str) -> bool:
    """Say whether a name server hands out the signed keys of the root, without which nothing can be checked."""
    wants_signatures = b"\0" + struct.pack("!HHIH", _OPTIONS, 1232, _DNSSEC_OK, 0)
    try:
        answer = _asked(server, b"\0" + struct.pack("!HH", _DNSKEY, _IN), wants_signatures)
        has_answers = struct.unpack("!H", answer[6:8])[0] > 1 or bool(answer[2] & _TRUNCATED)
        return answer[3] & 15 == _NO_ERROR and has_answers
    except (OSError, IndexError, struct.error):
        return False


def _asked(server: str, question: bytes, additional: bytes = b"") -> bytes:
    """Return what a name server answers to a question.

    :raises OSError: when it does not, or somebody else does.
    """
    query_id = os.urandom(2)
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as link:
        link.settimeout(_SECONDS)
        link.connect((server, 53))
        link.send(query_id + struct.pack("!HHHHH", 0x0100, 1, 0, 0, bool(additional)) + question + additional)
        answer = link.recv(4096)
    if answer[:2] != query_id:
        raise OSError("the answer is to another question")
    return answer


def addresses(answer: bytes, place: int) -> list[str]:
    """Return the IPv4 addresses of a name server's answer, which begin after the question."""
    found = []
    for _ in range(struct.unpack("!H", answer[6:8])[0]):
        while answer[place] and answer[place] < 0xC0:
            place += answer[place] + 1
        place += 2 if answer[place] else 1
        kind, _class, _ttl, length = struct.unpack("!HHIH", answer[place : place + 10])
        place += 10
        if kind == _A and length == 4:
            found.append(socket.inet_ntoa(answer[place : place + 4]))
        place += length
    return found


def server_refuses(server: str, name: str) -> bool | None:
    """Say whether a name server refuses a name: none such, refused, or an address that leads nowhere.

    None when that cannot be told: it does not answer, answers nobody here, or has no address for the name.
    """
    answer = server_answers(server, name)
    if answer is None:
        return None
    code, found = answer
    if code == _REFUSED:
        # a server that does not serve this host at all refuses every name, and filters nothing
        other = server_answers(server, _ABSENT)
        return None if other is None or other[0] == _REFUSED else True
    if code == _NXDOMAIN:
        return True
    if code != _NO_ERROR or not found:
        return None
    nowhere = [ipaddress.IPv4Network(each) for each in _NOWHERE]
    return all(any(ipaddress.IPv4Address(each) in network for network in nowhere) for each in found)
