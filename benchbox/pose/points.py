"""Joints as points of a crop: targets of coordinate regression, the flip test, the way back to the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchbox.pose.affine import PIXELS_PER_SCALE
from benchbox.pose.skeleton import mirror_order
from benchbox.pose.udp import check_coordinates


def coordinate_targets(
    joints: np.ndarray, visible: np.ndarray, *, input_size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Return joints as fractions of the crop: zero-based pixels over (width, height).

    Args:
        joints: (..., K, 2) x, y in pixels of the crop.
        visible: (..., K) above 0 where the joint counts.
        input_size: (height, width) of the crop in pixels.

    Returns:
        target (..., K, 2) float32; weight (..., K, 1) float32, 1 where the joint counts and 0 <= x < width,
        0 <= y < height, else 0.
    """
    size = np.array([input_size[1], input_size[0]], dtype=np.float64)
    inside = ((joints >= 0) & (joints < size)).all(axis=-1)
    weight = inside & (np.asarray(visible) > 0)
    return (joints / size).astype(np.float32), weight.astype(np.float32)[..., None]


def flip_average_points(
    points: np.ndarray, mirrored: np.ndarray, pairs: Sequence[Sequence[int]] | np.ndarray, *, width: int
) -> np.ndarray:
    """Average the joints found in a crop and in its mirror image (the flip test).

    A crop's columns in reverse order put pixel x on pixel width - 1 - x, exactly; there is nothing to shift.

    Args:
        points: (N, K, 2) x, y in pixels of the crop.
        mirrored: (N, K, 2) in pixels of the mirrored crop, as the network gave them.
        pairs: (P, 2) joints that change places.
        width: of the crop in pixels.

    Returns:
        (N, K, 2).
    """
    restored = mirrored[:, mirror_order(mirrored.shape[1], pairs)]
    restored[..., 0] = width - 1 - restored[..., 0]
    mean: np.ndarray = (points + restored) * 0.5
    return mean


def image_points(
    points: np.ndarray,
    center: np.ndarray,
    scale: np.ndarray,
    *,
    size: tuple[int, int],
    coordinates: str = "official",
) -> np.ndarray:
    """Map points of unturned crops, or of their heatmaps, to the image.

    Args:
        points: (N, K, 2) x, y in pixels of the crops or in cells of the heatmaps.
        center: (N, 2) x, y of the boxes in image pixels.
        scale: (N, 2) box (width, height) / 200; only the width counts in official coordinates.
        size: (height, width) of what the points lie on, in pixels or cells.
        coordinates: official, or udp where the crops were made so (`benchbox.pose.udp`).

    Returns:
        (N, K, 2) float32 x, y in image pixels.

    Raises:
        InvalidInput: `coordinates` is neither.
    """
    check_coordinates(coordinates)
    extent = np.array([size[1], size[0]], dtype=np.float64)
    box = np.asarray(scale, dtype=np.float64)[:, None, :]
    if coordinates == "udp":
        extent -= 1
        step = box * (PIXELS_PER_SCALE / extent)
    else:
        step = box[..., :1] * (PIXELS_PER_SCALE / size[1])
    offset = points.astype(np.float64) - extent * 0.5
    found = np.asarray(center, dtype=np.float64)[:, None, :] + offset * step
    return found.astype(np.float32)
