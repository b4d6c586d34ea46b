"""Lines of arms: training curves, PCKh against its threshold, AP against OKS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from benchbox.figures import style


@dataclass(frozen=True)
class Line:
    """An arm.

    Args:
        x, y: (P,) numbers, y the mean over n seeds; NaN where there is none.
        deviation: (P,) standard deviation over the seeds; None for one.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    deviation: Sequence[float] | None = None
    n: int = 1
    reference: bool = False


@dataclass(frozen=True)
class Panel:
    """One quantity over another.

    Args:
        whole: whether the one below is counted in whole numbers.
        wide: whether the other is positive and may differ by factors.
    """

    x_label: str
    y_label: str
    lines: Sequence[Line]
    whole: bool = False
    wide: bool = False


@dataclass(frozen=True)
class Lines:
    """Panels one below the other."""

    title: str
    panels: Sequence[Panel]
    notes: Sequence[str] = ()


def draw(data: Lines) -> Figure:
    """Draw a line for each arm, with a band of one standard deviation where there are several seeds."""
    arms = {line.name: line.reference for panel in data.panels for line in panel.lines}
    looks = style.looks(arms)
    names = {name: style.arm_name(name, reference) for name, reference in arms.items()}
    with style.rules():
        height = max(2.9 * len(data.panels), style.legend_height(names.values()))
        figure = style.sheet(data.title, data.notes, width=7.5, height=height)
        rows = figure.subplots(len(data.panels), 1, squeeze=False)[:, 0]
        entries: dict[str, tuple[Artist, str]] = {}
        for axes, panel in zip(rows, data.panels, strict=True):
            for place, line in enumerate(panel.lines):
                entries[line.name] = (_line(axes, place, line, looks[line.name]), names[line.name])
            axes.set_xlabel(style.wrapped(panel.x_label, 70, 1))
            axes.set_ylabel(style.wrapped(panel.y_label, 40, 2))
            if panel.whole:
                axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            values = [value for line in panel.lines for value in line.y if math.isfinite(value)]
            if panel.wide and values and min(values) > 0 and max(values) / min(values) >= style.WIDE:
                style.logarithmic(axes.yaxis, lambda value, place: f"{value:g}")
        style.legend(figure, [entries[name] for name in arms])
    return figure


def _line(axes: Axes, place: int, line: Line, look: style.Look) -> Line2D:
    every = max(1, len(line.x) // 8)  # markers stand apart, each line's at places of its own
    (drawn,) = axes.plot(
        line.x,
        line.y,
        color=look.colour,
        marker=look.marker,
        linestyle=look.dashes,
        linewidth=2.0 if line.reference else 1.3,
        markersize=5,
        markevery=(place % every, every),
        markeredgecolor="black",
        markeredgewidth=0.4,
        label=f"arm: {style.clean(line.name)}",
    )
    if line.deviation is not None:
        middle, reach = np.asarray(line.y, np.float64), np.asarray(line.deviation, np.float64)
        axes.fill_between(line.x, middle - reach, middle + reach, color=look.colour, alpha=0.18, linewidth=0)
    return drawn
