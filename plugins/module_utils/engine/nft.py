# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own nftables table: rules as data, written as nft reads them and read back from what the kernel has.

Both directions use the same words, so that an expected chain and the one in force can be compared whatever order, sets
and counters `nft` shows them with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .errors import Unknown
from .host import Host

NFT = "/usr/sbin/nft"
TABLE = "inet essms"


class Match(NamedTuple):
    """One condition of a rule: what is looked at, in nft's words, and the values that satisfy it."""

    left: str
    values: frozenset[str]


class Rule(NamedTuple):
    """One rule.

    :param verdict: accept, drop, jump to a chain, or log with its prefix and level.
    :param name: its comment; of a service, the name.
    """

    matches: tuple[Match, ...]
    verdict: str
    name: str = ""


class Chain(NamedTuple):
    """A chain.

    :param base: hook, priority and policy; None for a chain that others jump to.
    """

    base: tuple[str, int, str] | None
    rules: tuple[Rule, ...]


def match(left: str, *values: object) -> Match:
    """Return a condition."""
    return Match(left, frozenset(str(value) for value in values))


def rule(verdict: str, *matches: Match, name: str = "") -> Rule:
    """Return a rule."""
    return Rule(matches, verdict, name)


def log(prefix: str) -> tuple[Match, str]:
    """Return the condition and the verdict that log ten packets a minute, whatever comes."""
    return match("limit rate", "10/minute burst 5 packets"), f'log prefix "{prefix}: " level info'


# --- writing ---------------------------------------------------------------------------------------------------------


def text(chains: Mapping[str, Chain]) -> str:
    """Return the chains as nft reads them."""
    lines = [f"table {TABLE} {{"]
    for name, chain in chains.items():
        lines.append(f"\tchain {name} {{")
        if chain.base:
            hook, priority, policy = chain.base
            lines.append(f"\t\ttype filter hook {hook} priority {priority}; policy {policy};")
        lines += [f"\t\t{_rule_text(each)}" for each in chain.rules]
        lines.append("\t}")
    return "\n".join([*lines, "}", ""])


def _rule_text(each: Rule) -> str:
    words = [_match_text(condition) for condition in each.matches]
    if not each.verdict.startswith(("accept", "jump")):
        words.append("counter")
    words.append(each.verdict)
    if each.name:
        words.append(f'comment "{each.name}"')
    return " ".join(words)


def _match_text(condition: Match) -> str:
    quoted = condition.left == "meta iifname"
    values = [f'"{value}"' if quoted else value for value in sorted(condition.values)]
    inside = values[0] if len(values) == 1 else f"{{ {', '.join(values)} }}"
    # only a masked field needs the operator
    return f"{condition.left} {'== ' if '&' in condition.left else ''}{inside}"


# --- reading ---------------------------------------------------------------------------------------------------------


def in_force(host: Host) -> dict[str, Chain] | Unknown:
    """Return the chains of our table that the kernel has; none when there is no table."""
    done = host.run(NFT, "-j", "list", "table", *TABLE.split())
    if done.rc == 127 or (done.rc != 0 and "No such file or directory" in done.err):
        return {}
    if done.rc != 0:
        return Unknown(f"nft does not answer: {done.err.strip()[:160]}")
    return parse(done.out)


def parse(listing: str) -> dict[str, Chain]:
    """Return the chains of a listing in nft's JSON."""
    return chains(json.loads(listing)["nftables"])


def tables(listing: str) -> dict[tuple[str, str], list[Any]]:
    """Return what nft lists of each table in its JSON, by the table's family and name."""
    found: dict[tuple[str, str], list[Any]] = {}
    for each in json.loads(listing)["nftables"]:
        for what, body in each.items():
            if what == "table" or "table" in body:
                found.setdefault((body["family"], body["name" if what == "table" else "table"]), []).append(each)
    return found


def chains(items: Sequence[Any]) -> dict[str, Chain]:
    """Return the chains among what nft lists of a table; none of one with flags: one that is dormant does nothing."""
    # nft 1.0.6 says that there are flags, and not which
    if any("flags" in each["table"] for each in items if "table" in each):
        return {}
    bases = {each["chain"]["name"]: _base(each["chain"]) for each in items if "chain" in each}
    rules: dict[str, list[Rule]] = {name: [] for name in bases}
    for each in items:
        if "rule" in each:
            rules[each["rule"]["chain"]].append(_rule(each["rule"]))
    return {name: Chain(base, tuple(rules[name])) for name, base in bases.items()}


def _base(chain: Mapping[str, Any]) -> tuple[str, int, str] | None:
    if "hook" not in chain:
        return None
    return (str(chain["hook"]), int(chain["prio"]), str(chain.get("policy", "accept")))


def _rule(listed: Mapping[str, Any]) -> Rule:
    matches: list[Match] = []
    verdicts: list[str] = []
    for statement in listed["expr"]:
        ((word, body),) = statement.items()
        if word == "match":
            negated = "" if body["op"] in ("==", "in") else f"{body['op']} "
            matches.append(Match(negated + _left(body["left"]), frozenset(_values(body["right"]))))
        elif word == "limit":
            over = "over " if body.get("inv") else ""
            burst = f"{body.get('burst', 5)} {body.get('burst_unit', 'packets')}"
            matches.append(match("limit rate", f"{over}{body['rate']}/{body['per']} burst {burst}"))
        elif word != "counter":
            verdicts.append(_verdict(word, body))
    return Rule(tuple(matches), " ".join(verdicts), str(listed.get("comment", "")))


def _verdict(word: str, body: Any) -> str:
    if word in ("jump", "goto"):
        return f"{word} {body['target']}"
    if word == "log":
        said = body or {}
        return f'log prefix "{said.get("prefix", "")}" level {said.get("level", "warn")}'
    return word if body is None else f"{word} {json.dumps(body, sort_keys=True)}"


def _left(left: Any) -> str:
    ((word, body),) = left.items()
    if word == "payload" and "protocol" in body:
        return f"{body['protocol']} {body['field']}"
    if word == "&":
        return f"{_left(body[0])} & ({' | '.join(sorted(_words(body[1])))})"
    if word in ("meta", "ct", "socket"):
        return f"{word} {body['key']}"
    if word == "fib":
        return f"fib {' . '.join(_words(body['flags']))} {body['result']}"
    return json.dumps(left, sort_keys=True)


def _words(mask: Any) -> list[str]:
    """Return the flags of a mask, which versions of nft list in different shapes."""
    if isinstance(mask, dict):
        return [word for each in mask.values() for word in _words(each)]
    if isinstance(mask, list):
        return [word for each in mask for word in _words(each)]
    return [str(mask)]


def _values(right: Any) -> Iterable[str]:
    if isinstance(right, list):
        return [value for each in right for value in _values(each)]
    if isinstance(right, dict):
        ((word, body),) = right.items()
        if word == "set":
            return _values(body)
        if word == "prefix":
            return [f"{body['addr']}/{body['len']}"]
        if word == "range":
            return ["-".join(str(bound) for bound in body)]
        return [json.dumps(right, sort_keys=True)]
    return [str(right)]


def without_logs(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Return the rules that decide something."""
    return tuple(each for each in rules if not each.verdict.startswith("log "))
