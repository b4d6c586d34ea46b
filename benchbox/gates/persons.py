"""Who was judged, and which joints were found: what PCKh and PCK are made of, person by person, as text."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from benchbox.errors import CannotJudge
from benchbox.metrics.categories import groups_of
from benchbox.metrics.conventions import CONVENTIONS
from benchbox.metrics.pckh import found
from benchbox.metrics.protocol import Protocol
from benchbox.pose.skeleton import SKELETONS, Skeleton
from benchbox.stats.pck import PckSample, pck_sample
from benchbox.stats.sample import People

HIT, MISS, NOT_COUNTED = "1", "0", "-"
DIGITS = 12


@dataclass(frozen=True, eq=False)
class Roll:
    """List the N persons of a test in one order.

    Args:
        image: (N,) str, file or number of the image.
        person: (N,) int64.
        truth: (N,) str, digests of the labelled keypoints.
        unit: (N,) float64 pixels by which errors are measured (head or torso size), NaN where there is none.
        groups: persons by the name of their group.
    """

    image: np.ndarray
    person: np.ndarray
    truth: np.ndarray
    unit: np.ndarray
    groups: Mapping[str, Sequence[int]]

    @cached_property
    def names(self) -> list[str]:
        """Return what to call each person."""
        return [f"{image} person {number}" for image, number in zip(self.image, self.person.tolist(), strict=True)]

    @cached_property
    def people(self) -> People:
        """Return the persons as samples know them: a digest, as a number, stands for the keypoints."""
        digests = np.array([int(text, 16) for text in self.truth], np.float64)
        truth = np.stack([digests, self.unit], axis=1)
        return People(np.unique(self.image), np.array(self.names, dtype=str), truth)

    def sample(self, hits: np.ndarray, protocol: Protocol) -> PckSample:
        """Return the sample behind the scores of a protocol.

        Args: hits: (N, K) int8, 1 found, 0 not found, -1 not counted.
        """
        convention = CONVENTIONS[protocol.convention]
        image = np.searchsorted(self.people.images, self.image)
        errors = np.where(hits == 1, 0.0, math.inf)
        joints = SKELETONS[convention.skeleton].joints
        return pck_sample(
            errors, hits >= 0, 1.0, convention, people=self.people, image=image, joints=joints, groups=self.groups
        )


def roll_of(people: pa.Table, skeleton: Skeleton) -> Roll:
    """List the persons of `people` records that `in_order` has put in order.

    Raises: CannotJudge where the records are too old to hold the ground truth.
    """
    truth = people["truth"].to_pylist()
    if any(one is None for one in truth):
        raise CannotJudge("records of an earlier version, without the ground truth; run the job again")
    numbers, files = people["image_id"].to_pylist(), people["image"].to_pylist()
    units = [math.nan if unit is None else unit for unit in people["joint_unit"].to_pylist()]
    return Roll(
        image=np.array([file or f"image {number}" for file, number in zip(files, numbers, strict=True)], dtype=str),
        person=people["person"].to_numpy().astype(np.int64),
        truth=np.array([digest(np.array(one, np.float64)) for one in truth], dtype=str),
        unit=np.array(units, np.float64),
        groups=groups_of(people["category"].to_pylist(), people["activity"].to_pylist(), skeleton.name),
    )


def in_order(people: pa.Table) -> pa.Table:
    """Return `people` records in the one order of every reference: by image, then by person."""
    return people.sort_by([(key, "ascending") for key in ("image_id", "image", "person")])


def hits_of(people: pa.Table, protocol: Protocol, skeleton: Skeleton) -> np.ndarray:
    """Return (N, K) int8 which joints were found: 1 yes, 0 no, -1 not counted.

    Raises: CannotJudge where the protocol is another skeleton's, where nobody has a size to measure errors by, or where
    a joint that should count has no error.
    """
    convention = CONVENTIONS[protocol.convention]
    if convention.skeleton != skeleton.name:
        raise CannotJudge(f"{protocol}: is for {convention.skeleton}, the records are of {skeleton.name}")
    errors = np.array(people["joint_errors"].to_pylist(), np.float64).reshape(people.num_rows, -1)
    labelled = np.isfinite(errors)
    truth = np.array(people["truth"].to_pylist(), np.float64).reshape(*errors.shape, 3)
    units = np.array([math.nan if unit is None else unit for unit in people["joint_unit"].to_pylist()], np.float64)
    lost = ((truth[:, :, 2] > 0) & np.isfinite(units)[:, None] & ~labelled).any(axis=1)
    if lost.any():
        first = people.slice(int(np.flatnonzero(lost)[0]), 1).to_pylist()[0]
        raise CannotJudge(f"{first['image']} person {first['person']}: a labelled joint's error is not a number")
    if not labelled.any():
        raise CannotJudge(f"{protocol}: nobody has a size to measure errors by")
    assert protocol.threshold is not None
    right = found(errors, labelled, protocol.threshold, convention.inclusive)
    hits: np.ndarray = np.where(labelled, right.astype(np.int8), np.int8(-1))
    return hits


def spelt(hits: np.ndarray) -> list[str]:
    """Spell each person's joints as a word of `HIT`, `MISS` and `NOT_COUNTED`."""
    letters = np.array([MISS, HIT, NOT_COUNTED])[hits]
    return ["".join(row) for row in letters.tolist()]


def read_hits(words: Iterable[str], joints: int) -> np.ndarray:
    """Read what `spelt` wrote.

    Raises: ValueError for another word.
    """
    known = {HIT: 1, MISS: 0, NOT_COUNTED: -1}
    rows = []
    for word in words:
        if len(word) != joints or not known.keys() >= set(word):
            raise ValueError(f"{word!r} is no word of {joints} joints")
        rows.append([known[letter] for letter in word])
    return np.array(rows, np.int8).reshape(-1, joints)


def digest(values: np.ndarray) -> str:
    """Return hex digits of some float64 values, to a millionth: other processors may differ in a last bit."""
    clean = np.where(np.isnan(values), np.nan, np.round(values, 6)) + 0.0
    return hashlib.sha256(clean.astype("<f8").tobytes()).hexdigest()[:DIGITS]


def check_same(now: Roll, before: Roll) -> None:
    """Refuse persons that are not the same ones with the same keypoints, or that are measured by other sizes.

    Raises: CannotJudge naming the first that differs.
    """
    missing, new = sorted(set(before.names) - set(now.names)), sorted(set(now.names) - set(before.names))
    if missing or new:
        side, names = ("reference", missing) if missing else ("results", new)
        raise CannotJudge(f"not the same persons: {names[0]} is only in the {side} ({len(names)} such)")
    if now.names != before.names:
        raise CannotJudge("not the same persons: they are in another order")
    other = np.flatnonzero(now.truth != before.truth)
    if len(other):
        raise CannotJudge(f"not the same ground truth: {now.names[other[0]]} differs ({len(other)} such)")
    sizes = np.flatnonzero(~np.isclose(now.unit, before.unit, rtol=1e-9, atol=0, equal_nan=True))
    if len(sizes):
        ratio = float(np.nanmedian(now.unit[sizes] / before.unit[sizes]))
        first = now.names[sizes[0]]
        raise CannotJudge(
            f"head sizes are {ratio:.3g} times the reference's ({len(sizes)} of {len(now.names)} persons, "
            f"first {first}), though their keypoints are the same: errors are measured by another unit"
        )
