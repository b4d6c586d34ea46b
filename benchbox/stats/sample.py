"""What a score is made of, image by image: the one thing that every statistic here is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from benchbox.errors import CannotJudge

Score = tuple[str, str]
"""Metric and group: ("PCKh", "all"), ("AP", "category:juggling")."""


@dataclass(frozen=True, eq=False)
class People:
    """Hold who was judged against what, so that nothing is paired that is no pair.

    Args:
        images: (I,) names or ids of the images, which are drawn together with everybody in them.
        names: (N,) str, what to call a person in a message; unique, in one order for all samples of these people.
        truth: (N, D) float64, all that a person's score is measured against; NaN where something is not there.
    """

    images: np.ndarray
    names: np.ndarray
    truth: np.ndarray


class Sample(Protocol):
    """One trained network's score, ready to be computed again for images weighted anew."""

    @property
    def people(self) -> People: ...

    @property
    def names(self) -> tuple[Score, ...]:
        """Return the S scores."""

    @property
    def persons(self) -> int:
        """Return how many of the people count for the scores, found or not."""

    @property
    def resamples(self) -> int:
        """Return how many resamples are usual for this kind of score."""

    @property
    def counted(self) -> np.ndarray:
        """Return (I, ...) what is counted, found or not; equal for samples that may be compared."""

    def replicate(self, weights: np.ndarray) -> np.ndarray:
        """Return the scores of weighted images.

        Args:
            weights: (R, I) how often each image counts, 0 or more.

        Returns:
            (R, S) float64 percent in the order of `names`; NaN where nobody counts.
        """

    def only(self, names: Sequence[Score]) -> Sample:
        """Return a sample of some of the scores, in this order."""

    def joined(self, other: Sample) -> Sample:
        """Return a sample of this one's images followed by the other's, of the same names."""


def alike(samples: Sequence[Sample]) -> list[Sample]:
    """Return samples of the scores that all of them have, in the order of the first.

    Raises: CannotJudge where they are not of the same persons with the same truth, or share no score.
    """
    first, *others = samples
    names = [name for name in first.names if all(name in other.names for other in others)]
    if not names:
        raise CannotJudge("the two sides share no score")
    for other in others:
        check_same(first.people, other.people)
    found = [sample.only(names) for sample in samples]
    if not all(np.array_equal(found[0].counted, other.counted) for other in found[1:]):
        raise CannotJudge("not the same joints and groups of the persons are counted on both sides")
    return found


def check_same(people: People, other: People) -> None:
    """Refuse persons that are not the same ones with the same ground truth.

    Raises: CannotJudge naming the first person that differs.
    """
    if people is other:
        return
    known, others = set(people.names.tolist()), set(other.names.tolist())
    only = [("first", sorted(known - others)), ("second", sorted(others - known))]
    for side, names in only:
        if names:
            raise CannotJudge(f"not the same persons: {names[0]} is only on the {side} side ({len(names)} such)")
    if not np.array_equal(people.names, other.names) or not np.array_equal(people.images, other.images):
        raise CannotJudge("not the same persons: they or their images are not in one order")
    if people.truth.shape != other.truth.shape:
        raise CannotJudge("not the same ground truth: the persons have different joints")
    same = ((people.truth == other.truth) | (np.isnan(people.truth) & np.isnan(other.truth))).all(axis=1)
    if not same.all():
        name, count = people.names[np.flatnonzero(~same)[0]], (~same).sum()
        raise CannotJudge(f"not the same ground truth: {name} differs ({count} such)")
