# Copyright: (c) 2026, essms.hardening contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a template and its views to one file that needs no other: styles and script inside, and nothing else allowed."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import jinja2
from ansible_collections.essms.hardening.plugins.plugin_utils.report.language import safe
from markupsafe import Markup

FOLDER = Path(__file__).parent / "templates"


def page(template: str, script: str, views: Mapping[str, object]) -> str:
    """Return a page made of a template, with ``report.css`` and a script of this folder inside.

    The page may load nothing at all: its policy only allows these two texts, by their hashes. The text is valid UTF-8.
    """
    style, code = _text("report.css"), _text(script)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(code)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    text = (
        _environment()
        .get_template(template)
        .render(views, style=_trusted(style), script=_trusted(code), policy=_trusted(policy))
    )
    return text.encode("utf-8", "backslashreplace").decode()


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=safe,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@lru_cache(maxsize=4)
def _text(name: str) -> str:
    return "\n" + (FOLDER / name).read_text(encoding="utf-8")


def _trusted(text: str) -> Markup:
    """Return a text of our own as it stands: a style sheet or a script would not survive being escaped."""
    return Markup(text)  # noqa: S704 - only files of this folder and hashes of them come here


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
