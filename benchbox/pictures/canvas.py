"""Figures that an image fills, and their bytes."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DPI = 100


def image_figure(
    image: np.ndarray, *, height: int, width: int, size: tuple[int, int] | None = None
) -> tuple[Figure, Axes]:
    """Return a figure of so many pixels that an image fills, and its axes; see `show_image`."""
    room = 1e-6  # sizes in inches are cut, not rounded, to pixels
    figure = Figure(figsize=((width + room) / DPI, (height + room) / DPI), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    show_image(axes, image, size)
    return figure, axes


def show_image(axes: Axes, image: np.ndarray, size: tuple[int, int] | None = None) -> None:
    """Fill axes with an image (H, W, 3) uint8, RGB, and keep them so whatever is drawn over it.

    The axes count its pixels, 0 being the centre of the first; of one that was made smaller or larger those of its
    former size (height, width).
    """
    height, width = size or image.shape[:2]
    axes.imshow(image, extent=(-0.5, width - 0.5, height - 0.5, -0.5), interpolation="bilinear", aspect="auto")
    axes.set_axis_off()
    axes.set_autoscale_on(False)


def encoded(figure: Figure, kind: str = "png") -> bytes:
    """Return a figure as png or svg; the same figure gives the same bytes."""
    content = io.BytesIO()
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    with matplotlib.rc_context({"svg.hashsalt": "benchbox", "svg.fonttype": "none"}):
        figure.savefig(content, format=kind, metadata=metadata)
    return content.getvalue()
