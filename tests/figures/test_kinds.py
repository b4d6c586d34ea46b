"""What a figure shows is what it was given: numbers are read back from its axes."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.text import Text

from benchbox.figures import KINDS, pareto, style
from tests.figures.data import HOSTILE, LONG, WAYS, drawn, made

NUMBERS = st.integers(1, 5).map(float)


def dominated(one: pareto.Point, points: list[pareto.Point]) -> bool:
    return any(other.x <= one.x and other.y >= one.y and (other.x < one.x or other.y > one.y) for other in points)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=12))
def test_the_front_is_who_nobody_dominates(places: list[tuple[float, float]]) -> None:
    points = [pareto.Point(str(number), x, y) for number, (x, y) in enumerate(places)]
    found = pareto.front(points)
    assert {one.name for one in found} == {one.name for one in points if not dominated(one, points)}
    assert [one.x for one in found] == sorted(one.x for one in found)


def test_networks_of_nearly_the_same_size_have_ticks_that_differ() -> None:
    points = [pareto.Point("a", 185_705.0, 50.0), pareto.Point("b", 185_840.0, 60.0)]
    figure = KINDS["pareto"](pareto.Pareto("t", "x", [pareto.Panel("y", points)]))
    FigureCanvasAgg(figure).draw()
    ticks = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert len(set(ticks)) == len(ticks) > 2


@pytest.mark.parametrize("deviation", [None, 1.5])
def test_pareto_shows_every_arm_and_bars_for_several_seeds_alone(deviation: float | None) -> None:
    data = made("pareto", deviation=deviation)
    figure = KINDS["pareto"](data)
    for axes, panel in zip(figure.axes, data.panels, strict=True):
        found = {one.get_label(): one for one in axes.containers if isinstance(one, ErrorbarContainer)}
        assert list(found) == [f"arm: {point.name}" for point in panel.points]
        for point in panel.points:
            container = found[f"arm: {point.name}"]
            assert container.lines[0].get_xydata().tolist() == [[point.x, point.y]]
            assert container.has_yerr == (deviation is not None)
            if deviation is not None:
                (bar,) = container.lines[2][0].get_segments()
                assert bar[:, 1].tolist() == [point.y - deviation, point.y + deviation]
        (front,) = [line for line in axes.lines if line.get_label() == "front"]
        best = pareto.front(panel.points)
        assert list(front.get_xdata())[:-1] == [point.x for point in best]
        assert list(front.get_ydata()) == [*(point.y for point in best), best[-1].y]
        rings = [line.get_xydata().tolist() for line in axes.lines if line.get_markersize() == 13]
        assert rings == [[[point.x, point.y]] for point in panel.points if point.reference]


@pytest.mark.parametrize(("last", "scale"), [(9.9e5, "linear"), (1e6, "log")])
def test_costs_that_differ_by_ten_stand_on_a_logarithmic_axis(last: float, scale: str) -> None:
    points = [pareto.Point("a", 1e5, 50.0), pareto.Point("b", last, 60.0)]
    figure = KINDS["pareto"](pareto.Pareto("t", "x", [pareto.Panel("y", points)]))
    assert figure.axes[0].get_xscale() == scale


@pytest.mark.parametrize(
    ("count", "text"), [(478_535, "478.5k"), (28_536_000, "28.54M"), (7.7e9, "7.7G"), (12, "12"), (1e6, "1M")]
)
def test_costs_are_spelt_as_papers_do(count: float, text: str) -> None:
    assert pareto.millions(count) == text


def test_deltas_show_points_and_intervals_and_what_is_certain() -> None:
    data = made("deltas")
    figure = KINDS["deltas"](data)
    for axes, panel in zip(figure.axes, data.panels, strict=True):
        points = {line.get_label(): line for line in axes.lines if str(line.get_label()).startswith("arm: ")}
        spans = [one.get_segments()[0] for one in axes.collections if isinstance(one, LineCollection)]
        known = [delta for delta in panel.deltas if delta.low is not None]
        assert [span[:, 0].tolist() for span in spans] == [[delta.low, delta.high] for delta in known]
        for place, delta in enumerate(panel.deltas):
            point = points[f"arm: {delta.name}"]
            assert point.get_xydata().tolist() == [[delta.difference, place]]
            assert (point.get_markerfacecolor() != "white") == delta.certain
        for delta, span in zip(known, spans, strict=True):
            assert span[:, 1].tolist() == [panel.deltas.index(delta)] * 2
        assert [line.get_xdata()[0] for line in axes.lines if line.get_label() == "reference"] == [0]
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["base", "one", "two"]
    assert figure.axes[0].get_ylim()[0] > figure.axes[0].get_ylim()[1]  # the first arm stands on top


@pytest.mark.parametrize("kind", ["joints", "categories"])
def test_a_grid_shows_every_number_in_its_cell(kind: str) -> None:
    data = made(kind)
    axes = KINDS[kind](data).axes[0]
    (mesh,) = axes.collections
    shown = np.ma.filled(mesh.get_array().astype(float), np.nan).reshape(data.values.shape)
    np.testing.assert_array_equal(shown, data.values)
    texts = {(int(text.get_position()[0]), text.get_position()[1]): text.get_text() for text in axes.texts}
    heights = sorted({y for _, y in texts})
    for (row, column), value in np.ndenumerate(data.values):
        assert texts.get((column, heights[row])) == (f"{value:.1f}" if np.isfinite(value) else None)
    assert [patch.get_hatch() for patch in axes.patches] == ["////"] * int(np.isnan(data.values).sum())
    assert [text.get_text() for text in axes.get_yticklabels()] == ["base (reference)", "one", "two"]
    assert [text.get_text() for text in axes.get_xticklabels()] == list(data.columns)


def test_ink_and_cell_differ_in_lightness() -> None:
    axes = drawn("joints").axes[0]
    (mesh,) = axes.collections
    values = mesh.get_array()
    for text in axes.texts:
        value = next(one for one in values.compressed() if f"{one:.1f}" == text.get_text())
        red, green, blue = (round(255 * part) for part in mesh.to_rgba(value)[:3])
        ink = 0 if text.get_color() == "black" else 100
        assert abs(style.lightness(f"#{red:02x}{green:02x}{blue:02x}") - ink) > 40


@pytest.mark.parametrize("deviation", [None, 1.5])
@pytest.mark.parametrize("kind", ["curves", "pck", "oks"])
def test_lines_show_every_number_and_a_band_for_several_seeds_alone(kind: str, deviation: float | None) -> None:
    data = made(kind, deviation=deviation)
    (axes,) = KINDS[kind](data).axes
    (panel,) = data.panels
    assert len(axes.lines) == len(panel.lines)
    bands = [one for one in axes.collections if isinstance(one, PolyCollection)]
    assert len(bands) == (0 if deviation is None else len(panel.lines))
    for drawn_line, line in zip(axes.lines, panel.lines, strict=True):
        assert list(drawn_line.get_xdata()) == list(line.x)
        assert list(drawn_line.get_ydata()) == list(line.y)
    for band, line in zip(bands, panel.lines, strict=False):
        edges = band.get_paths()[0].vertices
        at = edges[np.isclose(edges[:, 0], line.x[0])][:, 1]
        assert (at.min(), at.max()) == pytest.approx((line.y[0] - deviation, line.y[0] + deviation))


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("kind", WAYS)
def test_every_arm_is_named_and_no_name_is_a_formula(kind: str) -> None:
    figure = drawn(kind, HOSTILE)
    with style.rules():
        FigureCanvasAgg(figure).draw()  # a formula that is none would raise here
    texts = figure.findobj(Text)
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts)
    shown = {text.get_text().removesuffix(" (reference)") for text in texts}
    assert {style.clean(name) for name in HOSTILE} <= shown


@pytest.mark.parametrize("kind", WAYS)
def test_long_names_do_not_overlap_with_anything(kind: str) -> None:
    figure = drawn(kind, LONG)
    canvas = FigureCanvasAgg(figure)
    with style.rules():
        canvas.draw()
    named = [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        low, high = sorted(axes.get_ylim())
        named += [label for label in axes.get_yticklabels() if low <= label.get_position()[1] <= high]
    named += [text for text in (figure._suptitle, figure._supxlabel) if text]
    boxes = [text.get_window_extent(canvas.get_renderer()) for text in named if text.get_visible()]
    within = figure.bbox.padded(1)
    for box in boxes:
        assert within.x0 <= box.x0
        assert box.x1 <= within.x1
        assert within.y0 <= box.y0
        assert box.y1 <= within.y1
    for one, other in combinations(boxes, 2):
        assert not (
            min(one.x1, other.x1) - max(one.x0, other.x0) > 1 and min(one.y1, other.y1) - max(one.y0, other.y0) > 1
        )
    plots: list[Any] = [axes.get_window_extent(canvas.get_renderer()) for axes in figure.axes]
    for box in boxes:
        assert not any(box.padded(-1).overlaps(plot) for plot in plots)
