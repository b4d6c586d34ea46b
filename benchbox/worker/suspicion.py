"""Say what may be wrong with predictions that find next to nobody: they are scored again, as if read otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchbox.pose.skeleton import Skeleton, mirror_order

Change = Callable[[np.ndarray], np.ndarray]
"""Of coordinates (N, K, 2) to others of that shape."""
SHARES = 2.0
"""Pixels below which all coordinates of all persons are none."""
POOR = {"AP": 10.0, "PCKh": 50.0, "PCK": 50.0}
"""Percent below which a score is looked into; and how many points more another reading must give to be named."""
GAIN, NOTHING, PERFECT = 20.0, 1.0, 99.9


def suspicions(points: np.ndarray, skeleton: Skeleton, scored: Callable[[Change], Mapping[str, float]]) -> list[str]:
    """Return what to tell of predictions, nothing for most.

    Args:
        points: (N, K, 2) predicted x, y in pixels.
        skeleton: K joints.
        scored: gives `score.whole` of the predictions with changed coordinates.
    """
    metric, value = next(((name, one) for name, one in scored(same).items() if name in POOR), ("", np.nan))
    if value > PERFECT:
        return ["nobody predicts so well: is it the ground truth itself?"]
    if not value < POOR.get(metric, 0.0):
        return []
    if np.abs(points).max() <= SHARES:
        return [f"no coordinate is above {SHARES:g}: are they shares of the image? pixels are wanted"]
    for name, change in _readings(skeleton).items():
        other = scored(change)[metric]
        if other > value + GAIN:
            return [f"{metric} is {value:.1f}; with {name} it would be {other:.1f}"]
    if value < NOTHING:
        order = f"{', '.join(skeleton.joints[:3])}, ..."
        return [f"next to nobody is found: another split, images of another size, or joints not in the order {order}?"]
    return []


def same(points: np.ndarray) -> np.ndarray:
    """Return coordinates as they are."""
    return points


def _readings(skeleton: Skeleton) -> Mapping[str, Change]:
    order = mirror_order(len(skeleton.joints), skeleton.flip_pairs)
    return {
        "x and y exchanged": lambda points: points[..., ::-1],
        "left and right joints exchanged": lambda points: points[:, order],
        "coordinates half as large": lambda points: points / 2,
        "coordinates twice as large": lambda points: points * 2,
    }
