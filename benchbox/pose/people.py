"""A labelled or detected person: the record that every dataset reader yields."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Hold one person of one image, in the pixels of that image.

    Args:
        id: number of the annotation (or of the detector's entry); random draws are keyed by it.
        image_id: number of the image.
        image: file of the image.
        box: x, y, width, height in pixels, clipped as the official reader of the data set does.
        keypoints: (K, 3) float32, of MPII float64 (the last bit can decide at a threshold): x, y in pixels, visibility
            0 (not labelled), 1 (hidden) or 2 (visible).
        area: segment area in square pixels; of a detection, its box area.
        score: confidence of the box, 1 for ground truth.
        category: kind of activity where the data set tells it: MPII's category, the embedded data's activity.
        activity: MPII's activity, finer than its category.
        head_size: pixels, 0.6 x the diagonal of the head box; NaN where there is none.
    """

    id: int
    image_id: int
    image: Path
    box: tuple[float, float, float, float]
    keypoints: np.ndarray
    area: float
    score: float = 1.0
    category: str = ""
    activity: str = ""
    head_size: float = math.nan


def head_size(boxes: np.ndarray) -> np.ndarray:
    """Return MPII's head size: 0.6 x the diagonal of the head box.

    Args:
        boxes: (..., 4) x1, y1, x2, y2 in pixels.

    Returns:
        (...) float64, pixels.

    Source: the PCKh evaluation of the MPII Human Pose data set (`SC_BIAS = 0.6`).
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    sizes: np.ndarray = 0.6 * np.hypot(boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1])
    return sizes
