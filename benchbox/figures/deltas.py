"""Differences of arms to their reference, with their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchbox.figures import style

CERTAIN, OPEN = "#0072B2", "#555555"


@dataclass(frozen=True)
class Delta:
    """An arm's difference to its reference.

    Args:
        difference: points.
        low, high: the interval's ends, points; None where it cannot be told.
        certain: whether it is more than noise, after adjustment for the number of comparisons.
    """

    name: str
    difference: float
    low: float | None = None
    high: float | None = None
    certain: bool = False


@dataclass(frozen=True)
class Panel:
    """One score: its name and the differences that there are."""

    label: str
    deltas: Sequence[Delta]


@dataclass(frozen=True)
class Deltas:
    """Panels side by side, an arm on the same line in all of them."""

    title: str
    panels: Sequence[Panel]
    notes: Sequence[str] = ()


def draw(data: Deltas) -> Figure:
    """Draw a point and an interval for each arm, filled where the difference is certain, hollow where it is not."""
    arms = list(dict.fromkeys(delta.name for panel in data.panels for delta in panel.deltas))
    names = [style.arm_name(name, False, 30, 2) for name in arms]
    with style.rules():
        figure = style.sheet(
            data.title, data.notes, width=max(6.0, 2.6 + 2.6 * len(data.panels)), height=0.34 * len(arms) + 0.7
        )
        columns = figure.subplots(1, len(data.panels), sharey=True, squeeze=False)[0]
        for axes, panel in zip(columns, data.panels, strict=True):
            for delta in panel.deltas:
                _delta(axes, arms.index(delta.name), delta)
            axes.axvline(0, color="black", linewidth=0.9, zorder=1, label="reference")
            axes.set_xlabel(style.wrapped(panel.label, 38, 3))
            axes.margins(x=0.08)
        columns[0].set_yticks(range(len(arms)), labels=names)
        columns[0].set_ylim(len(arms) - 0.5, -0.5)
    return figure


def _delta(axes: Axes, place: int, delta: Delta) -> None:
    reach = None
    if delta.low is not None and delta.high is not None:
        # A percentile interval need not hold the difference itself.
        axes.hlines(place, delta.low, delta.high, color=CERTAIN if delta.certain else OPEN, linewidth=1.6, zorder=2)
        reach = (delta.low, delta.high)
    for end in reach or ():
        axes.plot([end], [place], "|", color=CERTAIN if delta.certain else OPEN, markersize=7, zorder=2)
    axes.plot(
        [delta.difference],
        [place],
        "o" if delta.certain else "D",
        markersize=6.5,
        color=CERTAIN if delta.certain else OPEN,
        markerfacecolor=CERTAIN if delta.certain else "white",
        markeredgewidth=1.3,
        zorder=3,
        label=f"arm: {style.clean(delta.name)}",
    )
