"""The skeletons of an image's people over the whole image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from benchbox.pictures.canvas import encoded, image_figure
from benchbox.pictures.skeleton import SIDES, draw_skeleton, legend_lines
from benchbox.pose.skeleton import Skeleton

LEAST, MOST = 512, 2048
"""Pixels of a picture's longer side."""
LEGEND = 30


def people_picture(
    image: np.ndarray,
    skeleton: Skeleton,
    people: Sequence[tuple[np.ndarray, np.ndarray]],
    kind: str = "png",
) -> bytes:
    """Draw people over their image, left and right in two colours and line styles, what is uncertain faint and small.

    Args:
        image: (H, W, 3) uint8, RGB.
        people: for each the points (K, 2), x, y in pixels of the image, and confidences (K,), cut to 0 to 1.
        kind: png or svg.
    """
    height, width = image.shape[:2]
    zoom = np.clip(max(height, width), LEAST, MOST) / max(height, width)
    high, wide = max(round(height * zoom), 1), max(round(width * zoom), 1)
    shown = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA) if zoom < 1 else image
    figure, axes = image_figure(shown, height=high + LEGEND, width=wide, size=(height, width))
    axes.set_position((0, LEGEND / (high + LEGEND), 1, high / (high + LEGEND)))
    thick = max(high, wide) / 300
    for points, confidences in people:
        draw_skeleton(axes, skeleton, points, confidences=confidences, width=thick)
    lines = legend_lines(SIDES)
    figure.legend(handles=lines, loc="lower center", ncols=len(lines), frameon=False, fontsize=8, borderaxespad=0.3)
    return encoded(figure, kind)
