# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file for the textfile collector of node_exporter: figures, and no text but names.

The file is 0600 as every result is; the collector's own account needs a copy it may read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from ansible_collections.essms.hardening.plugins.plugin_utils import results, verdicts
from ansible_collections.essms.hardening.plugins.plugin_utils.exports import telling
from ansible_collections.essms.hardening.plugins.plugin_utils.model import Catalogue
from ansible_collections.essms.hardening.plugins.plugin_utils.results import Document

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})

#: Labels of a sample, and its value.
_Sample = tuple[Mapping[str, str], float]


def render(document: Document, catalogue: Catalogue, language: str) -> str:  # noqa: ARG001 - the same for every format
    """Return the samples in the text format of Prometheus; none of them depends on catalogue or language."""
    site = {"establishment": telling.name(document["establishment"])}
    score = results.score(document["results"])
    lines = [
        *_family("essms_controls", "Control × host pairs by measure and verdict.", _controls(document, site)),
        *_family(
            "essms_score_proven_ratio",
            "Compliant pairs among those that ought to be, what was not verified included.",
            [(site, score.compliant / score.due)] if score.due else [],
        ),
        *_family(
            "essms_verified_ratio",
            "Pairs that were looked at among all.",
            [(site, (score.total - score.not_verified) / score.total)] if score.total else [],
        ),
        *_family("essms_host_verified", "Whether a host could be verified (1) or not (0).", _hosts(document, site)),
        *_family("essms_waivers", "Waivers by state; expiring is within 30 days.", _waivers(document, site)),
        *_family(
            "essms_last_run_timestamp_seconds",
            "When the last run ended.",
            [({**site, "mode": document["mode"]}, datetime.fromisoformat(document["finished"]).timestamp())],
        ),
    ]
    return "".join(f"{line}\n" for line in lines)


def _controls(document: Document, site: Mapping[str, str]) -> Iterable[_Sample]:
    counts = Counter((result["measure"], result["verdict"]) for result in document["results"])
    for measure in sorted({measure for measure, _verdict in counts}):
        # a zero, and not an absent series, is what an alert can compare with
        for verdict in verdicts.VERDICTS:
            yield {**site, "measure": measure, "verdict": verdict}, counts[measure, verdict]


def _hosts(document: Document, site: Mapping[str, str]) -> Iterable[_Sample]:
    # a series given twice would make the collector refuse the whole file
    states = {telling.name(host["name"]): host["state"] == results.VERIFIED for host in document["hosts"]}
    return [({**site, "host": name}, verified) for name, verified in states.items()]


def _waivers(document: Document, site: Mapping[str, str]) -> Iterable[_Sample]:
    counts = Counter(waiver["state"] for waiver in document["waivers"])
    return [({**site, "state": state}, counts[state]) for state in ("active", "expiring", "expired", "future")]


def _family(name: str, told: str, samples: Iterable[_Sample]) -> Iterable[str]:
    yield f"# HELP {name} {told}"
    yield f"# TYPE {name} gauge"
    for labels, value in samples:
        pairs = ",".join(f'{label}="{text.translate(_ESCAPES)}"' for label, text in labels.items())
        yield f"{name}{{{pairs}}} {float(value)!r}"
