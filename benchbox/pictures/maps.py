"""Maps over crops: heatmaps in colour, attention as what it lets through."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import matplotlib
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchbox.pictures.canvas import DPI, encoded, show_image
from benchbox.pictures.skeleton import draw_skeleton
from benchbox.pose.skeleton import Skeleton

COLOURS = "viridis"
"""Colours whose lightness rises with the value, for every kind of colour vision and in grey.

Source: van der Walt and Smith, "A Better Default Colormap for Matplotlib", SciPy 2015.
"""
CELL = 170
"""Height of a panel in pixels."""
TITLE, GAP = 30, 8
TITLE_SIZE = 6.5
"""Of letters, in points; two lines of them have room above a panel."""
COLUMNS = 6


class Heatmaps(NamedTuple):
    """Hold the heatmaps of a person: the crop (H, W, 3) uint8 RGB and maps (M, h, w), each with a title."""

    crop: np.ndarray
    titles: Sequence[str]
    maps: np.ndarray


class Panel(NamedTuple):
    """Hold one column of a picture of attention; what is None is left blank.

    positions (h, w) and channels (C,) are weights in 0 to 1; points (K, 2) x, y, in pixels of the crop, are what is
    predicted there, with confidences (K,).
    """

    title: str
    positions: np.ndarray | None = None
    channels: np.ndarray | None = None
    points: np.ndarray | None = None
    confidences: np.ndarray | None = None


def dimmed(crop: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return a crop (H, W, 3) uint8 with every pixel times the weight of its cell (h, w), 0 to 1: discarded is dark."""
    seen: np.ndarray = np.rint(crop * _spread(weights, crop)[:, :, None]).astype(np.uint8)
    return seen


def heated(crop: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return a crop (H, W, 3) uint8 in dark grey, covered with colour where values (h, w) are high, cut to 0 to 1."""
    weight = _spread(np.clip(values, 0, 1), crop)[:, :, None]
    grey = np.repeat(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2) * 0.6
    colours = matplotlib.colormaps[COLOURS](weight[:, :, 0])[:, :, :3] * 255
    blended: np.ndarray = np.rint(grey * (1 - weight) + colours * weight).astype(np.uint8)
    return blended


def heatmaps_picture(people: Sequence[Heatmaps], kind: str = "png") -> bytes:
    """Draw all heatmaps of people, a grid for each; colours reach from 0 to the highest value of the person's maps."""
    rows = [-(-len(person.maps) // COLUMNS) for person in people]
    columns = min(COLUMNS, max(len(person.maps) for person in people))
    figure, grid = _grid(sum(rows), columns, people[0].crop)
    start = 0
    for person, count in zip(people, rows, strict=True):
        highest = max(float(person.maps.max()), 1e-9)
        for axes, title, values in zip(grid[start : start + count].flat, person.titles, person.maps, strict=False):
            show_image(axes, heated(person.crop, values / highest))
            _title(axes, f"{title}\n{values.max():.2f}")
        start += count
    return encoded(figure, kind)


def attention_picture(
    people: Sequence[tuple[np.ndarray, Sequence[Panel]]], skeleton: Skeleton, kind: str = "png"
) -> bytes:
    """Draw what attention does, in the order of the forward pass, a column for each module.

    First row: the crop times the weights of positions, as they are. Below, where there are such: the weights in colours
    from their least to their most; the weights of channels as bars from 0 to 1; what is predicted beside weights. What
    is predicted at the end alone stands in the first row.

    Args: people: each a crop (H, W, 3) uint8 RGB and its panels.
    """
    panels = [panel for _, some in people for panel in some]
    staged = any(panel.positions is not None and panel.points is not None for panel in panels)
    rows = [_dimmed if staged else _dimmed_or_predicted]
    rows += [_coloured] if any(panel.positions is not None for panel in panels) else []
    rows += [_bars] if any(panel.channels is not None for panel in panels) else []
    rows += [_predicted] if staged else []
    figure, grid = _grid(len(rows) * len(people), max(len(some) for _, some in people), people[0][0])
    for place, (crop, some) in enumerate(people):
        for line, row in enumerate(rows):
            for axes, panel in zip(grid[place * len(rows) + line], some, strict=False):
                row(axes, crop, panel, skeleton)
    return encoded(figure, kind)


def _dimmed(axes: Axes, crop: np.ndarray, panel: Panel, skeleton: Skeleton) -> None:
    _title(axes, panel.title)
    if panel.positions is not None or panel.channels is None:
        show_image(axes, crop if panel.positions is None else dimmed(crop, panel.positions))


def _dimmed_or_predicted(axes: Axes, crop: np.ndarray, panel: Panel, skeleton: Skeleton) -> None:
    (_dimmed if panel.points is None else _predicted)(axes, crop, panel, skeleton)
    _title(axes, panel.title)


def _coloured(axes: Axes, crop: np.ndarray, panel: Panel, skeleton: Skeleton) -> None:
    if panel.positions is not None:
        axes.imshow(panel.positions, cmap=COLOURS, interpolation="nearest", aspect="auto")
        _title(axes, f"{panel.positions.min():.3f} to {panel.positions.max():.3f}")


def _bars(axes: Axes, crop: np.ndarray, panel: Panel, skeleton: Skeleton) -> None:
    if panel.channels is not None:
        axes.set_axis_on()
        axes.bar(np.arange(len(panel.channels)), panel.channels, width=1.0, color="0.45")
        axes.set(ylim=(0, 1), xlim=(-0.5, len(panel.channels) - 0.5), xticks=[], yticks=[0, 0.5, 1])
        axes.axhline(0.5, color="0.7", linewidth=0.5)
        # inside the frame, since the next column begins right outside; white around them, since bars may be behind
        axes.tick_params(axis="y", direction="in", pad=-4, length=2, labelsize=TITLE_SIZE - 1)
        around = [patheffects.withStroke(linewidth=1.5, foreground="white")]
        for label, side in zip(axes.get_yticklabels(), ("bottom", "center", "top"), strict=True):
            label.set(horizontalalignment="left", verticalalignment=side, path_effects=around)
        span = f"{panel.channels.min():.3f} to {panel.channels.max():.3f}"
        _title(axes, f"{len(panel.channels)} channels\n{span}")


def _predicted(axes: Axes, crop: np.ndarray, panel: Panel, skeleton: Skeleton) -> None:
    if panel.points is not None:
        show_image(axes, crop)
        draw_skeleton(axes, skeleton, panel.points, confidences=panel.confidences, width=1.6)


def _grid(rows: int, columns: int, crop: np.ndarray) -> tuple[Figure, np.ndarray]:
    width = max(1, round(CELL * crop.shape[1] / crop.shape[0]))
    high, wide = rows * (CELL + TITLE), columns * (width + GAP)
    figure = Figure(figsize=(wide / DPI, high / DPI), dpi=DPI)
    grid = figure.subplots(rows, columns, squeeze=False)
    # of whole pixels, so that the same crop has the same pixels in every column
    figure.subplots_adjust(
        left=GAP / 2 / wide,
        right=1 - GAP / 2 / wide,
        bottom=0,
        top=1 - TITLE / high,
        wspace=GAP / width,
        hspace=TITLE / CELL,
    )
    for axes in grid.flat:
        axes.set_axis_off()
    return figure, grid


def _title(axes: Axes, text: str) -> None:
    """Set a panel's title, in lines that are no wider than the panel where words allow it."""
    letters = int(axes.bbox.width / DPI * 72 / (0.55 * TITLE_SIZE))
    lines = [line for part in text.split("\n") for line in textwrap.wrap(part, max(letters, 8), break_long_words=False)]
    axes.set_title("\n".join(lines), fontsize=TITLE_SIZE, pad=2)


def _spread(cells: np.ndarray, crop: np.ndarray) -> np.ndarray:
    """Return values of cells (h, w) at the pixels (H, W) of a crop, each cell as a square: no more is known."""
    spread: np.ndarray = cv2.resize(
        cells.astype(np.float32), (crop.shape[1], crop.shape[0]), interpolation=cv2.INTER_NEAREST
    )
    return spread
