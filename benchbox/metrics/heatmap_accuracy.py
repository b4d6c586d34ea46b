"""The accuracy that the official training prints: peaks of predicted heatmaps near the peaks of their targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchbox.pose.heatmap import argmax_positions

THRESHOLD = 0.5  # of a tenth of the map


@dataclass(frozen=True, slots=True, eq=False)
class HeatmapAccuracy:
    """Hold one accuracy.

    Args:
        per_joint: (K,) float64 percent; NaN where no target counts (officially -1).
        mean: percent, the plain mean of the joints with a target; 0 where there is none.
        joints: number of joints with a target.
    """

    per_joint: np.ndarray
    mean: float
    joints: int


def heatmap_accuracy(output: np.ndarray, target: np.ndarray, *, threshold: float = THRESHOLD) -> HeatmapAccuracy:
    """Count the joints whose highest cell lies near the target's.

    Offsets are divided by H / 10 along x and by W / 10 along y, in this order, which matters where H is not W; a joint
    is found at a distance below the threshold. A target counts only if its highest cell has x > 1 and y > 1, so that
    joints of the first two columns and rows are never counted, whether visible or not.

    Args:
        output: (N, K, H, W) float, predicted heatmaps.
        target: (N, K, H, W) float.
        threshold: in tenths of the map.

    Source: HRNet's `accuracy` (lib/core/evaluate.py), the swapped sides included.
    Differs: percent instead of shares.
    """
    height, width = target.shape[-2:]
    found, _ = argmax_positions(output)
    wanted, _ = argmax_positions(target)
    counts = (wanted > 1).all(axis=-1)
    offset = (found.astype(np.float64) - wanted) / (height / 10, width / 10)
    hits = (np.hypot(offset[..., 0], offset[..., 1]) < threshold) & counts
    persons = counts.sum(axis=0)
    per_joint = 100 * hits.sum(axis=0) / np.where(persons > 0, persons, np.nan)
    joints = int((persons > 0).sum())
    return HeatmapAccuracy(per_joint, float(np.nansum(per_joint) / max(joints, 1)), joints)
