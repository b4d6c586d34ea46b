"""Skeletons over images: what lines mean is told by colour, lightness and line style, so that grey tells it too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from benchbox.pose.skeleton import Skeleton


class Pen(NamedTuple):
    """How lines look: their colour, that of their edges, and matplotlib's line style."""

    colour: str
    edge: str
    style: Any


LIGHT, DARK, WHITE = "#F0E442", "#0072B2", "#FFFFFF"
"""Yellow and blue, which no kind of colour blindness confuses, one light and one dark.

Source: Okabe and Ito, "Color Universal Design", 2008 (the set of eight colours).
"""
DASHED = (0, (2.0, 1.2))
SIDES = {"left": Pen(LIGHT, "black", "-"), "right": Pen(DARK, "white", DASHED), "middle": Pen(WHITE, "black", "-")}
PREDICTED, TRUTH = Pen(LIGHT, "black", "-"), Pen(DARK, "white", DASHED)
FAINTEST = 0.4
"""Opacity of what has no confidence, so that it is still found."""


def side_of(name: str) -> str:
    """Return the side of a joint by its name: left, right or middle."""
    side = name.partition("_")[0]
    return side if side in ("left", "right") else "middle"


def limb_side(skeleton: Skeleton, limb: tuple[int, int]) -> str:
    """Return the side of a limb: that of its joints, or of the one that has a side; middle where they contradict."""
    sides = {side_of(skeleton.joints[joint]) for joint in limb} - {"middle"}
    return sides.pop() if len(sides) == 1 else "middle"


def draw_skeleton(
    axes: Axes,
    skeleton: Skeleton,
    points: np.ndarray,
    *,
    confidences: np.ndarray | None = None,
    shown: np.ndarray | None = None,
    pens: Mapping[str, Pen] = SIDES,
    width: float = 2.0,
) -> None:
    """Draw limbs and joints.

    Args:
        axes: in the pixels of the image, 0 the centre of the first.
        points: (K, 2) x, y.
        confidences: (K,), opacity and size of the joints, cut to 0 to 1; full without.
        shown: (K,) bool, which joints are drawn, and limbs between two of these; those that are finite without.
        pens: by side.
        width: of the limbs, in points.
    """
    shown = np.isfinite(points).all(axis=1) & (True if shown is None else shown)
    certain = np.ones(len(points)) if confidences is None else np.clip(np.nan_to_num(confidences), 0, 1)
    opacity = FAINTEST + (1 - FAINTEST) * certain
    for a, b in skeleton.limbs:
        if shown[a] and shown[b]:
            pen = pens[limb_side(skeleton, (a, b))]
            line = axes.plot(*points[[a, b]].T, color=pen.colour, linestyle=pen.style, linewidth=width)[0]
            alpha = min(opacity[a], opacity[b])
            # the edge shows through the line: fainter, so that the line keeps its colour
            edge = withStroke(linewidth=1.8 * width, foreground=pen.edge, alpha=alpha**3)
            line.set(alpha=alpha, path_effects=[edge])
    for joint in np.nonzero(shown)[0]:
        pen = pens[side_of(skeleton.joints[joint])]
        size = width * (1.4 + 1.4 * certain[joint])
        dot = axes.plot(*points[joint], "o", color=pen.colour, markersize=size, markeredgewidth=0.3 * width)[0]
        dot.set(alpha=opacity[joint], markeredgecolor=pen.edge, zorder=3)


def legend_lines(pens: Mapping[str, Pen], width: float = 2.0) -> list[Line2D]:
    """Return a line of every pen with its name, for a legend."""
    return [
        Line2D([], [], color=pen.colour, linestyle=pen.style, linewidth=width, label=name)
        for name, pen in pens.items()
        if pen.colour != WHITE
    ]
