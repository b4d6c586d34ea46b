"""Files of figures: the same bytes every time, and an SVG element that a page can hold beside others."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest

from benchbox.figures import style
from benchbox.figures.output import FORMATS, svg
from tests.figures.data import HOSTILE, WAYS, drawn

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


@functools.cache
def page(kind: str) -> str:
    return svg(drawn(kind, HOSTILE), kind)


@pytest.mark.parametrize(("kind", "format"), [*((kind, "svg") for kind in WAYS), ("categories", "png")])
def test_the_same_figure_is_the_same_bytes(kind: str, format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = FORMATS[format](drawn(kind, HOSTILE), kind)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    with matplotlib.rc_context({"font.size": 20, "svg.fonttype": "path", "savefig.dpi": 30, "axes.facecolor": "red"}):
        assert FORMATS[format](drawn(kind, HOSTILE), kind) == first


def test_another_process_makes_the_same_bytes() -> None:
    code = (
        "import hashlib; from tests.figures.data import drawn; from benchbox.figures.output import FORMATS\n"
        "for kind in ('pck',):\n"
        "    for make in FORMATS.values(): print(hashlib.sha256(make(drawn(kind), kind)).hexdigest())\n"
    )
    given = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=given, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    expected = [hashlib.sha256(make(drawn(kind), kind)).hexdigest() for kind in ("pck",) for make in FORMATS.values()]
    assert done.stdout.split() == expected


@pytest.mark.parametrize("kind", WAYS)
def test_an_svg_can_stand_in_a_page(kind: str) -> None:
    text = page(kind)
    assert re.match(r"<svg [^>]*>", text)
    assert text.endswith("</svg>")
    root = ElementTree.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "defs", "path", "use", "text", "tspan", "clipPath", "rect", "pattern", "image"}
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids)) > 5
    assert all(name.startswith(f"{kind}-") for name in ids)
    referred = set(
        re.findall(
            r"url\(#([^)]*)\)", " ".join(" ".join(one.attrib.values()) for one in root.iter() if one is not root)
        )
    )
    links = {value for one in root.iter() for key, value in one.attrib.items() if key.endswith("href")}
    assert referred | {link.removeprefix("#") for link in links if not link.startswith("data:")} <= set(ids)
    assert referred
    assert not re.search(r"(?:href|src)=\"(?:https?:|//|file:)", text)
    assert matplotlib.__version__ not in text


@pytest.mark.parametrize("kind", WAYS)
def test_names_are_text_in_an_svg(kind: str) -> None:
    root = ElementTree.fromstring(page(kind))
    shown = {"".join(element.itertext()).strip() for element in root.iter(f"{SVG}text")}
    shown |= {"".join(element.itertext()).strip() for element in root.iter(f"{SVG}tspan")}
    for name in HOSTILE[1:]:
        assert style.clean(name) in shown
    assert any(one.startswith("$x^2$") for one in shown)


def test_ids_of_two_kinds_never_meet() -> None:
    found = [set(re.findall(r' id="([^"]*)"', page(kind))) for kind in WAYS]
    assert sum(map(len, found)) == len(set.union(*found))


def test_a_png_holds_pixels_and_no_words() -> None:
    content = FORMATS["png"](drawn("pck"), "pck")
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    place, chunks = 8, []
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append(content[place + 4 : place + 8].decode())
        place += length + 12
    assert set(chunks) <= {"IHDR", "pHYs", "IDAT", "IEND"}
