"""PCKh: how many joints are found within a part of the head's size.

The numbers depend on the convention. MPII, as HRNet counts it: zero-based predictions + 1 against the one-based ground
truth, distance <= 0.5, joints weighted by their counts, pelvis and thorax left out (`leave_out=MPII_LEFT_OUT`); its
"Mean@0.1" is at 0.11. Data of 17 COCO joints with head boxes: all labelled joints, weighted, distance <= 0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchbox.metrics.conventions import COLUMNS, Convention
from benchbox.pose.people import head_size as head_size

LSP_TORSO = (9, 2)
"""Left shoulder and right hip of LSP's joints: their distance is the torso size of PCK."""


@dataclass(frozen=True, slots=True, eq=False)
class PCKh:
    """Hold one score.

    Args:
        per_joint: (K,) float64 percent; NaN where nobody has the joint.
        counts: (K,) labelled joints.
        mean: percent, joints weighted by their counts, without those left out; NaN where nothing counts.
        persons: N.
    """

    per_joint: np.ndarray
    counts: np.ndarray
    mean: float
    persons: int

    def columns(self, skeleton: str) -> dict[str, float]:
        """Return the columns of the papers' tables in percent: plain averages of their joints, then Mean."""
        averages = {name: float(self.per_joint[list(joints)].mean()) for name, joints in COLUMNS[skeleton].items()}
        return {**averages, "Mean": self.mean}


def errors(predicted: np.ndarray, truth: np.ndarray, head_size: np.ndarray) -> np.ndarray:
    """Return the distance of every joint from its place, in head sizes.

    Args:
        predicted: (N, K, 2) x, y in pixels.
        truth: (N, K, 2) x, y in pixels, both zero-based or both one-based.
        head_size: (N,) pixels.

    Returns:
        (N, K) float64; NaN for people without a head size.
    """
    offset = np.asarray(predicted, dtype=np.float64) - np.asarray(truth, dtype=np.float64)
    distance: np.ndarray = np.hypot(offset[..., 0], offset[..., 1]) / np.asarray(head_size, dtype=np.float64)[:, None]
    return distance


def torso_size(truth: np.ndarray, torso: tuple[int, int] = LSP_TORSO) -> np.ndarray:
    """Return the distance from left shoulder to right hip.

    Args:
        truth: (N, K, 3) x, y in pixels, visibility; LSP's 14 joints unless told otherwise.
        torso: indices of left shoulder and right hip.

    Returns:
        (N,) float64 pixels; NaN where one of the two is not labelled.

    Source: the PCK evaluation of LSP (Pishchulin et al., its `evalLSP`).
    """
    truth = np.asarray(truth, dtype=np.float64)
    a, b = truth[:, torso[0]], truth[:, torso[1]]
    labelled = (a[:, 2] > 0) & (b[:, 2] > 0)
    return np.where(labelled, np.hypot(a[:, 0] - b[:, 0], a[:, 1] - b[:, 1]), np.nan)


def found(errors: np.ndarray, labelled: np.ndarray, threshold: float, inclusive: bool) -> np.ndarray:
    """Tell which labelled joints are found, (N, K) bool; see `score`."""
    errors, labelled = np.asarray(errors), np.asarray(labelled, dtype=bool)
    near: np.ndarray = (errors <= threshold if inclusive else errors < threshold) & labelled
    return near


def score(
    errors: np.ndarray,
    labelled: np.ndarray,
    threshold: float = 0.5,
    *,
    inclusive: bool = True,
    leave_out: Sequence[int] = (),
) -> PCKh:
    """Count the joints found.

    Args:
        errors: (N, K) in head sizes; a NaN is not found.
        labelled: (N, K) bool: joints that count.
        threshold: in head sizes.
        inclusive: whether a joint exactly at the threshold is found.
        leave_out: joints that do not enter the mean.
    """
    labelled = np.asarray(labelled, dtype=bool)
    hits, counts = found(errors, labelled, threshold, inclusive).sum(axis=0), labelled.sum(axis=0)
    per_joint = 100 * hits / np.where(counts > 0, counts, np.nan)
    averaged = np.ones(labelled.shape[1], dtype=bool)
    averaged[list(leave_out)] = False
    total = counts[averaged].sum()
    mean = float(100 * hits[averaged].sum() / total) if total else float("nan")
    return PCKh(per_joint=per_joint, counts=counts, mean=mean, persons=len(labelled))


def by_category(
    errors: np.ndarray,
    labelled: np.ndarray,
    categories: Sequence[str],
    threshold: float = 0.5,
    *,
    inclusive: bool = True,
    leave_out: Sequence[int] = (),
) -> dict[str, PCKh]:
    """Score the people of every category apart, by name of the category.

    Args:
        errors: (N, K) in head sizes.
        labelled: (N, K) bool.
        categories: (N,) names.
        threshold: see `score`, as the rest.
        inclusive: see `score`.
        leave_out: see `score`.
    """
    names = np.asarray(categories)
    return {
        str(name): score(
            errors[names == name], labelled[names == name], threshold, inclusive=inclusive, leave_out=leave_out
        )
        for name in np.unique(names)
    }


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """One score: percent per joint (K,), labelled joints (K,), percent per column, their mean, number of persons."""

    per_joint: np.ndarray
    counts: np.ndarray
    columns: dict[str, float]
    mean: float
    persons: int


def count(errors: np.ndarray, labelled: np.ndarray, threshold: float, convention: Convention) -> Counted:
    """Count the joints found, by one convention.

    Args:
        errors: (N, K) in head or torso sizes; a NaN is not found.
        labelled: (N, K) bool: joints that count.
        threshold: in the same unit.
        convention: of `conventions.CONVENTIONS`.
    """
    found = score(errors, labelled, threshold, inclusive=convention.inclusive, leave_out=convention.leave_out)
    columns = {name: float(found.per_joint[list(joints)].mean()) for name, joints in convention.columns.items()}
    mean = found.mean
    if convention.mean == "columns":
        mean = float(np.mean(list(columns.values())))
    elif convention.mean == "joints":
        counted = np.setdiff1d(np.arange(len(found.per_joint)), convention.leave_out)
        mean = float(found.per_joint[counted].mean())
    return Counted(found.per_joint, found.counts, columns, mean, found.persons)
