"""A figure as SVG or PNG: the same bytes for the same figure, with nothing of the day or the machine in them."""

from __future__ import annotations

import io
import re
import warnings
from xml.etree import ElementTree

from matplotlib.figure import Figure

from benchbox.figures.style import rules

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
# What matplotlib says once in a style sheet, which would reach into a page around the element.
JOINS = "stroke-linejoin: round; stroke-linecap: butt"
DENSITY = 200
"""Dots an inch of a PNG."""
_URL = re.compile(r"url\(#([^)]+)\)")


def svg(figure: Figure, prefix: str) -> str:
    """Return a figure as one `<svg>` element that can stand in a page beside others: nothing in it refers outside.

    Args: prefix: what every id begins with.
    """
    raw = _saved(figure, "svg", {"Date": None, "Creator": None, "Format": None, "Type": None})
    root = ElementTree.fromstring(raw)
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) in ("metadata", "style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.attrib = {_name(key): _prefixed(_name(key), value, prefix) for key, value in element.attrib.items()}
    title = " ".join(figure.get_suptitle().split())
    own = {"xmlns": SVG, "xmlns:xlink": XLINK, "role": "img", "aria-label": title, "style": JOINS}
    root.attrib = {**own, **root.attrib}
    return ElementTree.tostring(root, encoding="unicode")


def svg_file(figure: Figure, prefix: str) -> bytes:
    """Return the bytes of an SVG file."""
    return f'<?xml version="1.0" encoding="utf-8"?>\n{svg(figure, prefix)}\n'.encode()


def png_file(figure: Figure, prefix: str) -> bytes:
    """Return the bytes of a PNG file; it has no ids to prefix."""
    return _saved(figure, "png", {"Software": None})


FORMATS = {"svg": svg_file, "png": png_file}


def _saved(figure: Figure, format: str, metadata: dict[str, None]) -> bytes:
    kept = io.BytesIO()
    with rules(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a name in any script may stand in a study
        figure.savefig(kept, format=format, dpi=DENSITY, metadata=metadata)
    return kept.getvalue()


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _name(key: str) -> str:
    return f"xlink:{_local(key)}" if XLINK in key else _local(key)


def _prefixed(key: str, value: str, prefix: str) -> str:
    """Return an attribute's value with what it says of ids prefixed."""
    if key == "id":
        return f"{prefix}-{value}"
    if key == "xlink:href" and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    return _URL.sub(rf"url(#{prefix}-\1)", value)
