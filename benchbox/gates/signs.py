"""Signs of known mistakes in predictions: left and right exchanged, everything moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from benchbox.pose.affine import PIXELS_PER_SCALE, box_to_center_scale
from benchbox.pose.skeleton import Skeleton, mirror_order

CELL = 4
"""Input pixels per heatmap cell of every network here."""
REACH = 0.5
"""Of the joint unit: how near is found."""
REACH_OF_AREA = 0.1
"""Of the root of a person's area, where there is no joint unit: about half a head."""
NORMAL_QUARTILES = 1.349
NORMAL_MEDIAN = 1.2533
"""Of a normal distribution: its quartiles' distance, and its median's standard error over its mean's."""


@dataclass(frozen=True)
class Signs:
    """What the predictions of one training look like as a whole.

    Args:
        swapped: joints that lie within reach of the mirrored joint's truth and nearer to it than to their own.
        paired: joints of which that could be told.
        dx, dy: median offset of all labelled joints from the truth, in pixels of the input.
        error: standard error of the greater of these two; NaN where there are no joints.
        joints: labelled ones.
    """

    swapped: int
    paired: int
    dx: float
    dy: float
    error: float
    joints: int


def signs_of(people: pa.Table, size: tuple[int, int], skeleton: Skeleton) -> Signs:
    """Look for signs in `people` records that hold the ground truth.

    Args: size: (height, width) of the network's input.
    """
    number, joints = people.num_rows, len(skeleton.joints)
    truth = np.array(people["truth"].to_pylist(), np.float64).reshape(number, joints, 3)
    points = np.array(people["keypoints"].to_pylist(), np.float64).reshape(number, joints, 2)
    labelled = (truth[:, :, 2] > 0) & np.isfinite(points).all(axis=2)
    offsets = (points - truth[:, :, :2]) * _input_pixels(people, size)[:, None, None]
    swapped, paired = _swapped(points, truth, labelled, _reach(people), skeleton)
    found = offsets[labelled]
    if not len(found):
        return Signs(swapped, paired, math.nan, math.nan, math.nan, 0)
    lower, (dx, dy), upper = np.percentile(found, [25, 50, 75], axis=0)
    spread = float((upper - lower).max()) / NORMAL_QUARTILES
    return Signs(swapped, paired, float(dx), float(dy), NORMAL_MEDIAN * spread / math.sqrt(len(found)), len(found))


@dataclass(frozen=True)
class Mean:
    """Signs of several trainings together: share swapped in percent; in input pixels offset, its error, the scatter."""

    swapped: float
    dx: float
    dy: float
    error: float
    spread: float


def mean(signs: Sequence[Signs]) -> Mean:
    """Sum up trainings."""
    swapped, paired = sum(one.swapped for one in signs), sum(one.paired for one in signs)
    number = len(signs)
    return Mean(
        swapped=100 * swapped / paired if paired else math.nan,
        dx=sum(one.dx for one in signs) / number,
        dy=sum(one.dy for one in signs) / number,
        # the trainings look at the same persons, so several tell little more than one
        error=max(one.error for one in signs),
        spread=max(one.error * math.sqrt(one.joints) / NORMAL_MEDIAN for one in signs),
    )


def _reach(people: pa.Table) -> np.ndarray:
    """Return (N,) the pixels of the image within which a joint is found, about."""
    units = np.array([math.nan if unit is None else unit for unit in people["joint_unit"].to_pylist()], np.float64)
    by_area = REACH_OF_AREA * np.sqrt(people["area"].to_numpy())
    reach: np.ndarray = np.where(np.isfinite(units), REACH * units, by_area)
    return reach


def _input_pixels(people: pa.Table, input_size: tuple[int, int]) -> np.ndarray:
    """Return (N,) pixels of the network's input per pixel of the image."""
    height, width = input_size
    _, scale = box_to_center_scale(np.array(people["box"].to_pylist(), np.float64), aspect_ratio=width / height)
    size = scale[:, 0].astype(np.float64) * PIXELS_PER_SCALE
    ratio: np.ndarray = np.divide(width, size, out=np.zeros(len(size)), where=size > 0)
    return ratio


def _swapped(
    points: np.ndarray, truth: np.ndarray, labelled: np.ndarray, reach: np.ndarray, skeleton: Skeleton
) -> tuple[int, int]:
    mirrored = mirror_order(len(skeleton.joints), skeleton.flip_pairs)
    told = labelled & labelled[:, mirrored] & (mirrored != np.arange(len(mirrored)))
    own = np.linalg.norm(points - truth[:, :, :2], axis=2)
    other = np.linalg.norm(points - truth[:, mirrored, :2], axis=2)
    swapped = told & (other < own) & (other <= reach[:, None])
    return int(swapped.sum()), int(told.sum())
