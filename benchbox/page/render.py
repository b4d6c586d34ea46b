"""Write the page: jinja2 escapes every text, and a policy in the page itself forbids whatever it does not hold."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchbox.console import plain
from benchbox.page.content import Page

TEMPLATES = Path(__file__).parent / "templates"


def render(page: Page) -> str:
    """Return a page as one HTML document; the same page gives the same text.

    No script but our own runs in it (named by its digest), and nothing is loaded. Figures carry their styles in
    attributes, so that styles are allowed where they stand.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["base64"] = _base64
    style, script = _file("style.css"), _file("sort.js")
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.get_template("page.html").render(page=page, style=style, script=script, policy=policy)


def _shown(value: Any) -> Any:
    """Return text without control characters and broken surrogates, which HTML cannot hold."""
    if type(value) is not str or value.isprintable():  # nearly all of a hundred thousand cells
        return value
    return plain(value).encode("utf-8", "replace").decode()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def _digest(script: str) -> str:
    return f"sha256-{_base64(hashlib.sha256(script.encode()).digest())}"


def _file(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
