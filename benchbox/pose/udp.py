"""Unbiased coordinates (UDP): sizes count from the first pixel's centre to the last one's, so a mirror shifts nothing.

A box reaches from `center - 100 * scale` to `center + 100 * scale`, and these two corners are the centres of the first
and the last pixel of a crop, and of the first and the last cell of a heatmap. Beside them stand the official
coordinates of `benchbox.pose.affine`, where the middle of a box comes half a pixel right of and below that of its crop.

Source: Huang et al. 2020, "The Devil is in the Details: Delving into Unbiased Data Processing for Human Pose
    Estimation", Section 3, and the official code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from benchbox.errors import InvalidInput, nearest
from benchbox.pose.affine import PIXELS_PER_SCALE

COORDINATES = ("official", "udp")


def check_coordinates(name: str) -> None:
    """Refuse a name that is not of `COORDINATES` with InvalidInput."""
    if name not in COORDINATES:
        raise InvalidInput(f'coordinates = "{name}"{nearest(name, COORDINATES)}')


def udp_matrix(
    center: Sequence[float] | np.ndarray,
    scale: Sequence[float] | np.ndarray,
    rotation_degrees: float,
    output_size: tuple[int, int],
    *,
    inverse: bool = False,
) -> np.ndarray:
    """Return the affine map from the image to the crop of a box (or back).

    The image is turned around `center`, then both sides of the box are stretched to the crop's, each by its own factor.

    Args:
        center: x, y in image pixels; goes to ((width - 1) / 2, (height - 1) / 2).
        scale: (width, height) / 200, both positive.
        rotation_degrees: the crop shows the image turned by this angle, in the direction of `crop_matrix`.
        output_size: (height, width) of the crop, each at least 2.
        inverse: map the crop to the image instead.

    Returns:
        (2, 3) float64: `matrix @ (x, y, 1)`.
    """
    angle = math.radians(rotation_degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    last = np.array([output_size[1] - 1.0, output_size[0] - 1.0])
    ratio = last / (PIXELS_PER_SCALE * np.asarray(scale, dtype=np.float64))
    center = np.asarray(center, dtype=np.float64)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    if inverse:
        linear, start, end = turn.T / ratio, last / 2, center
    else:
        linear, start, end = turn * ratio[:, None], center, last / 2
    return np.column_stack([linear, end - linear @ start])


def udp_stride(input_size: tuple[int, int], heatmap_size: tuple[int, int]) -> tuple[float, float]:
    """Return the (x, y) input pixels from one cell to the next, (size - 1) / (size - 1).

    Args:
        input_size: (height, width) in pixels.
        heatmap_size: (height, width) in cells, each at least 2.
    """
    return (input_size[1] - 1) / (heatmap_size[1] - 1), (input_size[0] - 1) / (heatmap_size[0] - 1)
