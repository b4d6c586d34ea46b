"""The persons whom a network predicted worst."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

FOUND_WITHIN = 0.5
"""Of a head's or torso's size: a joint that is nearer counts as found where there is no OKS."""
FAR = 4.0
"""The same unit: what is farther off than this is lost, however far."""


@dataclass(frozen=True)
class Person:
    """A person and how well it was predicted.

    Args:
        score: 0 to 100: OKS times 100, or the percent of the labelled joints found.
        measure: which of the two.
    """

    number: int
    image: str
    category: str
    score: float
    measure: str


def worst(people: pa.Table, most: int) -> list[Person]:
    """Return the persons of a `people` table that were predicted worst, the worst first.

    By OKS where the records have it, else by the share of the labelled joints within half a head's (LSP: torso's) size;
    equal ones by how far off their joints are. Persons of whom nothing is labelled are left out.
    """
    scores, measure, reach = _scores(people)
    order = [one for one in np.lexsort((-reach, scores)).tolist() if not np.isnan(scores[one])]
    chosen = people.take(order[:most]).select(["person", "image", "image_id", "category", "activity"]).to_pylist()
    return [
        Person(
            row["person"],
            row["image"] or f"image {row['image_id']}",
            row["category"] or row["activity"] or "",
            float(scores[one]),
            measure,
        )
        for one, row in zip(order, chosen, strict=False)
    ]


def scores_of(people: pa.Table, numbers: Sequence[int]) -> Mapping[int, float]:
    """Return some persons' scores, as `worst` has them, by number; those who have none are absent."""
    scores = dict(zip(people["person"].to_pylist(), _scores(people)[0].tolist(), strict=True))
    return {number: scores[number] for number in numbers if not np.isnan(scores.get(number, np.nan))}


def _scores(people: pa.Table) -> tuple[np.ndarray, str, np.ndarray]:
    """Return scores (N,) in percent, what they are, and how far off the joints are (N,) on average."""
    errors = _errors(people)
    labelled = np.isfinite(errors)
    counts = labelled.sum(axis=1)
    reach = np.divide(
        np.where(labelled, np.minimum(errors, FAR), 0).sum(axis=1), counts, out=np.zeros(len(counts)), where=counts > 0
    )
    if people["oks"].null_count < people.num_rows:
        return 100 * people["oks"].to_numpy(zero_copy_only=False).astype(np.float64), "OKS", reach
    found = (labelled & (errors <= FOUND_WITHIN)).sum(axis=1)
    share = np.divide(100 * found, counts, out=np.full(len(counts), np.nan), where=counts > 0)
    return share, "joints found", reach


def _errors(people: pa.Table) -> np.ndarray:
    """Return errors (N, K) in the persons' units; NaN where a joint is not labelled."""
    rows = [[np.nan if one is None else one for one in row or ()] for row in people["joint_errors"].to_pylist()]
    joints = max(map(len, rows), default=0)
    return np.array([row + [np.nan] * (joints - len(row)) for row in rows], np.float64).reshape(len(rows), joints)
