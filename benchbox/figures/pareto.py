"""Accuracy against what a network costs, with the front that no arm beats in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchbox.figures import style


@dataclass(frozen=True)
class Point:
    """An arm.

    Args:
        x: what it costs, above 0.
        y: percent, mean over n seeds.
        deviation: percent, over the seeds; None for one.
    """

    name: str
    x: float
    y: float
    deviation: float | None = None
    n: int = 1
    reference: bool = False


@dataclass(frozen=True)
class Panel:
    """One score: its name and the arms that have it."""

    label: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Pareto:
    """Panels one below the other, all over the same costs."""

    title: str
    x_label: str
    panels: Sequence[Panel]
    notes: Sequence[str] = ()


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other beats: none costs less and scores as much, nor as much and scores more.

    Of equal points all are returned; by rising cost.
    """
    kept: list[Point] = []
    for point in sorted(points, key=lambda one: (one.x, -one.y)):
        if not kept or point.y > kept[-1].y or (point.x, point.y) == (kept[-1].x, kept[-1].y):
            kept.append(point)
    return kept


def draw(data: Pareto) -> Figure:
    """Draw arms as points over their costs, bars of one standard deviation where there are several seeds."""
    arms = {point.name: point.reference for panel in data.panels for point in panel.points}
    looks = style.looks(arms)
    names = {name: style.arm_name(name, reference) for name, reference in arms.items()}
    with style.rules():
        height = max(2.9 * len(data.panels), style.legend_height([*names.values(), "front"]))
        figure = style.sheet(data.title, data.notes, width=7.5, height=height)
        rows = figure.subplots(len(data.panels), 1, sharex=True, squeeze=False)[:, 0]
        entries: dict[str, tuple[Artist, str]] = {}
        for axes, panel in zip(rows, data.panels, strict=True):
            for point in panel.points:
                entries[point.name] = (_point(axes, point, looks[point.name]), names[point.name])
            best, last = front(panel.points), max(point.x for point in panel.points)
            (line,) = axes.step(
                [*(point.x for point in best), last],
                [*(point.y for point in best), best[-1].y],
                where="post",
                color="#777777",
                linewidth=1.0,
                linestyle=(0, (2, 2)),
                zorder=1,
                label="front",
            )
            axes.set_ylabel(style.wrapped(panel.label, 40, 2))
            axes.margins(0.08)
        _scale(rows[-1], [point.x for panel in data.panels for point in panel.points])
        rows[-1].set_xlabel(style.wrapped(data.x_label, 70, 1))
        style.legend(figure, [*(entries[name] for name in arms), (line, "Pareto front")])
    return figure


def millions(value: float, place: int | None = None, digits: int = 4) -> str:
    """Spell a count as papers do: 0.5M, 28.5M, 7.7G; `place` is what matplotlib tells of a tick."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.{digits}g}{letter}"
    return f"{value:.{digits}g}"


def _point(axes: Axes, point: Point, look: style.Look) -> Line2D:
    drawn = axes.errorbar(
        [point.x],
        [point.y],
        yerr=None if point.deviation is None else [point.deviation],
        linestyle="none",
        marker=look.marker,
        markersize=7,
        color=look.colour,
        markeredgecolor="black",
        markeredgewidth=0.6,
        capsize=3,
        zorder=3,
        label=f"arm: {style.clean(point.name)}",
    )
    if point.reference:
        axes.plot([point.x], [point.y], "o", markersize=13, fillstyle="none", color="black", markeredgewidth=0.9)
    line: Line2D = drawn.lines[0]
    return line


def _scale(axes: Axes, values: Sequence[float]) -> None:
    if max(values) / min(values) >= style.WIDE:
        style.logarithmic(axes.xaxis, millions)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(6))
        axes.xaxis.set_major_formatter(FuncFormatter(partial(millions, digits=7)))
