"""The look: what stays apart without colour, and text that is only text."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colormaps
from matplotlib.colors import to_hex

from benchbox.figures import style
from benchbox.figures.grid import COLOURS


def test_neighbours_differ_in_lightness_and_in_marker_and_in_dashes() -> None:
    for index in range(200):
        one, other = style.look(index), style.look(index + 1)
        assert abs(style.lightness(one.colour) - style.lightness(other.colour)) >= 10
        assert one.marker != other.marker
        assert one.dashes != other.dashes


def test_no_two_of_the_first_series_look_alike_in_grey() -> None:
    seen = [style.look(index) for index in range(style.DISTINCT)]
    for place, one in enumerate(seen):
        for other in seen[:place]:
            far = abs(style.lightness(one.colour) - style.lightness(other.colour)) >= 3
            assert far or one.marker != other.marker
    assert len(set(seen)) == style.DISTINCT


@pytest.mark.parametrize(
    ("colour", "expected"),
    [("#000000", 0), ("#ffffff", 100), ("#ff0000", 53.24), ("#00ff00", 87.73), ("#0000ff", 32.30), ("#777777", 50.03)],
)
def test_lightness_is_that_of_the_tables(colour: str, expected: float) -> None:
    assert style.lightness(colour) == pytest.approx(expected, abs=0.01)


def test_the_colours_of_a_grid_grow_lighter_all_along() -> None:
    steps = [style.lightness(to_hex(colormaps[COLOURS](place))) for place in range(256)]
    assert all(after >= before - 0.3 for before, after in pairwise(steps))
    assert steps[-1] - steps[0] > 70


@given(st.text(), st.integers(8, 60), st.integers(1, 4))
def test_any_text_becomes_short_lines_that_xml_can_hold(text: str, width: int, lines: int) -> None:
    shown = style.wrapped(text, width, lines)
    assert ElementTree.fromstring(f"<a>{escape(style.clean(text))}</a>").text in (style.clean(text), None)
    assert len(shown.split("\n")) <= lines
    assert all(len(line) <= width for line in shown.split("\n"))
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")


@given(st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=300))
def test_a_reference_is_marked_however_long_its_name(name: str) -> None:
    shown = style.arm_name(name, True)
    assert shown.endswith("(reference)")
    assert all(len(line) <= style.NAME for line in shown.split("\n"))
    assert style.arm_name(name, False) == style.wrapped(name, style.NAME, 3)


def test_the_users_settings_do_not_reach_a_figure_and_come_back() -> None:
    with matplotlib.rc_context({"font.size": 30, "text.parse_math": True, "axes.grid": False}):
        with style.rules():
            assert matplotlib.rcParams["font.size"] == 8
            assert not matplotlib.rcParams["text.parse_math"]
        assert matplotlib.rcParams["font.size"] == 30
        assert not matplotlib.rcParams["axes.grid"]
