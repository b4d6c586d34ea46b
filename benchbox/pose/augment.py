"""Random changes to a training sample: the draws, the half body, the mirror."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbox.pose.affine import points_to_center_scale
from benchbox.pose.skeleton import mirror_order

HALF_BODY_JOINTS = 8  # Source: HRNet, NUM_JOINTS_HALF_BODY: only with more visible joints than this


@dataclass(frozen=True, slots=True)
class Draws:
    """Hold what chance decided for one sample.

    Args:
        half_body: crop half of the body, if enough joints are visible.
        upper: prefer the upper half.
        scale: factor on the box.
        rotation: degrees.
        flip: mirror the image.
    """

    half_body: bool
    upper: bool
    scale: float
    rotation: float
    flip: bool


def draw(
    rng: np.random.Generator,
    *,
    rotate: float,
    rescale: float,
    flip_probability: float,
    half_body_probability: float,
) -> Draws:
    """Draw the changes for one sample.

    Seven uniform numbers are used whatever they decide, and the normal ones are made from them here (Box-Muller), so
    that the draws of a generator never change with NumPy's own samplers.

    Args:
        rng: source of the seven numbers.
        rotate: standard deviation of the rotation in degrees, clipped at twice that; applied with probability 0.6.
        rescale: standard deviation of the scale factor around 1, clipped at 1 -+ `rescale`.
        flip_probability: of a mirror.
        half_body_probability: of a half-body crop.

    Source: HRNet's `JointsDataset.__getitem__` (the upper half wins with P(N(0, 1) < 0.5) = 0.69).
    """
    half, turn, flip, a, b, c, d = rng.random(7).tolist()
    upper_normal, scale_normal = _normals(a, b)
    turn_normal, _ = _normals(c, d)
    rotation = min(max(turn_normal * rotate, -2.0 * rotate), 2.0 * rotate) if turn < 0.6 else 0.0
    return Draws(
        half_body=half < half_body_probability,
        upper=upper_normal < 0.5,
        scale=min(max(1 + scale_normal * rescale, 1 - rescale), 1 + rescale),
        rotation=rotation,
        flip=flip < flip_probability,
    )


def half_body(
    joints: np.ndarray,
    visible: np.ndarray,
    *,
    upper_body: Sequence[int],
    prefer_upper: bool,
    aspect_ratio: float,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return center and scale of a box around the upper or the lower half of a body.

    The upper half is taken if preferred and more than two of its joints are visible; else the lower half if more than
    two of its joints are; else the upper half. None when fewer than two joints are left.

    Args:
        joints: (K, 2) or (K, 3) x, y in pixels, third column ignored.
        visible: (K,) above 0 where the joint counts.
        upper_body: indices of the upper joints.
        prefer_upper: the random choice.
        aspect_ratio: width / height of the network's input.

    Returns:
        center (2,) float32 in pixels, scale (2,) float32, (width, height) / 200, with half as much room again.

    Source: HRNet's `half_body_transform`.
    """
    is_upper = np.zeros(len(joints), dtype=bool)
    is_upper[list(upper_body)] = True
    is_visible = np.asarray(visible) > 0
    upper = joints[is_upper & is_visible, :2]
    lower = joints[~is_upper & is_visible, :2]
    chosen = upper if (prefer_upper and len(upper) > 2) or len(lower) <= 2 else lower
    if len(chosen) < 2:
        return None
    return points_to_center_scale(chosen, aspect_ratio=aspect_ratio)


def flip_points(
    joints: np.ndarray, visible: np.ndarray, *, width: int, pairs: Sequence[Sequence[int]] | np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mirror joints along with their image; invisible ones become (0, 0).

    Args:
        joints: (K, 2) x, y in pixels.
        visible: (K,) 0 or 1.
        width: of the image in pixels.
        pairs: (P, 2) joints that change places.

    Returns:
        joints (K, 2), visible (K,).
    """
    order = mirror_order(len(joints), pairs)
    visible = visible[order]
    mirrored = joints[order]
    mirrored[:, 0] = width - 1 - mirrored[:, 0]
    return mirrored * visible[:, None], visible


def _normals(a: float, b: float) -> tuple[float, float]:
    """Turn two uniform numbers of [0, 1) into two independent standard normal ones."""
    radius = math.sqrt(-2.0 * math.log(1.0 - a))
    return radius * math.cos(2.0 * math.pi * b), radius * math.sin(2.0 * math.pi * b)
