# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One measure of one host: the scanners are brought in, run and taken out again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import findings, scanners
from .target import Target

PROFILES = ("minimal", "intermediary", "enhanced", "high")
_INSIDE = "/opt/essms-score"
# What a container's runtime lays over the host and no Debian has: the mark that makes OpenSCAP skip most rules, and
# three files mounted from the machine. What Debian's installer asks for and an image lacks: a password of root.
_OPENSCAP = r"""
cd @INSIDE@ || exit 9
LD_LIBRARY_PATH=$PWD/usr/lib/x86_64-linux-gnu:$PWD/lib/x86_64-linux-gnu:$PWD/usr/lib
OSCAP_SCHEMA_PATH=$PWD/usr/share/openscap/schemas
OSCAP_XSLT_PATH=$PWD/usr/share/openscap/xsl
OSCAP_CPE_PATH=$PWD/usr/share/openscap/cpe
export LD_LIBRARY_PATH OSCAP_SCHEMA_PATH OSCAP_XSLT_PATH OSCAP_CPE_PATH
for profile in @PROFILES@; do
    usr/bin/oscap xccdf eval --profile "xccdf_org.ssgproject.content_profile_anssi_bp28_$profile" \
        --results "$PWD/$profile.xml" usr/share/xml/scap/ssg/content/ssg-debian12-ds.xml > /dev/null 2> oscap.err
    [ -s "$profile.xml" ] || { tail -n 1 oscap.err >&2; exit 9; }
done
"""
_LYNIS = r"""
cd @INSIDE@/usr/share/lynis || exit 9
cp ../../sbin/lynis ../../../etc/lynis/default.prf . && cp -R ../../../etc/lynis/plugins . || exit 9
./lynis audit system --quick --no-colors --profile ./default.prf --plugin-dir ./plugins \
    --logfile @INSIDE@/lynis.log --report-file @INSIDE@/lynis.dat > @INSIDE@/lynis.out < /dev/null 2>&1
grep -q '^hardening_index=' @INSIDE@/lynis.dat || { tail -n 3 @INSIDE@/lynis.out >&2; exit 9; }
"""
_RESULTS = (*(f"{profile}.xml" for profile in PROFILES), "lynis.dat", "lynis.log")


def scan(target: Target, kept: Path) -> findings.Findings:
    """Run the scanners on a host and return what they found; their reports are kept in a folder."""
    kept.mkdir(parents=True, exist_ok=True)
    try:
        target.bring(scanners.ready(), _INSIDE)
        # neither sees the other, and an emulated machine has two slow processors
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda script: _shell(target, script), (_OPENSCAP, _LYNIS)))
        for name in _RESULTS:
            (kept / name).write_text(target.read(f"{_INSIDE}/{name}"), "utf-8")
    finally:
        _shell(target, "rm -rf @INSIDE@ /tmp/lynis.*")
    return findings.read(kept, PROFILES)


def _shell(target: Target, script: str) -> None:
    target.shell(script.replace("@INSIDE@", _INSIDE).replace("@PROFILES@", " ".join(PROFILES)))
