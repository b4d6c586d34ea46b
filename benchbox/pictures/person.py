"""One evaluated person: the crop, what was predicted, and the truth."""

from __future__ import annotations

import numpy as np

from benchbox.pictures.canvas import encoded, image_figure
from benchbox.pictures.skeleton import PREDICTED, TRUTH, draw_skeleton
from benchbox.pose.affine import PIXELS_PER_SCALE, box_to_center_scale, crop_matrix, transform_points
from benchbox.pose.crop import Cropper
from benchbox.pose.skeleton import Skeleton

MOST_FINER = 8
"""A crop is sampled so much finer at most before it is brought to its size."""


def person_picture(
    image: np.ndarray,
    skeleton: Skeleton,
    box: np.ndarray,
    keypoints: np.ndarray,
    truth: np.ndarray | None,
    *,
    side: int,
) -> bytes:
    """Draw a person: predicted joints with solid light lines, true ones with dashed dark lines below them.

    Args:
        image: (H, W, 3) uint8, BGR.
        skeleton: K joints.
        box: (4,) x, y, width, height in pixels of the image.
        keypoints: (K, 2) x, y, in pixels of the image.
        truth: (K, 3) x, y and visibility, 0 where a joint is not labelled; None where it is not known.
        side: of the picture, in pixels.

    Returns: a PNG.
    """
    crop, matrix = _crop(image, box, side)
    figure, axes = image_figure(crop, height=side, width=side)
    width = side / 100
    if truth is not None:
        places, pens = transform_points(truth[:, :2], matrix), dict.fromkeys(("left", "right", "middle"), TRUTH)
        draw_skeleton(axes, skeleton, places, shown=truth[:, 2] > 0, pens=pens, width=width)
    places, pens = transform_points(keypoints, matrix), dict.fromkeys(("left", "right", "middle"), PREDICTED)
    draw_skeleton(axes, skeleton, places, pens=pens, width=width)
    return encoded(figure)


def _crop(image: np.ndarray, box: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the square crop of a box, RGB, and the (2, 3) map from the image to it."""
    center, scale = box_to_center_scale(box, aspect_ratio=1.0)
    scale = np.maximum(scale, np.float32(1 / PIXELS_PER_SCALE))
    matrix = crop_matrix(center, scale, 0.0, (side, side))
    finer = int(np.clip(np.ceil(scale[0] * PIXELS_PER_SCALE / side), 1, MOST_FINER))
    size = (finer * side, finer * side)
    crop = Cropper(size).crop(image, crop_matrix(center, scale, 0.0, size), reverse=True)
    # The mean over each square of finer pixels; its middle lies half a fine pixel short of the coarse one's.
    crop = crop.reshape(side, finer, side, finer, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    matrix[:, 2] -= (finer - 1) / (2 * finer)
    return crop, matrix
