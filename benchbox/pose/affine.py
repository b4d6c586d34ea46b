"""Person boxes and the similarity that maps them onto a network's input.

A box is a `center` in image pixels and a `scale` = (width, height) / 200.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

PIXELS_PER_SCALE = 200.0


def box_to_center_scale(boxes: np.ndarray, *, aspect_ratio: float) -> tuple[np.ndarray, np.ndarray]:
    """Turn boxes into centers and scales of the wanted aspect ratio, with a quarter more room.

    The shorter side grows until width / height = `aspect_ratio`, then both grow by 1.25 (not where center x is -1,
    the official mark of an absent box).

    Args:
        boxes: (..., 4) x, y, width, height in pixels.
        aspect_ratio: width / height of the network's input.

    Returns:
        center (..., 2) float32, x, y in pixels; scale (..., 2) float32, (width, height) / 200.

    Source: HRNet's COCO data set, `_box2cs`.
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    center = (boxes[..., :2] + boxes[..., 2:] * 0.5).astype(np.float32)
    scale = _enlarged(boxes[..., 2:], aspect_ratio) / PIXELS_PER_SCALE
    scale = np.where(center[..., :1] == -1, scale, scale * 1.25)
    return center, scale.astype(np.float32)


def crop_matrix(
    center: Sequence[float] | np.ndarray,
    scale: Sequence[float] | np.ndarray,
    rotation_degrees: float,
    output_size: tuple[int, int],
    *,
    shift: Sequence[float] | np.ndarray = (0.0, 0.0),
    inverse: bool = False,
) -> np.ndarray:
    """Return the similarity from the image to the crop of a box (or back).

    Only the width of the box counts. The point `center + 200 * scale * shift` goes to (width / 2, height / 2) of the
    output, which is half a pixel right of and below its middle.

    Args:
        center: x, y in image pixels.
        scale: (width, height) / 200; the width must be positive.
        rotation_degrees: the crop shows the image turned by this angle.
        output_size: (height, width) of the crop.
        shift: displacement in box sizes (x, y).
        inverse: map the crop to the image instead.

    Returns:
        (2, 3) float64: `matrix @ (x, y, 1)`.

    Source: HRNet's `get_affine_transform`, here in closed form.
    """
    height, width = output_size
    ratio = width / (PIXELS_PER_SCALE * float(scale[0]))
    angle = math.radians(rotation_degrees)
    cosine, sine = math.cos(angle), math.sin(angle)
    x = float(center[0]) + PIXELS_PER_SCALE * float(scale[0]) * float(shift[0])
    y = float(center[1]) + PIXELS_PER_SCALE * float(scale[1]) * float(shift[1])
    u, v = width * 0.5, height * 0.5
    if inverse:
        ratio, sine = 1.0 / ratio, -sine
        x, y, u, v = u, v, x, y
    a, b = ratio * cosine, ratio * sine
    return np.array([[a, b, u - a * x - b * y], [-b, a, v + b * x - a * y]])


def transform_points(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Map points by an affine matrix.

    Args:
        points: (..., 2) x, y.
        matrix: (2, 3).

    Returns:
        (..., 2) float64.
    """
    mapped: np.ndarray = np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return mapped


def points_to_center_scale(
    points: np.ndarray, *, aspect_ratio: float, margin: float = 1.5
) -> tuple[np.ndarray, np.ndarray]:
    """Return center and scale of the frame around points: their mean, their extent with `margin` times the room.

    Args:
        points: (M, 2) x, y in pixels, M >= 1.
        aspect_ratio: width / height of the frame.
        margin: factor on both sides.

    Returns:
        center (2,) float32 in pixels, scale (2,) float32, (width, height) / 200.
    """
    center = points.mean(axis=0).astype(np.float32)
    extent = points.max(axis=0) - points.min(axis=0)
    return center, (_enlarged(extent, aspect_ratio) / PIXELS_PER_SCALE * margin).astype(np.float32)


def _enlarged(size: np.ndarray, aspect_ratio: float) -> np.ndarray:
    """Enlarge the shorter side of (..., 2) width, height until width / height = `aspect_ratio`."""
    width, height = size[..., 0], size[..., 1]
    return np.stack([np.maximum(width, height * aspect_ratio), np.maximum(height, width / aspect_ratio)], axis=-1)
