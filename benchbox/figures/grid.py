"""Scores part by part: arms down, joints or categories across, every number in its cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from benchbox.figures import style

COLOURS = "cividis"
"""Of rising lightness for every eye and in grey. Source: Nunez, Anderton and Renslow 2018."""


@dataclass(frozen=True)
class Grid:
    """A table of scores.

    Args:
        rows: names of R arms.
        references: (R,) whether each is a reference.
        columns: names of C parts.
        values: (R, C) float64 percent; NaN where there is no score.
        label: what the numbers are.
    """

    title: str
    label: str
    rows: Sequence[str]
    references: Sequence[bool]
    columns: Sequence[str]
    values: np.ndarray
    notes: Sequence[str] = ()


def draw(data: Grid) -> Figure:
    """Draw a cell for each score, its colour by the score; a cell without one is hatched."""
    values = np.asarray(data.values, np.float64)
    names = [style.arm_name(*row, 30, 2) for row in zip(data.rows, data.references, strict=True)]
    heads = [style.wrapped(column, 44, 1) for column in data.columns]
    lines = [name.count("\n") + 1 for name in names]
    with style.rules():
        width, height = max(6.0, 3.4 + 0.46 * len(heads)), 0.15 * sum(lines) + 0.16 * len(names) + 1.7
        figure = style.sheet(data.title, data.notes, width=width, height=height)
        axes = figure.subplots()
        axes.grid(False)
        edges = np.concatenate([[0.0], np.cumsum([0.15 * line + 0.16 for line in lines])])
        least, most = _span(values)
        mesh = axes.pcolormesh(
            np.arange(values.shape[1] + 1),
            edges,
            np.ma.masked_invalid(values),
            cmap=COLOURS,
            vmin=least,
            vmax=most,
            edgecolors="white",
            linewidth=0.6,
        )
        colours = mesh.to_rgba(np.nan_to_num(values))
        for (row, column), value in np.ndenumerate(values):
            place = (column, float(edges[row]), float(edges[row + 1]))
            _cell(axes, float(value), place, to_hex(tuple(colours[row, column])))
        axes.set_xticks(np.arange(len(heads)) + 0.5, labels=heads, rotation=60, ha="left", rotation_mode="anchor")
        axes.xaxis.tick_top()
        axes.set_yticks((edges[1:] + edges[:-1]) / 2, labels=names)
        axes.set_ylim(edges[-1], 0)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        figure.colorbar(mesh, ax=axes, label=style.wrapped(data.label, 40, 2), shrink=0.9, aspect=14)
    return figure


def _span(values: np.ndarray) -> tuple[float, float]:
    """Return the ends of the colours: those of the values, and never the same."""
    known = values[np.isfinite(values)]
    least, most = (float(known.min()), float(known.max())) if known.size else (0.0, 100.0)
    return (least, most) if most > least else (least - 0.5, most + 0.5)


def _cell(axes: Axes, value: float, place: tuple[float, float, float], colour: str) -> None:
    left, top, bottom = place
    if not np.isfinite(value):
        axes.add_patch(
            Rectangle((left, top), 1, bottom - top, facecolor="white", edgecolor="#999999", hatch="////", linewidth=0)
        )
        return
    ink = "black" if style.lightness(colour) > 55 else "white"
    axes.text(left + 0.5, (top + bottom) / 2, f"{value:.1f}", ha="center", va="center", fontsize=6.5, color=ink)
