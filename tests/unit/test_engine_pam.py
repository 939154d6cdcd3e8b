# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One option of one PAM line changes; every other byte of the file stays."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from ansible_collections.essms.hardening.plugins.module_utils.engine import pam
from ansible_collections.essms.hardening.plugins.module_utils.engine.errors import SettingError
from ansible_collections.essms.hardening.plugins.module_utils.engine.host import Host
from hypothesis import given
from hypothesis import strategies as st

PATH = "/etc/pam.d/common-password"
OPTIONS = st.lists(
    st.sampled_from(["obscure", "yescrypt", "rounds=5", "remember=3", "nullok", "use_authtok"]), max_size=5
)
BLANK = st.sampled_from([" ", "\t", "\t\t\t", "  "])
CONTROL = st.sampled_from(["required", "requisite", "[success=1 default=ignore]", "[default=die]"])
COMMENT = st.sampled_from(["", " # pam_unix.so remember=9 here", "\t#"])
NOISE = st.lists(
    st.sampled_from(
        ["# pam_unix.so", "", "password required pam_deny.so", "@include other", "auth required pam_unix.so nullok"]
    ),
    max_size=4,
)


def host_with(folder: Path, content: str, family: str = "debian") -> Host:
    (folder / "etc/pam.d").mkdir(parents=True)
    (folder / "etc/os-release").write_text(f"ID={'debian' if family == 'debian' else 'rhel'}\n", encoding="utf-8")
    (folder / PATH.lstrip("/")).write_bytes(content.encode())
    return Host(root=str(folder))


@given(
    NOISE,
    NOISE,
    CONTROL,
    BLANK,
    OPTIONS,
    COMMENT,
    st.sampled_from(["remember", "rounds", "nullok"]),
    st.sampled_from([None, "", "7"]),
)
def test_only_that_option_changes(
    above: list[str],
    below: list[str],
    control: str,
    blank: str,
    options: list[str],
    comment: str,
    name: str,
    value: str | None,
) -> None:
    line = f"password{blank}{control}{blank}pam_unix.so{''.join(blank + word for word in options)}{comment}"
    content = "\n".join([*above, line, *below])
    with tempfile.TemporaryDirectory() as folder:
        host = host_with(Path(folder), content)
        place = next(found for found in pam.lines(host, "pam_unix.so", "password") if found.line == len(above))
        pam.set_option(host, place, name, value)
        edited = (host.text(PATH) or "").split("\n")
        assert edited[: len(above)] == above
        assert edited[len(above) + 1 :] == below
        mine = edited[len(above)]
        kept = [word for word in options if word.partition("=")[0] != name]
        wanted = [] if value is None else [name if value == "" else f"{name}={value}"]
        assert mine.partition("#")[0].split()[-len([*kept, *wanted]) or None :] == (
            [*kept, *wanted] or mine.partition("#")[0].split()
        )
        assert mine.partition("#")[2] == comment.partition("#")[2]
        assert mine.startswith(f"password{blank}{control}{blank}pam_unix.so")
        again = next(found for found in pam.lines(host, "pam_unix.so", "password") if found.line == len(above))
        assert pam.option(again, name) == value
        pam.set_option(host, again, name, value)
        assert (host.text(PATH) or "").split("\n") == edited


def test_authselect_s_lines_are_not_ours_to_edit(tmp_path: Path) -> None:
    host = host_with(tmp_path, "", "redhat")
    line = pam.PamLine("/etc/pam.d/system-auth", 0, "auth", "required", "pam_unix.so", [])
    with pytest.raises(SettingError, match="authselect"):
        pam.set_option(host, line, "nullok", None)
