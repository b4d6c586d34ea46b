"""PCKh: the share of joints closer to their place than a part of the head's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class PCKh:
    """Percentages: per joint (K,), NaN where nothing is labelled; their mean weighted by the counts (K,) of joints."""

    per_joint: np.ndarray
    counts: np.ndarray
    mean: float


def errors(predicted: np.ndarray, truth: np.ndarray, head_size: np.ndarray) -> np.ndarray:
    """Return distances in head sizes.

    Args: predicted, truth: (N, K, 2) x, y in pixels. head_size: (N,) pixels, 0.6 x the head box's diagonal in MPII.
    Returns: (N, K) float64.
    """
    distance = np.linalg.norm(np.asarray(predicted, np.float64) - np.asarray(truth, np.float64), axis=-1)
    return distance / np.asarray(head_size, np.float64)[:, None]


def score(
    errors: np.ndarray,
    labelled: np.ndarray,
    *,
    threshold: float = 0.5,
    inclusive: bool = True,
    leave_out: Sequence[int] = (),
) -> PCKh:
    """Count the joints within a threshold.

    Args:
        errors: (N, K) in head sizes. labelled: (N, K) bool. inclusive: a distance equal to the threshold counts.
        leave_out: joints that do not enter the mean (MPII's pelvis and thorax).
    """
    labelled = np.asarray(labelled, bool)
    with np.errstate(invalid="ignore"):
        close = np.asarray(errors) <= threshold if inclusive else np.asarray(errors) < threshold
    hits, counts = (close & labelled).sum(axis=0), labelled.sum(axis=0)
    kept = np.setdiff1d(np.arange(labelled.shape[1]), leave_out)
    with np.errstate(invalid="ignore"):
        per_joint = 100.0 * hits / np.where(counts, counts, np.nan)
    total = counts[kept].sum()
    return PCKh(per_joint, counts, float(100.0 * hits[kept].sum() / total) if total else float("nan"))
