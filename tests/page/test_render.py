"""The page's text: well formed, nothing in it but text where users wrote, nothing loaded, readable, the same twice."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchbox.console import plain
from benchbox.page.render import TEMPLATES, render
from tests.page import made


def shape(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the page's elements and the names of their attributes, without the bare spans around words of commands."""
    tags = [(tag, tuple(attributes)) for tag, attributes in made.Elements(text).tags]
    return [one for one in tags if one != ("span", ())]


@pytest.mark.parametrize("text", made.HOSTILE)
def test_what_users_wrote_stays_text(text: str) -> None:
    found = made.Elements(render(made.page(text)))
    shown = plain(text).replace("\ud800", "?")
    assert shape(render(made.page(text))) == shape(render(made.page("harmless")))
    assert not found.comments
    assert sum(one.strip() == shown.strip() for one in found.texts) >= 20
    assert shown in found.values("title")
    assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_characters="\ufffe\uffff", exclude_categories=["Cs"]), min_size=1))
def test_any_text_leaves_the_page_as_it_is_built(text: str) -> None:
    page = render(made.page(text))
    assert shape(page) == shape(render(made.page("harmless")))
    heading = ElementTree.fromstring(page).find(".//h1")
    assert heading is not None
    assert heading.text == plain(text)


def test_the_page_is_well_formed_and_its_links_lead_somewhere() -> None:
    text = render(made.page("a & b"))
    ElementTree.fromstring(text)
    found = made.Elements(text)
    ids = Counter(found.values("id"))
    assert max(ids.values()) == 1
    links = [value for tag, attributes in found.tags if tag == "a" for value in [attributes["href"]]]
    assert len(links) >= 6
    assert {link[1:] for link in links} <= ids.keys()
    assert {link[0] for link in links} == {"#"}
    assert set(found.values("aria-labelledby")) <= ids.keys()
    assert "study-1-pareto-a" in ids


def test_the_page_has_landmarks_captions_and_scopes() -> None:
    root = ElementTree.fromstring(render(made.page("x")))
    assert root.get("lang") == "en"
    names = [element.tag for element in root.iter()]
    assert [names.count(name) for name in ("h1", "nav", "main", "header", "footer", "title")] == [1] * 6
    tables = root.findall(".//table")
    assert len(tables) == 3
    for table in tables:
        assert table.find("caption") is not None
        assert all(head.get("scope") == "col" for head in table.findall("thead/tr/th"))
        assert all(row[0].tag == "th" and row[0].get("scope") == "row" for row in table.findall("tbody/tr"))
        assert [len(body) for body in table.findall("tbody")] == [2, 1]
    assert all(image.get("alt") for image in root.iter("img"))


def test_marks_and_verdicts_are_said_in_the_cells() -> None:
    table = ElementTree.fromstring(render(made.page("why"))).find(".//table[@id='study-1-scores']")
    assert table is not None
    assert [one.text for one in table.iter("b")] == ["74.4"]
    assert [one.text for one in table.iter("u")] == ["9.5 ± 0.3 (n 3)"]
    assert [one.text for one in table.iter("sup")] == ["1"]
    judged = [cell for cell in table.iter("td") if cell.find("small") is not None]
    assert [(cell.text, cell.get("title")) for cell in judged] == [("pending ", "why")]


def test_nothing_is_loaded_and_only_our_script_runs() -> None:
    text = render(made.page("x"))
    found = made.Elements(text)
    (policy,) = [one["content"] for tag, one in found.tags if tag == "meta" and "http-equiv" in one]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert all(value.startswith("data:image/png;base64,") for value in found.values("src"))
    assert base64.b64decode(found.values("src")[0].partition(",")[2]) == made.PNG
    assert not re.search(r"@import|url\(|https?://(?!www\.w3\.org/2000/svg)", text)


def test_the_same_page_has_the_same_bytes() -> None:
    assert render(made.page("x")) == render(made.page("x"))


def luminance(colour: str) -> float:
    """Return the relative luminance of #rrggbb. Source: WCAG 2.2, definition of relative luminance."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_texts_stand_out_from_their_ground(scheme: int) -> None:
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", style)
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6});", blocks[scheme]))
    assert colours.keys() == {"ink", "paper", "dim", "line", "shade", "link"}
    full = {
        name: "#" + "".join(2 * one for one in value[1:]) if len(value) == 4 else value
        for name, value in colours.items()
    }
    for text in ("ink", "dim", "link"):
        for ground in ("paper", "shade"):
            bright, dark = sorted((luminance(full[text]), luminance(full[ground])), reverse=True)
            assert (bright + 0.05) / (dark + 0.05) >= 4.5, f"{text} on {ground}"
